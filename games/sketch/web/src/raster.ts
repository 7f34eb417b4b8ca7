/**
 * Pixels, and how marks make them.
 *
 * The picture must be the same on every page, or a fill that one page stops at a line would run out on another. So
 * nothing here is left to the browser's own drawing: edges are hard, in twice the canvas's units, and it is whole
 * numbers, sums, products and square roots that decide, which all machines agree on. Windows show it smaller, and so
 * smooth.
 */
import type { Point } from "./view.ts";

export const WIDTH = 960;
export const HEIGHT = 720;
/** Pixels for each unit of the canvas. */
export const SCALE = 2;

const WIDE = WIDTH * SCALE;
const HIGH = HEIGHT * SCALE;
const BLACK = 0xff000000;

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export class Raster {
  readonly image = new ImageData(WIDE, HIGH);
  readonly #pixels = new Uint32Array(this.image.data.buffer);
  #changed: Box | undefined;

  constructor() {
    this.clear();
  }

  clear(): void {
    this.#pixels.fill(BLACK);
    this.#touch(0, 0, WIDE - 1, HIGH - 1);
  }

  copy(): Uint32Array {
    return this.#pixels.slice();
  }

  restore(pixels: Uint32Array): void {
    this.#pixels.set(pixels);
    this.#touch(0, 0, WIDE - 1, HIGH - 1);
  }

  /** What changed since this was last asked. */
  takeChanged(): Box | undefined {
    const changed = this.#changed;
    this.#changed = undefined;
    return changed;
  }

  /** A line with round ends. */
  line(from: Point, to: Point, radius: number, colour: number): void {
    const [ax, ay, bx, by] = [from[0] * SCALE, from[1] * SCALE, to[0] * SCALE, to[1] * SCALE];
    const r = radius * SCALE;
    const ink = abgr(colour);
    const length = Math.sqrt((bx - ax) * (bx - ax) + (by - ay) * (by - ay));
    const [nx, ny] = length === 0 ? [0, 0] : [(-(by - ay) / length) * r, ((bx - ax) / length) * r];
    const corners = [ax + nx, ay + ny, bx + nx, by + ny, bx - nx, by - ny, ax - nx, ay - ny];
    const top = Math.max(0, Math.min(ay, by) - r);
    const bottom = Math.min(HIGH - 1, Math.max(ay, by) + r);
    let [least, most] = [WIDE, -1];
    for (let y = top; y <= bottom; y += 1) {
      let [low, high] = [Infinity, -Infinity];
      for (const [x, cy] of [[ax, ay], [bx, by]] as const) {
        const rest = r * r - (y - cy) * (y - cy);
        if (rest >= 0) {
          const half = Math.sqrt(rest);
          low = Math.min(low, x - half);
          high = Math.max(high, x + half);
        }
      }
      for (let at = 0; at < 8 && length > 0; at += 2) {
        const [px, py, qx, qy] = [corners[at]!, corners[at + 1]!, corners[(at + 2) % 8]!, corners[(at + 3) % 8]!];
        if (py !== qy && y >= Math.min(py, qy) && y <= Math.max(py, qy)) {
          const x = px + ((qx - px) * (y - py)) / (qy - py);
          low = Math.min(low, x);
          high = Math.max(high, x);
        }
      }
      const left = Math.max(0, Math.ceil(low));
      const right = Math.min(WIDE - 1, Math.floor(high));
      if (left <= right) {
        this.#pixels.fill(ink, y * WIDE + left, y * WIDE + right + 1);
        least = Math.min(least, left);
        most = Math.max(most, right);
      }
    }
    if (least <= most) {
      this.#touch(least, top, most, bottom);
    }
  }

  /** Gives all that is connected with this place and of its colour another one. */
  fill(at: Point, colour: number): void {
    const pixels = this.#pixels;
    const [x0, y0] = [at[0] * SCALE, at[1] * SCALE];
    const old = pixels[y0 * WIDE + x0]!;
    const ink = abgr(colour);
    if (old === ink) {
      return;
    }
    const box = { left: x0, top: y0, right: x0, bottom: y0 };
    const stack = [x0, y0];
    while (stack.length > 0) {
      const y = stack.pop()!;
      const x = stack.pop()!;
      const row = y * WIDE;
      if (pixels[row + x] !== old) {
        continue;
      }
      let left = x;
      while (left > 0 && pixels[row + left - 1] === old) {
        left -= 1;
      }
      let right = x;
      while (right < WIDE - 1 && pixels[row + right + 1] === old) {
        right += 1;
      }
      pixels.fill(ink, row + left, row + right + 1);
      box.left = Math.min(box.left, left);
      box.right = Math.max(box.right, right);
      box.top = Math.min(box.top, y);
      box.bottom = Math.max(box.bottom, y);
      for (const next of [y - 1, y + 1]) {
        if (next < 0 || next >= HIGH) {
          continue;
        }
        // One seed for each stretch of the old colour.
        let inside = false;
        for (let at = left; at <= right; at += 1) {
          const same = pixels[next * WIDE + at] === old;
          if (same && !inside) {
            stack.push(at, next);
          }
          inside = same;
        }
      }
    }
    this.#touch(box.left, box.top, box.right, box.bottom);
  }

  #touch(left: number, top: number, right: number, bottom: number): void {
    const box = (this.#changed ??= { left, top, right, bottom });
    box.left = Math.min(box.left, left);
    box.top = Math.min(box.top, top);
    box.right = Math.max(box.right, right);
    box.bottom = Math.max(box.bottom, bottom);
  }
}

/** As the pixels lie in memory. */
function abgr(colour: number): number {
  return (BLACK | ((colour & 0xff) << 16) | (colour & 0xff00) | ((colour >> 16) & 0xff)) >>> 0;
}

export function css(colour: number): string {
  return `#${colour.toString(16).padStart(6, "0")}`;
}
