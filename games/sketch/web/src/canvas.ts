/**
 * The canvas: what everybody drew, and over it what the own hand draws until the room has it.
 *
 * Points are gathered and sent some fifteen times a second. Until the room has taken them they lie on a layer of their
 * own, so the own stroke shows at once and the picture stays what the log says.
 */
import { div } from "./dom.ts";
import { Picture } from "./picture.ts";
import { css, HEIGHT, SCALE, WIDTH } from "./raster.ts";
import type { Tools } from "./tools.ts";
import type { Brush, Command, Point } from "./view.ts";

/** Points are sent after so long, or when so many are there. */
const SEND_EVERY_MS = 66;
const MOST_AT_ONCE = 60;
/** Points nearer than this to the one before say nothing. */
const NEAR = 2;
/** A step of the pen by keyboard, in units of the canvas; with Shift held a small one. */
const KEY_STEP = 16;
const SMALL_STEP = 4;

const WAYS: Record<string, Point> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** A part of an own stroke that the room has not judged yet. */
interface Pending {
  brush: Brush;
  points: Point[];
}

export class Canvas {
  readonly root = div("paper");
  readonly picture = new Picture();
  readonly #base = layer("picture");
  readonly #top = layer("fresh");
  readonly #pen = div("pen");
  readonly #basePen: CanvasRenderingContext2D;
  readonly #topPen: CanvasRenderingContext2D;
  #open = false;
  #pending: Pending[] = [];
  /** The stroke under the hand: what of it is not sent. */
  #stroke: { pointer: number; brush: Brush; begun: boolean; last: Point; unsent: Point[]; since: number } | undefined;
  #keyPen: Point = [WIDTH / 2, HEIGHT / 2];
  #watching: Generator<undefined> | undefined;

