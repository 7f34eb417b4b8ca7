/** A match that others play. */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { GameModule } from "../game-api.ts";
import { gameTitle, t } from "../i18n/index.ts";
import { Chat } from "../match/chat.tsx";
import { WatchLinkButton } from "../match/link-button.tsx";
import { Curtain, LoadAgain, Notice, ToLobby } from "../match/screen.tsx";
import { announce, go, known } from "../store.ts";
import { Bell, Door, Eye } from "../ui/icons.tsx";
import { WatchConnection, type WatchPhase } from "./connection.ts";

export function WatchScreen(props: { match: string }) {
  const [connection, setConnection] = useState<WatchConnection | undefined>();
  useEffect(() => {
    let made: WatchConnection | undefined;
    let gone = false;
    void known.then(() => {
      if (!gone) {
        made = new WatchConnection(props.match);
        setConnection(made);
      }
    });
    return () => {
      gone = true;
      made?.close();
    };
  }, [props.match]);
  return connection === undefined ? <div class="match"><Curtain title={t("watch.opening")} /></div> : <Stage connection={connection} />;
}

function Stage(props: { connection: WatchConnection }) {
  const { connection } = props;
  const phase = connection.phase.value;
  const title = connection.game.value === undefined ? t("brand") : gameTitle(connection.game.value);
  const seconds = Math.round(connection.delayMs.value / 1_000);
  const [reading, setReading] = useState(false);
  useEffect(() => {
    document.title = t("title.watch", { game: title });
  }, [title]);
  useEffect(() => {
    if (phase.name === "watching") {
      announce(seconds > 0 ? t("watch.saidLater", { game: title, n: seconds }) : t("watch.said", { game: title }));
    }
  }, [phase.name]);
  useLayoutEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (event.key === "Escape" && !event.defaultPrevented && document.querySelector("dialog[open]") === null) {
        go({ name: "home" });
      }
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, []);
  const live = connection.state.value === "live" && (phase.name === "watching" || phase.name === "early");
  const module = connection.module.value;
  return (
    <div class="match" data-phase={`watch-${phase.name}`}>
      <header class="bar">
        <h1 class="bar-title"><Bell /> {title}</h1>
        <span class={`chip ${live ? "chip-live" : ""}`} data-delay={seconds}>
          <Eye /> {seconds > 0 ? t("watch.later", { n: seconds }) : t("watch.title")}
        </span>
        <span class="bar-gap" />
        <WatchLinkButton match={connection.match} />
        <button type="button" class="bar-button" aria-keyshortcuts="Escape" onClick={() => go({ name: "home" })}>
          <Door /> <span class="bar-word">{t("result.lobby")}</span> <kbd aria-hidden="true">Esc</kbd>
        </button>
      </header>
      {connection.state.value === "reconnecting" && <p class="strip strip-reconnecting" role="status">{t("watch.again")}</p>}
      {connection.pausedNow.value && live && <p class="strip">{t("match.paused")}</p>}
      <main class="table" aria-label={title}>
        {module !== undefined && (phase.name === "watching" || phase.name === "ended") && <Ground connection={connection} module={module} />}
        <Overlay connection={connection} phase={phase} seconds={seconds} />
        <Chat lines={connection.lines} own={-1} open={reading} onOpen={setReading} />
      </main>
    </div>
  );
}

/** The game's own ground: looked at, not touched. */
function Ground(props: { connection: WatchConnection; module: GameModule }) {
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const mounted = root.current === null ? undefined : props.module.mount(root.current, props.connection);
    return () => mounted?.unmount();
  }, []);
  return <div class="game" ref={root} data-there="true" inert />;
}

function Overlay(props: { connection: WatchConnection; phase: WatchPhase; seconds: number }) {
  const { connection, phase } = props;
  const replay = (
    <button type="button" class="button primary" onClick={() => go({ name: "replay", match: connection.match })}>{t("result.replay")}</button>
  );
  switch (phase.name) {
    case "watching":
      return null;
    case "opening":
      return <Curtain title={t(phase.what === "game" ? "match.loadingBundle" : "watch.opening")} />;
    case "early":
      return <Curtain title={props.seconds > 0 ? t("watch.early", { n: props.seconds }) : t("watch.opening")} />;
    case "full":
      return <Notice title={t("watch.full")} text={t("watch.fullText")}><ToLobby first /></Notice>;
    case "ended":
      return (
        <Notice title={t("watch.ended")} text={standing(connection, phase)}>
          {replay}
          <ToLobby />
        </Notice>
      );
    case "over":
      return <Notice title={t("watch.over")} text={t("watch.overText")}>{replay}<ToLobby /></Notice>;
    case "unknown":
      return <Notice title={t("watch.unknown")} text={t("watch.unknownText")}><ToLobby first /></Notice>;
    case "closed":
      return <Notice title={t("watch.closed")} text={t("watch.closedText")}><ToLobby first /></Notice>;
    case "superseded":
      return (
        <Notice title={t("watch.superseded")} text={t("watch.supersededText")}>
          <button type="button" class="button primary" onClick={() => connection.again()}>{t("watch.here")}</button>
          <ToLobby />
        </Notice>
      );
    case "outdated":
      return <LoadAgain title={t("match.outdated")} text={t("match.outdatedText")} />;
    case "no-bundle":
      return <LoadAgain title={t("match.bundleFailed")} text={t("match.bundleFailedText")} />;
  }
}

/** Who was first, in one sentence. */
function standing(connection: WatchConnection, phase: WatchPhase & { name: "ended" }): string {
  if (connection.module.value?.together === true) {
    return t("result.together");
  }
  const first = phase.results.filter((one) => one.rank === 1);
  const names = first.map((one) => connection.players.find((player) => player.seat === one.seat)?.name ?? "…");
  if (names.length === 0) {
    return t("result.over");
  }
  return names.length > 1 && names.length === phase.results.length ? t("result.draw") : t("watch.won", { name: names.join(", ") });
}
