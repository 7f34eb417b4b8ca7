/** The state of the connection, in words. */
import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n/index.ts";
import { announce } from "../store.ts";
import type { MatchConnection } from "./connection.ts";

/** Re-renders on a beat, for what only time changes. */
export function useBeat(ms: number): void {
  const [, beat] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => beat((n) => n + 1), ms);
    return () => clearInterval(timer);
  }, [ms]);
}

export function secondsUntil(until: number | undefined): number | undefined {
  return until === undefined ? undefined : Math.max(0, Math.ceil((until - performance.now()) / 1000));
}

/** A word, a shape and a colour; the ping beside it. */
export function LinkChip(props: { connection: MatchConnection }) {
  useBeat(500);
  const { connection } = props;
  const state = connection.state.value;
  const left = secondsUntil(connection.heldUntil.value);
  const ping = connection.stats()?.pingMs || undefined;
  const words = state === "reconnecting" && left !== undefined ? t("link.reconnectingFor", { n: left }) : t(`link.${state}`);
  const [before, setBefore] = useState(state);
  useEffect(() => {
    if (state === before) {
      return;
    }
    setBefore(state);
    if (state === "live" && before === "reconnecting") {
      announce(t("link.back"));
    } else if (state !== "live" && state !== "ended") {
      announce(t("link.label", { state: t(`link.${state}`) }), state === "reconnecting");
    }
  }, [state]);
  return (
    <span class={`chip chip-${state}`} data-link={state}>
      <i class="chip-sign" aria-hidden="true" />
      <span class="unseen">{t("link.label", { state: "" })}</span>
      {words}
      {ping !== undefined && (state === "live" || state === "unstable") && <span class="chip-ping">{t("match.ping", { n: Math.round(ping) })}</span>}
    </span>
  );
}

/** What the state means for the player, where it means anything. */
export function LinkStrip(props: { connection: MatchConnection }) {
  useBeat(500);
  const { connection } = props;
  const state = connection.state.value;
  const left = secondsUntil(connection.heldUntil.value);
  let text = "";
  if (state === "reconnecting") {
    const network = navigator.onLine ? "" : `${t("link.offline")}. `;
    text = network + (left === 0 ? t("match.heldOver") : t("match.held"));
  } else if (state === "draining") {
    const seconds = secondsUntil(connection.drainUntil.value);
    text = seconds === undefined || seconds === 0 ? t("match.drainingSoon") : t("match.draining", { n: seconds });
  } else if (connection.pausedNow.value && state !== "ended") {
    text = t("match.paused");
  }
  return text === "" ? null : <p class={`strip strip-${state}`}>{text}</p>;
}
