/** Who you are: name, ratings, and the way to stay that player. */
import { useEffect, useId, useState } from "preact/hooks";
import { gameTitle, t } from "../i18n/index.ts";
import { ApiError, api } from "../net/api.ts";
import { adopt, forget } from "../net/identity.ts";
import type { Player } from "../net/types.ts";
import { explain, go, me, refreshMe, tell } from "../store.ts";
import { Dialog } from "../ui/dialog.tsx";
import { Pencil } from "../ui/icons.tsx";
import { pastMatches, type PastMatch } from "./last.ts";

/** Above this deviation a rating still moves in big steps. */
const SETTLED_DEVIATION = 110;

type Asking = "nothing" | "password" | "login" | "logout";

export function You() {
  const player = me.value;
  const [asking, setAsking] = useState<Asking>("nothing");
  if (player === undefined) {
    return <section class="panel you you-ghost" aria-hidden="true"><i /><i /><i /></section>;
  }
  const done = () => setAsking("nothing");
  return (
    <section class="panel you" aria-labelledby="you-title">
      <h2 id="you-title" class="unseen">{t("you.title")}</h2>
      <NameTag player={player} />
      <Ratings player={player} />
      <LastMatches player={player} />
      <div class="you-doors">
        <button type="button" class="link" onClick={() => setAsking("password")}>
          {t(player.login ? "you.changePassword" : "you.keep")}
        </button>
        <button type="button" class="link" onClick={() => setAsking("login")}>{t("you.login")}</button>
        <button type="button" class="link" onClick={() => setAsking("logout")}>{t("you.logout")}</button>
      </div>
      {asking === "password" && <PasswordDialog player={player} onClose={done} />}
      {asking === "login" && <LoginDialog onClose={done} />}
      {asking === "logout" && <LogoutDialog player={player} onClose={done} />}
    </section>
  );
}

function NameTag(props: { player: Player }) {
  const { player } = props;
  const [editing, setEditing] = useState(false);
  const [error, setError] = useState("");
  const field = useId();
  if (!editing) {
    return (
      <div class="keytag">
        <p class="keytag-name">
          <span class="name">{player.name}</span>
          <span class="tag">#{player.tag}</span>
        </p>
        <button type="button" class="round" aria-label={t("you.edit")} title={t("you.edit")} onClick={() => setEditing(true)}>
          <Pencil />
        </button>
      </div>
    );
  }
  const save = async (event: SubmitEvent) => {
    event.preventDefault();
    const name = new FormData(event.currentTarget as HTMLFormElement).get("name");
    try {
      me.value = await api.setName(String(name).trim());
      setEditing(false);
      setError("");
    } catch (failure) {
      setError(explain(failure));
    }
  };
  return (
    <form class="keytag keytag-edit" onSubmit={(event) => void save(event as unknown as SubmitEvent)} onKeyDown={(event) => event.key === "Escape" && setEditing(false)}>
      <label for={field}>{t("you.name")}</label>
      <input id={field} name="name" defaultValue={player.name} maxLength={24} required autocomplete="nickname" aria-describedby={`${field}-rule`} ref={(input) => input?.select()} />
      <p id={`${field}-rule`} class={error ? "hint bad" : "hint"} role={error ? "alert" : undefined}>{error || t("you.nameRule")}</p>
      <div class="row">
        <button type="submit" class="button primary small">{t("you.save")}</button>
        <button type="button" class="button quiet small" onClick={() => setEditing(false)}>{t("you.cancel")}</button>
      </div>
    </form>
  );
}

function Ratings(props: { player: Player }) {
  const ratings = (props.player.ratings ?? []).filter((rating) => rating.matches > 0);
  if (ratings.length === 0) {
    return <p class="hint">{t("you.unrated")}</p>;
  }
  return (
    <ul class="ratings">
      {ratings.map((rating) => (
        <li key={rating.game}>
          <span>{gameTitle(rating.game)}</span>
          <span class="hint">
            {t("you.matches", { n: rating.matches })}
            {rating.deviation > SETTLED_DEVIATION && ` · ${t("you.provisional")}`}
          </span>
          <strong>{rating.rating}</strong>
        </li>
      ))}
    </ul>
  );
}

function LastMatches(props: { player: Player }) {
  const { id, ratings } = props.player;
  const played = (ratings ?? []).reduce((sum, rating) => sum + rating.matches, 0);
  const [past, setPast] = useState<PastMatch[]>([]);
  useEffect(() => {
    let gone = false;
    // A lobby that is away says so elsewhere; what was shown stays.
    pastMatches(id).then((found) => gone || setPast(found), () => {});
    return () => {
      gone = true;
    };
  }, [id, played]);
  if (past.length === 0) {
    return null;
  }
  return (
    <>
      <h3>{t("you.last")}</h3>
      <ul class="past">
        {past.map((match) => (
          <li key={match.id}>
            <a
              href={`/m/${match.id}`}
              onClick={(event) => {
                event.preventDefault();
                go({ name: "match", match: match.id });
              }}
            >
              {gameTitle(match.game)}
            </a>
            <span class="hint">{outcome(match)}</span>
            <Change by={match.change} />
          </li>
        ))}
      </ul>
    </>
  );
}

