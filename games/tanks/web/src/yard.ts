/** The yard on canvas: sharp at any pixel ratio, the camera on the own tank. */
import { colour, hull, plate, turret } from "./looks.ts";
import { Sparks } from "./sparks.ts";
import { isWall, LIVES, RELOAD, radians, type Shell, type Tank, TILE, UNIT, type View } from "./view.ts";

/** Points of the yard that a window shows, however it is cut: a wider one sees no more. */
const SHOWN_AREA = 1000 * 640;
/** Width of the line around the yard. */
const EDGE = 4;
const FONT = '"Segoe UI", Roboto, "Liberation Sans", system-ui, sans-serif';

export interface Scene {
  you: number;
  names: Map<number, string>;
  youWord: string;
  awayWord: string;
  dim: boolean;
  still: boolean;
}

export class Yard {
  readonly canvas = document.createElement("canvas");
  readonly sparks = new Sparks();
  #pen = this.canvas.getContext("2d");
  #dark = matchMedia("(prefers-color-scheme: dark)");
  #size = { width: 0, height: 0 };
  #camera: { x: number; y: number; scale: number } = { x: 0, y: 0, scale: 1 };
  #settled = false;
  #planAtLeft = false;
  #painted = { name: "", canvas: document.createElement("canvas") };
  #observer = new ResizeObserver(() => this.#resize());

  constructor() {
    this.canvas.className = "yard";
    this.#observer.observe(this.canvas);
  }

  stop(): void {
    this.#observer.disconnect();
  }

  /** Where on the yard a point of the window lies, in the rules' units. */
  toWorld(clientX: number, clientY: number): { x: number; y: number } {
    const box = this.canvas.getBoundingClientRect();
    const { x, y, scale } = this.#camera;
    return {
      x: (x + (clientX - box.left - box.width / 2) / scale) * UNIT,
      y: (y + (clientY - box.top - box.height / 2) / scale) * UNIT,
    };
  }

  draw(view: View, scene: Scene, nowMs: number): void {
    const pen = this.#pen;
    if (pen === null || this.#size.width === 0) {
      return;
    }
    const dark = this.#dark.matches;
    this.#follow(view, scene);
    const { x, y, scale } = this.#camera;
    const ratio = devicePixelRatio;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.fillStyle = dark ? "#10111d" : "#e0e3ed";
    pen.fillRect(0, 0, this.#size.width, this.#size.height);
    pen.translate(this.#size.width / 2, this.#size.height / 2);
    pen.scale(scale, scale);
    pen.translate(-x, -y);
    pen.globalAlpha = scene.dim ? 0.6 : 1;
    this.#ground(pen, view, dark);
    const shells = this.sparks.follow(view, scene.you, nowMs);
    for (const tank of view.tanks) {
      this.#tank(pen, tank, view, scene, dark);
    }
    for (const { shell, dx, dy } of shells) {
      drawShell(pen, shell, dx, dy, dark);
    }
    this.sparks.draw(pen, nowMs, dark, scene.still);
    for (const tank of view.tanks) {
      this.#label(pen, tank, scene, dark);
    }
    pen.globalAlpha = 1;
    if (scene.you >= 0) {
      this.#plan(pen, view, scene, dark);
    }
  }

  #resize(): void {
    const { width, height } = this.canvas.getBoundingClientRect();
    this.#size = { width, height };
    this.canvas.width = Math.round(width * devicePixelRatio);
    this.canvas.height = Math.round(height * devicePixelRatio);
  }

  #follow(view: View, scene: Scene): void {
    const { width, height } = this.#size;
    const own = view.tanks.find((tank) => tank.seat === scene.you);
    const [wide, high] = [view.map.columns * TILE, view.map.rows * TILE];
    const margin = 24;
    // Who looks on sees all of it.
    const scale = scene.you < 0 ? Math.min(width / (wide + 2 * margin), height / (high + 2 * margin)) : Math.sqrt((width * height) / SHOWN_AREA);
    const keep = (at: number, size: number, shown: number) =>
      shown >= size + 2 * margin ? size / 2 : Math.min(Math.max(at, shown / 2 - margin), size - shown / 2 + margin);
    const to = {
      x: keep(own === undefined ? wide / 2 : own.body.x / UNIT, wide, width / scale),
      y: keep(own === undefined ? high / 2 : own.body.y / UNIT, high, height / scale),
    };
    // To a tank that came back the camera flies; one that drives it does not let out of its middle.
    const far = Math.hypot(to.x - this.#camera.x, to.y - this.#camera.y);
    const part = !this.#settled || scene.still || far < 12 ? 1 : 0.16;
    this.#settled = true;
    this.#camera = { x: this.#camera.x + (to.x - this.#camera.x) * part, y: this.#camera.y + (to.y - this.#camera.y) * part, scale };
  }

  /** Floor and walls, which never change: painted once for a size and a theme. */
  #ground(pen: CanvasRenderingContext2D, view: View, dark: boolean): void {
    const { map } = view;
    const fine = this.#camera.scale * devicePixelRatio;
    const name = [map.columns, map.rows, map.seed, fine, dark].join(" ");
    if (this.#painted.name !== name) {
      const canvas = document.createElement("canvas");
      canvas.width = Math.ceil((map.columns * TILE + 2 * EDGE) * fine);
      canvas.height = Math.ceil((map.rows * TILE + 2 * EDGE) * fine);
      const ground = canvas.getContext("2d");
      if (ground !== null) {
        ground.scale(fine, fine);
        ground.translate(EDGE, EDGE);
        paintGround(ground, map, dark);
      }
      this.#painted = { name, canvas };
    }
    const { canvas } = this.#painted;
    pen.drawImage(canvas, -EDGE, -EDGE, canvas.width / fine, canvas.height / fine);
  }

