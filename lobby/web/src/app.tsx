import { Home } from "./home/home.tsx";
import { language, LANGUAGES, type Language, setLanguage, t } from "./i18n/index.ts";
import { MatchScreen } from "./match/screen.tsx";
import { ReplayScreen } from "./replay/screen.tsx";
import { go, lobby, me, notice, screen, spoken } from "./store.ts";
import { Bell } from "./ui/icons.tsx";
import { setSound, sound } from "./ui/sound.ts";
import { Waiting } from "./wait/waiting.tsx";
import { WatchScreen } from "./watch/screen.tsx";

export function App() {
  const now = screen.value;
  return (
    <>
      {now.name === "match" ? (
        <MatchScreen key={now.match} match={now.match} assignment={now.assignment} />
      ) : now.name === "replay" ? (
        <ReplayScreen key={now.match} match={now.match} />
      ) : now.name === "watch" ? (
        <WatchScreen key={now.match} match={now.match} />
      ) : (
        <div class="page">
          <Header />
          {lobby.value !== "here" && <Away />}
          {now.name === "home" ? <Home /> : <Waiting key={now.ticket} {...now} />}
          <Footer />
        </div>
      )}
      <Notices />
      <Speaker />
    </>
  );
}

function Header() {
  const player = me.value;
  return (
    <header class="header">
      {screen.value.name === "home" && <a class="skip" href="#games">{t("skip")}</a>}
      <a
        class="brand"
        href="/"
        onClick={(event) => {
          if (!event.metaKey && !event.ctrlKey) {
            event.preventDefault();
            go({ name: "home" });
          }
        }}
      >
        <Bell />
        <span>{t("brand")}</span>
      </a>
      {player !== undefined && (
        <span class="header-you">
          <span class="name">{player.name}</span>
          <span class="tag">#{player.tag}</span>
        </span>
      )}
    </header>
  );
}

/** The lobby does not answer: said once, calmly, above what is still there. */
function Away() {
  const offline = lobby.value === "offline";
  return (
    <div class="away" role="status">
      <Bell ringing />
      <div>
        <strong>{t(offline ? "away.offline" : "away.lobby")}</strong>
        <p>{t(offline ? "away.offlineText" : "away.lobbyText")}</p>
      </div>
    </div>
  );
}

function Footer() {
  return (
    <footer class="footer">
      <p>{t("footer.note")}</p>
      <label class="check">
        <input type="checkbox" checked={sound.value} onChange={(event) => setSound(event.currentTarget.checked)} />
        {t("footer.sound")}
      </label>
      <label class="select">
        {t("footer.language")}
        <select value={language.value} onChange={(event) => void setLanguage(event.currentTarget.value as Language)}>
          {Object.entries(LANGUAGES).map(([code, name]) => (
            <option key={code} value={code} lang={code}>{name}</option>
          ))}
        </select>
      </label>
    </footer>
  );
}

function Notices() {
  const now = notice.value;
  return (
    <div class="notices">
      {now !== undefined && (
        <div class={`notice notice-${now.tone}`}>
          <p>{now.text}</p>
          <button type="button" class="quiet" aria-label={t("error.dismiss")} onClick={() => (notice.value = undefined)}>✕</button>
        </div>
      )}
    </div>
  );
}

/** What screen readers are told of by itself. */
function Speaker() {
  const { text, urgent } = spoken.value;
  return (
    <>
      <div class="unseen" role="status" aria-live="polite">{urgent ? "" : text}</div>
      <div class="unseen" role="alert" aria-live="assertive">{urgent ? text : ""}</div>
    </>
  );
}
