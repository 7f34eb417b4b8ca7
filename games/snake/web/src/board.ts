/** The board on canvas: sharp at any pixel ratio, smooth between ticks. */
import { look, stroke } from "./looks.ts";
import { type Cell, type Direction, type Snake, STEP, type View } from "./view.ts";

/** A body never slides further than this share past its newest tick: late ticks show as a stop, not as a jump back. */
const MOST_PART = 1;
/** How long a crash and a bite are shown. */
const BURST_MS = 420;

interface Burst {
  at: number;
  x: number;
  y: number;
  seat: number | undefined;
}

export interface Scene {
  you: number;
  names: Map<number, string>;
  youWord: string;
  /** What the own player pressed and the room has not confirmed yet. */
  turned: Direction | undefined;
  rate: number;
  dim: boolean;
  still: boolean;
}

export class Board {
  readonly canvas = document.createElement("canvas");
  #pen = this.canvas.getContext("2d");
  #dark = matchMedia("(prefers-color-scheme: dark)");
  #before: View | undefined;
  #now: View | undefined;
  #tickAt = 0;
  #bursts: Burst[] = [];
  /** Snakes as they were when they died in this round. */
  #ghosts = new Map<number, Snake>();
  #size = { width: 0, height: 0 };
  #observer = new ResizeObserver(() => this.#resize());

  constructor() {
    this.canvas.className = "board";
    this.#observer.observe(this.canvas);
  }

  stop(): void {
    this.#observer.disconnect();
  }

