/** Two snakes that look for food and, being miniature, never quite lose. */
import { run } from "./scene.ts";

const WIDE = 22;
const HIGH = 11;
const LONGEST = 9;
const WAYS = [[1, 0], [0, 1], [-1, 0], [0, -1]] as const;

interface Worm {
  body: [number, number][];
  gone: [number, number];
  way: number;
}

export function start(canvas: HTMLCanvasElement, still: boolean): () => void {
  const worms: Worm[] = [worm(4, 3, 0), worm(17, 7, 2)];
  let food: [number, number] = [11, 5];
  const taken = (x: number, y: number) =>
    x < 0 || y < 0 || x >= WIDE || y >= HIGH || worms.some((one) => one.body.some(([bx, by]) => bx === x && by === y));
  const place = () => {
    do {
      food = [1 + Math.floor(Math.random() * (WIDE - 2)), 1 + Math.floor(Math.random() * (HIGH - 2))];
    } while (taken(...food));
  };
  const step = () => {
    for (const one of worms) {
      const [hx, hy] = one.body[0] ?? [0, 0];
      const choice = [one.way, (one.way + 1) % 4, (one.way + 3) % 4]
        .map((way) => {
          const [dx, dy] = WAYS[way] ?? WAYS[0];
          const x = hx + dx;
          const y = hy + dy;
          const room = WAYS.filter(([ex, ey]) => !taken(x + ex, y + ey)).length;
          return { way, x, y, cost: taken(x, y) ? 1e6 : Math.abs(food[0] - x) + Math.abs(food[1] - y) + (room === 0 ? 500 : 0) };
        })
        .sort((a, b) => a.cost - b.cost)[0];
      if (choice === undefined || choice.cost >= 1e6) {
        one.body = one.body.slice(0, 3).reverse();
        one.way = (one.way + 2) % 4;
        continue;
      }
      one.way = choice.way;
      one.body.unshift([choice.x, choice.y]);
      one.gone = one.body[one.body.length - 1] ?? [hx, hy];
      const ate = choice.x === food[0] && choice.y === food[1];
      if (ate) {
        place();
      }
      if (!ate || one.body.length > LONGEST) {
        one.body.pop();
      }
    }
  };
  for (let warm = 0; warm < 24; warm += 1) {
    step();
  }
  return run(canvas, { step, draw: (pen, w, h, part) => draw(pen, w, h, part, worms, food) }, 190, still);
}

function worm(x: number, y: number, way: number): Worm {
  const [dx] = WAYS[way] ?? WAYS[0];
  return { body: [0, 1, 2, 3].map((n) => [x - n * dx, y]), gone: [x - 4 * dx, y], way };
}

function draw(
  pen: CanvasRenderingContext2D, w: number, h: number, part: number, worms: Worm[], food: [number, number],
): void {
  pen.clearRect(0, 0, w, h);
  const cell = Math.max(w / WIDE, h / HIGH);
  pen.translate((w - cell * WIDE) / 2, (h - cell * HIGH) / 2);
  pen.fillStyle = "rgba(200,206,255,.1)";
  for (let x = 0; x < WIDE; x += 1) {
    for (let y = 0; y < HIGH; y += 1) {
      pen.beginPath();
      pen.arc((x + 0.5) * cell, (y + 0.5) * cell, 1.2, 0, 7);
      pen.fill();
    }
  }
  const colours = ["#eabf6b", "#6fd0b4"];
  worms.forEach(({ body, gone }, index) => {
    const [head, neck] = [body[0], body[1]];
    const end = body[body.length - 1];
    if (head === undefined || neck === undefined || end === undefined) {
      return;
    }
    const mix = (a: number, b: number) => (a + (b - a) * part + 0.5) * cell;
    pen.strokeStyle = colours[index] ?? "#888";
    pen.lineWidth = cell * 0.62;
    pen.lineCap = pen.lineJoin = "round";
    pen.beginPath();
    pen.moveTo(mix(neck[0], head[0]), mix(neck[1], head[1]));
    for (const [x, y] of body.slice(1)) {
      pen.lineTo((x + 0.5) * cell, (y + 0.5) * cell);
    }
    pen.moveTo((end[0] + 0.5) * cell, (end[1] + 0.5) * cell);
    if (Math.abs(gone[0] - end[0]) + Math.abs(gone[1] - end[1]) === 1) {
      pen.lineTo(mix(gone[0], end[0]), mix(gone[1], end[1]));
    }
    pen.stroke();
    pen.fillStyle = "#191b31";
    pen.beginPath();
    pen.arc(mix(neck[0], head[0]), mix(neck[1], head[1]), cell * 0.13, 0, 7);
    pen.fill();
  });
  pen.fillStyle = "#ff7d90";
  pen.beginPath();
  pen.arc((food[0] + 0.5) * cell, (food[1] + 0.5) * cell, cell * (0.25 + 0.04 * Math.sin(part * 6.28)), 0, 7);
  pen.fill();
}
