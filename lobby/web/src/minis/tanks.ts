/** Two tanks that circle a wall and, being miniature, always just miss. */
import { run } from "./scene.ts";

const WIDE = 22;
const HIGH = 11;
const COLOURS = ["#eabf6b", "#6fd0b4"];

export function start(canvas: HTMLCanvasElement, still: boolean): () => void {
  let time = 40;
  const step = () => {
    time += 1;
  };
  return run(canvas, { step, draw: (pen, w, h, part) => draw(pen, w, h, time + part) }, 120, still);
}

/** Where a tank is on its round, and where it looks. */
function place(time: number, who: number): { x: number; y: number; way: number } {
  const turn = time / 26 + who * Math.PI + Math.sin(time / 17 + who) * 0.35;
  const [x, y] = [WIDE / 2 + Math.cos(turn) * 7.4, HIGH / 2 + Math.sin(turn) * 3.4];
  return { x, y, way: Math.atan2(Math.cos(turn) * 3.4, -Math.sin(turn) * 7.4) };
}

function draw(pen: CanvasRenderingContext2D, w: number, h: number, time: number): void {
  pen.clearRect(0, 0, w, h);
  const cell = Math.max(w / WIDE, h / HIGH);
  pen.translate((w - cell * WIDE) / 2, (h - cell * HIGH) / 2);
  pen.scale(cell, cell);
  pen.fillStyle = "rgba(200,206,255,.16)";
  for (const [x, y, wide, high] of [[8.5, 4.6, 5, 1.8], [3, 0, 1.4, 2.4], [17.6, 8.6, 1.4, 2.4]] as const) {
    pen.fillRect(x, y, wide, high);
  }
  for (const who of [0, 1]) {
    // A shell leaves every three seconds, over the wall's end to where the other was.
    const shot = Math.floor((time + who * 12) / 25) * 25 - who * 12;
    const age = time - shot;
    const [from, to] = [place(shot, who), place(shot, 1 - who)];
    const [dx, dy] = [to.x - from.x, to.y - from.y];
    const far = Math.hypot(dx, dy) || 1;
    if (age < 13) {
      pen.fillStyle = COLOURS[who] ?? "#fff";
      pen.beginPath();
      pen.arc(from.x + (dx / far) * (1 + age * 1.3), from.y + (dy / far) * (1 + age * 1.3), 0.2, 0, 7);
      pen.fill();
    }
    const now = place(time, who);
    const other = place(time - 3, 1 - who);
    pen.save();
    pen.translate(now.x, now.y);
    pen.save();
    pen.rotate(now.way);
    pen.fillStyle = "rgba(9,10,19,.75)";
    pen.fillRect(-1, -0.85, 2, 1.7);
    pen.fillStyle = COLOURS[who] ?? "#fff";
    pen.fillRect(-0.9, -0.55, 1.8, 1.1);
    pen.restore();
    pen.rotate(Math.atan2(other.y - now.y, other.x - now.x));
    pen.fillStyle = pen.strokeStyle = "#191b31";
    pen.lineWidth = 0.28;
    pen.beginPath();
    pen.moveTo(0, 0);
    pen.lineTo(1.35, 0);
    pen.stroke();
    pen.beginPath();
    pen.arc(0, 0, 0.42, 0, 7);
    pen.fill();
    pen.restore();
  }
}
