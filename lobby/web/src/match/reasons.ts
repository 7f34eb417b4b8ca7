/** Why a match ended, in the reader's language: rooms say it in English, as a sentence for logs. */
import { t } from "../i18n/index.ts";
import type { Key } from "../i18n/en.ts";

const KNOWN: [RegExp, Key | undefined][] = [
  [/^the games are played$/, undefined], // the table says it
  [/^the picture is finished$/, undefined],
  [/^first to (\d+) points$/, "reason.first"],
  [/^most points after (\d+) rounds$/, "reason.rounds"],
  [/^all others left$/, "reason.alone"],
  [/^the opponent left$/, "reason.opponent"],
  [/^no game was played to its end$/, "reason.unplayed"],
];

/** The sentence for the player; empty where there is nothing to say. */
export function reasonText(reason: string): string {
  for (const [pattern, key] of KNOWN) {
    const found = pattern.exec(reason);
    if (found !== null) {
      return key === undefined ? "" : t(key, { n: Number(found[1] ?? 0) });
    }
  }
  return reason === "" ? "" : reason.charAt(0).toUpperCase() + reason.slice(1) + (/[.!?]$/.test(reason) ? "" : ".");
}
