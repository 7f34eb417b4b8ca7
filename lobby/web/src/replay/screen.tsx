/** A match that is over, watched again. */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { clock, gameTitle, t } from "../i18n/index.ts";
import { Notice, ToLobby } from "../match/screen.tsx";
import { ApiError } from "../net/api.ts";
import { explain, go, known } from "../store.ts";
import { Bell, Door } from "../ui/icons.tsx";
import { ReplaySession, SPEEDS } from "./session.ts";

const STEP_MS = 5_000;

export function ReplayScreen(props: { match: string }) {
  const [session, setSession] = useState<ReplaySession | undefined>();
  const [failure, setFailure] = useState<string | undefined>();
  useEffect(() => {
    let made: ReplaySession | undefined;
    let gone = false;
    void known
      .then(() => ReplaySession.open(props.match))
      .then((opened) => {
        made = opened;
        if (gone) {
          opened.close();
        } else {
          setSession(opened);
          opened.play();
        }
      })
      .catch((error: unknown) => setFailure(error instanceof ApiError ? failed(error) : t("replay.outdated")));
    return () => {
      gone = true;
      made?.close();
    };
  }, [props.match]);
  if (failure !== undefined) {
    return (
      <div class="match">
        <Notice title={t("replay.none")} text={failure}><ToLobby first /></Notice>
      </div>
    );
  }
  return session === undefined ? (
    <div class="match">
      <div class="curtain" role="status"><Bell ringing /><p>{t("replay.loading")}</p></div>
    </div>
  ) : (
    <Player session={session} />
  );
}

function failed(error: ApiError): string {
  return error.status === 409 ? t("replay.running") : error.status === 404 ? t("replay.noneText") : explain(error);
}

function Player(props: { session: ReplaySession }) {
  const { session } = props;
  const title = gameTitle(session.game);
  // Another pair of eyes is another game to draw: it is mounted anew.
  const [eyes, setEyes] = useState(session.seat);
  useEffect(() => {
    document.title = t("title.replay", { game: title });
  }, [title]);
  useLayoutEffect(() => {
    const key = (event: KeyboardEvent) => {
      const onControl = event.target instanceof Element && event.target.closest("button, a, select, input") !== null;
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) {
        return;
      }
      if (event.key === "Escape") {
        go({ name: "home" });
      } else if (onControl) {
        return;
      } else if (event.key === " ") {
        session.playing.value ? session.pause() : session.play();
      } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
        session.seek(session.at.value + (event.key === "ArrowLeft" ? -STEP_MS : STEP_MS));
      } else {
        return;
      }
      event.preventDefault();
    };
    addEventListener("keydown", key, { capture: true });
    return () => removeEventListener("keydown", key, { capture: true });
  }, [session]);
  return (
    <div class="match" data-phase="replay">
      <header class="bar">
        <h1 class="bar-title"><Bell /> {title}</h1>
        <span class="chip">{t("replay.title")}</span>
        <span class="bar-gap" />
        <button type="button" class="bar-button" aria-keyshortcuts="Escape" onClick={() => go({ name: "home" })}>
          <Door /> <span class="bar-word">{t("result.lobby")}</span> <kbd aria-hidden="true">Esc</kbd>
        </button>
      </header>
      <main class="table" aria-label={title}>
        <Ground key={eyes} session={session} />
      </main>
      <Transport session={session} eyes={eyes} onEyes={(seat) => {
        session.look(seat);
        setEyes(seat);
      }} />
    </div>
  );
}

/** The game's own ground. */
function Ground(props: { session: ReplaySession }) {
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const { session } = props;
    const mounted = root.current === null ? undefined : session.module.mount(root.current, session);
    return () => mounted?.unmount();
  }, []);
  return <div class="game" ref={root} data-there="true" inert />;
}

function Transport(props: { session: ReplaySession; eyes: number; onEyes: (seat: number) => void }) {
  const { session } = props;
  const playing = session.playing.value;
  const at = session.at.value;
  return (
    <footer class="transport">
      <button type="button" class="button primary small" aria-keyshortcuts="Space" onClick={() => (playing ? session.pause() : session.play())}>
        {t(playing ? "replay.pause" : "replay.play")}
      </button>
      <output class="transport-time">{clock(at)} / {clock(session.durationMs)}</output>
      <input
        type="range"
        class="transport-bar"
        aria-label={t("replay.moment")}
        aria-valuetext={clock(at)}
        min={0}
        max={session.durationMs}
        step={100}
        value={at}
        onInput={(event) => session.seek(event.currentTarget.valueAsNumber)}
      />
      <label class="select">
        {t("replay.speed")}
        <select value={session.speed.value} onChange={(event) => (session.speed.value = Number(event.currentTarget.value))}>
          {SPEEDS.map((speed) => <option key={speed} value={speed}>{speed} ×</option>)}
        </select>
      </label>
      <label class="select">
        {t("replay.eyes")}
        <select value={props.eyes} onChange={(event) => props.onEyes(Number(event.currentTarget.value))}>
          {session.players.map((player) => <option key={player.seat} value={player.seat}>{player.name}</option>)}
        </select>
      </label>
    </footer>
  );
}
