/** A match: the game first, a thin bar above it, everything else on demand. */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useHeadingFocus } from "../ui/focus.ts";
import type { Mounted } from "../game-api.ts";
import { gameTitle, t } from "../i18n/index.ts";
import { known, go, queues, refreshMe, resume, tell } from "../store.ts";
import type { Assignment } from "../net/types.ts";
import { Dialog } from "../ui/dialog.tsx";
import { Bell, Bubble, Door, Signal } from "../ui/icons.tsx";
import { Chat } from "./chat.tsx";
import { MatchConnection, type Phase } from "./connection.ts";
import { inLab } from "./lab.ts";
import { WatchLinkButton } from "./link-button.tsx";
import { LinkChip, LinkStrip } from "./link.tsx";
import { NetPanel } from "./net-panel.tsx";
import { Result } from "./result.tsx";

/** Where the panel of the lab leaves the game to be seen. */
const SPACIOUS = "(min-width: 900px)";

export function MatchScreen(props: { match: string; assignment: Assignment | undefined }) {
  const [connection, setConnection] = useState<MatchConnection | undefined>();
  useEffect(() => {
    let made: MatchConnection | undefined;
    let gone = false;
    void known.then(() => {
      if (!gone) {
        made = new MatchConnection(props.match, props.assignment);
        setConnection(made);
      }
    });
    return () => {
      gone = true;
      made?.close();
    };
  }, [props.match]);
  return connection === undefined ? (
    <div class="match"><Curtain title={t("match.loading")} /></div>
  ) : (
    <Stage connection={connection} />
  );
}

function Stage(props: { connection: MatchConnection }) {
  const { connection } = props;
  const phase = connection.phase.value;
  const [asking, setAsking] = useState(false);
  const [net, setNet] = useState(inLab && matchMedia(SPACIOUS).matches);
  const [writing, setWriting] = useState(false);
  const chat = connection.lines.open.value;
  const mounted = useRef<Mounted | undefined>(undefined);
  const game = connection.game.value;
  const playing = phase.name === "playing";

  useEffect(() => {
    document.title = phase.name === "ended" ? t("title.result") : t("title.match", { game: gameTitle(game ?? "") });
  }, [phase.name, game]);
  useLayoutEffect(() => {
    const key = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) {
        return;
      }
      if (event.key === "Escape" && playing) {
        event.preventDefault();
        setAsking(true);
      } else if (event.key.toLowerCase() === "n" && !writes(event.target)) {
        setNet((shown) => !shown);
      } else if (event.key.toLowerCase() === "t" && playing && chat && !writes(event.target)) {
        event.preventDefault();
        setWriting(true);
      }
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, [playing, chat]);
  useEffect(() => onPhase(phase), [phase]);

  const close = () => {
    setAsking(false);
    mounted.current?.focus?.();
  };
  return (
    <div class="match" data-phase={phase.name}>
      <header class="bar">
        <h1 class="bar-title"><Bell /> {game === undefined ? t("brand") : gameTitle(game)}</h1>
        <LinkChip connection={connection} />
        <span class="bar-gap" />
        {playing && queues.value?.some((queue) => queue.game === game && queue.watch) && <WatchLinkButton match={connection.match} />}
        {playing && chat && (
          <button type="button" class="bar-button" aria-pressed={writing} aria-keyshortcuts="t" onClick={() => setWriting(!writing)}>
            <Bubble /> <span class="bar-word">{t("chat.open")}</span> <kbd aria-hidden="true">T</kbd>
          </button>
        )}
        <button type="button" class="bar-button" aria-pressed={net} aria-keyshortcuts="n" onClick={() => setNet(!net)}>
          <Signal bars={3} /> <span class="bar-word">{t("match.net")}</span> <kbd aria-hidden="true">N</kbd>
        </button>
        {playing && (
          <button type="button" class="bar-button" aria-keyshortcuts="Escape" onClick={() => setAsking(true)}>
            <Door /> <span class="bar-word">{t("match.leave")}</span> <kbd aria-hidden="true">Esc</kbd>
          </button>
        )}
      </header>
      <LinkStrip connection={connection} />
      <main class="table" aria-label={game === undefined ? t("brand") : gameTitle(game)}>
        <GameRoot connection={connection} mounted={mounted} />
        {chat && (
          <Chat
            lines={connection.lines}
            own={connection.seat}
            open={writing && playing}
            onSay={(text) => connection.say(text)}
            onOpen={(open) => {
              setWriting(open);
              mounted.current?.focus?.();
            }}
          />
        )}
        <Overlay connection={connection} phase={phase} />
      </main>
      {net && <NetPanel connection={connection} onClose={() => setNet(false)} onPlay={() => mounted.current?.focus?.()} />}
      {asking && playing && (
        <Dialog title={t("match.askLeave")} text={t("match.askLeaveText")} onClose={close}>
          <div class="row">
            <button type="button" class="button primary" autofocus onClick={close}>{t("match.stay")}</button>
            <button type="button" class="button danger" onClick={() => connection.leave()}>{t("match.leaveNow")}</button>
          </div>
        </Dialog>
      )}
    </div>
  );
}

