/** A player: mark, name, clock, games won. */
import type { SeatInfo } from "@bellhop/page/game-api";
import { markOf } from "./board.ts";
import type { Text } from "./text.ts";

/** From here on a clock shows tenths and asks for attention. */
const SHORT_MS = 10_000;

export class Plate {
  readonly root = document.createElement("div");
  #mark = document.createElement("span");
  #name = part("plate-name");
  #note = part("plate-note");
  #clock = part("plate-clock");

  constructor(readonly t: Text) {
    this.root.className = "plate";
    this.#mark.className = "plate-mark";
    const who = document.createElement("div");
    who.className = "plate-who";
    who.append(this.#name, this.#note);
    this.#clock.setAttribute("role", "timer");
    this.root.append(this.#mark, who, this.#clock);
  }

  show(seat: number, player: SeatInfo | undefined, own: boolean, turn: boolean, wins: number): void {
    if (this.#mark.dataset["seat"] !== String(seat)) {
      this.#mark.dataset["seat"] = String(seat);
      this.#mark.innerHTML = markOf(seat);
    }
    const name = player?.name ?? "…";
    text(this.#name, name);
    const note = [
      own ? this.t("you") : "",
      player?.presence === "left" ? this.t("left") : player?.presence === "dropped" ? this.t("away") : "",
      wins > 0 ? this.t("wins", { n: wins }) : "",
    ].filter((word) => word !== "");
    text(this.#note, note.join(" · "));
    this.root.classList.toggle("turn", turn);
    this.root.classList.toggle("own", own);
    this.#clock.setAttribute("aria-label", this.t("clock", { name }));
  }

  time(ms: number | undefined): void {
    this.#clock.hidden = ms === undefined;
    if (ms === undefined) {
      return;
    }
    const left = Math.max(0, ms);
    const short = left < SHORT_MS;
    const seconds = short ? Math.floor(left / 1000) : Math.ceil(left / 1000);
    const tenths = short ? `.${Math.floor((left % 1000) / 100)}` : "";
    text(this.#clock, `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}${tenths}`);
    this.root.classList.toggle("short", short);
  }
}

function part(name: string): HTMLSpanElement {
  const element = document.createElement("span");
  element.className = name;
  return element;
}

function text(element: HTMLElement, value: string): void {
  if (element.textContent !== value) {
    element.textContent = value;
  }
}
