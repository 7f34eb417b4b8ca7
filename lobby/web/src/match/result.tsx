/** How it ended, and what that does to the rating. */
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { useHeadingFocus } from "../ui/focus.ts";
import { Change } from "../home/you.tsx";
import { gameTitle, t } from "../i18n/index.ts";
import { ApiError, api } from "../net/api.ts";
import type { Match, MatchSeat } from "../net/types.ts";
import { announce, go, me, play, refreshMe, starting } from "../store.ts";
import type { MatchConnection, Phase } from "./connection.ts";
import { reasonText } from "./reasons.ts";

/** The room tells the lobby at once; the rating is there soon after. */
const POLLS_MS = [0, 150, 250, 400, 600, 1_000, 1_500, 2_000, 2_000, 3_000, 3_000, 5_000, 5_000];

interface Row {
  seat: number;
  name: string;
  tag: string;
  rank: number;
  score: number;
  you: boolean;
  rating: number | undefined;
  change: number | undefined;
}

export function Result(props: {
  connection: MatchConnection;
  phase: Phase & { name: "ended" };
  onMissing?: () => void;
}) {
  const { connection, phase } = props;
  const { match, late } = useMatch(connection.match, props.onMissing);
  const together = connection.module.value?.together === true;
  const [board, setBoard] = useState(together);
  const rows = table(connection, phase, match);
  const own = rows.find((row) => row.you);
  const queue = match?.queue;
  const game = match?.game ?? connection.game.value ?? "";
  const title = together ? t("result.together") : headline(rows, own);
  const reason = reasonText(phase.reason);
  const rated = match?.state === "ended" && rows.some((row) => (row.change ?? 0) !== 0 || row.rating !== undefined);

  useEffect(() => {
    announce(title, true);
  }, [title]);
  useEffect(() => {
    if (match?.state === "ended" && own !== undefined && me.value !== undefined) {
      void refreshMe();
    }
  }, [match?.state]);
  const again = () => {
    if (queue !== undefined) {
      void play(queue);
    } else {
      go({ name: "home" });
    }
  };
  useLayoutEffect(() => {
    const key = (event: KeyboardEvent) => {
      const onControl = event.target instanceof Element && event.target.closest("button, a, select, input") !== null;
      if (event.key === "Enter" && !event.repeat && !onControl && !event.defaultPrevented) {
        again();
      } else if (event.key === "Escape" && !event.defaultPrevented) {
        go({ name: "home" });
      }
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, [queue]);

  if (match?.state === "placing" || (match?.state === "playing" && phase.results === undefined && props.onMissing)) {
    return <Sheet title={t("match.noSeat")}><p>{t("match.noSeatText")}</p><Buttons again={undefined} /></Sheet>;
  }
  if (match?.state === "lost") {
    return <Sheet title={t("match.lost")}><p>{t("match.lostText")}</p><Buttons again={again} /></Sheet>;
  }
  if (board) {
    return (
      <button type="button" class="button primary result-back" autofocus onClick={() => setBoard(false)}>
        {t("result.show")}
      </button>
    );
  }
  return (
    <Sheet title={rows.length === 0 ? t("result.over") : title} win={own?.rank === 1 && (together || !isDraw(rows))} eyebrow={gameTitle(game)}>
      {reason !== "" && <p class="hint result-reason">{reason}</p>}
      {own !== undefined && rated && own.rating !== undefined && (
        <p class="result-rating">
          <span class="hint">{t("result.yourRating", { game: gameTitle(game) })}</span>
          <strong>{own.rating}</strong>
          <Change by={own.change ?? 0} />
        </p>
      )}
      {!rated && !together && <p class="hint" role="status">{t(match?.state === "ended" ? "result.unrated" : late ? "result.late" : "result.counting")}</p>}
      {rows.length > 0 && !together && <Table rows={rows} scored={rows.some((row) => row.score !== 0)} />}
      <Buttons
        again={again}
        board={connection.module.value === undefined ? undefined : () => setBoard(true)}
        replay={match?.state === "ended" ? connection.match : undefined}
      />
    </Sheet>
  );
}

function Sheet(props: { title: string; eyebrow?: string; win?: boolean; children: preact.ComponentChildren }) {
  const heading = useHeadingFocus();
  return (
    <div class="veil">
      <section class={`sheet result ${props.win ? "result-won" : ""}`}>
        {props.eyebrow !== undefined && <p class="eyebrow">{props.eyebrow}</p>}
        <h2 ref={heading} tabIndex={-1}>{props.title}</h2>
        {props.children}
      </section>
    </div>
  );
}

function Buttons(props: { again: (() => void) | undefined; board?: (() => void) | undefined; replay?: string | undefined }) {
  return (
    <div class="row result-row">
      {props.again !== undefined && (
        <button type="button" class="button primary" disabled={starting.value !== undefined} onClick={props.again}>
          {t("result.again")} <kbd aria-hidden="true">{t("home.enter")}</kbd>
        </button>
      )}
      <button type="button" class="button secondary" onClick={() => go({ name: "home" })}>{t("result.lobby")}</button>
      {props.board !== undefined && <button type="button" class="button quiet" onClick={props.board}>{t("result.board")}</button>}
      {props.replay !== undefined && (
        <button type="button" class="button quiet" onClick={() => go({ name: "replay", match: props.replay ?? "" })}>{t("result.replay")}</button>
      )}
    </div>
  );
}

function Table(props: { rows: Row[]; scored: boolean }) {
  return (
    <table class="ranks">
      <thead>
        <tr>
          <th scope="col">{t("result.rank")}</th>
          <th scope="col">{t("result.player")}</th>
          {props.scored && <th scope="col" class="num">{t("result.score")}</th>}
          <th scope="col" class="num">{t("result.rating")}</th>
        </tr>
      </thead>
      <tbody>
        {props.rows.map((row) => (
          <tr key={row.seat} class={row.you ? "you-row" : ""}>
            <td>{row.rank}</td>
            <th scope="row">
              <span class="name">{row.name}</span> <span class="tag">#{row.tag}</span>
              {row.you && <span class="badge">{t("result.you")}</span>}
            </th>
            {props.scored && <td class="num">{row.score}</td>}
            <td class="num">
              {row.rating === undefined ? t("net.none") : <>{row.rating} <Change by={row.change ?? 0} /></>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The match as the lobby knows it, asked for until it has the result. */
function useMatch(id: string, onMissing: (() => void) | undefined): { match: Match | undefined; late: boolean } {
  const [match, setMatch] = useState<Match | undefined>();
  const [late, setLate] = useState(false);
  useEffect(() => {
    let gone = false;
    void (async () => {
      for (const pause of POLLS_MS) {
        await new Promise((done) => setTimeout(done, pause));
        if (gone) {
          return;
        }
        try {
          const answer = await api.match(id);
          setMatch(answer);
          if (answer.state === "ended" || answer.state === "lost") {
            return;
          }
        } catch (error) {
          if (error instanceof ApiError && (error.status === 404 || error.status === 403)) {
            onMissing?.();
            return;
          }
        }
      }
      setLate(true);
    })();
    return () => {
      gone = true;
    };
  }, [id]);
  return { match, late };
}

function table(connection: MatchConnection, phase: Phase & { name: "ended" }, match: Match | undefined): Row[] {
  const known = new Map<number, MatchSeat>((match?.seats ?? []).map((seat) => [seat.seat ?? 0, seat]));
  const own = (seat: number) => {
    const info = known.get(seat);
    return info?.player_id ? info.player_id === me.value?.id : seat === connection.seat && connection.players.length > 0;
  };
  const told = phase.results ?? [];
  const from =
    told.length > 0
      ? told
      : match?.state === "ended"
        ? [...known.values()].map((seat) => ({ seat: seat.seat ?? 0, rank: seat.rank ?? 0, score: Number(seat.score ?? 0) }))
        : [];
  return from
    .map((result): Row => {
      const info = known.get(result.seat);
      const player = connection.players.find((one) => one.seat === result.seat);
      const rated = match?.state === "ended" && Boolean(info?.rating_after);
      return {
        seat: result.seat,
        name: info?.name ?? player?.name ?? "?",
        tag: info?.tag ?? player?.tag ?? "",
        rank: result.rank,
        score: Number(result.score),
        you: own(result.seat),
        rating: rated ? info?.rating_after : undefined,
        change: rated ? (info?.rating_after ?? 0) - (info?.rating_before ?? 0) : undefined,
      };
    })
    .sort((a, b) => a.rank - b.rank || a.seat - b.seat);
}

function isDraw(rows: Row[]): boolean {
  return rows.length > 1 && rows.every((row) => row.rank === rows[0]?.rank);
}

function headline(rows: Row[], own: Row | undefined): string {
  if (own === undefined || rows.length === 0) {
    return t("result.over");
  }
  if (isDraw(rows)) {
    return t("result.draw");
  }
  if (own.rank === 1) {
    return t("result.won");
  }
  return rows.length === 2 ? t("result.lost") : t("result.place", { rank: own.rank, n: rows.length });
}
