/** Brush, eraser, fill, undo; colours; sizes. */
import { button, Choice, div } from "./dom.ts";
import { css } from "./raster.ts";
import type { Text, Word } from "./text.ts";
import type { Brush } from "./view.ts";

export type Tool = "brush" | "eraser" | "fill";

const TOOLS: readonly Tool[] = ["brush", "eraser", "fill"];
const COLOURS: readonly [Word, number][] = [
  ["green", 0x00ff00], ["red", 0xff4040], ["orange", 0xff9a3c], ["yellow", 0xffe14d], ["forest", 0x1c8a3c], ["sky", 0x7fd6ff],
  ["blue", 0x3c6cff], ["purple", 0xa05cff], ["pink", 0xff80c0], ["brown", 0x8a5a33], ["grey", 0x8d93a6], ["white", 0xffffff],
];
const SIZES: readonly number[] = [3, 6, 12, 24, 48];
const BLACK = 0;

const ICONS: Record<Tool | "undo", string> = {
  brush: '<path d="M14.5 4.5l5 5L10 19l-5-5zM5 14l-1.5 6.500L10 19"/>',
  eraser: '<path d="M9 19l-5-5 9-9 6 6-8 8zM8.500 9.500l6 6M9 19h11"/>',
  fill: '<path d="M11 3.500l8 8-7.500 7.500-8-8zM3.500 11h15M20.500 15c1.300 2 1.300 4 0 4s-1.300-2 0-4z"/>',
  undo: '<path d="M9 5L4 10l5 5M4 10h10a5 5 0 0 1 0 10h-3"/>',
};

export class Tools {
  readonly root = div("tools");
  tool: Tool = "brush";
  colour = 0x00ff00;
  radius = 12;
  readonly #undo: HTMLButtonElement;
  readonly #choices: { show(): void }[] = [];
  readonly #own = document.createElement("input");

  constructor(readonly t: Text, undo: () => void) {
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", t("tools"));
    const tools = new Choice(t("tools"), TOOLS, (tool) => icon(tool, t(tool), KEYS[tool]), (tool) => this.use(tool));
    this.#undo = icon("undo", t("undo"), "z");
    this.#undo.addEventListener("click", undo);
    const kinds = div("kinds");
    kinds.append(tools.root, this.#undo);

    const values = COLOURS.map(([, colour]) => colour);
    const colours = new Choice(t("colours"), values, (colour) => swatch(t, colour), (colour) => this.paint(colour));
    colours.root.classList.add("colours");
    this.#own.type = "color";
    this.#own.className = "own-colour";
    this.#own.setAttribute("aria-label", t("own"));
    this.#own.title = t("own");
    this.#own.addEventListener("input", () => this.paint(Number.parseInt(this.#own.value.slice(1), 16)));
    const palette = div("palette");
    palette.append(colours.root, this.#own);

    const sizes = new Choice(t("sizes"), SIZES, (size) => dot(t, size), (size) => this.size(size));
    sizes.root.classList.add("sizes");
    this.#choices.push(
      { show: () => tools.show(this.tool) },
      { show: () => colours.show(this.colour) },
      { show: () => sizes.show(this.radius) },
    );
    this.root.append(kinds, sizes.root, palette);
    this.#show();
  }

  get brush(): Brush {
    return { colour: this.tool === "eraser" ? BLACK : this.colour, radius: this.radius };
  }

  use(tool: Tool): void {
    this.tool = tool;
    this.#show();
  }

  /** Who takes a colour wants to draw with it. */
  paint(colour: number): void {
    this.colour = colour;
    if (this.tool === "eraser") {
      this.tool = "brush";
    }
    this.#show();
  }

  size(radius: number): void {
    this.radius = radius;
    this.#show();
  }

  /** The next size up or down. */
  resize(step: number): void {
    const at = SIZES.indexOf(this.radius) + step;
    this.size(SIZES[Math.min(SIZES.length - 1, Math.max(0, at))] ?? this.radius);
  }

  canUndo(can: boolean): void {
    this.#undo.disabled = !can;
  }

  #show(): void {
    this.#choices.forEach((choice) => choice.show());
    this.#own.value = css(this.colour);
    this.#own.classList.toggle("chosen", !COLOURS.some(([, colour]) => colour === this.colour));
  }
}

const KEYS: Record<Tool, string> = { brush: "b", eraser: "e", fill: "f" };

function icon(name: Tool | "undo", label: string, key: string): HTMLButtonElement {
  const element = button("", "tool", () => {});
  element.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true">${ICONS[name]}</svg>`;
  element.setAttribute("aria-label", label);
  element.setAttribute("aria-keyshortcuts", key);
  element.title = `${label} (${key.toUpperCase()})`;
  return element;
}

function swatch(t: Text, colour: number): HTMLButtonElement {
  const element = button("", "swatch", () => {});
  const name = COLOURS.find(([, value]) => value === colour)?.[0] ?? "green";
  element.style.setProperty("--colour", css(colour));
  element.setAttribute("aria-label", t("colour", { name: t(name) }));
  return element;
}

function dot(t: Text, size: number): HTMLButtonElement {
  const element = button("", "size", () => {});
  element.style.setProperty("--size", `${Math.round(4 + Math.sqrt(size) * 3)}px`);
  element.setAttribute("aria-label", t("size", { n: size }));
  return element;
}
