import { useEffect, useRef } from "preact/hooks";

type Start = (canvas: HTMLCanvasElement, still: boolean) => () => void;

const load: Record<string, () => Promise<Start>> = {
  maze: async () => (await import("../minis/maze.ts")).start,
  snake: async () => (await import("../minis/snake.ts")).start,
  tanks: async () => (await import("../minis/tanks.ts")).start,
  sketch: async () => (await import("../minis/sketch.ts")).start,
  tictactoe: async () => (await import("../minis/tictactoe.ts")).start,
};

/** A small game that plays itself, fetched once the page stands. A still picture where motion is not wanted. */
export function Miniature(props: { game: string }) {
  const ref = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const canvas = ref.current;
    const mini = load[props.game];
    if (canvas === null || mini === undefined) {
      return;
    }
    let stop = () => {};
    let gone = false;
    const begin = async () => {
      const start = await mini();
      if (!gone) {
        stop = start(canvas, matchMedia("(prefers-reduced-motion: reduce)").matches);
      }
    };
    const timer = setTimeout(() => void begin().catch(() => {}), 60);
    return () => {
      gone = true;
      clearTimeout(timer);
      stop();
    };
  }, [props.game]);
  return (
    <div class={`miniature miniature-${props.game}`} aria-hidden="true">
      {load[props.game] === undefined ? <span class="monogram">{props.game.charAt(0)}</span> : <canvas ref={ref} />}
    </div>
  );
}
