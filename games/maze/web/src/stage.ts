/** The maze on canvas: a dark map that everybody knows, and the light that one's own eyes throw. */
import { colour, figure, ghost } from "./looks.ts";
import { type Ground, ground } from "./ground.ts";
import { type Body, type Cell, STEP, type View } from "./view.ts";

/** The light is painted so much coarser than the rest: its edges come out soft. */
const SOFT = 5;
/** How long the place of a catch, a spark or an escape glows. */
const BURST_MS = 700;
/** Others glide to where they are known to be within about this time. */
const GLIDE_MS = 55;
/** Cells that should at least be seen across a small window. */
const ACROSS = 13;
/** A cell is at most so large, and no map is scrolled whose cells are larger than this in one piece. */
const LARGEST = 64;
const WHOLE = 30;

export interface Scene {
  you: number;
  names: Map<number, string>;
  youWord: string;
  dim: boolean;
  still: boolean;
  /** For who looks on: the whole maze lies in the light. */
  all: boolean;
}

interface Burst {
  at: number;
  x: number;
  y: number;
  tint: string;
}

export class Stage {
  readonly canvas = document.createElement("canvas");
  #pen = this.canvas.getContext("2d");
  #lit = document.createElement("canvas");
  #mask = document.createElement("canvas");
  #tint = document.createElement("canvas");
  #size = { width: 0, height: 0 };
  #observer = new ResizeObserver(() => this.#resize());
  #ground: Ground | undefined;
  #places = new Map<number, { x: number; y: number; alpha: number }>();
  #bursts: Burst[] = [];
  #camera: { x: number; y: number } | undefined;
  #last = 0;
  #view: View | undefined;

  constructor() {
    this.canvas.className = "board";
    this.#observer.observe(this.canvas);
  }

  stop(): void {
    this.#observer.disconnect();
  }

  /** Something happened to somebody in sight. */
  burst(seat: number, tint: string, nowMs: number): void {
    const body = this.#view?.bodies.find((one) => one.seat === seat);
    const place = this.#places.get(seat);
    const tile = this.#view?.tile ?? 1;
    const at = place ?? (body && { x: body.x / tile, y: body.y / tile });
    if (at !== undefined) {
      this.#bursts.push({ at: nowMs, x: at.x, y: at.y, tint });
    }
  }

  draw(view: View, scene: Scene, nowMs: number): void {
    const since = Math.min(100, nowMs - this.#last);
    this.#last = nowMs;
    this.#view = view;
    const pen = this.#pen;
    const { width, height } = this.#size;
    if (pen === null || width === 0 || height === 0) {
      return;
    }
    const scale = devicePixelRatio;
    const { map } = view;
    const fit = Math.min(width / map.width, height / map.height);
    const cell = Math.round(Math.min(LARGEST, fit >= WHOLE ? fit : Math.max(fit, Math.min(WHOLE + 6, Math.min(width, height) / ACROSS))) * scale) / scale;
    this.#ground = ground(map, cell, scale, this.#ground);
    this.#glide(view, scene, since);
    const [ox, oy] = this.#look(view, scene, cell, since);

    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.fillStyle = "#08080f";
    pen.fillRect(0, 0, width, height);
    pen.drawImage(this.#ground.dark, ox, oy, map.width * cell, map.height * cell);
    const open = view.own !== null && view.own.seat !== view.haunter && view.own.carried >= view.need;
    for (const gate of map.gates) {
      drawGate(pen, ox + (gate[0] + 0.5) * cell, oy + (gate[1] + 0.5) * cell, cell, open, scene.still ? 0 : nowMs);
    }
    if (scene.all) {
      this.#whole(pen, view, scene, cell, ox, oy, nowMs);
    } else if (view.light.length > 5) {
      this.#shine(pen, view, scene, cell, ox, oy, nowMs);
    }
    this.#drawBursts(pen, cell, ox, oy, nowMs, scene.still);
    for (const body of view.bodies) {
      this.#name(pen, body, scene, cell, ox, oy);
    }
    if (open) {
      this.#pointers(pen, view, cell, ox, oy);
    }
    if (scene.dim || (!scene.all && view.own?.fate.kind !== "free")) {
      pen.fillStyle = "rgb(8 8 15 / 45%)";
      pen.fillRect(0, 0, width, height);
    }
  }

  #resize(): void {
    const { width, height } = this.canvas.getBoundingClientRect();
    this.#size = { width, height };
    this.canvas.width = this.#lit.width = Math.round(width * devicePixelRatio);
    this.canvas.height = this.#lit.height = Math.round(height * devicePixelRatio);
    this.#mask.width = this.#tint.width = Math.ceil(width / SOFT);
    this.#mask.height = this.#tint.height = Math.ceil(height / SOFT);
  }

  /** Where bodies are shown: the own one where it is, the others a little smoother than news of them come. */
  #glide(view: View, scene: Scene, since: number): void {
    const part = 1 - Math.exp(-since / GLIDE_MS);
    for (const body of view.bodies) {
      const [x, y] = [body.x / view.tile, body.y / view.tile];
      const place = this.#places.get(body.seat);
      const near = place !== undefined && Math.abs(place.x - x) + Math.abs(place.y - y) < 1.5;
      const alpha = Math.min(1, (place?.alpha ?? 0) + (scene.still ? 1 : since / 160));
      if (near && body.seat !== scene.you) {
        this.#places.set(body.seat, { x: place.x + (x - place.x) * part, y: place.y + (y - place.y) * part, alpha });
      } else {
        this.#places.set(body.seat, { x, y, alpha });
      }
    }
    for (const seat of this.#places.keys()) {
      if (!view.bodies.some((body) => body.seat === seat)) {
        this.#places.delete(seat);
      }
    }
  }

