/** A lamp wanders through the dark, and something with eyes wanders after it. */
import { run } from "./scene.ts";

const ROWS = [
  "#######################",
  "#.....#.......#.......#",
  "#.###.#.#####.#.#####.#",
  "#...#...#...#.........#",
  "###.#.###.#.###.#.###.#",
  "#...#.....#.....#...#.#",
  "#.#####.#####.#####.#.#",
  "#.......#.........#...#",
  "#.#####.#.#.#####.#.#.#",
  "#...........#.........#",
  "#######################",
];
const WAYS = [[1, 0], [0, 1], [-1, 0], [0, -1]] as const;
const REACH = 4.6;

interface Walker {
  x: number;
  y: number;
  fromX: number;
  fromY: number;
  way: number;
}

const isWall = (x: number, y: number) => ROWS[y]?.[x] !== ".";

export function start(canvas: HTMLCanvasElement, still: boolean): () => void {
  const walker = (x: number, y: number, way: number): Walker => ({ x, y, fromX: x, fromY: y, way });
  const [lamp, ghost] = [walker(5, 3, 1), walker(15, 7, 2)];
  const sparks = [[1, 1], [9, 3], [13, 5], [21, 5], [3, 9], [15, 1], [17, 9]] as [number, number][];
  const step = () => {
    for (const one of [lamp, ghost]) {
      const open = WAYS.map((_, way) => way).filter((way) => !isWall(one.x + (WAYS[way]?.[0] ?? 0), one.y + (WAYS[way]?.[1] ?? 0)));
      const on = open.filter((way) => way !== (one.way + 2) % 4);
      one.way = on[Math.floor(Math.random() * on.length)] ?? open[0] ?? 0;
      const [dx, dy] = WAYS[one.way] ?? WAYS[0];
      [one.fromX, one.fromY] = [one.x, one.y];
      one.x += dx;
      one.y += dy;
    }
  };
  step();
  return run(canvas, { step, draw: (pen, w, h, part) => draw(pen, w, h, part, lamp, ghost, sparks) }, 300, still);
}

function draw(pen: CanvasRenderingContext2D, w: number, h: number, part: number, lamp: Walker, ghost: Walker, sparks: [number, number][]): void {
  const [wide, high] = [ROWS[0]?.length ?? 1, ROWS.length];
  const cell = Math.max(w / wide, h / high);
  const [ox, oy] = [(w - cell * wide) / 2, (h - cell * high) / 2];
  const at = (one: Walker) =>
    [ox + (one.fromX + (one.x - one.fromX) * part + 0.5) * cell, oy + (one.fromY + (one.y - one.fromY) * part + 0.5) * cell] as const;
  const [lx, ly] = at(lamp);
  const [gx, gy] = at(ghost);
  pen.fillStyle = "#0b0c18";
  pen.fillRect(0, 0, w, h);
  const light = pen.createRadialGradient(lx, ly, 0, lx, ly, REACH * cell);
  light.addColorStop(0, "rgb(255 205 120 / 55%)");
  light.addColorStop(1, "rgb(255 205 120 / 0%)");
  pen.fillStyle = light;
  pen.fillRect(0, 0, w, h);
  ROWS.forEach((row, y) => {
    for (let x = 0; x < row.length; x += 1) {
      if (row[x] === "#") {
        const far = Math.hypot(ox + (x + 0.5) * cell - lx, oy + (y + 0.5) * cell - ly) / (REACH * cell);
        pen.fillStyle = `rgb(${mix(38, 178, far)} ${mix(40, 156, far)} ${mix(64, 150, far)})`;
        pen.beginPath();
        pen.roundRect(ox + x * cell, oy + y * cell, cell + 0.5, cell + 0.5, cell * 0.12);
        pen.fill();
      }
    }
  });
  for (const [x, y] of sparks) {
    const [sx, sy] = [ox + (x + 0.5) * cell, oy + (y + 0.5) * cell];
    const near = Math.max(0, 1 - Math.hypot(sx - lx, sy - ly) / (REACH * cell));
    if (near > 0) {
      pen.fillStyle = `rgb(255 236 160 / ${near * 100}%)`;
      pen.beginPath();
      for (let tip = 0; tip < 8; tip += 1) {
        const radius = (tip % 2 === 0 ? 0.32 : 0.1) * cell;
        pen.lineTo(sx + Math.sin((tip * Math.PI) / 4) * radius, sy - Math.cos((tip * Math.PI) / 4) * radius);
      }
      pen.fill();
    }
  }
  pen.fillStyle = "#f2b24e";
  pen.beginPath();
  pen.arc(lx, ly, cell * 0.3, 0, 7);
  pen.fill();
  // Of the other one only the eyes show.
  const [dx, dy] = WAYS[ghost.way] ?? WAYS[0];
  for (const side of [-1, 1]) {
    pen.fillStyle = "#f4f1ff";
    pen.beginPath();
    pen.arc(gx + side * cell * 0.17, gy, cell * 0.13, 0, 7);
    pen.fill();
    pen.fillStyle = "#0b0c18";
    pen.beginPath();
    pen.arc(gx + (side * 0.17 + dx * 0.05) * cell, gy + dy * 0.05 * cell, cell * 0.065, 0, 7);
    pen.fill();
  }
}

function mix(dark: number, lit: number, far: number): number {
  const part = Math.max(0, 1 - far) ** 1.3;
  return Math.round(dark + (lit - dark) * part);
}
