import type { GameSession, Mounted } from "@bellhop/page/game-api";
import { wear } from "@bellhop/page/game-kit";
import { colour } from "./looks.ts";
import { Scores } from "./scores.ts";
import { Stage, starIcon } from "./stage.ts";
import { pad, Steering } from "./steer.ts";
import css from "./style.css?inline";
import { words } from "./text.ts";
import type { Event, View, Way } from "./view.ts";

type Session = GameSession<View, Way | null, never, Event>;

const RATE_IF_UNKNOWN = 60;
/** From here on the clock is said to be short. */
const SHORT_S = 10;

export function mount(root: HTMLElement, session: Session): Mounted {
  const t = words(session.locale);
  const takeOff = wear(css);

  const frame = element("div", "maze");
  const ground = element("div", "ground");
  const stage = new Stage();
  stage.canvas.setAttribute("role", "img");
  stage.canvas.tabIndex = 0;
  const say = element("p", "say");
  const status = element("p", "status");
  ground.append(stage.canvas, status, say);
  const scores = new Scores(t, session);
  frame.append(ground, scores.root);

  const steering = new Steering(ground, (way) => session.setInput(way));
  if (!session.watching) {
    frame.append(pad({ up: t("up"), right: t("right"), down: t("down"), left: t("left_") }, t("pad"), steering));
  }
  root.append(frame);

  const nameOf = (seat: number) => session.players.find((player) => player.seat === seat)?.name ?? "…";
  const seconds = (ticks: number) => Math.max(0, Math.ceil(ticks / (session.tickRate || RATE_IF_UNKNOWN)));

  /** The sentence over the maze, a line that explains it, and what makes it another one. */
  const sentence = (view: View): [main: string, small: string, key: string] => {
    const { own, phase, round } = view;
    const haunts = own !== null && own.seat === view.haunter;
    if (phase === "over" && session.seat < 0) {
      return [round >= view.rounds ? t("lastOver") : t("over", { n: round }), "", `over ${round}`];
    }
    if (phase === "over") {
      const score = view.scores.find((one) => one.seat === session.seat);
      const title = round >= view.rounds ? t("lastOver") : t("over", { n: round });
      const n = score?.gain ?? 0;
      const text = haunts ? t("gainCaught", { c: own.catches, n }) : t(score?.escaped ? "gainEscaped" : n === 0 ? "noGain" : "gain", { n });
      return [title, own?.fate.kind === "waiting" ? "" : text, `over ${round}`];
    }
    if (session.seat < 0) {
      return phase === "countdown"
        ? [t("youCollect", { name: nameOf(view.haunter) }), t("starts", { s: Math.max(1, seconds(view.left)) }), `countdown ${round}`]
        : ["", "", `hunt ${round}`];
    }
    if (own === null || own.fate.kind === "waiting") {
      return [t("waiting"), t("waitingHow"), `wait ${round}`];
    }
    if (phase === "countdown") {
      const s = Math.max(1, seconds(view.left));
      const how = haunts ? t("youHauntHow") : t("youCollectHow", { n: view.need });
      return [haunts ? t("youHaunt") : t("youCollect", { name: nameOf(view.haunter) }), `${how}\n${t("starts", { s })}`, `countdown ${round}`];
    }
    switch (own.fate.kind) {
      case "caught":
        return [t("caught", { name: nameOf(view.haunter) }), t("caughtHow", { s: Math.max(1, seconds(own.fate.until - view.tick)) }), `caught ${round} ${own.fate.until}`];
      case "escaped":
        return [t("escaped"), t("escapedHow", { n: own.carried }), `out ${round}`];
      case "free":
        return ["", "", `hunt ${round}`];
    }
  };

  let key = "";
  let shown = "";
  const tell = (view: View) => {
    const [main, small, now] = sentence(view);
    if (now !== key) {
      if (now.startsWith("countdown") || now.startsWith("over")) {
        steering.rest();
      }
      if (main !== "") {
        session.announce(`${main}. ${small.split("\n")[0] ?? ""}`, true);
      }
      key = now;
    }
    if (shown !== main + small) {
      shown = main + small;
      say.replaceChildren(main);
      for (const line of small === "" ? [] : small.split("\n")) {
        const text = document.createElement("small");
        text.textContent = line;
        say.append(text);
      }
      say.classList.toggle("haunt", view.own?.seat === view.haunter && view.phase === "countdown");
    }
  };

  let state = "";
  /** What one carries and how long it lasts, small above the maze. */
  const count = (view: View) => {
    const { own } = view;
    const looksOn = session.seat < 0;
    const running = view.phase === "hunt" && (looksOn || (own !== null && own.fate.kind !== "waiting"));
    const left = seconds(view.left);
    const haunts = own?.seat === view.haunter;
    const now = running ? JSON.stringify([haunts, own?.carried, own?.catches, left, view.need]) : "";
    if (now === state) {
      return;
    }
    state = now;
    status.replaceChildren();
    if (!running) {
      return;
    }
    const open = own !== null && !haunts && own.carried >= view.need;
    const purse = element("span", "purse");
    if (own === null) {
      // Who looks on carries nothing.
    } else if (haunts) {
      purse.textContent = t("catches", { n: own.catches });
    } else {
      purse.setAttribute("role", "img");
      purse.setAttribute("aria-label", open ? t("carryMore", { n: own.carried }) : t("carry", { n: own.carried, of: view.need }));
      for (let at = 0; at < Math.max(view.need, own.carried); at += 1) {
        const one = element("i", at < own.carried ? "has" : "lacks");
        one.innerHTML = starIcon();
        purse.append(one);
      }
    }
    const clock = element("span", left <= SHORT_S ? "clock short" : "clock");
    clock.setAttribute("role", "img");
    clock.setAttribute("aria-label", t("time", { s: left }));
    clock.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    if (own !== null) {
      status.append(purse);
    }
    if (open) {
      status.append(Object.assign(element("span", "open"), { textContent: t("gateOpen") }));
    }
    status.append(clock);
  };

  let drawing = 0;
  let size = "";
  const draw = () => {
    drawing = requestAnimationFrame(draw);
    const now = performance.now();
    const view = session.view(now);
    if (view === undefined) {
      return;
    }
    scores.show(view);
    tell(view);
    count(view);
    if (size !== `${view.map.width} ${view.map.height}`) {
      size = `${view.map.width} ${view.map.height}`;
      stage.canvas.setAttribute("aria-label", t("board", { w: view.map.width, h: view.map.height }));
    }
    const scene = {
      you: session.seat,
      names: new Map(session.players.map((player) => [player.seat, player.name])),
      youWord: t("you"),
      all: session.seat < 0,
      dim: session.link === "reconnecting" || session.paused || view.phase === "over",
      still: session.reducedMotion,
    };
    stage.draw(view, scene, now);
    frame.dataset["phase"] = view.phase;
    frame.dataset["round"] = String(view.round);
    const own = view.bodies.find((body) => body.seat === session.seat);
    frame.dataset["at"] = own === undefined ? "" : `${Math.floor(own.x / view.tile)} ${Math.floor(own.y / view.tile)}`;
    frame.dataset["role"] = view.own === null ? "none" : view.own.seat === view.haunter ? "haunter" : "collector";
  };

  const stopListening = session.listen((change) => {
    if (change.kind !== "event") {
      return;
    }
    const now = performance.now();
    const { kind, seat } = change.event;
    const view = session.view(now);
    stage.burst(seat, kind === "taken" ? "#ffe28a" : kind === "escaped" ? "#7be8b6" : colour(seat), now);
    if (kind === "taken") {
      if (seat === session.seat) {
        session.announce(t("tookSpark", { n: view?.own?.carried ?? "" }));
      }
    } else if (seat !== session.seat) {
      const mine = kind === "caught" && view?.haunter === session.seat;
      session.announce(t(mine ? "youCaught" : kind === "caught" ? "sawCaught" : "sawEscaped", { name: nameOf(seat) }));
    }
  });
  drawing = requestAnimationFrame(draw);

  return {
    focus: () => stage.canvas.focus({ preventScroll: true }),
    unmount() {
      cancelAnimationFrame(drawing);
      steering.stop();
      stopListening();
      stage.stop();
      frame.remove();
      takeOff();
    },
  };
}

function element(tag: "div" | "p" | "span" | "i", name: string): HTMLElement {
  const made = document.createElement(tag);
  made.className = name;
  return made;
}