  draw(view: View, scene: Scene, nowMs: number): void {
    if (this.#now === undefined || view.tick !== this.#now.tick || view.round !== this.#now.round) {
      const follows = this.#now !== undefined && view.tick - this.#now.tick <= 2 && view.round === this.#now.round;
      this.#before = follows ? this.#now : undefined;
      if (view.round !== this.#now?.round) {
        this.#ghosts.clear();
      }
      this.#now = view;
      this.#tickAt = nowMs;
      this.#notice(nowMs);
    } else {
      this.#now = view;
    }
    const pen = this.#pen;
    if (pen === null || this.#size.width === 0) {
      return;
    }
    const scale = devicePixelRatio;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, this.#size.width, this.#size.height);
    const cell = Math.min(this.#size.width / view.width, this.#size.height / view.height);
    pen.translate((this.#size.width - cell * view.width) / 2, (this.#size.height - cell * view.height) / 2);
    const part = scene.still ? 1 : Math.min(MOST_PART, ((nowMs - this.#tickAt) / 1000) * scene.rate);
    this.#ground(pen, view, cell);
    this.#food(pen, view, cell, nowMs, scene.still);
    for (const ghost of this.#ghosts.values()) {
      this.#snake(pen, { ...ghost, alive: false }, scene, cell, part);
    }
    for (const snake of view.snakes) {
      this.#snake(pen, snake, scene, cell, part);
    }
    this.#drawBursts(pen, cell, nowMs, scene.still);
    for (const snake of view.snakes) {
      this.#name(pen, snake, scene, cell, part, view);
    }
  }

  #resize(): void {
    const { width, height } = this.canvas.getBoundingClientRect();
    this.#size = { width, height };
    this.canvas.width = Math.round(width * devicePixelRatio);
    this.canvas.height = Math.round(height * devicePixelRatio);
  }

  /** Looks at what a tick changed, for the short effects. */
  #notice(nowMs: number): void {
    const [before, now] = [this.#before, this.#now];
    this.#bursts = this.#bursts.filter((burst) => nowMs - burst.at < BURST_MS);
    if (before === undefined || now === undefined) {
      return;
    }
    for (const snake of now.snakes) {
      const old = before.snakes.find((one) => one.seat === snake.seat);
      const [head, last] = [snake.body[0], old?.body[0]];
      if (old?.alive && !snake.alive && last !== undefined) {
        this.#ghosts.set(snake.seat, old);
        this.#bursts.push({ at: nowMs, x: last[0], y: last[1], seat: snake.seat });
      } else if (head !== undefined && before.food.some(([x, y]) => x === head[0] && y === head[1])) {
        this.#bursts.push({ at: nowMs, x: head[0], y: head[1], seat: undefined });
      }
    }
  }

  #ground(pen: CanvasRenderingContext2D, view: View, cell: number): void {
    const dark = this.#dark.matches;
    pen.fillStyle = dark ? "#171929" : "#ffffff";
    pen.beginPath();
    pen.roundRect(0, 0, cell * view.width, cell * view.height, Math.min(10, cell * 0.4));
    pen.fill();
    pen.fillStyle = dark ? "#1e2034" : "#f0f2f8";
    for (let y = 0; y < view.height; y += 1) {
      for (let x = y % 2; x < view.width; x += 2) {
        pen.fillRect(x * cell, y * cell, cell, cell);
      }
    }
    pen.strokeStyle = dark ? "#6d7298" : "#868bab";
    pen.lineWidth = 2;
    pen.beginPath();
    pen.roundRect(1, 1, cell * view.width - 2, cell * view.height - 2, Math.min(10, cell * 0.4));
    pen.stroke();
  }

  #food(pen: CanvasRenderingContext2D, view: View, cell: number, nowMs: number, still: boolean): void {
    const swell = still ? 0 : Math.sin(nowMs / 260) * 0.03;
    for (const [x, y] of view.food) {
      const [cx, cy] = [(x + 0.5) * cell, (y + 0.54) * cell];
      pen.fillStyle = this.#dark.matches ? "#f2c766" : "#a87400";
      pen.beginPath();
      pen.arc(cx, cy, cell * (0.27 + swell), 0, 7);
      pen.fill();
      pen.strokeStyle = this.#dark.matches ? "#74d6aa" : "#11644a";
      pen.lineWidth = cell * 0.1;
      pen.lineCap = "round";
      pen.beginPath();
      pen.moveTo(cx, cy - cell * 0.24);
      pen.quadraticCurveTo(cx + cell * 0.02, cy - cell * 0.38, cx + cell * 0.16, cy - cell * 0.42);
      pen.stroke();
    }
  }

  #snake(pen: CanvasRenderingContext2D, snake: Snake, scene: Scene, cell: number, part: number): void {
    if (snake.body.length === 0) {
      return;
    }
    const dark = this.#dark.matches;
    const points = this.#slide(snake, part);
    const path = new Path2D();
    points.forEach(([x, y], index) => {
      const [px, py] = [(x + 0.5) * cell, (y + 0.5) * cell];
      if (index === 0) {
        path.moveTo(px, py);
      } else {
        path.lineTo(px, py);
      }
    });
    if (points.length === 1) {
      const [x, y] = points[0] as Cell;
      path.lineTo((x + 0.5) * cell + 0.01, (y + 0.5) * cell);
    }
    pen.globalAlpha = snake.alive ? (scene.dim ? 0.55 : 1) : 0.22;
    stroke(pen, path, snake.seat, cell, dark);
    this.#head(pen, snake, scene, cell, points[0] as Cell);
    pen.globalAlpha = 1;
  }

  /** The body between the last tick and this one. */
  #slide(snake: Snake, part: number): Cell[] {
    const old = this.#before?.snakes.find((one) => one.seat === snake.seat);
    const [head, tail] = [snake.body[0] as Cell, snake.body[snake.body.length - 1] as Cell];
    const oldHead = old?.body[0];
    const oldTail = old?.body[old.body.length - 1];
    if (!snake.alive || oldHead === undefined || oldTail === undefined || apart(oldHead, head) !== 1) {
      return snake.body;
    }
    const points: Cell[] = [mix(oldHead, head, part), ...snake.body.slice(1)];
    if (apart(oldTail, tail) === 1) {
      points.push(mix(oldTail, tail, part));
    }
    return points;
  }

  #head(pen: CanvasRenderingContext2D, snake: Snake, scene: Scene, cell: number, at: Cell): void {
    const own = snake.seat === scene.you;
    // The own head looks where it was told to at once; the body follows with the room's tick.
    const direction = own && scene.turned !== undefined ? scene.turned : snake.direction;
    const [dx, dy] = STEP[direction];
    const [cx, cy] = [(at[0] + 0.5) * cell, (at[1] + 0.5) * cell];
    const dark = this.#dark.matches;
    for (const side of [-1, 1]) {
      const [ex, ey] = [cx + (dx * 0.13 - dy * 0.17 * side) * cell, cy + (dy * 0.13 + dx * 0.17 * side) * cell];
      pen.fillStyle = "#fffdf8";
      pen.beginPath();
      pen.arc(ex, ey, cell * 0.125, 0, 7);
      pen.fill();
      pen.fillStyle = "#1b1214";
      pen.beginPath();
      pen.arc(ex + dx * cell * 0.05, ey + dy * cell * 0.05, cell * 0.065, 0, 7);
      pen.fill();
    }
    if (own && snake.alive) {
      pen.strokeStyle = dark ? "#eef0f9" : "#17182b";
      pen.lineWidth = Math.max(1.5, cell * 0.08);
      pen.lineCap = pen.lineJoin = "round";
      pen.beginPath();
      const [tx, ty] = [cx + dx * cell * 0.82, cy + dy * cell * 0.82];
      pen.moveTo(tx - (dx * 0.16 - dy * 0.2) * cell, ty - (dy * 0.16 + dx * 0.2) * cell);
      pen.lineTo(tx, ty);
      pen.lineTo(tx - (dx * 0.16 + dy * 0.2) * cell, ty - (dy * 0.16 - dx * 0.2) * cell);
      pen.stroke();
    }
  }

