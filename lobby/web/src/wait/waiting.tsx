/** The wait: how long it has been, how long it may be, who else waits, and why. */
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useMemo, useState } from "preact/hooks";
import { useHeadingFocus } from "../ui/focus.ts";
import { clock, gameKeys, gameTitle, t, wait as inWords } from "../i18n/index.ts";
import type { Ticket, WaitStatus } from "../net/types.ts";
import { announce, explain, go, known, lobby, me, queues, refreshMe, tell } from "../store.ts";
import { Bell } from "../ui/icons.tsx";
import { ring } from "../ui/sound.ts";
import { Dial } from "./dial.tsx";
import { Following, type Wait } from "./follow.ts";

/** How often a screen reader hears how the wait goes. */
const SPEAK_EVERY_MS = 20_000;

export function Waiting(props: { ticket: string; made?: Ticket }) {
  const [following, setFollowing] = useState<Following | undefined>();
  useEffect(() => {
    let made: Following | undefined;
    let gone = false;
    void known.then(() => {
      if (!gone) {
        made = new Following(props.ticket, props.made);
        setFollowing(made);
      }
    });
    return () => {
      gone = true;
      made?.stop();
    };
  }, [props.ticket]);
  // Escape counts from the first moment on; what it is to stop may not be known yet.
  const [stopped, setStopped] = useState(false);
  useLayoutEffect(() => {
    const key = (event: KeyboardEvent) => event.key === "Escape" && setStopped(true);
    if (following === undefined) {
      addEventListener("keydown", key);
    }
    return () => removeEventListener("keydown", key);
  }, [following]);
  return following === undefined ? <Frame title={t("wait.title")} /> : <Running following={following} stopped={stopped} />;
}

function Running(props: { following: Following; stopped: boolean }) {
  const { following } = props;
  const now = following.wait.value;
  const ticket = following.ticket.value;
    const queue = queues.value?.find((one) => one.name === ticket?.queue);
  const open = ticket?.open ?? false;
  const elapsed = useElapsed(following);
  const [cancelling, setCancelling] = useState(false);

  useEffect(() => next(now), [now]);
  useEffect(() => {
    document.title = now.phase === "queued" ? t("title.waiting", { time: clock(elapsed) }) : t("title.ready");
  }, [now.phase, Math.floor(elapsed / 1000)]);
  useEffect(() => {
    const timer = setInterval(() => speak(following), SPEAK_EVERY_MS);
    return () => clearInterval(timer);
  }, [following]);

  const cancel = async () => {
    setCancelling(true);
    try {
      const { outcome, match_id } = await following.cancel();
      if (outcome === "already_matched") {
        tell(t("wait.tooLate"));
        if (match_id && following.wait.value.phase === "queued") {
          go({ name: "match", match: match_id });
        }
      }
    } catch (error) {
      tell(explain(error), "bad");
    } finally {
      setCancelling(false);
    }
  };
  useEffect(() => {
    if (props.stopped) {
      void cancel();
    }
  }, []);
  useLayoutEffect(() => {
    const key = (event: KeyboardEvent) => event.key === "Escape" && now.phase === "queued" && void cancel();
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, [now.phase, following]);

  if (now.phase !== "queued") {
    return (
      <Frame title={t("wait.matched")} ringing>
        <p class="wait-line">{t("wait.placing")}</p>
      </Frame>
    );
  }
  const status: WaitStatus = now.status ?? {};
  return (
    <Frame title={t(open ? "wait.openTitle" : "wait.title")} game={queue?.game} top={<Dial elapsed={elapsed} status={status} />}>
      <p class="wait-clock" role="timer" aria-label={t("wait.elapsed")}>{clock(elapsed)}</p>
      {now.requeued && <p class="wait-line">{t("wait.requeued")}</p>}
      {!following.up.value && lobby.value === "here" && <p class="wait-line wait-warn" role="status">{t("wait.reconnecting")}</p>}
      {open ? (
        <p class="wait-line">{t("wait.openHint")}</p>
      ) : (
        <dl class="facts">
          <Fact name={t("wait.estimate")} value={estimate(status)} />
          <Fact name={t("wait.others")} value={others(status)} />
          <Fact name={t("wait.why")} value={why(status)} />
        </dl>
      )}
      {queue !== undefined && gameKeys(queue.game) !== undefined && (
        <p class="wait-keys"><span>{t("wait.keys")}</span> {gameKeys(queue.game)}</p>
      )}
      <button type="button" class="button secondary" aria-keyshortcuts="Escape" disabled={cancelling} onClick={() => void cancel()}>
        {t(cancelling ? "wait.cancelling" : "wait.cancel")} <kbd aria-hidden="true">Esc</kbd>
      </button>
    </Frame>
  );
}

function Frame(props: {
  title: string;
  game?: string | undefined;
  ringing?: boolean;
  top?: ComponentChildren;
  children?: ComponentChildren;
}) {
  const heading = useHeadingFocus();
  return (
    <main class="wait">
      {props.top === undefined && <div class="wait-bell"><Bell ringing={props.ringing ?? false} /></div>}
      {props.game !== undefined && <p class="eyebrow">{gameTitle(props.game)}</p>}
      <h1 ref={heading} tabIndex={-1}>{props.title}</h1>
      {props.top}
      {props.children}
    </main>
  );
}

function Fact(props: { name: string; value: string }) {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd>{props.value}</dd>
    </div>
  );
}

