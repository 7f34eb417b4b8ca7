/** Two pens that draw one picture, line by line, and begin anew. */
import { run } from "./scene.ts";

type Line = { pen: 0 | 1; path: [number, number][] };

const REST = 5;
const STEPS = 4;

/** A cat that fishes on the moon, in parts of a hundred by fifty. */
const PICTURE: Line[] = [
  { pen: 0, path: arc(38, 62, 30, 1.15, 1.86) },
  { pen: 1, path: [[70, 8], [72, 13], [77, 13], [73, 16], [75, 21], [70, 18], [65, 21], [67, 16], [63, 13], [68, 13], [70, 8]] },
  { pen: 0, path: [[30, 33], [29, 24], [32, 18], [30, 12], [34, 15], [38, 15], [42, 12], [40, 18], [43, 24], [42, 33]] },
  { pen: 1, path: [[41, 25], [56, 14], [62, 18]] },
  { pen: 1, path: [[62, 18], [62, 36]] },
  { pen: 0, path: [[42, 32], [47, 31], [47, 26]] },
  { pen: 1, path: [[62, 36], [66, 33], [71, 36], [66, 39], [62, 36], [59, 33], [59, 39], [62, 36]] },
  { pen: 0, path: arc(24, 46, 3, 0, 2) },
  { pen: 1, path: [[86, 26], [88, 31], [84, 31], [86, 26]] },
  { pen: 0, path: arc(48, 44, 2, 0, 2) },
];

export function start(canvas: HTMLCanvasElement, still: boolean): () => void {
  let at = still ? PICTURE.length * STEPS : STEPS;
  const step = () => {
    at = at >= (PICTURE.length + REST) * STEPS ? 0 : at + 1;
  };
  const draw = (pen: CanvasRenderingContext2D, w: number, h: number, part: number) => {
    pen.clearRect(0, 0, w, h);
    const scale = Math.min(w / 100, h / 50);
    pen.translate((w - scale * 100) / 2, (h - scale * 50) / 2);
    pen.scale(scale, scale);
    pen.lineCap = pen.lineJoin = "round";
    pen.lineWidth = 1.3;
    const colours = ["#eabf6b", "#6fd0b4"];
    PICTURE.forEach((line, index) => {
      const shown = Math.min(1, Math.max(0, (at + part) / STEPS - index)) * (line.path.length - 1);
      if (shown === 0) {
        return;
      }
      pen.strokeStyle = colours[line.pen] ?? "#888";
      pen.beginPath();
      line.path.slice(0, Math.floor(shown) + 1).forEach(([x, y]) => pen.lineTo(x, y));
      const [from, to] = [line.path[Math.floor(shown)], line.path[Math.floor(shown) + 1]];
      if (from !== undefined && to !== undefined) {
        const rest = shown - Math.floor(shown);
        pen.lineTo(from[0] + (to[0] - from[0]) * rest, from[1] + (to[1] - from[1]) * rest);
      }
      pen.stroke();
    });
  };
  return run(canvas, { step, draw }, 160, still);
}

function arc(x: number, y: number, r: number, from: number, to: number): [number, number][] {
  return Array.from({ length: 25 }, (_, n) => {
    const turn = Math.PI * (from + ((to - from) * n) / 24);
    return [x + r * Math.cos(turn), y + r * Math.sin(turn)];
  });
}
