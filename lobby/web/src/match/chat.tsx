/** What players write to each other: small over the corner of the game, and out of its way. */
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n/index.ts";
import type { Line, Lines } from "./lines.ts";

/** A line stands so long by itself; opened, all are there. */
const SHOWN_MS = 9_000;
/** Lines that stand at a time while the chat is closed. */
const MOST_SHOWN = 4;
const MOST_CHARACTERS = 200;

export function Chat(props: {
  lines: Lines;
  own: number;
  open: boolean;
  onOpen: (open: boolean) => void;
  onSay?: (text: string) => void;
}) {
  const { lines, open } = props;
  const all = lines.all.value;
  const [fresh, setFresh] = useState<ReadonlySet<number>>(new Set());
  const newest = all.at(-1)?.key ?? 0;
  useEffect(() => {
    if (newest === 0) {
      return;
    }
    setFresh((before) => new Set([...before, newest]));
    const timer = setTimeout(() => setFresh((before) => new Set([...before].filter((key) => key !== newest))), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [newest]);
  const shown = open ? all : all.filter((line) => fresh.has(line.key)).slice(-MOST_SHOWN);
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [newest, open]);
  return (
    <section class={`chat ${open ? "chat-open" : ""}`} aria-label={t("chat.label")}>
      <div class="chat-lines" role="log" aria-live="polite" ref={list}>
        {shown.map((line) => <Said key={line.key} line={line} own={line.seat === props.own} />)}
        {open && all.length === 0 && <p class="hint">{t("chat.none")}</p>}
      </div>
      {open && props.onSay !== undefined && <Write {...props} onSay={props.onSay} />}
    </section>
  );
}

function Said(props: { line: Line; own: boolean }) {
  const { line } = props;
  return (
    <p class={`chat-line ${line.seat === undefined ? "chat-notice" : ""}`}>
      {line.seat !== undefined && <strong>{line.name}{props.own ? ` (${t("result.you")})` : ""}: </strong>}
      {line.text}
    </p>
  );
}

function Write(props: { lines: Lines; onOpen: (open: boolean) => void; onSay: (text: string) => void }) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  return (
    <form
      class="chat-form"
      onSubmit={(event) => {
        event.preventDefault();
        const text = input.current?.value.trim() ?? "";
        if (text !== "" && input.current !== null) {
          props.onSay(text);
          input.current.value = "";
        }
      }}
    >
      <input
        ref={input}
        type="text"
        maxLength={MOST_CHARACTERS}
        autocomplete="off"
        enterkeyhint="send"
        aria-label={t("chat.write")}
        placeholder={t("chat.write")}
        onKeyUp={(event) => event.stopPropagation()}
        onKeyDown={(event) => {
          // What is typed here steers nothing.
          event.stopPropagation();
          if (event.key === "Escape") {
            props.onOpen(false);
          }
        }}
      />
      <button type="submit" class="button primary small">{t("chat.send")}</button>
      {props.lines.refused.value !== "" && <p class="chat-refused" role="alert">{t("chat.refused", { reason: props.lines.refused.value })}</p>}
    </form>
  );
}