function useElapsed(following: Following): number {
  const since = following.since.value;
  const [now, setNow] = useState(performance.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), 250);
    return () => clearInterval(timer);
  }, []);
  return useMemo(() => Math.max(0, now - since), [now, since]);
}

function estimate(status: WaitStatus): string {
  const { eta_p50_ms: p50, eta_p90_ms: p90 } = status;
  if (p50 === undefined || p50 === null) {
    return t("wait.noEstimate");
  }
  return p90 === undefined || p90 === null
    ? inWords(p50)
    : t("wait.estimateBoth", { p50: inWords(p50), p90: inWords(p90) });
}

function others(status: WaitStatus): string {
  return status.waiting === undefined ? t("wait.unknown") : t("wait.waiting", { n: Math.max(1, status.waiting) });
}

/** The lobby names the reason by a fixed word; its sentence, in English, has the figure that belongs to it. */
function why(status: WaitStatus): string {
  const n = Number(/\d+/.exec(status.why_text ?? "")?.[0] ?? Number.NaN);
  switch (status.why) {
    case "alone":
    case "party":
    case "room":
    case "open":
    case "soon":
      return t(`why.${status.why}`);
    case "rooms-full":
      return t("why.roomsFull");
    case "rooms-fail":
      return t("why.roomsFail");
    case "rating":
      return Number.isNaN(n) ? t("why.others") : t("why.rating", { n });
    case "more-players":
      return t("why.more", { n: Number.isNaN(n) ? 1 : n });
    default:
      return status.why_text || t("wait.whyNothing");
  }
}

function speak(following: Following): void {
  const now = following.wait.value;
  if (now.phase === "queued") {
    const time = inWords(performance.now() - following.since.value);
    announce(t("wait.announce", { time, others: others(now.status ?? {}) }));
  }
}

/** Where this wait leads. */
function next(now: Wait): void {
  switch (now.phase) {
    case "queued":
      return;
    case "matched":
      ring();
      announce(t("wait.matched"), true);
      return;
    case "assigned":
      go({ name: "match", match: now.assignment.match_id, assignment: now.assignment });
      return;
    case "playing":
      go({ name: "match", match: now.match });
      return;
    case "ended":
      void over(now);
  }
}

async function over(now: Wait & { phase: "ended" }): Promise<void> {
  if (now.state === "done" && now.match !== undefined) {
    go({ name: "match", match: now.match });
    return;
  }
  go({ name: "home" });
  switch (now.state) {
    case "cancelled":
      tell(t("wait.cancelled"));
      break;
    case "expired":
      tell(t("wait.expired"), "bad");
      break;
    case "failed":
      tell(t("wait.failed", { reason: now.reason }), "bad");
      break;
    case "gone":
      tell(t("wait.gone"), "bad");
      break;
    default:
      tell(t("wait.ended"));
  }
  if (me.value !== undefined) {
    await refreshMe();
  }
}
