/** Games that wait for anybody: a live list, a door to each, and one of your own. */
import { useEffect, useState } from "preact/hooks";
import { age, gameTitle, t } from "../i18n/index.ts";
import { api } from "../net/api.ts";
import { follow } from "../net/events.ts";
import { readOpenGames } from "../net/read.ts";
import type { OpenGame, OpenGames as Page, Queue } from "../net/types.ts";
import { explain, go, join, lobby, me, play, starting, tell, visible } from "../store.ts";
import { settings } from "./settings.ts";

const PAGE = 20;

export function OpenGames(props: { queues: Queue[] }) {
  const { page, live } = useLiveList();
  const [more, setMore] = useState<OpenGame[]>([]);
  const [next, setNext] = useState<string | undefined>();
  const shown = [...(page?.games ?? []), ...more.filter((game) => !page?.games?.some((one) => one.ticket_id === game.ticket_id))];
  const token = next ?? page?.next_page_token ?? "";
  const showMore = async () => {
    try {
      const answer = await api.openGames(token, PAGE);
      setMore([...more, ...(answer.games ?? [])]);
      setNext(answer.next_page_token ?? "");
    } catch (error) {
      tell(explain(error), "bad");
    }
  };
  return (
    <section class="panel open" aria-labelledby="open-title">
      <div class="panel-head">
        <h2 id="open-title">{t("open.title")}</h2>
        {page !== undefined && page.total > 0 && <span class="badge">{t("open.total", { n: page.total })}</span>}
      </div>
      <p class="hint">{t("open.lead")}</p>
      {!live && page !== undefined && lobby.value === "here" && <p class="hint warn" role="status">{t("open.lost")}</p>}
      {page === undefined ? (
        <p class="quiet-line" role="status">{t("open.loading")}</p>
      ) : shown.length === 0 ? (
        <p class="quiet-line">{t("open.empty")}</p>
      ) : (
        <ul class="open-list">
          {shown.map((game) => <Row key={game.ticket_id} game={game} />)}
        </ul>
      )}
      {token !== "" && (
        <button type="button" class="button quiet" onClick={() => void showMore()}>{t("open.more")}</button>
      )}
      <div class="open-create">
        {props.queues.map((queue) => (
          <button
            key={queue.name}
            type="button"
            class="button secondary"
            disabled={starting.value !== undefined || lobby.value !== "here"}
            onClick={() => void play(queue.name, true)}
          >
            {props.queues.length === 1 ? t("open.create") : t("open.createNamed", { game: queue.title || gameTitle(queue.game) })}
          </button>
        ))}
      </div>
    </section>
  );
}

function Row(props: { game: OpenGame }) {
  const { game } = props;
  const own = me.value?.current_ticket_id === game.ticket_id;
  const title = gameTitle(game.game);
  const words = settings(game.game, game.config_json);
  return (
    <li class="open-row">
      <div class="open-who">
        <p>
          <span class="name">{game.creator_name}</span>
          <span class="tag">#{game.creator_tag}</span>
        </p>
        <p class="hint">
          {[title, words, t("open.rating", { n: String(game.creator_rating) }), t("open.age", { age: age(Number(game.age_ms)) })].filter(Boolean).join(" · ")}
        </p>
      </div>
      {own ? (
        <button type="button" class="button small" onClick={() => go({ name: "waiting", ticket: game.ticket_id })}>
          {t("open.yours")}
        </button>
      ) : (
        <button
          type="button"
          class="button small"
          aria-label={t("open.joinNamed", { name: game.creator_name, game: title })}
          disabled={starting.value !== undefined || lobby.value !== "here"}
          onClick={() => void join(game.ticket_id, game.queue)}
        >
          {t("open.join")}
        </button>
      )}
    </li>
  );
}

/** The list's first page, live for as long as the window is looked at: a browser has few connections to one host. */
function useLiveList(): { page: Page | undefined; live: boolean } {
  const [page, setPage] = useState<Page | undefined>();
  const [live, setLive] = useState(true);
  const looking = visible.value;
  useEffect(() => {
    if (!looking) {
      return;
    }
    return follow(`/v1/open-games/events?page_size=${PAGE}`, {
      event: (name, data) => {
        if (name === "games") {
          setPage(readOpenGames(data as Page));
          setLive(true);
        }
      },
      link: setLive,
      refused: (error) => {
        setLive(false);
        console.warn("the list of open games was refused", error);
      },
    });
  }, [looking]);
  return { page, live };
}
