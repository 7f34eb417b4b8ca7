/** How the seats are told apart: a colour and a pattern each, so that colour is never the only sign. */

export interface Look {
  light: string;
  dark: string;
  /** Draws the pattern over a body that is already stroked along `path`. */
  pattern(pen: CanvasRenderingContext2D, path: Path2D, cell: number): void;
}

function dashes(dash: (cell: number) => number[], width: number, cap: CanvasLineCap = "butt") {
  return (pen: CanvasRenderingContext2D, path: Path2D, cell: number) => {
    pen.lineCap = cap;
    pen.lineWidth = cell * width;
    pen.setLineDash(dash(cell));
    pen.stroke(path);
    pen.setLineDash([]);
  };
}

/** Colours that stay apart under the common kinds of colour blindness (after Okabe and Ito), one set per theme. */
export const LOOKS: readonly Look[] = [
  { light: "#bf2440", dark: "#ff7d90", pattern: () => {} },
  { light: "#0b6a9e", dark: "#5fb4ea", pattern: dashes((c) => [c * 0.16, c * 0.34], 0.7) },
  { light: "#b26a00", dark: "#f0b04c", pattern: dashes((c) => [0, c * 0.5], 0.24, "round") },
  { light: "#12715a", dark: "#4fc9a4", pattern: dashes(() => [], 0.2) },
  { light: "#6a3d9a", dark: "#b99aec", pattern: dashes((c) => [c * 0.5, c * 0.5], 0.7) },
  { light: "#4a5560", dark: "#b8c2cc", pattern: dashes((c) => [c * 0.4, c * 0.3], 0.22, "round") },
  { light: "#8a5a44", dark: "#d9a58c", pattern: dashes((c) => [c * 0.08, c * 0.17], 0.7) },
  { light: "#5a7012", dark: "#b5cf58", pattern: dashes((c) => [c * 0.35, c * 0.2, 0, c * 0.2], 0.26, "round") },
];

export function look(seat: number): Look {
  return LOOKS[seat % LOOKS.length] as Look;
}

/** A short piece of snake, for lists. */
export function swatch(seat: number, dark: boolean): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  const scale = Math.max(2, devicePixelRatio);
  canvas.width = 34 * scale;
  canvas.height = 16 * scale;
  canvas.className = "swatch";
  canvas.setAttribute("aria-hidden", "true");
  const pen = canvas.getContext("2d");
  if (pen !== null) {
    pen.scale(scale, scale);
    const path = new Path2D();
    path.moveTo(8, 8);
    path.lineTo(26, 8);
    stroke(pen, path, seat, 18, dark);
  }
  return canvas;
}

/** A snake's body: its colour, then its pattern. */
export function stroke(pen: CanvasRenderingContext2D, path: Path2D, seat: number, cell: number, dark: boolean): void {
  const one = look(seat);
  pen.lineJoin = "round";
  pen.lineCap = "round";
  pen.lineWidth = cell * 0.74;
  pen.strokeStyle = dark ? one.dark : one.light;
  pen.stroke(path);
  pen.strokeStyle = dark ? "rgba(16,17,29,.55)" : "rgba(255,255,255,.62)";
  one.pattern(pen, path, cell);
}