  #tank(pen: CanvasRenderingContext2D, tank: Tank, view: View, scene: Scene, dark: boolean): void {
    if (tank.left || tank.lives === 0) {
      return;
    }
    const { body } = tank;
    const own = tank.seat === scene.you;
    pen.save();
    pen.translate(body.x / UNIT, body.y / UNIT);
    if (own) {
      pen.strokeStyle = dark ? "#eef0f9" : "#17182b";
      pen.lineWidth = 2;
      pen.globalAlpha *= 0.35;
      pen.beginPath();
      pen.arc(0, 0, 31, 0, 7);
      pen.stroke();
      pen.globalAlpha /= 0.35;
      pen.lineWidth = 3; // how far the gun is loaded
      pen.beginPath();
      pen.arc(0, 0, 31, -Math.PI / 2, -Math.PI / 2 + (1 - body.reload / RELOAD) * 2 * Math.PI);
      pen.stroke();
    }
    pen.globalAlpha *= tank.away ? 0.45 : 1;
    pen.save();
    pen.rotate(radians(body.hull));
    hull(pen, tank.seat, dark);
    pen.restore();
    pen.save();
    pen.rotate(radians(body.turret));
    turret(pen, tank.seat, dark);
    pen.restore();
    plate(pen, tank.seat, dark);
    if (tank.until > view.tick) {
      pen.strokeStyle = dark ? "#eabf6b" : "#7a5500";
      pen.lineWidth = 2.5;
      pen.setLineDash([7, 6]);
      pen.beginPath();
      pen.arc(0, 0, 37, 0, 7);
      pen.stroke();
      pen.setLineDash([]);
    }
    pen.restore();
  }

  /** The name, and as many blocks as it can take hits. */
  #label(pen: CanvasRenderingContext2D, tank: Tank, scene: Scene, dark: boolean): void {
    if (tank.left || tank.lives === 0) {
      return;
    }
    const own = tank.seat === scene.you;
    const { scale } = this.#camera;
    const size = Math.max(13, 11 / scale);
    const name = own ? scene.youWord : (scene.names.get(tank.seat) ?? "");
    const text = tank.away ? `${name} · ${scene.awayWord}` : name;
    const [x, y] = [tank.body.x / UNIT, tank.body.y / UNIT];
    pen.font = `600 ${size}px ${FONT}`;
    pen.textAlign = "center";
    pen.textBaseline = "bottom";
    pen.lineJoin = "round";
    pen.lineWidth = size / 3.4;
    pen.strokeStyle = dark ? "rgba(16,17,29,.9)" : "rgba(255,255,255,.94)";
    pen.strokeText(text, x, y - 42);
    pen.fillStyle = colour(tank.seat, dark);
    pen.fillText(text, x, y - 42);
    for (let block = 0; block < LIVES; block += 1) {
      const [bx, by] = [x - 21 + block * 15, y - 40];
      pen.fillStyle = dark ? "rgba(16,17,29,.9)" : "rgba(255,255,255,.94)";
      pen.fillRect(bx - 1, by - 1, 14, 6);
      pen.strokeStyle = pen.fillStyle = dark ? "#eef0f9" : "#17182b";
      pen.lineWidth = 1;
      if (block < tank.lives) {
        pen.fillRect(bx, by, 12, 4);
      } else {
        pen.strokeRect(bx + 0.5, by + 0.5, 11, 3);
      }
    }
  }

  /** The whole yard, small, in a corner: in the other one once the own tank drives under it. */
  #plan(pen: CanvasRenderingContext2D, view: View, scene: Scene, dark: boolean): void {
    const { columns, rows } = view.map;
    const tile = Math.min(150, this.#size.width * 0.27) / columns;
    const left = () => (this.#planAtLeft ? 12 : this.#size.width - columns * tile - 12);
    const own = view.tanks.find((tank) => tank.seat === scene.you);
    if (own !== undefined) {
      const { x, y, scale } = this.#camera;
      const [at, down] = [(own.body.x / UNIT - x) * scale + this.#size.width / 2, (own.body.y / UNIT - y) * scale + this.#size.height / 2];
      const near = TILE * scale;
      if (at > left() - near && at < left() + columns * tile + near && down < 12 + rows * tile + near) {
        this.#planAtLeft = !this.#planAtLeft;
      }
    }
    const ratio = devicePixelRatio;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.translate(left(), 12);
    pen.globalAlpha = 0.86;
    pen.fillStyle = dark ? "#10111d" : "#ffffff";
    pen.fillRect(0, 0, columns * tile, rows * tile);
    pen.fillStyle = dark ? "#4b4f73" : "#a9aec6";
    for (let row = 0; row < rows; row += 1) {
      for (let column = 0; column < columns; column += 1) {
        if (isWall(view.map, column, row)) {
          pen.fillRect(column * tile, row * tile, tile + 0.5, tile + 0.5);
        }
      }
    }
    pen.globalAlpha = 1;
    for (const tank of view.tanks) {
      if (tank.left || tank.lives === 0) {
        continue;
      }
      const [x, y] = [(tank.body.x / UNIT / TILE) * tile, (tank.body.y / UNIT / TILE) * tile];
      pen.fillStyle = colour(tank.seat, dark);
      pen.beginPath();
      if (tank.seat === scene.you) {
        pen.moveTo(x, y - 5);
        pen.lineTo(x + 5, y + 4);
        pen.lineTo(x - 5, y + 4);
      } else {
        pen.arc(x, y, 3, 0, 7);
      }
      pen.fill();
    }
    pen.strokeStyle = dark ? "#6d7298" : "#868bab";
    pen.lineWidth = 1;
    pen.strokeRect(0.5, 0.5, columns * tile - 1, rows * tile - 1);
  }
}

function paintGround(pen: CanvasRenderingContext2D, map: View["map"], dark: boolean): void {
  const { columns, rows } = map;
  pen.fillStyle = dark ? "#171929" : "#ffffff";
  pen.fillRect(0, 0, columns * TILE, rows * TILE);
  pen.fillStyle = dark ? "#1d1f33" : "#f2f4f9";
  for (let row = 0; row < rows; row += 1) {
    for (let column = row % 2; column < columns; column += 2) {
      pen.fillRect(column * TILE, row * TILE, TILE, TILE);
    }
  }
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      if (isWall(map, column, row)) {
        paintWall(pen, column * TILE, row * TILE, dark);
      }
    }
  }
  pen.strokeStyle = dark ? "#6d7298" : "#55587a";
  pen.lineWidth = EDGE;
  pen.strokeRect(-EDGE / 2, -EDGE / 2, columns * TILE + EDGE, rows * TILE + EDGE);
}

