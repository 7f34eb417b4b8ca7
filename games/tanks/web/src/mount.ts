import type { GameSession, Mounted } from "@bellhop/page/game-api";
import { wear } from "@bellhop/page/game-kit";
import { Scores } from "./scores.ts";
import { Steering } from "./steer.ts";
import css from "./style.css?inline";
import { words } from "./text.ts";
import { type Event, type Input, seconds, type View } from "./view.ts";
import { Yard } from "./yard.ts";

type Session = GameSession<View, Input, never, Event>;

/** How long a line of who destroyed whom stands, and how many stand at a time. */
const LINE_MS = 3_500;
const MOST_LINES = 3;

export function mount(root: HTMLElement, session: Session): Mounted {
  const t = words(session.locale);
  const takeOff = wear(css);

  const frame = document.createElement("div");
  frame.className = "tanks";
  const ground = document.createElement("div");
  ground.className = "ground";
  const yard = new Yard();
  yard.canvas.setAttribute("role", "img");
  yard.canvas.tabIndex = 0;
  const say = document.createElement("p");
  say.className = "say";
  say.hidden = true;
  const lines = document.createElement("ul");
  lines.className = "lines";
  const steering = new Steering(ground, { drive: t("drive"), aim: t("aim") });
  ground.append(yard.canvas, say, lines);
  const scores = new Scores(t, session);
  frame.append(ground, scores.root, ...(session.watching ? [] : [steering.pads]));
  root.append(frame);

  const nameOf = (seat: number) => session.players.find((player) => player.seat === seat)?.name ?? "…";
  let by = "";
  let drawing = 0;
  let tanks = -1;
  let warned = false;
  const draw = () => {
    drawing = requestAnimationFrame(draw);
    const now = performance.now();
    const view = session.view(now);
    if (view === undefined) {
      return;
    }
    const own = view.tanks.find((tank) => tank.seat === session.seat);
    yard.draw(
      view,
      {
        you: session.seat,
        names: new Map(session.players.map((player) => [player.seat, player.name])),
        youWord: t("you"),
        awayWord: t("away"),
        dim: session.link === "reconnecting" || session.paused,
        still: session.reducedMotion,
      },
      now,
    );
    if (!session.watching) {
      session.setInput(steering.held(own?.body, (x, y) => yard.toWorld(x, y), now));
    }
    scores.show(view);
    tell(view);
    if (view.tanks.length !== tanks) {
      tanks = view.tanks.length;
      yard.canvas.setAttribute("aria-label", t("yard", { n: tanks }));
    }
    frame.dataset["touch"] = String(steering.touched);
    // What a test reads: where the own tank is shown.
    frame.dataset["at"] = own === undefined ? "" : `${Math.round(own.body.x / 32)} ${Math.round(own.body.y / 32)}`;
  };

  /** The one sentence over the yard. */
  const tell = (view: View) => {
    const own = view.tanks.find((tank) => tank.seat === session.seat);
    const out = own !== undefined && own.lives === 0;
    const text = out ? by : "";
    const small = out ? t("backIn", { s: seconds(own.until - view.tick) }) : "";
    if (say.dataset["text"] !== text + small) {
      say.dataset["text"] = text + small;
      say.hidden = !out;
      const line = document.createElement("small");
      line.textContent = small;
      say.replaceChildren(text, line);
    }
    const left = seconds(view.ends - view.tick);
    if (left === 10 && !warned) {
      warned = true;
      session.announce(t("lastSeconds", { s: left }));
    }
  };

  const timers = new Set<ReturnType<typeof setTimeout>>();
  const stopListening = session.listen((change) => {
    if (change.kind !== "event" || change.event.kind !== "destroyed") {
      return;
    }
    const { seat, by: winner } = change.event;
    const names = { name: nameOf(seat), by: nameOf(winner) };
    let text = t("destroyed", names);
    if (seat === session.seat) {
      by = text = t("destroyedBy", { name: names.by });
      session.announce(text, true);
    } else if (winner === session.seat) {
      text = t("youDestroyed", names);
      session.announce(text);
    }
    const line = document.createElement("li");
    line.textContent = text;
    line.classList.toggle("own", [seat, winner].includes(session.seat));
    lines.append(line);
    while (lines.children.length > MOST_LINES) {
      lines.firstElementChild?.remove();
    }
    const timer = setTimeout(() => {
      timers.delete(timer);
      line.remove();
    }, LINE_MS);
    timers.add(timer);
  });
  drawing = requestAnimationFrame(draw);

  return {
    focus: () => yard.canvas.focus({ preventScroll: true }),
    unmount() {
      cancelAnimationFrame(drawing);
      timers.forEach(clearTimeout);
      steering.stop();
      stopListening();
      yard.stop();
      frame.remove();
      takeOff();
    },
  };
}