function outcome(match: PastMatch): string {
  if (match.draw) {
    return t("you.draw");
  }
  return match.of === 2 ? t(match.rank === 1 ? "you.won" : "you.lost") : t("you.place", { rank: match.rank, n: match.of });
}

/** A rating's step: sign and words, never colour alone. */
export function Change(props: { by: number }) {
  const { by } = props;
  const words = by > 0 ? t("result.up", { n: by }) : by < 0 ? t("result.down", { n: -by }) : t("result.same");
  const sign = by > 0 ? `▲ ${by}` : by < 0 ? `▼ ${-by}` : "±0";
  return (
    <span class={`change ${by > 0 ? "change-up" : by < 0 ? "change-down" : ""}`}>
      <span aria-hidden="true">{sign}</span>
      <span class="unseen">{words}</span>
    </span>
  );
}

function useForm(send: (form: FormData) => Promise<void>): { error: string; busy: boolean; submit: (event: Event) => void } {
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError("");
    try {
      await send(new FormData(event.currentTarget as HTMLFormElement));
    } catch (failure) {
      setError(failure instanceof ApiError && failure.status === 401 ? t("error.credentials") : explain(failure));
    } finally {
      setBusy(false);
    }
  };
  return { error, busy, submit: (event) => void submit(event) };
}

function PasswordDialog(props: { player: Player; onClose: () => void }) {
  const had = Boolean(props.player.login);
  const { error, busy, submit } = useForm(async (form) => {
    const player = await api.setPassword(String(form.get("password")), String(form.get("old") ?? ""));
    me.value = player;
    props.onClose();
    tell(t("you.passwordSet", { login: player.login ?? `${player.name}#${player.tag}` }), "good");
  });
  return (
    <Dialog title={t(had ? "you.changePassword" : "you.keep")} text={had ? t("you.loginName", { login: props.player.login ?? "" }) : t("you.keepHint")} onClose={props.onClose}>
      <form class="form" onSubmit={submit}>
        <input type="text" name="username" value={props.player.login || `${props.player.name}#${props.player.tag}`} autocomplete="username" hidden readOnly />
        {had && <Field name="old" label={t("you.oldPassword")} type="password" autocomplete="current-password" />}
        <Field name="password" label={t("you.newPassword")} type="password" autocomplete="new-password" hint={t("you.passwordRule")} min={8} />
        <FormEnd error={error} busy={busy} go={t("you.setPassword")} onClose={props.onClose} />
      </form>
    </Dialog>
  );
}

function LoginDialog(props: { onClose: () => void }) {
  const { error, busy, submit } = useForm(async (form) => {
    const session = await api.logIn(String(form.get("login")).trim(), String(form.get("password")));
    me.value = adopt(session);
    props.onClose();
    tell(t("you.loggedIn", { name: session.player.name }), "good");
  });
  return (
    <Dialog title={t("you.login")} onClose={props.onClose}>
      <form class="form" onSubmit={submit}>
        <Field name="login" label={t("you.loginAs")} type="text" autocomplete="username" hint={t("you.loginHint")} />
        <Field name="password" label={t("you.password")} type="password" autocomplete="current-password" />
        <FormEnd error={error} busy={busy} go={t("you.login")} onClose={props.onClose} />
      </form>
    </Dialog>
  );
}

function LogoutDialog(props: { player: Player; onClose: () => void }) {
  const { player } = props;
  const { error, busy, submit } = useForm(async () => {
    await api.logOut();
    forget();
    props.onClose();
    me.value = adopt(await api.createGuest());
    await refreshMe();
  });
  return (
    <Dialog
      title={t("you.logoutAsk", { name: player.name })}
      text={player.login ? t("you.logoutKept", { login: player.login }) : t("you.logoutGuest")}
      onClose={props.onClose}
    >
      <form class="form" onSubmit={submit}>
        <FormEnd error={error} busy={busy} go={t("you.logout")} onClose={props.onClose} />
      </form>
    </Dialog>
  );
}

function Field(props: { name: string; label: string; type: "text" | "password"; autocomplete: string; hint?: string; min?: number }) {
  const id = useId();
  const same = { id, name: props.name, autocomplete: props.autocomplete, required: true, maxLength: 128, "aria-describedby": props.hint ? `${id}-hint` : undefined };
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      {props.type === "password" ? <input type="password" minLength={props.min} {...same} /> : <input type="text" {...same} />}
      {props.hint && <p id={`${id}-hint`} class="hint">{props.hint}</p>}
    </div>
  );
}

function FormEnd(props: { error: string; busy: boolean; go: string; onClose: () => void }) {
  return (
    <>
      <p class="hint bad" role="alert">{props.error}</p>
      <div class="row">
        <button type="submit" class="button primary" disabled={props.busy}>{props.go}</button>
        <button type="button" class="button quiet" onClick={props.onClose}>{t("you.cancel")}</button>
      </div>
    </>
  );
}
