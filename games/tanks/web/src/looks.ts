/** How the seats are told apart: a colour and a number each, so that colour is never the only sign. */

const LIGHT = ["#bf2440", "#0b6a9e", "#b26a00", "#12715a", "#6a3d9a", "#4a5560", "#8a5a44", "#5a7012"] as const;
const DARK = ["#ff7d90", "#5fb4ea", "#f0b04c", "#4fc9a4", "#b99aec", "#b8c2cc", "#d9a58c", "#b5cf58"] as const;

export function colour(seat: number, dark: boolean): string {
  const set = dark ? DARK : LIGHT;
  return set[seat % set.length] as string;
}

/** What stands on the turret and in the list. */
export function number(seat: number): string {
  return String(seat + 1);
}

/** The second eight of sixteen have a stripe along the hull. */
export function striped(seat: number): boolean {
  return seat % 16 >= LIGHT.length;
}

/** A tank from above, pointing to the right, one point a point, in the middle of the pen. */
export function hull(pen: CanvasRenderingContext2D, seat: number, dark: boolean): void {
  const edge = dark ? "#0c0d17" : "#17182b";
  pen.fillStyle = dark ? "#3b3f5c" : "#3a3d55";
  for (const side of [-1, 1]) {
    pen.beginPath();
    pen.roundRect(-21, side < 0 ? -18 : 9, 42, 9, 3);
    pen.fill();
  }
  pen.fillStyle = colour(seat, dark);
  pen.beginPath();
  pen.roundRect(-19, -13, 38, 26, 5);
  pen.fill();
  pen.lineWidth = 1.5;
  pen.strokeStyle = edge;
  pen.stroke();
  if (striped(seat)) {
    pen.fillStyle = dark ? "rgba(12,13,23,.6)" : "rgba(255,255,255,.7)";
    pen.fillRect(-18, -10, 36, 3);
    pen.fillRect(-18, 7, 36, 3);
  }
  pen.fillStyle = dark ? "rgba(12,13,23,.55)" : "rgba(255,255,255,.75)";
  pen.beginPath(); // where the front is
  pen.moveTo(18, 0);
  pen.lineTo(12, -5);
  pen.lineTo(12, 5);
  pen.fill();
}

export function turret(pen: CanvasRenderingContext2D, seat: number, dark: boolean): void {
  const edge = dark ? "#0c0d17" : "#17182b";
  pen.lineWidth = 1.5;
  pen.strokeStyle = edge;
  pen.fillStyle = colour(seat, dark);
  pen.beginPath();
  pen.roundRect(4, -3.5, 27, 7, 2);
  pen.fill();
  pen.stroke();
  pen.beginPath();
  pen.arc(0, 0, 10, 0, 7);
  pen.fill();
  pen.stroke();
}

/** The number on the turret, upright however the tank stands. */
export function plate(pen: CanvasRenderingContext2D, seat: number, dark: boolean): void {
  pen.fillStyle = dark ? "#0c0d17" : "#ffffff";
  pen.font = '700 11px "Segoe UI", Roboto, "Liberation Sans", system-ui, sans-serif';
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(number(seat), 0, 0.5);
}

/** A small tank, for lists. */
export function swatch(seat: number, dark: boolean): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  const scale = Math.max(2, devicePixelRatio);
  canvas.width = 36 * scale;
  canvas.height = 22 * scale;
  canvas.className = "swatch";
  canvas.setAttribute("aria-hidden", "true");
  const pen = canvas.getContext("2d");
  if (pen !== null) {
    pen.scale(scale * 0.58, scale * 0.58);
    pen.translate(25, 19);
    hull(pen, seat, dark);
    turret(pen, seat, dark);
    plate(pen, seat, dark);
  }
  return canvas;
}
