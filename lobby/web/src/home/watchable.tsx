/** Matches that run and that everybody may watch: a few at a time, the newest first. */
import { useEffect, useState } from "preact/hooks";
import { age, gameTitle, t } from "../i18n/index.ts";
import { ApiError, api } from "../net/api.ts";
import type { Watchable, WatchableMatch } from "../net/types.ts";
import { go, lobby, queues, visible } from "../store.ts";

const PAGE = 5;
/** As often as the queues are looked at. */
const EVERY_MS = 3_000;

export function MatchesToWatch() {
  // The tokens of the pages before this one, and of this one.
  const [way, setWay] = useState<readonly string[]>([""]);
  const token = way.at(-1) ?? "";
  const list = useList(token, () => setWay([""]));
  const matches = list?.matches ?? [];
  const next = list?.next_page_token ?? "";
  return (
    <section class="panel" aria-labelledby="watchable-title">
      <div class="panel-head">
        <h2 id="watchable-title">{t("watchable.title")}</h2>
        {list !== undefined && list.total > 0 && <span class="badge">{t("watchable.total", { n: list.total })}</span>}
      </div>
      {list === undefined ? (
        <p class="quiet-line" role="status">{t("open.loading")}</p>
      ) : matches.length === 0 ? (
        <p class="quiet-line">{t(token === "" ? "watchable.empty" : "watchable.emptyPage")}</p>
      ) : (
        <ul class="open-list">
          {matches.map((match) => <Row key={match.match_id} match={match} />)}
        </ul>
      )}
      {(way.length > 1 || next !== "") && (
        <div class="pages">
          <button type="button" class="button quiet small" disabled={way.length === 1} onClick={() => setWay(way.slice(0, -1))}>
            {t("watchable.newer")}
          </button>
          <button type="button" class="button quiet small" disabled={next === ""} onClick={() => setWay([...way, next])}>
            {t("watchable.older")}
          </button>
        </div>
      )}
    </section>
  );
}

function Row(props: { match: WatchableMatch }) {
  const { match } = props;
  const title = queues.value?.find((queue) => queue.name === match.queue)?.title || gameTitle(match.game);
  const who = match.players.map((player) => player.name).join(", ");
  const others = match.playing - match.players.length;
  const names = others > 0 ? t("watchable.andMore", { names: who, n: others }) : who;
  const facts = [age(match.age_ms)];
  if (match.spectators >= match.max_spectators) {
    facts.push(t("watchable.full"));
  } else if (match.spectators > 0) {
    facts.push(t("watchable.watched", { n: match.spectators }));
  }
  if (match.delay_ms > 0) {
    facts.push(t("watchable.later", { n: Math.round(match.delay_ms / 1_000) }));
  }
  return (
    <li class="open-row watchable-row">
      <div class="open-who">
        <p><span class="name">{title}</span></p>
        <p class="watchable-names">{names}</p>
        <p class="hint">{facts.join(" · ")}</p>
      </div>
      <button
        type="button"
        class="button small"
        aria-label={t("watchable.watchNamed", { game: title, names })}
        onClick={() => go({ name: "watch", match: match.match_id })}
      >
        {t("watchable.watch")}
      </button>
    </li>
  );
}

/** One page of the list, looked at anew for as long as the window is looked at; `lost` where that page is none any more. */
function useList(token: string, lost: () => void): Watchable | undefined {
  const [list, setList] = useState<Watchable | undefined>();
  const looking = visible.value && lobby.value === "here";
  useEffect(() => {
    if (!looking) {
      return;
    }
    let gone = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async () => {
      try {
        const found = await api.watchable(token, PAGE);
        if (!gone) {
          setList(found);
        }
      } catch (error) {
        if (!gone && error instanceof ApiError && error.word === "bad-page") {
          lost();
        }
        // Anything else passes, or the page says of itself that the lobby is away.
      }
      if (!gone) {
        timer = setTimeout(() => void look(), EVERY_MS);
      }
    };
    void look();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [token, looking]);
  return list;
}
