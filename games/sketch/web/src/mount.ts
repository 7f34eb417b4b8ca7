import type { GameSession, Mounted } from "@bellhop/page/game-api";
import { say, wear } from "@bellhop/page/game-kit";
import { Canvas } from "./canvas.ts";
import { button, div, text } from "./dom.ts";
import { People } from "./people.ts";
import { Prompt } from "./prompt.ts";
import { Reveal } from "./reveal.ts";
import css from "./style.css?inline";
import { words } from "./text.ts";
import { type Tool, Tools } from "./tools.ts";
import type { Command, View } from "./view.ts";

type Session = GameSession<View, never, Command, never>;

/** From here on the clock asks for attention. */
const SHORT_MS = 5_500;
const TOOL_KEYS: Record<string, Tool> = { b: "brush", e: "eraser", f: "fill" };

export function mount(root: HTMLElement, session: Session): Mounted {
  const t = words(session.locale);
  const takeOff = wear(css);

  let refused = "";
  /** Whether the room took it. */
  const send = async (command: Command): Promise<boolean> => {
    const verdict = await session.command(command);
    if (!verdict.ok && verdict.reason !== refused) {
      refused = verdict.reason;
      session.announce(verdict.reason, true);
      say(note, verdict.reason);
    }
    return verdict.ok;
  };
  const undo = () => void send("undo");

  const tools = new Tools(t, undo);
  const canvas = new Canvas(t("canvas"), tools, send);
  const prompt = new Prompt(t, () => canvas.focus());
  const people = new People(t, session);
  const reveal = new Reveal(t, session, canvas);

  const frame = div(session.watching === true ? "sketch watching" : "sketch");
  const ground = div("ground");
  const wait = text("p", "wait");
  const note = text("p", "note");
  ground.append(canvas.root, prompt.card, wait);
  const side = div("side");
  const clock = div("clock");
  clock.setAttribute("role", "timer");
  const seconds = text("strong", "seconds");
  const until = text("span", "until");
  const read = button(t("read"), "action", () => prompt.open());
  clock.append(seconds, until, read);
  const done = button(t("done"), "action", () => {
    const view = session.view(performance.now());
    void send({ done: { done: view === undefined || !isDone(view) } });
  });
  side.append(clock, tools.root, people.root, done, note, reveal.root);
  frame.append(ground, side);
  root.append(frame);

  const isDone = (view: View) => ((view.done >> session.seat) & 1) === 1;

  const key = (event: KeyboardEvent) => {
    if (event.altKey || event.metaKey || event.target instanceof HTMLInputElement || frame.dataset["phase"] !== "drawing") {
      return;
    }
    const name = event.key.toLowerCase();
    const tool = TOOL_KEYS[name];
    if (name === "z" && !prompt.isOpen) {
      undo();
    } else if (event.ctrlKey) {
      return;
    } else if (tool !== undefined) {
      tools.use(tool);
    } else if (name === "[" || name === "]") {
      tools.resize(name === "]" ? 1 : -1);
    } else if (name === "p") {
      prompt.open();
    } else {
      return;
    }
    event.preventDefault();
  };
  addEventListener("keydown", key);

  /** What is new in the log, and whatever else changed. */
  const take = () => {
    const view = session.view(performance.now());
    if (view === undefined) {
      return;
    }
    if (view.entries < canvas.picture.entries) {
      canvas.picture.reset(); // a replay that was sent back
    }
    if (view.entries > canvas.picture.entries) {
      canvas.picture.read(session.since(canvas.picture.entries));
      tools.canUndo(canvas.picture.standing(session.seat) > 0);
    }
    show(view);
  };

  const show = (view: View) => {
    frame.dataset["phase"] = view.phase;
    canvas.open = view.phase === "drawing" && session.watching !== true;
    if (prompt.show(view, session.watching !== true)) {
      session.announce(t("saidPrompt", { n: view.step + 1, of: view.steps, text: view.prompts[view.step] ?? "" }));
    }
    wait.hidden = view.phase !== "waiting";
    read.hidden = view.phase !== "drawing" || session.watching === true;
    done.hidden = view.phase !== "drawing" || session.watching === true;
    say(done, t(isDone(view) ? "notDone" : "done"));
    done.setAttribute("aria-pressed", String(isDone(view)));
    people.show(view);
    reveal.show(view);
    tick(view);
  };

  const tick = (view: View) => {
    const left = view.left_ms;
    clock.hidden = view.phase !== "drawing" || left === null;
    if (left === null) {
      return;
    }
    const whole = Math.ceil(left / 1_000);
    const what = t(view.step + 1 < view.steps ? "nextIn" : "endIn");
    if (view.phase === "waiting") {
      say(wait, whole > 0 && session.link !== "connecting" ? t("waitingFor", { n: whole }) : t("waiting"));
    }
    say(seconds, String(whole));
    say(until, what);
    clock.classList.toggle("short", left < SHORT_MS);
    clock.setAttribute("aria-label", t("seconds", { n: whole, what }));
  };

  let drawing = 0;
  let shownSecond = -1;
  const loop = (now: number) => {
    drawing = requestAnimationFrame(loop);
    canvas.frame(now);
    reveal.tick();
    const view = session.view(now);
    const second = Math.ceil((view?.left_ms ?? 0) / 1_000);
    if (view !== undefined && second !== shownSecond) {
      shownSecond = second;
      tick(view);
    }
  };

  tools.canUndo(false);
  const stop = session.listen(take);
  take();
  drawing = requestAnimationFrame(loop);
  return {
    focus: () => (prompt.isOpen ? prompt.open() : canvas.focus()),
    unmount() {
      stop();
      cancelAnimationFrame(drawing);
      removeEventListener("keydown", key);
      frame.remove();
      takeOff();
    },
  };
}
