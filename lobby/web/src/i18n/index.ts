/** Text in the reader's language: English is built in, others are fetched when wanted. */
import { computed, signal } from "@preact/signals";
import { type Catalogue, en, type Key } from "./en.ts";

export const LANGUAGES = { en: "English", de: "Deutsch" } as const;
export type Language = keyof typeof LANGUAGES;

const KEY = "bellhop.language";
const load: Record<Language, () => Promise<Catalogue>> = {
  en: async () => en,
  de: async () => (await import("./de.ts")).de,
};

const catalogue = signal<Catalogue>(en);
export const language = signal<Language>("en");
const plurals = computed(() => new Intl.PluralRules(language.value));

/** The language chosen before, or the first of the browser's that there is a catalogue for. */
export async function startLanguage(): Promise<void> {
  const wanted = [localStorage.getItem(KEY), ...navigator.languages].map((tag) => tag?.slice(0, 2));
  await setLanguage(wanted.find((tag): tag is Language => tag !== undefined && tag in LANGUAGES) ?? "en", false);
}

export async function setLanguage(wanted: Language, keep = true): Promise<void> {
  try {
    catalogue.value = await load[wanted]();
  } catch {
    return; // the catalogue did not arrive: what is there stays
  }
  language.value = wanted;
  document.documentElement.lang = wanted;
  if (keep) {
    localStorage.setItem(KEY, wanted);
  }
}

/** The text of `key`; `n` chooses a plural's form. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  const entry = catalogue.value[key];
  let text: string;
  if (typeof entry === "string") {
    text = entry;
  } else {
    text = entry[plurals.value.select(Number(values["n"] ?? 0))] ?? entry.other;
  }
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : typeof value === "number" ? value.toLocaleString(language.value) : value;
  });
}

/** What a refusal says to a player, by the last word of its type; undefined where the page has no words for it. */
export function problemText(word: string): string | undefined {
  const key = `problem.${word}`;
  return key in en ? t(key as Key) : undefined;
}

/** A game's name and pitch; an unknown game goes by its own name. */
export function gameTitle(game: string): string {
  const key = `game.${game}`;
  return key in en ? t(key as Key) : game.charAt(0).toUpperCase() + game.slice(1);
}

export function gamePitch(game: string): string {
  const key = `game.${game}.pitch`;
  return t(key in en ? (key as Key) : "game.other.pitch");
}

export function gameKeys(game: string): string | undefined {
  const key = `keys.${game}`;
  return key in en ? t(key as Key) : undefined;
}

/** A wait in words: "4 s", "2 min 10 s". */
export function wait(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 1) {
    return t("time.under", { n: 1 });
  }
  return seconds < 60
    ? t("time.seconds", { n: seconds })
    : t("time.minutes", { m: Math.floor(seconds / 60), s: seconds % 60 });
}

/** How long ago, roughly. */
export function age(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 5) {
    return t("age.now");
  }
  if (seconds < 60) {
    return t("age.seconds", { n: seconds });
  }
  return seconds < 3600
    ? t("age.minutes", { n: Math.floor(seconds / 60) })
    : t("age.hours", { n: Math.floor(seconds / 3600) });
}

/** A clock: 0:07. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
