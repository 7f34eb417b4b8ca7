/** The maze without light and with it, painted once for a size of its cells. */
import type { MazeMap } from "./view.ts";

export interface Ground {
  id: string;
  cell: number;
  dark: HTMLCanvasElement;
  lit: HTMLCanvasElement;
}

interface Paint {
  floor: string;
  speck: string;
  wall: string;
  edge: string;
}

const DARK: Paint = { floor: "#0d0d18", speck: "#12121f", wall: "#1d1e31", edge: "#2b2d47" };
const LIT: Paint = { floor: "#6b6172", speck: "#766b7a", wall: "#b3a2ae", edge: "#e2d2c4" };

export function ground(map: MazeMap, cell: number, scale: number, before: Ground | undefined): Ground {
  const id = `${map.id} ${map.width} ${map.height} ${scale}`;
  if (before !== undefined && before.id === id && before.cell === cell) {
    return before;
  }
  return { id, cell, dark: paint(map, cell, scale, DARK), lit: paint(map, cell, scale, LIT) };
}

function paint(map: MazeMap, cell: number, scale: number, colours: Paint): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(map.width * cell * scale);
  canvas.height = Math.ceil(map.height * cell * scale);
  const pen = canvas.getContext("2d");
  if (pen === null) {
    return canvas;
  }
  pen.scale(scale, scale);
  pen.fillStyle = colours.floor;
  pen.fillRect(0, 0, map.width * cell, map.height * cell);
  const wall = (x: number, y: number) =>
    x < 0 || y < 0 || x >= map.width || y >= map.height || map.walls[y * map.width + x] === "#";
  for (let y = 0; y < map.height; y += 1) {
    for (let x = 0; x < map.width; x += 1) {
      if (!wall(x, y) && (x + y) % 2 === 0) {
        pen.fillStyle = colours.speck;
        pen.fillRect(x * cell, y * cell, cell, cell);
      }
    }
  }
  // One shape for all walls, rounded where two edges meet outside.
  const shape = new Path2D();
  const round = cell * 0.22;
  for (let y = 0; y < map.height; y += 1) {
    for (let x = 0; x < map.width; x += 1) {
      if (wall(x, y)) {
        const [up, right, down, left] = [wall(x, y - 1), wall(x + 1, y), wall(x, y + 1), wall(x - 1, y)];
        const corner = (a: boolean, b: boolean) => (a || b ? 0 : round);
        shape.roundRect(x * cell, y * cell, cell + 0.4, cell + 0.4, [corner(up, left), corner(up, right), corner(down, right), corner(down, left)]);
      }
    }
  }
  pen.fillStyle = colours.wall;
  pen.fill(shape);
  pen.strokeStyle = colours.edge;
  pen.lineWidth = Math.max(1, cell * 0.06);
  pen.lineCap = "round";
  for (let y = 0; y < map.height; y += 1) {
    for (let x = 0; x < map.width; x += 1) {
      if (!wall(x, y)) {
        continue;
      }
      const sides = [
        [!wall(x, y - 1), 0, 0, 1, 0], [!wall(x + 1, y), 1, 0, 1, 1],
        [!wall(x, y + 1), 0, 1, 1, 1], [!wall(x - 1, y), 0, 0, 0, 1],
      ] as const;
      for (const [open, ax, ay, bx, by] of sides) {
        if (open) {
          pen.beginPath();
          pen.moveTo((x + ax) * cell, (y + ay) * cell);
          pen.lineTo((x + bx) * cell, (y + by) * cell);
          pen.stroke();
        }
      }
    }
  }
  return canvas;
}