  #name(pen: CanvasRenderingContext2D, snake: Snake, scene: Scene, cell: number, part: number, view: View): void {
    const head = snake.body[0];
    if (!snake.alive || head === undefined) {
      return;
    }
    const own = snake.seat === scene.you;
    const [x, y] = this.#slide(snake, part)[0] as Cell;
    const text = own ? scene.youWord : (scene.names.get(snake.seat) ?? "");
    const size = Math.max(11, Math.min(15, cell * 0.62));
    pen.font = `600 ${size}px "Segoe UI", Roboto, "Liberation Sans", system-ui, sans-serif`;
    pen.textAlign = "center";
    pen.textBaseline = "bottom";
    const below = y < 1.2 || (snake.direction === "down" && y < view.height - 2.5);
    const half = pen.measureText(text).width / 2 + 6;
    const px = Math.min(Math.max((x + 0.5) * cell, half), view.width * cell - half);
    const py = below ? (y + 1.2) * cell + size : (y - 0.14) * cell;
    pen.lineJoin = "round";
    pen.lineWidth = 4;
    pen.strokeStyle = this.#dark.matches ? "rgba(16,17,29,.85)" : "rgba(255,255,255,.92)";
    pen.strokeText(text, px, py);
    pen.fillStyle = this.#dark.matches ? look(snake.seat).dark : look(snake.seat).light;
    pen.fillText(text, px, py);
  }

  #drawBursts(pen: CanvasRenderingContext2D, cell: number, nowMs: number, still: boolean): void {
    for (const burst of still ? [] : this.#bursts) {
      const part = (nowMs - burst.at) / BURST_MS;
      if (part >= 1) {
        continue;
      }
      const dark = this.#dark.matches;
      const crash = burst.seat !== undefined;
      pen.globalAlpha = 1 - part;
      pen.lineWidth = cell * 0.12;
      pen.strokeStyle = crash ? (dark ? look(burst.seat ?? 0).dark : look(burst.seat ?? 0).light) : dark ? "#eabf6b" : "#7a5500";
      pen.beginPath();
      pen.arc((burst.x + 0.5) * cell, (burst.y + 0.5) * cell, cell * (0.35 + part * (crash ? 1.5 : 0.6)), 0, 7);
      pen.stroke();
      pen.globalAlpha = 1;
    }
  }
}

function apart(a: Cell, b: Cell): number {
  return Math.abs(a[0] - b[0]) + Math.abs(a[1] - b[1]);
}

function mix(a: Cell, b: Cell, part: number): Cell {
  return [a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part];
}
