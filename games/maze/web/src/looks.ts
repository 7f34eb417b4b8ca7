/** How the seats are told apart: a colour and a sign each, so that colour is never the only one. */

export interface Look {
  /** On the dark of the maze. */
  colour: string;
  /** The sign, around 0 with radius 1. */
  sign(path: Path2D): void;
}

function corners(points: readonly (readonly [number, number])[]) {
  return (path: Path2D) => {
    points.forEach(([x, y], at) => (at === 0 ? path.moveTo(x, y) : path.lineTo(x, y)));
    path.closePath();
  };
}

function regular(count: number, inner = 1, turn = -Math.PI / 2) {
  const steps = inner === 1 ? count : count * 2;
  return corners(
    Array.from({ length: steps }, (_, at) => {
      const radius = inner !== 1 && at % 2 === 1 ? inner : 1;
      const angle = turn + (at / steps) * 2 * Math.PI;
      return [Math.cos(angle) * radius, Math.sin(angle) * radius] as const;
    }),
  );
}

const bar = 0.36;

/** Colours that stay apart under the common kinds of colour blindness (after Okabe and Ito). */
export const LOOKS: readonly Look[] = [
  { colour: "#ff8093", sign: (path) => path.arc(0, 0, 0.82, 0, 7) },
  { colour: "#62b8f0", sign: regular(4, 1, -Math.PI / 4) },
  { colour: "#f2b24e", sign: regular(3) },
  { colour: "#50d0a8", sign: regular(4) },
  { colour: "#bfa2f4", sign: regular(5, 0.45) },
  {
    colour: "#c2ccd6",
    sign: corners([[-bar, -1], [bar, -1], [bar, -bar], [1, -bar], [1, bar], [bar, bar], [bar, 1], [-bar, 1], [-bar, bar], [-1, bar], [-1, -bar], [-bar, -bar]]),
  },
  { colour: "#e0a98f", sign: regular(6) },
  { colour: "#bcd85e", sign: corners([[-1, -0.55], [1, -0.55], [1, -0.1], [-1, -0.1], [-1, 0.35], [1, 0.35], [1, 0.8], [-1, 0.8]]) },
];

const SIGNS = LOOKS.map((look) => {
  const path = new Path2D();
  look.sign(path);
  return path;
});

export function colour(seat: number): string {
  return (LOOKS[seat % LOOKS.length] as Look).colour;
}

/** A seat's sign at a place. */
export function sign(pen: CanvasRenderingContext2D, seat: number, x: number, y: number, radius: number): void {
  pen.save();
  pen.translate(x, y);
  pen.scale(radius, radius);
  pen.fill(SIGNS[seat % SIGNS.length] as Path2D);
  pen.restore();
}

/** One who collects: round, with his sign on the belly. */
export function figure(pen: CanvasRenderingContext2D, seat: number, x: number, y: number, size: number): void {
  pen.fillStyle = colour(seat);
  pen.beginPath();
  pen.arc(x, y, size * 0.36, 0, 7);
  pen.fill();
  pen.fillStyle = "#14101f";
  sign(pen, seat, x, y + size * 0.02, size * 0.17);
}

/** The one who haunts: a sheet with a hem, and eyes that look where it goes. */
export function ghost(
  pen: CanvasRenderingContext2D, seat: number, x: number, y: number, size: number, look: readonly [number, number], wave: number,
): void {
  const [w, top, foot] = [size * 0.4, y - size * 0.06, y + size * 0.42];
  pen.fillStyle = colour(seat);
  pen.beginPath();
  pen.arc(x, top, w, Math.PI, 0);
  pen.lineTo(x + w, foot);
  for (let fold = 0; fold < 4; fold += 1) {
    const from = x + w - (fold * w) / 2;
    const lift = size * (0.13 + 0.03 * Math.sin(wave + fold));
    pen.quadraticCurveTo(from - w / 8, foot - lift, from - w / 4, foot - lift * 0.55);
    pen.quadraticCurveTo(from - (w * 3) / 8, foot - lift * 0.1, from - w / 2, foot);
  }
  pen.closePath();
  pen.fill();
  for (const side of [-1, 1]) {
    const [ex, ey] = [x + side * size * 0.16 + look[0] * size * 0.05, top - size * 0.04 + look[1] * size * 0.05];
    pen.fillStyle = "#fffdf8";
    pen.beginPath();
    pen.arc(ex, ey, size * 0.115, 0, 7);
    pen.fill();
    pen.fillStyle = "#14101f";
    pen.beginPath();
    pen.arc(ex + look[0] * size * 0.045, ey + look[1] * size * 0.045, size * 0.06, 0, 7);
    pen.fill();
  }
  pen.fillStyle = "#14101f";
  sign(pen, seat, x, y + size * 0.18, size * 0.11);
}

/** A player in small, for lists. */
export function swatch(seat: number, haunts: boolean): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  const scale = Math.max(2, devicePixelRatio);
  canvas.width = canvas.height = 26 * scale;
  canvas.className = "swatch";
  canvas.setAttribute("aria-hidden", "true");
  const pen = canvas.getContext("2d");
  if (pen !== null) {
    pen.scale(scale, scale);
    pen.fillStyle = "#14101f";
    pen.beginPath();
    pen.roundRect(0, 0, 26, 26, 8);
    pen.fill();
    if (haunts) {
      ghost(pen, seat, 13, 12, 24, [0, 0.4], 0);
    } else {
      figure(pen, seat, 13, 13, 27);
    }
  }
  return canvas;
}