  /** Where the upper left corner of the maze is: it follows the own body, and shows nothing beyond the maze. */
  #look(view: View, scene: Scene, cell: number, since: number): [number, number] {
    const { width, height } = this.#size;
    const [wide, high] = [view.map.width * cell, view.map.height * cell];
    const own = this.#places.get(scene.you);
    const goal = own ?? this.#camera ?? { x: view.map.width / 2, y: view.map.height / 2 };
    const from = this.#camera ?? goal;
    const part = scene.still ? 1 : 1 - Math.exp(-since / 130);
    this.#camera = { x: from.x + (goal.x - from.x) * part, y: from.y + (goal.y - from.y) * part };
    // On a whole pixel: what is painted beforehand is then copied, and not smoothed anew for each frame.
    const whole = (at: number) => Math.round(at * devicePixelRatio) / devicePixelRatio;
    const along = (size: number, all: number, at: number) =>
      whole(all <= size ? (size - all) / 2 : Math.min(0, Math.max(size - all, size / 2 - at * cell)));
    return [along(width, wide, this.#camera.x), along(height, high, this.#camera.y)];
  }

  /** The lit maze and all in it. */
  #whole(pen: CanvasRenderingContext2D, view: View, scene: Scene, cell: number, ox: number, oy: number, nowMs: number): void {
    if (this.#ground === undefined) {
      return;
    }
    const time = scene.still ? 0 : nowMs;
    pen.drawImage(this.#ground.lit, ox, oy, view.map.width * cell, view.map.height * cell);
    for (const gate of view.map.gates) {
      drawGate(pen, ox + (gate[0] + 0.5) * cell, oy + (gate[1] + 0.5) * cell, cell, false, time);
    }
    for (const spark of view.sparks) {
      drawSpark(pen, ox + (spark[0] + 0.5) * cell, oy + (spark[1] + 0.5) * cell, cell, scene.still ? 0 : nowMs + spark[0] * 311 + spark[1] * 197);
    }
    for (const body of view.bodies) {
      this.#body(pen, view, body, scene, cell, ox, oy, nowMs);
    }
  }

  /** The lit maze and all in it, cut out by the light. */
  #shine(pen: CanvasRenderingContext2D, view: View, scene: Scene, cell: number, ox: number, oy: number, nowMs: number): void {
    const lit = this.#lit.getContext("2d");
    const mask = this.#mask.getContext("2d");
    const tint = this.#tint.getContext("2d");
    const eye = this.#places.get(scene.you);
    if (lit === null || mask === null || tint === null || eye === undefined || this.#ground === undefined) {
      return;
    }
    const scale = devicePixelRatio;
    const { width, height } = this.#size;
    const unit = cell / view.tile;
    const [ex, ey] = [ox + eye.x * cell, oy + eye.y * cell];
    const reach = (view.reach ?? 0) * unit * (scene.still ? 1 : 1 + Math.sin(nowMs / 310) * 0.008 + Math.sin(nowMs / 97) * 0.005);

    // Nothing is lit beyond the reach: all that follows is painted in this part of the window alone.
    const far = reach + cell;
    const [left, top] = [Math.max(0, Math.floor(ex - far)), Math.max(0, Math.floor(ey - far))];
    const [wide, high] = [Math.min(width, Math.ceil(ex + far)) - left, Math.min(height, Math.ceil(ey + far)) - top];
    if (wide <= 0 || high <= 0) {
      return;
    }

    mask.setTransform(1 / SOFT, 0, 0, 1 / SOFT, 0, 0);
    mask.clearRect(0, 0, width + SOFT, height + SOFT);
    mask.globalCompositeOperation = "source-over";
    const glow = mask.createRadialGradient(ex, ey, 0, ex, ey, reach + cell * 0.3);
    glow.addColorStop(0, "rgb(255 255 255 / 100%)");
    glow.addColorStop(0.55, "rgb(255 255 255 / 78%)");
    glow.addColorStop(0.92, "rgb(255 255 255 / 30%)");
    glow.addColorStop(1, "rgb(255 255 255 / 0%)");
    mask.beginPath();
    for (let at = 0; at < view.light.length; at += 2) {
      mask.lineTo(ox + (view.light[at] as number) * unit, oy + (view.light[at + 1] as number) * unit);
    }
    mask.closePath();
    // Light falls on the faces of walls too, a little weaker.
    mask.strokeStyle = "rgb(255 255 255 / 62%)";
    mask.fillStyle = "#fff";
    mask.lineJoin = "round";
    mask.lineWidth = cell * 0.5;
    mask.stroke();
    mask.fill();
    mask.globalCompositeOperation = "source-in";
    mask.fillStyle = glow;
    mask.fillRect(0, 0, width + SOFT, height + SOFT);

    // Whose eyes throw it shows in the light: warm, or the cold of the one who haunts.
    tint.setTransform(1 / SOFT, 0, 0, 1 / SOFT, 0, 0);
    tint.clearRect(0, 0, width + SOFT, height + SOFT);
    const hue = tint.createRadialGradient(ex, ey, 0, ex, ey, reach);
    const [warm, cold] = ["rgb(255 196 110 / 30%)", "rgb(130 80 255 / 26%)"];
    hue.addColorStop(0, scene.you === view.haunter ? cold : warm);
    hue.addColorStop(1, "rgb(30 20 60 / 20%)");
    tint.fillStyle = hue;
    tint.fillRect(0, 0, width + SOFT, height + SOFT);

    lit.setTransform(scale, 0, 0, scale, 0, 0);
    lit.save();
    lit.beginPath();
    lit.rect(left, top, wide, high);
    lit.clip();
    lit.globalCompositeOperation = "source-over";
    lit.clearRect(left, top, wide, high);
    lit.drawImage(this.#ground.lit, ox, oy, view.map.width * cell, view.map.height * cell);
    lit.drawImage(this.#tint, 0, 0, this.#tint.width * SOFT, this.#tint.height * SOFT);
    for (const gate of view.map.gates) {
      const open = view.own !== null && view.own.seat !== view.haunter && view.own.carried >= view.need;
      drawGate(lit, ox + (gate[0] + 0.5) * cell, oy + (gate[1] + 0.5) * cell, cell, open, scene.still ? 0 : nowMs);
    }
    for (const spark of view.sparks) {
      drawSpark(lit, ox + (spark[0] + 0.5) * cell, oy + (spark[1] + 0.5) * cell, cell, scene.still ? 0 : nowMs + spark[0] * 311 + spark[1] * 197);
    }
    lit.globalCompositeOperation = "destination-in";
    lit.drawImage(this.#mask, 0, 0, this.#mask.width * SOFT, this.#mask.height * SOFT);
    lit.restore();
    pen.drawImage(this.#lit, left * scale, top * scale, wide * scale, high * scale, left, top, wide, high);

    // Bodies are cut by the edge of the shadow, but not dimmed: who is seen, is seen.
    pen.save();
    pen.beginPath();
    for (let at = 0; at < view.light.length; at += 2) {
      pen.lineTo(ox + (view.light[at] as number) * unit, oy + (view.light[at + 1] as number) * unit);
    }
    pen.closePath();
    pen.clip();
    for (const body of view.bodies) {
      this.#body(pen, view, body, scene, cell, ox, oy, nowMs);
    }
    pen.restore();
  }

  #body(pen: CanvasRenderingContext2D, view: View, body: Body, scene: Scene, cell: number, ox: number, oy: number, nowMs: number): void {
    const place = this.#places.get(body.seat);
    if (place === undefined) {
      return;
    }
    const [x, y] = [ox + place.x * cell, oy + place.y * cell];
    const [dx, dy] = STEP[body.facing];
    const bob = body.going && !scene.still ? Math.sin(nowMs / 70) * cell * 0.025 : 0;
    pen.globalAlpha = place.alpha;
    if (body.seat === scene.you) {
      pen.strokeStyle = "#fffdf8";
      pen.lineWidth = Math.max(1.5, cell * 0.06);
      pen.beginPath();
      pen.arc(x, y, cell * 0.45, 0, 7);
      pen.stroke();
    }
    if (body.seat === view.haunter) {
      ghost(pen, body.seat, x, y + bob, cell * 0.98, [dx, dy], scene.still ? 0 : nowMs / 150);
    } else {
      figure(pen, body.seat, x, y + bob, cell);
      pen.fillStyle = "#fffdf8";
      for (const side of [-1, 1]) {
        pen.beginPath();
        pen.arc(x + (dx * 0.22 - dy * 0.13 * side) * cell, y + bob + (dy * 0.22 + dx * 0.13 * side) * cell, cell * 0.06, 0, 7);
        pen.fill();
      }
    }
    pen.globalAlpha = 1;
  }

  #name(pen: CanvasRenderingContext2D, body: Body, scene: Scene, cell: number, ox: number, oy: number): void {
    const place = this.#places.get(body.seat);
    if (place === undefined) {
      return;
    }
    const text = body.seat === scene.you ? scene.youWord : (scene.names.get(body.seat) ?? "");
    const size = Math.max(11, Math.min(15, cell * 0.4));
    pen.font = `600 ${size}px "Segoe UI", Roboto, "Liberation Sans", system-ui, sans-serif`;
    pen.textAlign = "center";
    pen.textBaseline = "bottom";
    const half = pen.measureText(text).width / 2 + 6;
    const x = Math.min(Math.max(ox + place.x * cell, half), this.#size.width - half);
    const top = oy + (place.y - 0.55) * cell;
    const y = top < size + 2 ? oy + (place.y + 0.6) * cell + size : top;
    pen.globalAlpha = place.alpha;
    pen.lineJoin = "round";
    pen.lineWidth = 4;
    pen.strokeStyle = "rgb(8 8 15 / 85%)";
    pen.strokeText(text, x, y);
    pen.fillStyle = body.seat === scene.you ? "#fffdf8" : colour(body.seat);
    pen.fillText(text, x, y);
    pen.globalAlpha = 1;
  }

  /** Where a gate lies that the window does not show. */
  #pointers(pen: CanvasRenderingContext2D, view: View, cell: number, ox: number, oy: number): void {
    const { width, height } = this.#size;
    const edge = 20;
    for (const gate of view.map.gates) {
      const [x, y] = [ox + (gate[0] + 0.5) * cell, oy + (gate[1] + 0.5) * cell];
      const [px, py] = [Math.min(Math.max(x, edge), width - edge), Math.min(Math.max(y, edge), height - edge)];
      if (px === x && py === y) {
        continue;
      }
      const angle = Math.atan2(y - py, x - px);
      pen.save();
      pen.translate(px, py);
      pen.rotate(angle);
      pen.fillStyle = "#7be8b6";
      pen.beginPath();
      pen.moveTo(12, 0);
      pen.lineTo(-7, 9);
      pen.lineTo(-3, 0);
      pen.lineTo(-7, -9);
      pen.closePath();
      pen.fill();
      pen.restore();
    }
  }

  #drawBursts(pen: CanvasRenderingContext2D, cell: number, ox: number, oy: number, nowMs: number, still: boolean): void {
    this.#bursts = this.#bursts.filter((burst) => nowMs - burst.at < BURST_MS);
    for (const burst of still ? [] : this.#bursts) {
      const part = (nowMs - burst.at) / BURST_MS;
      pen.globalAlpha = (1 - part) ** 2;
      pen.lineWidth = cell * 0.12 * (1 - part) + 1;
      pen.strokeStyle = burst.tint;
      pen.beginPath();
      pen.arc(ox + burst.x * cell, oy + burst.y * cell, cell * (0.4 + part * 1.3), 0, 7);
      pen.stroke();
      pen.globalAlpha = 1;
    }
  }
}

function drawSpark(pen: CanvasRenderingContext2D, x: number, y: number, cell: number, nowMs: number): void {
  const swell = nowMs === 0 ? 1 : 1 + Math.sin(nowMs / 240) * 0.12;
  const glow = pen.createRadialGradient(x, y, 0, x, y, cell * 0.5);
  glow.addColorStop(0, "rgb(255 240 170 / 90%)");
  glow.addColorStop(1, "rgb(255 210 90 / 0%)");
  pen.fillStyle = glow;
  pen.fillRect(x - cell / 2, y - cell / 2, cell, cell);
  star(pen, x, y, cell * 0.24 * swell, cell * 0.08);
  pen.fillStyle = "#fff6cf";
  pen.fill();
}

function star(pen: CanvasRenderingContext2D, x: number, y: number, outer: number, inner: number): void {
  pen.beginPath();
  for (let at = 0; at < 8; at += 1) {
    const radius = at % 2 === 0 ? outer : inner;
    pen.lineTo(x + Math.sin((at * Math.PI) / 4) * radius, y - Math.cos((at * Math.PI) / 4) * radius);
  }
  pen.closePath();
}

/** A gate: an arch with bars, without bars when it is open. */
function drawGate(pen: CanvasRenderingContext2D, x: number, y: number, cell: number, open: boolean, nowMs: number): void {
  const [w, top, foot] = [cell * 0.3, y - cell * 0.08, y + cell * 0.36];
  pen.lineWidth = Math.max(1.5, cell * 0.08);
  pen.lineCap = pen.lineJoin = "round";
  pen.strokeStyle = open ? "#7be8b6" : "#8a86a8";
  const arch = new Path2D();
  arch.moveTo(x - w, foot);
  arch.lineTo(x - w, top);
  arch.arc(x, top, w, Math.PI, 0);
  arch.lineTo(x + w, foot);
  if (open) {
    pen.fillStyle = `rgb(123 232 182 / ${nowMs === 0 ? 30 : 26 + Math.sin(nowMs / 300) * 12}%)`;
    pen.fill(arch);
  }
  pen.stroke(arch);
  if (!open) {
    pen.lineWidth = Math.max(1, cell * 0.05);
    pen.beginPath();
    for (const side of [-0.34, 0.34]) {
      pen.moveTo(x + side * w, foot);
      pen.lineTo(x + side * w, top - w * 0.9);
    }
    pen.stroke();
  }
}

export function starIcon(): string {
  return '<svg viewBox="-12 -12 24 24" aria-hidden="true"><path d="M0-11 3-3 11 0 3 3 0 11-3 3-11 0-3-3z" fill="currentColor"/></svg>';
}

export type { Cell };
