/** The lobby: games to play, open games to join, and who you are. */
import { useEffect, useLayoutEffect } from "preact/hooks";
import { useHeadingFocus } from "../ui/focus.ts";
import { gamePitch, gameTitle, t, wait } from "../i18n/index.ts";
import { isSecondWindow } from "../net/identity.ts";
import type { Queue } from "../net/types.ts";
import { go, lobby, me, play, queues, refreshMe, starting } from "../store.ts";
import { lastQueue, rememberQueue } from "./last.ts";
import { Miniature } from "./miniature.tsx";
import { OpenGames } from "./open.tsx";
import { MatchesToWatch } from "./watchable.tsx";
import { You } from "./you.tsx";

export function Home() {
  const heading = useHeadingFocus();
  const list = queues.value;
  const first = favourite(list);
  useEffect(() => {
    document.title = t("brand");
    if (me.value !== undefined) {
      void refreshMe();
    }
  }, []);
  useLayoutEffect(() => {
    // Enter plays where nothing else would take it.
    const key = (event: KeyboardEvent) => {
      const idle = event.target === document.body || event.target === document.querySelector("h1");
      if (event.key === "Enter" && !event.repeat && idle && first !== undefined && !hasSeat()) {
        choose(first);
      }
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, [first?.name]);
  return (
    <main class="home">
      <div class="home-main" id="games">
        <div class="hero">
          <h1 ref={heading} tabIndex={-1}>{t("home.title")}</h1>
          <p>{t("home.lead")}</p>
          {isSecondWindow() && <p class="hint">{t("home.second")}</p>}
        </div>
        <WayBack />
        {list === undefined ? (
          <Loading />
        ) : list.length === 0 ? (
          <div class="empty">
            <h2>{t("home.empty")}</h2>
            <p>{t("home.emptyHint")}</p>
          </div>
        ) : (
          <ul class="cards">
            {list.map((queue) => (
              <Card key={queue.name} queue={queue} first={queue === first} />
            ))}
          </ul>
        )}
      </div>
      <div class="home-side">
        <You />
        <OpenGames queues={(list ?? []).filter((queue) => queue.open_games)} />
        {list?.some((queue) => queue.listed) && <MatchesToWatch />}
      </div>
    </main>
  );
}

function favourite(list: Queue[] | undefined): Queue | undefined {
  const last = lastQueue();
  return list?.find((queue) => queue.name === last) ?? list?.[0];
}

function choose(queue: Queue): void {
  rememberQueue(queue.name);
  void play(queue.name);
}

function hasSeat(): boolean {
  return Boolean(me.value?.current_match ?? me.value?.current_ticket_id);
}

function Card(props: { queue: Queue; first: boolean }) {
  const { queue, first } = props;
  const title = queue.title || gameTitle(queue.game);
  const busy = starting.value === queue.name;
  return (
    <li class="card">
      <Miniature game={queue.game} />
      <div class="card-body">
        <div class="card-head">
          <h2>{title}</h2>
          <span class="seats">{seats(queue)}</span>
        </div>
        <p class="pitch">{gamePitch(queue.game)}</p>
        <div class="card-foot">
          <Counts queue={queue} />
          <button
            type="button"
            class="button primary play"
            aria-label={t("home.playNamed", { game: title })}
            disabled={starting.value !== undefined || lobby.value !== "here"}
            onClick={() => choose(queue)}
          >
            {t(busy ? "home.starting" : "home.play")}
            {first && !busy && <kbd data-key={t("home.enter")} aria-hidden="true" />}
          </button>
        </div>
      </div>
    </li>
  );
}

function seats(queue: Queue): string {
  return queue.min_players === queue.max_players
    ? t("home.playersExact", { n: queue.max_players })
    : t("home.players", { min: queue.min_players, max: queue.max_players });
}

function Counts(props: { queue: Queue }) {
  const { waiting, playing, eta_p50_ms: eta } = props.queue;
  return (
    <p class="counts">
      {waiting === 0 && playing === 0 ? (
        <span>{t("home.nobody")}</span>
      ) : (
        <>
          <span class="count count-waiting">{t("home.waiting", { n: waiting })}</span>
          <span class="count count-playing">{t("home.playing", { n: playing })}</span>
        </>
      )}
      <span class="eta">
        {eta === undefined || eta === null ? t("home.noEta") : t("home.eta", { time: wait(eta) })}
      </span>
    </p>
  );
}

/** The match or the wait that this player already has. */
function WayBack() {
  const current = me.value?.current_match;
  const ticket = me.value?.current_ticket_id;
  if (current) {
    return (
      <section class="way-back">
        <div>
          <h2>{t("home.back.title")}</h2>
          <p>{t("home.back.text", { game: gameTitle(current.game) })}</p>
        </div>
        <button type="button" class="button primary" onClick={() => go({ name: "match", match: current.match_id })}>
          {t("home.back.go")}
        </button>
      </section>
    );
  }
  if (ticket) {
    return (
      <section class="way-back">
        <p>{t("wait.title")}</p>
        <button type="button" class="button primary" onClick={() => go({ name: "waiting", ticket })}>
          {t("home.ticket.go")}
        </button>
      </section>
    );
  }
  return null;
}

function Loading() {
  return (
    <div role="status">
      <span class="unseen">{t("home.loading")}</span>
      <ul class="cards" aria-hidden="true">
        {[0, 1].map((card) => (
          <li key={card} class="card card-ghost">
            <div class="miniature" />
            <div class="card-body"><i /><i /><i /></div>
          </li>
        ))}
      </ul>
    </div>
  );
}
