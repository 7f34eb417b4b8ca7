import type { GameSession, Mounted } from "@bellhop/page/game-api";
import { wear } from "@bellhop/page/game-kit";
import { Board } from "./board.ts";
import { Plate } from "./plate.ts";
import css from "./style.css?inline";
import { words } from "./text.ts";
import type { Command, Outcome, View } from "./view.ts";

type Session = GameSession<View, never, Command, unknown>;

const CLOCK_MS = 100;

export function mount(root: HTMLElement, session: Session): Mounted {
  const t = words(session.locale);
  const takeOff = wear(css);

  const name = (seat: number) => session.players.find((player) => player.seat === seat)?.name ?? "…";
  /** Whose side is below: a spectator sits at nobody's, and sees the first one there. */
  const seat = () => Math.max(0, session.seat);
  const frame = div("tictactoe");
  const plates = [new Plate(t), new Plate(t)] as const; // theirs, yours
  const status = div("status");
  const actions = div("actions");
  const board = new Board(t, (cell) => void place(cell));
  const side = div("side");
  side.append(plates[0].root, status, plates[1].root, actions);
  frame.append(board.root, side);
  root.append(frame);

  let asked = false;
  let said = "";
  let buttons = "";

  const place = async (cell: number) => {
    board.pending = cell;
    show();
    const verdict = await session.command({ place: cell });
    board.pending = undefined;
    if (!verdict.ok) {
      session.announce(verdict.reason, true);
    }
    show();
  };

  const show = () => {
    const view = session.view(performance.now());
    if (view === undefined) {
      return;
    }
    const you = seat();
    const other = 1 - you;
    board.show(view, you, name, view.turn === you && board.pending === undefined && !session.watching);
    plates[0].show(other, session.players.find((player) => player.seat === other), false, view.turn === other, view.wins[other] ?? 0);
    plates[1].show(you, session.players.find((player) => player.seat === you), !session.watching, view.turn === you, view.wins[you] ?? 0);
    const sentence = session.watching ? watched(view) : stateOf(view, you, other);
    if (status.textContent !== sentence) {
      status.textContent = sentence;
      status.classList.toggle("mine", view.turn === you);
    }
    say(view, you, sentence);
    if (!session.watching) {
      offer(view, you, other);
    }
    tick();
  };

  const stateOf = (view: View, you: number, other: number): string => {
    if (view.outcome !== null) {
      if (view.rematch[other] && !view.rematch[you]) {
        return t("offeredYou", { name: name(other) });
      }
      return view.rematch[you] ? t("offered", { name: name(other) }) : decided(view.outcome, you, other);
    }
    if (view.turn === null) {
      return t("waiting", { name: name(other) });
    }
    return view.turn === you ? t("yourTurn") : t("theirTurn", { name: name(other) });
  };

  /** For who looks on: by name. */
  const watched = (view: View): string => {
    if (view.outcome === null) {
      return view.turn === null ? "" : t("theirTurn", { name: name(view.turn) });
    }
    // Said to the loser it names the winner.
    const winner = "winner" in view.outcome ? view.outcome.winner : 0;
    switch (view.outcome.kind) {
      case "line":
      case "draw":
        return decided(view.outcome, 1 - winner, winner);
      case "resigned":
      case "time":
        return t(view.outcome.kind, { name: name(1 - winner) });
      case "left":
        return t("leftOver", { name: name(1 - winner) });
    }
  };

  const decided = (outcome: Outcome, you: number, other: number): string => {
    const mine = "winner" in outcome && outcome.winner === you;
    switch (outcome.kind) {
      case "line":
        return mine ? t("won") : t("lost", { name: name(other) });
      case "draw":
        return t("draw");
      case "resigned":
        return mine ? t("resigned", { name: name(other) }) : t("resignedYou");
      case "time":
        return mine ? t("time", { name: name(other) }) : t("timeYou");
      case "left":
        return t("leftOver", { name: name(other) });
    }
  };

  /** Turn, end and offers are said once each; the other's move together with "your turn". */
  const say = (view: View, you: number, sentence: string) => {
    const key = `${sentence} ${view.cells.join()}`;
    if (key === said) {
      return;
    }
    said = key;
    const theirs = view.last !== null && view.cells[view.last] !== you && view.turn === you;
    session.announce(
      theirs && view.last !== null
        ? t("played", { name: name(1 - you), row: Math.floor(view.last / 3) + 1, column: (view.last % 3) + 1 })
        : sentence,
      view.outcome !== null,
    );
  };

  const offer = (view: View, you: number, other: number) => {
    const playing = view.turn !== null && session.link !== "ended";
    const open = view.rematch_left_ms !== null && session.link !== "ended";
    const shown = JSON.stringify([playing, open, asked, view.rematch]);
    if (shown === buttons) {
      return;
    }
    buttons = shown;
    actions.replaceChildren();
    if (playing && !asked) {
      actions.append(button(t("resign"), "plain", () => ask(true)));
    } else if (playing) {
      actions.append(
        button(t("resignSure"), "danger", () => {
          asked = false;
          void session.command("resign");
        }),
        button(t("keepOn"), "plain", () => ask(false)),
      );
    } else if (open && !view.rematch[you]) {
      actions.append(button(t(view.rematch[other] ? "rematchYes" : "rematch"), "main", () => void session.command("rematch")));
    }
    if (open) {
      const until = document.createElement("span");
      until.className = "until";
      actions.append(button(t("decline"), "plain", () => void session.command("decline")), until);
    }
  };

  const ask = (now: boolean) => {
    asked = now;
    show();
    if (now) {
      actions.querySelector("button")?.focus();
    } else {
      board.focus();
    }
  };

  const tick = () => {
    const view = session.view(performance.now());
    if (view === undefined) {
      return;
    }
    [1 - seat(), seat()].forEach((seat, index) => {
      plates[index]?.time(view.clocks_ms[seat]);
    });
    const left = view.rematch_left_ms === null ? "" : t("until", { n: Math.ceil(view.rematch_left_ms / 1000) });
    const note = actions.querySelector(".until");
    if (note !== null && note.textContent !== left) {
      note.textContent = left;
    }
  };

  const stop = session.listen(show);
  const timer = setInterval(tick, CLOCK_MS);
  show();
  return {
    focus: () => board.focus(),
    unmount() {
      stop();
      clearInterval(timer);
      frame.remove();
      takeOff();
    },
  };
}

function div(name: string): HTMLDivElement {
  const element = document.createElement("div");
  element.className = name;
  return element;
}

function button(label: string, kind: string, press: () => void): HTMLButtonElement {
  const element = document.createElement("button");
  element.type = "button";
  element.className = `action ${kind}`;
  element.textContent = label;
  element.addEventListener("click", press);
  return element;
}
