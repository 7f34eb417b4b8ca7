import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

/** A question that holds the focus. The browser's own modal dialog traps it and gives it back. */
export function Dialog(props: {
  title: string;
  text?: string;
  onClose: () => void;
  children: ComponentChildren;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  const title = useId();
  const text = useId();
  useEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    dialog?.showModal();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) {
        before.focus();
      }
    };
  }, []);
  return (
    <dialog
      ref={ref}
      class="dialog"
      aria-labelledby={title}
      aria-describedby={text}
      onCancel={(event) => {
        event.preventDefault();
        props.onClose();
      }}
      onKeyDown={(event) => event.key === "Tab" && wrap(event, ref.current)}
      onClick={(event) => event.target === ref.current && props.onClose()}
    >
      <div class="dialog-body">
        <h2 id={title}>{props.title}</h2>
        <p id={text}>{props.text}</p>
        {props.children}
      </div>
    </dialog>
  );
}

/** The browser's own dialog lets Tab leave to its toolbar; here it goes round. */
function wrap(event: KeyboardEvent, dialog: HTMLDialogElement | null): void {
  const stops = [...(dialog?.querySelectorAll<HTMLElement>("button, input:not([hidden]), a[href]") ?? [])];
  const [first, last] = [stops[0], stops[stops.length - 1]];
  const leaving = event.shiftKey ? first : last;
  if (document.activeElement === leaving) {
    event.preventDefault();
    (event.shiftKey ? last : first)?.focus();
  }
}
