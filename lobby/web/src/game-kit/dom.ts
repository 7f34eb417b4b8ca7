/** Small makers of elements, and the sheet a game wears. */

export function span(name: string, words = ""): HTMLSpanElement {
  const element = document.createElement("span");
  element.className = name;
  element.textContent = words;
  return element;
}

/** Writes only what is another text than before: screen readers read every writing. */
export function say(element: HTMLElement, words: string): void {
  if (element.textContent !== words) {
    element.textContent = words;
  }
}

/** Puts a style sheet on the page; the answer takes it off again. */
export function wear(css: string): () => void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  document.adoptedStyleSheets.push(sheet);
  return () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet);
  };
}
