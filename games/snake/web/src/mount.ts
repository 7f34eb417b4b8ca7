import type { GameSession, Mounted } from "@bellhop/page/game-api";
import { wear } from "@bellhop/page/game-kit";
import { Board } from "./board.ts";
import { Scores } from "./scores.ts";
import { pad, steer } from "./steer.ts";
import css from "./style.css?inline";
import { words } from "./text.ts";
import { type Direction, type Event, opposite, type View } from "./view.ts";

type Session = GameSession<View, Direction, never, Event>;

const RATE_IF_UNKNOWN = 5;

export function mount(root: HTMLElement, session: Session): Mounted {
  const t = words(session.locale);
  const takeOff = wear(css);

  const frame = document.createElement("div");
  frame.className = "snake";
  const ground = document.createElement("div");
  ground.className = "ground";
  const board = new Board();
  board.canvas.setAttribute("role", "img");
  board.canvas.tabIndex = 0;
  const say = document.createElement("p");
  say.className = "say";
  ground.append(board.canvas, say);
  const scores = new Scores(t, session);
  frame.append(ground, scores.root);

  let turned: Direction | undefined;
  const turn = (direction: Direction) => {
    const view = session.view(performance.now());
    const own = view?.snakes.find((snake) => snake.seat === session.seat);
    if (!own?.alive || opposite(direction, own.direction)) {
      return; // the rules would ignore it; the head must not promise it
    }
    turned = direction;
    session.setInput(direction);
  };
  const stopSteering = steer(ground, turn);
  if (!session.watching) {
    frame.append(pad({ up: t("up"), right: t("right"), down: t("down"), left: t("left_") }, t("pad"), turn));
  }
  root.append(frame);

  let drawing = 0;
  let said = "";
  let tick = -1;
  const draw = () => {
    drawing = requestAnimationFrame(draw);
    const now = performance.now();
    const view = session.view(now);
    if (view === undefined) {
      return;
    }
    if (view.tick !== tick) {
      tick = view.tick;
      scores.show(view);
      said = tell(view, said);
      const own = view.snakes.find((snake) => snake.seat === session.seat);
      if (own === undefined || !own.alive || own.direction === turned) {
        turned = undefined;
      }
      board.canvas.setAttribute("aria-label", t("board", { w: view.width, h: view.height }));
    }
    board.draw(
      view,
      {
        you: session.seat,
        names: new Map(session.players.map((player) => [player.seat, player.name])),
        youWord: t("you"),
        turned,
        rate: session.tickRate || RATE_IF_UNKNOWN,
        dim: session.link === "reconnecting" || session.paused || view.phase === "pause",
        still: session.reducedMotion,
      },
      now,
    );
  };

  /** The one sentence above the board, also spoken when it changes. */
  const tell = (view: View, before: string): string => {
    const [main, small, key] = sentence(view);
    if (key !== before) {
      if (main !== "") {
        session.announce(main, true);
      }
    }
    if (say.dataset["text"] !== main + small) {
      say.dataset["text"] = main + small;
      say.classList.toggle("low", view.phase === "running");
      say.textContent = main;
      if (small !== "") {
        const line = document.createElement("small");
        line.textContent = small;
        say.append(line);
      }
    }
    return key;
  };
  const sentence = (view: View): [main: string, small: string, key: string] => {
    const own = view.snakes.find((snake) => snake.seat === session.seat);
    const seconds = Math.max(1, Math.ceil(view.left / (session.tickRate || RATE_IF_UNKNOWN)));
    switch (view.phase) {
      case "countdown":
        if (!own?.alive && !session.watching) {
          return [t("waitRound"), t("late"), `wait ${view.round}`];
        }
        return [t("ready", { n: view.round, s: seconds }), "", `countdown ${view.round}`];
      case "pause": {
        const { winner } = view;
        const text = winner === null ? t("nobody") : winner === session.seat ? t("youWon") : t("won", { name: nameOf(winner) });
        return [text, "", `over ${view.round}`];
      }
      case "running":
        if (own?.alive || session.seat < 0) {
          return ["", "", `run ${view.round}`];
        }
        return outIn === view.round ? [outBy, t("watch"), `out ${view.round}`] : [t("waitRound"), t("watch"), `wait ${view.round}`];
    }
  };

  let outIn = 0;
  let outBy = "";
  const nameOf = (seat: number) => session.players.find((player) => player.seat === seat)?.name ?? "…";
  const stopListening = session.listen((change) => {
    if (change.kind !== "event" || change.event.kind !== "died") {
      return;
    }
    const { seat, death } = change.event;
    if (seat === session.seat) {
      outIn = session.view(performance.now())?.round ?? 0;
      const known = death.kind === "left" ? "crashed" : death.kind;
      outBy = t(known, { name: "seat" in death ? nameOf(death.seat) : "" });
    } else {
      session.announce(t("othersOut", { name: nameOf(seat) }));
    }
  });
  drawing = requestAnimationFrame(draw);

  return {
    focus: () => board.canvas.focus({ preventScroll: true }),
    unmount() {
      cancelAnimationFrame(drawing);
      stopSteering();
      stopListening();
      board.stop();
      frame.remove();
      takeOff();
    },
  };
}