/** Four rows of bricks. */
function paintWall(pen: CanvasRenderingContext2D, x: number, y: number, dark: boolean): void {
  pen.fillStyle = dark ? "#4b4f73" : "#868bab";
  pen.fillRect(x, y, TILE, TILE);
  pen.strokeStyle = dark ? "#3a3d5b" : "#767b9c";
  pen.lineWidth = 2;
  pen.beginPath();
  for (let at = 0; at < 4; at += 1) {
    const [top, brick] = [y + at * (TILE / 4), x + (at % 2 === 0 ? TILE / 2 : TILE / 4)];
    pen.moveTo(x, top);
    pen.lineTo(x + TILE, top);
    for (const joint of at % 2 === 0 ? [brick] : [brick, brick + TILE / 2]) {
      pen.moveTo(joint, top);
      pen.lineTo(joint, top + TILE / 4);
    }
  }
  pen.stroke();
}

function drawShell(pen: CanvasRenderingContext2D, shell: Shell, dx: number, dy: number, dark: boolean): void {
  const [x, y] = [shell.x / UNIT + dx, shell.y / UNIT + dy];
  const way = radians(shell.angle);
  pen.strokeStyle = colour(shell.seat, dark);
  pen.lineWidth = 4;
  pen.lineCap = "round";
  pen.beginPath();
  pen.moveTo(x - Math.cos(way) * 11, y - Math.sin(way) * 11);
  pen.lineTo(x, y);
  pen.stroke();
  pen.fillStyle = dark ? "#eef0f9" : "#17182b";
  pen.beginPath();
  pen.arc(x, y, 3.2, 0, 7);
  pen.fill();
}
