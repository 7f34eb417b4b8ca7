/** Two patient players, a new game every few seconds. */
import { run } from "./scene.ts";

const LINES = [[0, 1, 2], [3, 4, 5], [6, 7, 8], [0, 3, 6], [1, 4, 7], [2, 5, 8], [0, 4, 8], [2, 4, 6]] as const;
const REST = 3;

export function start(canvas: HTMLCanvasElement, still: boolean): () => void {
  let cells: (0 | 1 | undefined)[] = new Array(9).fill(undefined);
  let fresh = -1;
  let turn: 0 | 1 = 0;
  let rest = 0;
  const line = (who: 0 | 1) => LINES.find((one) => one.every((cell) => cells[cell] === who));
  const finishing = (who: 0 | 1) =>
    LINES.map((one) => {
      const open = one.filter((cell) => cells[cell] === undefined);
      return open.length === 1 && one.filter((cell) => cells[cell] === who).length === 2 ? open[0] : undefined;
    }).find((cell) => cell !== undefined);
  const step = () => {
    fresh = -1;
    if (rest > 0) {
      rest -= 1;
      if (rest === 0) {
        cells = new Array(9).fill(undefined);
        turn = 0;
      }
      return;
    }
    const open = cells.flatMap((cell, index) => (cell === undefined ? [index] : []));
    const other = turn === 0 ? 1 : 0;
    const any = open[Math.floor(Math.random() * open.length)] ?? 0;
    fresh = finishing(turn) ?? (Math.random() < 0.8 ? finishing(other) : undefined) ?? any;
    cells[fresh] = turn;
    if (line(turn) !== undefined || open.length === 1) {
      rest = REST;
    }
    turn = other;
  };
  for (let warm = 0; warm < 4; warm += 1) {
    step();
  }
  const paint = (pen: CanvasRenderingContext2D, w: number, h: number, part: number) => {
    pen.clearRect(0, 0, w, h);
    const cell = Math.min(w, h) * 0.27;
    pen.translate(w / 2 - cell * 1.5, h / 2 - cell * 1.5);
    pen.lineCap = "round";
    pen.lineWidth = 2;
    pen.strokeStyle = "rgba(200,206,255,.26)";
    for (const at of [1, 2]) {
      pen.beginPath();
      pen.moveTo(at * cell, cell * 0.1);
      pen.lineTo(at * cell, cell * 2.9);
      pen.moveTo(cell * 0.1, at * cell);
      pen.lineTo(cell * 2.9, at * cell);
      pen.stroke();
    }
    const colours = ["#eabf6b", "#6fd0b4"];
    const won = line(0) ?? line(1);
    pen.lineWidth = cell * 0.11;
    cells.forEach((who, index) => {
      if (who === undefined) {
        return;
      }
      const x = ((index % 3) + 0.5) * cell;
      const y = (Math.floor(index / 3) + 0.5) * cell;
      const grow = index === fresh ? Math.min(1, part * 2.5) : 1;
      const r = cell * 0.26;
      pen.globalAlpha = won !== undefined && !won.some((one) => one === index) ? 0.3 : 1;
      pen.strokeStyle = colours[who] ?? "#888";
      pen.beginPath();
      if (who === 0) {
        pen.moveTo(x - r, y - r);
        pen.lineTo(x - r + 2 * r * Math.min(1, grow * 2), y - r + 2 * r * Math.min(1, grow * 2));
        if (grow > 0.5) {
          pen.moveTo(x + r, y - r);
          pen.lineTo(x + r - 2 * r * (grow * 2 - 1), y - r + 2 * r * (grow * 2 - 1));
        }
      } else {
        pen.arc(x, y, r * 1.08, -Math.PI / 2, -Math.PI / 2 + Math.PI * 2 * grow);
      }
      pen.stroke();
    });
    pen.globalAlpha = 1;
  };
  return run(canvas, { step, draw: paint }, 850, still);
}