  constructor(
    label: string,
    readonly tools: Tools,
    readonly send: (command: Command) => Promise<boolean>,
  ) {
    this.#basePen = this.#base.getContext("2d", { alpha: false }) as CanvasRenderingContext2D;
    this.#topPen = this.#top.getContext("2d") as CanvasRenderingContext2D;
    this.#top.setAttribute("role", "img");
    this.#top.setAttribute("aria-label", label);
    this.#top.tabIndex = 0;
    this.#pen.hidden = true;
    this.root.append(this.#base, this.#top, this.#pen);
    this.#top.addEventListener("pointerdown", (event) => this.#down(event));
    this.#top.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"] as const) {
      this.#top.addEventListener(end, (event) => this.#stroke?.pointer === event.pointerId && this.#up());
    }
    this.#top.addEventListener("keydown", (event) => this.#key(event));
    this.#top.addEventListener("keyup", (event) => event.key === " " && this.#stroke?.pointer === -1 && this.#up());
    this.#top.addEventListener("blur", () => {
      this.#pen.hidden = true;
      if (this.#stroke?.pointer === -1) {
        this.#up();
      }
    });
  }

  /** Whether the hand may draw. */
  set open(open: boolean) {
    this.#open = open;
    this.root.classList.toggle("open", open);
    if (!open) {
      this.#stroke = undefined;
    }
  }

  focus(): void {
    this.#top.focus({ preventScroll: true });
  }

  /** Once a frame: what is due goes out, what is new is shown. */
  frame(now: number): void {
    const stroke = this.#stroke;
    if (stroke !== undefined && stroke.unsent.length > 0 && now - stroke.since >= SEND_EVERY_MS) {
      this.#flush();
    }
    if (this.#watching?.next().done) {
      this.#watching = undefined;
    }
    const changed = this.picture.raster.takeChanged();
    if (changed !== undefined) {
      const { left, top, right, bottom } = changed;
      this.#basePen.putImageData(this.picture.raster.image, 0, 0, left, top, right - left + 1, bottom - top + 1);
    }
    this.#overlay();
  }

  /** Draws the picture again from nothing, in so many seconds. */
  watch(seconds: number): void {
    this.#watching = this.picture.again(Math.max(1, Math.ceil(this.picture.length / (seconds * 60))));
  }

  get watching(): boolean {
    return this.#watching !== undefined;
  }

  /** The picture as a file. */
  png(): Promise<Blob | null> {
    return new Promise((done) => this.#base.toBlob(done, "image/png"));
  }

  #place(event: PointerEvent): Point {
    const box = this.#top.getBoundingClientRect();
    return inside((event.clientX - box.left) / box.width * WIDTH, (event.clientY - box.top) / box.height * HEIGHT);
  }

  #down(event: PointerEvent): void {
    if (!this.#open || event.button !== 0 || this.#stroke !== undefined) {
      return;
    }
    this.#pen.hidden = true;
    const at = this.#place(event);
    if (this.tools.tool === "fill") {
      void this.send({ fill: { at, colour: this.tools.colour } });
      return;
    }
    this.#top.setPointerCapture(event.pointerId);
    this.#begin(event.pointerId, at);
  }

  #move(event: PointerEvent): void {
    if (this.#stroke?.pointer !== event.pointerId) {
      return;
    }
    const events = event.getCoalescedEvents?.() ?? [];
    (events.length > 0 ? events : [event]).forEach((each) => this.#draw(this.#place(each)));
  }

  #begin(pointer: number, at: Point): void {
    this.#stroke = { pointer, brush: this.tools.brush, begun: false, last: at, unsent: [at], since: performance.now() };
  }

  #draw(at: Point, near = NEAR): void {
    const stroke = this.#stroke;
    if (stroke === undefined || Math.abs(at[0] - stroke.last[0]) + Math.abs(at[1] - stroke.last[1]) < near) {
      return;
    }
    if (stroke.unsent.length === 0) {
      stroke.since = performance.now();
    }
    stroke.unsent.push(at);
    stroke.last = at;
    if (stroke.unsent.length >= MOST_AT_ONCE) {
      this.#flush();
    }
  }

  #up(): void {
    this.#flush();
    this.#stroke = undefined;
  }

  /** Sends what was gathered. */
  #flush(): void {
    const stroke = this.#stroke;
    if (stroke === undefined || stroke.unsent.length === 0) {
      return;
    }
    const { brush, begun, unsent: points } = stroke;
    const before = this.#pending[this.#pending.length - 1];
    const joined = begun && before !== undefined ? before.points.slice(-1) : [];
    const pending = { brush, points: [...joined, ...points] };
    this.#pending.push(pending);
    stroke.begun = true;
    stroke.unsent = [];
    void this.send(begun ? { more: { points } } : { begin: { brush, points } }).then((taken) => {
      this.#pending.splice(this.#pending.indexOf(pending), 1);
      if (!taken && this.#stroke === stroke) {
        this.#stroke = undefined; // the room takes no more of it
      }
    });
  }

  #overlay(): void {
    const pen = this.#topPen;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, WIDTH * SCALE, HEIGHT * SCALE);
    pen.setTransform(SCALE, 0, 0, SCALE, 0, 0);
    pen.lineCap = pen.lineJoin = "round";
    this.#pending.forEach(({ brush, points }) => line(pen, brush, points));
    const stroke = this.#stroke;
    if (stroke !== undefined && stroke.unsent.length > 0) {
      line(pen, stroke.brush, stroke.unsent);
    }
  }

  #key(event: KeyboardEvent): void {
    const way = WAYS[event.key];
    if (way !== undefined) {
      event.preventDefault();
      const step = event.shiftKey ? SMALL_STEP : KEY_STEP;
      this.#keyPen = inside(this.#keyPen[0] + way[0] * step, this.#keyPen[1] + way[1] * step);
      if (this.#stroke?.pointer === -1) {
        this.#draw(this.#keyPen);
      }
    } else if (event.key === " ") {
      event.preventDefault();
      if (this.#open && !event.repeat && this.#stroke === undefined) {
        if (this.tools.tool === "fill") {
          void this.send({ fill: { at: this.#keyPen, colour: this.tools.colour } });
        } else {
          this.#begin(-1, this.#keyPen);
        }
      }
    } else {
      return;
    }
    this.#pen.hidden = !this.#open;
    this.#pen.style.left = `${(this.#keyPen[0] / WIDTH) * 100}%`;
    this.#pen.style.top = `${(this.#keyPen[1] / HEIGHT) * 100}%`;
  }
}

function layer(name: string): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.className = name;
  canvas.width = WIDTH * SCALE;
  canvas.height = HEIGHT * SCALE;
  return canvas;
}

function inside(x: number, y: number): Point {
  return [Math.min(WIDTH - 1, Math.max(0, Math.round(x))), Math.min(HEIGHT - 1, Math.max(0, Math.round(y)))];
}

function line(pen: CanvasRenderingContext2D, brush: Brush, points: Point[]): void {
  const [first] = points;
  if (first === undefined) {
    return;
  }
  pen.strokeStyle = css(brush.colour);
  pen.lineWidth = brush.radius * 2;
  pen.beginPath();
  pen.moveTo(first[0], first[1]);
  points.forEach(([x, y]) => pen.lineTo(x, y));
  pen.stroke();
}
