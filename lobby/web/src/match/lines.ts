/** What players write to each other, and what else all in a match are told in words. */
import { signal } from "@preact/signals";
import type { News, SeatInfo } from "../game-api.ts";
import { t } from "../i18n/index.ts";

/** Lines that a window keeps. */
const MOST = 100;

export interface Line {
  key: number;
  /** Whose; undefined: the match's own. */
  seat: number | undefined;
  name: string;
  text: string;
}

export class Lines {
  readonly all = signal<readonly Line[]>([]);
  /** Whether this window's player may write. */
  readonly open = signal(false);
  /** Why the last line was not passed on. */
  readonly refused = signal("");
  #next = 1;

  hear(news: News, players: readonly SeatInfo[]): void {
    const name = (seat: number) => players.find((player) => player.seat === seat)?.name ?? "…";
    switch (news.kind) {
      case "said":
        this.refused.value = "";
        this.#add({ seat: news.seat, name: name(news.seat), text: news.text });
        break;
      case "unsaid":
        this.refused.value = news.reason;
        break;
      case "removed":
        this.#add({ seat: undefined, name: "", text: t("chat.removed", { name: name(news.seat), reason: news.reason }) });
        break;
      default:
    }
  }

  #add(line: Omit<Line, "key">): void {
    this.all.value = [...this.all.value, { ...line, key: this.#next }].slice(-MOST);
    this.#next += 1;
  }
}