/** Whether letters typed there are text. */
const writes = (target: EventTarget | null) => target instanceof HTMLInputElement && target.type !== "range";

/** The game's own ground: the page draws nothing in it. */
function GameRoot(props: { connection: MatchConnection; mounted: { current: Mounted | undefined } }) {
  const { connection, mounted } = props;
  const root = useRef<HTMLDivElement>(null);
  const module = connection.module.value;
  const seated = connection.phase.value.name !== "opening";
  const [there, setThere] = useState(false);
  useEffect(() => {
    if (root.current !== null && module !== undefined && seated && mounted.current === undefined) {
      mounted.current = module.mount(root.current, connection);
      mounted.current.focus?.();
      setThere(true);
    }
  }, [module, seated]);
  useEffect(
    () => () => {
      mounted.current?.unmount();
      mounted.current = undefined;
    },
    [],
  );
  return <div class="game" ref={root} data-there={there} />;
}

function Overlay(props: { connection: MatchConnection; phase: Phase }) {
  const { connection, phase } = props;
  switch (phase.name) {
    case "playing":
    case "left":
    case "gone":
      return null;
    case "opening":
      return <Curtain title={t(phase.what === "game" ? "match.loadingBundle" : "match.loading")} />;
    case "ended":
      return <Result connection={connection} phase={phase} />;
    case "superseded":
      return (
        <Notice title={t("match.superseded")} text={t("match.supersededText")}>
          <button type="button" class="button primary" onClick={() => connection.again()}>{t("match.takeBack")}</button>
          <ToLobby />
        </Notice>
      );
    case "released":
      return <Notice title={t("match.releasedTitle")} text={t("match.released", { reason: phase.reason })}><ToLobby first /></Notice>;
    case "kicked":
      return <Notice title={t("match.kicked")} text={phase.reason}><ToLobby first /></Notice>;
    case "outdated":
      return <Notice title={t("match.outdated")} text={t("match.outdatedText")}><ToLobby first /></Notice>;
    case "no-bundle":
      return <LoadAgain title={t("match.bundleFailed")} text={t("match.bundleFailedText")} />;
    case "no-seat":
      return <NoSeat connection={connection} />;
  }
}

/** A match that this player has no seat in (any more): its result, where there is one. */
function NoSeat(props: { connection: MatchConnection }) {
  const [found, setFound] = useState<boolean | undefined>();
  if (found === false) {
    return <Notice title={t("match.noSeat")} text={t("match.noSeatText")}><ToLobby first /></Notice>;
  }
  return (
    <Result
      connection={props.connection}
      phase={{ name: "ended", results: undefined, reason: "" }}
      onMissing={() => setFound(false)}
    />
  );
}

export function Curtain(props: { title: string }) {
  return (
    <div class="curtain" role="status">
      <Bell ringing />
      <p>{props.title}</p>
    </div>
  );
}

/** What is mended by loading the page again. */
export function LoadAgain(props: { title: string; text: string }) {
  return (
    <Notice title={props.title} text={props.text}>
      <button type="button" class="button primary" onClick={() => location.reload()}>{t("match.retry")}</button>
      <ToLobby />
    </Notice>
  );
}

export function Notice(props: { title: string; text: string; children: preact.ComponentChildren }) {
  const heading = useHeadingFocus();
  return (
    <div class="veil">
      <section class="sheet">
        <h2 ref={heading} tabIndex={-1}>{props.title}</h2>
        <p>{props.text}</p>
        <div class="row">{props.children}</div>
      </section>
    </div>
  );
}

export function ToLobby(props: { first?: boolean }) {
  return (
    <button type="button" class={`button ${props.first ? "primary" : "quiet"}`} onClick={() => go({ name: "home" })}>
      {t("match.toLobby")}
    </button>
  );
}

/** Phases that lead away from the match. */
function onPhase(phase: Phase): void {
  if (phase.name === "left") {
    go({ name: "home" });
    tell(t(phase.told ? "match.left" : "match.leftOffline"));
    void refreshMe();
  } else if (phase.name === "gone") {
    void afterRoom();
  }
}

/** The room went without a result: back into the queue, where the lobby has put us there, or to the lobby. */
async function afterRoom(): Promise<void> {
  const there = await resume();
  if (there) {
    tell(t("wait.requeued"));
  } else {
    go({ name: "home" });
    tell(`${t("match.lost")}. ${t("match.lostText")}`, "bad");
  }
}
