/** The picture: what the log of marks draws, in its order, without what was undone. */
import { Raster } from "./raster.ts";
import type { Point } from "./view.ts";

/** A piece of a stroke, or a fill. */
interface Piece {
  /** Which stroke or fill it belongs to. */
  mark: number;
  seat: number;
  colour: number;
  /** 0: a fill. */
  radius: number;
  /** The first one is where the piece before it ended. */
  points: Point[];
}

/** After so many pieces the pixels are kept, for an undoing that comes later. */
const KEEP_EVERY = 150;
/** Pixels take 11 MB. */
const MOST_KEPT = 3;

/** Kinds of entries, as the rules number them. */
const BEGIN = 0;
const MORE = 1;
const FILL = 2;

export class Picture {
  readonly raster = new Raster();
  /** Entries of the log that were read. */
  entries = 0;
  #pieces: Piece[] = [];
  #marks = 0;
  #undone = new Set<number>();
  /** By seat: the marks that stand, and the last piece. */
  #standing = new Map<number, number[]>();
  #last = new Map<number, Piece>();
  #kept: { pieces: number; pixels: Uint32Array }[] = [];

  /** Back to black, before the first entry. */
  reset(): void {
    this.entries = 0;
    this.#pieces = [];
    this.#marks = 0;
    this.#undone.clear();
    this.#standing.clear();
    this.#last.clear();
    this.#kept = [];
    this.#drawn = 0;
    this.raster.clear();
  }

  /** How many marks of this seat stand. */
  standing(seat: number): number {
    return this.#standing.get(seat)?.length ?? 0;
  }

  /** Reads more of the log, and draws it. */
  read(log: Int32Array): void {
    let at = 0;
    const next = () => log[at++] ?? 0;
    const points = () => Array.from({ length: next() }, (): Point => [next(), next()]);
    let from = this.#pieces.length;
    while (at < log.length) {
      this.entries += 1;
      const [seat, kind] = [next(), next()];
      const before = this.#last.get(seat);
      if (kind === BEGIN) {
        const [colour, radius] = [next(), next()];
        this.#add({ mark: this.#stand(seat), seat, colour, radius, points: points() });
      } else if (kind === MORE && before !== undefined) {
        const start = before.points[before.points.length - 1] ?? [0, 0];
        this.#add({ ...before, points: [start, ...points()] });
      } else if (kind === FILL) {
        const at: Point = [next(), next()];
        this.#add({ mark: this.#stand(seat), seat, colour: next(), radius: 0, points: [at] });
      } else {
        from = Math.min(from, this.#undo(seat));
      }
    }
    this.#draw(from);
  }

  /** Draws it from nothing, some pieces with each call; the answer says whether more are to come. */
  *again(pace: number): Generator<undefined> {
    const shown = this.#pieces.filter((piece) => !this.#undone.has(piece.mark));
    this.raster.clear();
    this.#kept = [];
    let points = 0;
    for (const piece of shown) {
      // A piece at a time is too coarse for long ones.
      for (let at = Math.min(1, piece.points.length - 1); at < piece.points.length; at += 1) {
        this.#paint({ ...piece, points: piece.points.slice(Math.max(0, at - 1), at + 1) });
        points += 1;
        if (points >= pace) {
          points = 0;
          yield undefined;
        }
      }
    }
  }

  /** How many points the picture has. */
  get length(): number {
    return this.#pieces.reduce((sum, piece) => sum + (this.#undone.has(piece.mark) ? 0 : piece.points.length), 0);
  }

  #stand(seat: number): number {
    const mark = this.#marks++;
    const standing = this.#standing.get(seat);
    if (standing === undefined) {
      this.#standing.set(seat, [mark]);
    } else {
      standing.push(mark);
    }
    return mark;
  }

  #add(piece: Piece): void {
    this.#pieces.push(piece);
    this.#last.set(piece.seat, piece);
  }

  /** Takes the seat's last mark back; from which piece on the picture is another. */
  #undo(seat: number): number {
    const mark = this.#standing.get(seat)?.pop();
    if (mark === undefined) {
      return Infinity;
    }
    this.#undone.add(mark);
    return this.#pieces.findIndex((piece) => piece.mark === mark);
  }

  /** Draws the pieces from this one on, over what was there before it. */
  #draw(from: number): void {
    if (from < this.#drawn) {
      this.#kept = this.#kept.filter((kept) => kept.pieces <= from);
      const base = this.#kept[this.#kept.length - 1];
      if (base === undefined) {
        this.raster.clear();
      } else {
        this.raster.restore(base.pixels);
      }
      this.#drawn = base?.pieces ?? 0;
    }
    for (; this.#drawn < this.#pieces.length; this.#drawn += 1) {
      const piece = this.#pieces[this.#drawn]!;
      if (!this.#undone.has(piece.mark)) {
        this.#paint(piece);
      }
      const done = this.#drawn + 1;
      if (done - (this.#kept[this.#kept.length - 1]?.pieces ?? 0) >= KEEP_EVERY) {
        this.#kept.push({ pieces: done, pixels: this.raster.copy() });
        this.#kept.splice(0, this.#kept.length - MOST_KEPT);
      }
    }
  }
  #drawn = 0;

  #paint(piece: Piece): void {
    const [first, ...rest] = piece.points;
    if (first === undefined) {
      return;
    }
    if (piece.radius === 0) {
      this.raster.fill(first, piece.colour);
      return;
    }
    if (rest.length === 0) {
      this.raster.line(first, first, piece.radius, piece.colour);
    }
    let before = first;
    for (const point of rest) {
      this.raster.line(before, point, piece.radius, piece.colour);
      before = point;
    }
  }
}
