/** How the game is drawn and played. The page owns everything else: socket, coming back, result. */
import type { GameSession, Mounted } from "@bellhop/page/game-api";

interface Field {
  coin: [number, number];
  players: { seat: number; at: [number, number]; coins: number }[];
}

const SIZE = [640, 400] as const;
const KEYS: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function mount(root: HTMLElement, session: GameSession<Field, { x: number; y: number }>): Mounted {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = SIZE;
  canvas.style.cssText = "width:100%;height:100%;object-fit:contain;background:#151a22";
  canvas.tabIndex = 0;
  canvas.setAttribute("aria-label", "The field. Move with the arrow keys.");
  root.append(canvas);
  const pen = canvas.getContext("2d") as CanvasRenderingContext2D;
  pen.textAlign = "center";

  const held = new Map<string, [number, number]>();
  const press = (event: KeyboardEvent) => {
    const way = KEYS[event.key];
    if (way === undefined) return;
    event.preventDefault();
    held.delete(event.key);
    if (event.type === "keydown") held.set(event.key, way);
    const ways = [...held.values()];
    session.setInput({ x: ways.reduce((sum, [x]) => sum + x, 0), y: ways.reduce((sum, [, y]) => sum + y, 0) });
  };
  const dot = (at: [number, number], radius: number, colour: string, text: string) => {
    pen.fillStyle = colour;
    pen.beginPath();
    pen.arc(...at, radius, 0, 7);
    pen.fill();
    pen.fillText(text, Math.min(Math.max(at[0], 50), SIZE[0] - 50), at[1] - radius - 4);
  };
  const draw = (now: number) => {
    frame = requestAnimationFrame(draw);
    const field = session.view(now);
    if (field === undefined) return;
    pen.clearRect(0, 0, ...SIZE);
    dot(field.coin, 7, "#ffd84c", "");
    for (const { seat, at, coins } of field.players) {
      const name = session.players.find((player) => player.seat === seat)?.name;
      dot(at, seat === session.seat ? 12 : 9, `hsl(${seat * 47 + 200} 80% 65%)`, `${name} ${coins}`);
    }
  };
  canvas.onkeydown = canvas.onkeyup = press;
  let frame = requestAnimationFrame(draw);
  return {
    focus: () => canvas.focus(),
    unmount() {
      cancelAnimationFrame(frame);
      canvas.remove();
    },
  };
}
