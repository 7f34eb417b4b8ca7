//! The keys of `bellhop.toml`.

use std::time::Duration;

use lobby_core::{Audience, FleetSettings, Limits, Name, QueueSettings, Settings, Shape, Timing, Window};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::model::ModelTable;
use super::{ConfigError, defaults};

/// Seconds, whole or not.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(try_from = "f64", into = "f64")]
struct Seconds(Duration);

impl TryFrom<f64> for Seconds {
    type Error = String;

    fn try_from(seconds: f64) -> Result<Seconds, String> {
        Duration::try_from_secs_f64(seconds)
            .map(Seconds)
            .map_err(|_| format!("{seconds} is not a number of seconds: 0 or more"))
    }
}

impl From<Seconds> for f64 {
    fn from(seconds: Seconds) -> f64 {
        seconds.0.as_secs_f64()
    }
}

/// Declares a table of optional keys, each with the place it sets, and lists its keys.
macro_rules! table {
    ($name:ident sets $target:ident { $($key:ident: $kind:ty => $field:ident),* $(,)? }) => {
        #[derive(Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct $name { $($key: Option<$kind>),* }

        impl $name {
            #[cfg(test)]
            const KEYS: &[&str] = &[$(stringify!($key)),*];

            fn set(&self, target: &mut $target) {
                $(if let Some(value) = self.$key { target.$field = Value::value(value); })*
            }
        }
    };
}

/// What a key's value is inside.
trait Value<T> {
    fn value(self) -> T;
}

impl Value<Duration> for Seconds {
    fn value(self) -> Duration {
        self.0
    }
}

impl Value<u32> for u32 {
    fn value(self) -> u32 {
        self
    }
}

impl Value<u16> for u16 {
    fn value(self) -> u16 {
        self
    }
}

table!(LimitsTable sets Limits {
    tickets: u32 => tickets,
    tickets_per_queue: u32 => tickets_per_queue,
    open_games_per_queue: u32 => open_games_per_queue,
    matches: u32 => matches,
    rooms: u32 => rooms,
    ended_tickets: u32 => ended_tickets,
    ended_matches: u32 => ended_matches,
    ticket_events: u16 => ticket_events,
    page: u16 => page,
    queues: u16 => queues,
    fleets: u16 => fleets,
    placements: u16 => placements,
    requeues: u16 => requeues,
});

table!(TimingTable sets Timing {
    lease_seconds: Seconds => lease,
    lease_grace_seconds: Seconds => lease_grace,
    placement_seconds: Seconds => placement,
    silence_seconds: Seconds => silence,
    reattach_seconds: Seconds => reattach,
    abandon_seconds: Seconds => abandon,
    keep_ended_seconds: Seconds => keep_ended,
    retry_after_seconds: Seconds => retry_after,
});

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FleetTable {
    name: Spanned<String>,
    games: Vec<String>,
    min_ready: Option<u32>,
    max_rooms: Option<u32>,
    start_timeout_seconds: Option<Seconds>,
    scale_down_after_seconds: Option<Seconds>,
    drain_within_seconds: Option<Seconds>,
    breaker_failures: Option<u32>,
    breaker_window_seconds: Option<Seconds>,
    recycle: Option<Recycle>,
}

/// What becomes of a room when its match has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Recycle {
    Always,
    Never,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct WindowTable {
    #[serde(skip_serializing_if = "Option::is_none")]
    anybody: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_wait_seconds: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step_per_second: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cap: Option<f32>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct QueueTable {
    #[serde(skip_serializing)]
    name: Option<Spanned<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    game: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fleet: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_players: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_players: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    teams: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    team_size: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_after_seconds: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    late_join: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    open_games: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rated: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    watch: Option<WatchKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    watch_delay_seconds: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spectators: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chat: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<WindowTable>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<toml::Table>,
}

/// Who may watch: yes, no, or `"listed"`.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(untagged, expecting = "who may watch: true, false or \"listed\"")]
enum WatchKey {
    Asked(bool),
    Word(WatchWord),
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum WatchWord {
    Listed,
}

impl WatchKey {
    fn meant(self) -> Audience {
        match self {
            WatchKey::Asked(false) => Audience::Nobody,
            WatchKey::Asked(true) => Audience::ByLink,
            WatchKey::Word(WatchWord::Listed) => Audience::Listed,
        }
    }

    fn of(watch: Audience) -> WatchKey {
        match watch {
            Audience::Nobody => WatchKey::Asked(false),
            Audience::ByLink => WatchKey::Asked(true),
            Audience::Listed => WatchKey::Word(WatchWord::Listed),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileTable {
    #[serde(default)]
    limits: LimitsTable,
    #[serde(default)]
    timing: TimingTable,
    queue: Option<Vec<QueueTable>>,
    fleet: Option<Vec<FleetTable>>,
    model: Option<ModelTable>,
}

/// Keys of all tables, for the test that the example names them.
#[cfg(test)]
pub(super) fn keys() -> Vec<&'static str> {
    let others = [
        "name",
        "game",
        "title",
        "fleet",
        "min_players",
        "max_players",
        "teams",
        "team_size",
        "start_after_seconds",
        "late_join",
        "open_games",
        "rated",
        "watch",
        "watch_delay_seconds",
        "spectators",
        "chat",
        "window",
        "config",
        "games",
        "min_ready",
        "max_rooms",
        "start_timeout_seconds",
        "scale_down_after_seconds",
        "drain_within_seconds",
        "breaker_failures",
        "breaker_window_seconds",
        "recycle",
        "anybody",
        "start",
        "target_wait_seconds",
        "step_per_second",
        "cap",
    ];
    let others = others.into_iter().chain(ModelTable::KEYS);
    others.chain(LimitsTable::KEYS.iter().copied()).chain(TimingTable::KEYS.iter().copied()).collect()
}

/// Settings and where their names stand.
pub(super) struct Found {
    pub(super) settings: Settings,
    /// What rooms are told of the language model.
    pub(super) room_flags: Vec<String>,
    names: Vec<(Name, usize)>,
}

impl Found {
    /// The line of the last queue or fleet of this name.
    pub(super) fn line_of(&self, text: &str, name: &Name) -> Option<usize> {
        self.names.iter().rev().find(|(known, _)| known == name).map(|(_, at)| line(text, *at))
    }
}

pub(super) fn parse(file: &str, text: &str) -> Result<Found, ConfigError> {
    let table: FileTable = toml::from_str(text).map_err(|error| explain(file, text, &error))?;
    let mut settings = defaults();
    let mut names = Vec::new();
    table.limits.set(&mut settings.limits);
    table.timing.set(&mut settings.timing);
    if let Some(fleets) = table.fleet {
        names.extend(fleets.iter().map(|fleet| (fleet.name.get_ref().as_str().into(), fleet.name.span().start)));
        settings.fleets = fleets.into_iter().map(fleet).collect();
        // Whoever names his own fleets and not his queues keeps the default queues that they can host.
        let hosted = |game: &Name| settings.fleets.iter().any(|fleet| fleet.games.contains(game));
        settings.queues.retain(|queue| hosted(&queue.game));
        for queue in &mut settings.queues {
            queue.fleet = None;
        }
    }
    if let Some(queues) = table.queue {
        settings.queues.clear();
        for table in queues {
            let at = table.name.as_ref().map_or(0, |name| name.span().start);
            let fail = |message: String| ConfigError {
                file: file.to_owned(),
                line: line(text, at),
                message,
                hint: String::new(),
            };
            let name: Name = match &table.name {
                Some(name) => name.get_ref().as_str().into(),
                None => return Err(fail("a [[queue]] needs a `name`".into())),
            };
            let Some(game) = &table.game else {
                return Err(fail(format!("queue `{name}` needs a `game`")));
            };
            let base = QueueSettings::new(&name, game, Shape::Free { min: 2, max: 2 });
            settings.queues.push(change(&base, table).map_err(|message| fail(format!("queue `{name}`: {message}")))?);
            names.push((name, at));
        }
    }
    if let (Some(model), Some(message)) = (&table.model, table.model.as_ref().and_then(ModelTable::problem)) {
        let line = line(text, model.url.span().start);
        return Err(ConfigError { file: file.to_owned(), line, message, hint: String::new() });
    }
    let room_flags = table.model.as_ref().map(ModelTable::flags).unwrap_or_default();
    Ok(Found { settings, room_flags, names })
}

fn fleet(table: FleetTable) -> FleetSettings {
    let games: Vec<&str> = table.games.iter().map(String::as_str).collect();
    let base = FleetSettings::new(table.name.get_ref(), &games);
    let or = |seconds: Option<Seconds>, base: Duration| seconds.map_or(base, |seconds| seconds.0);
    FleetSettings {
        min_ready: table.min_ready.unwrap_or(base.min_ready.min(table.max_rooms.unwrap_or(u32::MAX))),
        max_rooms: table.max_rooms.unwrap_or(base.max_rooms.max(table.min_ready.unwrap_or(0))),
        start_timeout: or(table.start_timeout_seconds, base.start_timeout),
        scale_down_after: or(table.scale_down_after_seconds, base.scale_down_after),
        drain_within: or(table.drain_within_seconds, base.drain_within),
        breaker_failures: table.breaker_failures.unwrap_or(base.breaker_failures),
        breaker_window: or(table.breaker_window_seconds, base.breaker_window),
        recycle: table.recycle.map_or(base.recycle, |recycle| recycle == Recycle::Always),
        ..base
    }
}

fn change(base: &QueueSettings, table: QueueTable) -> Result<QueueSettings, String> {
    let shape = match (table.teams, table.team_size, table.min_players, table.max_players) {
        (None, None, None, None) => base.shape,
        (None, None, min, max) => {
            let max = max.unwrap_or_else(|| base.shape.max_players());
            Shape::Free { min: min.unwrap_or_else(|| base.shape.min_players().min(max)), max }
        }
        (teams, size, None, None) => {
            let (old_teams, old_size) = match base.shape {
                Shape::Teams { teams, size } => (teams, size),
                Shape::Free { .. } => (2, 1),
            };
            Shape::Teams { teams: teams.unwrap_or(old_teams), size: size.unwrap_or(old_size) }
        }
        (_, _, _, _) => return Err("either min_players and max_players, or teams and team_size, not both".into()),
    };
    let config_json = match table.config {
        Some(config) => serde_json::to_string(&config).map_err(|error| error.to_string())?.into(),
        None => base.config_json.clone(),
    };
    let text = |text: Option<String>, base: &Name| text.map_or_else(|| base.clone(), Name::from);
    Ok(QueueSettings {
        name: base.name.clone(),
        game: text(table.game, &base.game),
        title: text(table.title, &base.title),
        config_json,
        fleet: table.fleet.map(Name::from).or_else(|| base.fleet.clone()),
        shape,
        start_after: table.start_after_seconds.map_or(base.start_after, |seconds| seconds.0),
        window: table.window.map_or(base.window, |table| window(base.window, &table)),
        late_join: table.late_join.unwrap_or(base.late_join),
        open_games: table.open_games.unwrap_or(base.open_games),
        rated: table.rated.unwrap_or(base.rated),
        watch: table.watch.map_or(base.watch, WatchKey::meant),
        watch_delay: table.watch_delay_seconds.map_or(base.watch_delay, |seconds| seconds.0),
        spectators: table.spectators.unwrap_or(base.spectators),
        chat: table.chat.unwrap_or(base.chat),
    })
}

fn window(base: Window, table: &WindowTable) -> Window {
    if table.anybody == Some(true) {
        return Window::ANYBODY;
    }
    // From "anybody" there is no step to widen by: begin with the default.
    let base = if base == Window::ANYBODY { Window::default() } else { base };
    Window {
        start: table.start.or(if table.target_wait_seconds.is_some() { None } else { base.start }),
        target_wait: table.target_wait_seconds.map_or(base.target_wait, |seconds| seconds.0),
        step: table.step_per_second.unwrap_or(base.step),
        cap: table.cap.unwrap_or(base.cap),
    }
}

/// A queue with some of its keys changed.
///
/// # Errors
/// If a key is unknown, or its value none.
pub(crate) fn change_queue(now: &QueueSettings, text: &str) -> Result<QueueSettings, ConfigError> {
    let file = "settings_toml";
    let table: QueueTable = toml::from_str(text).map_err(|error| explain(file, text, &error))?;
    let fail = |message: String| ConfigError { file: file.into(), line: 1, message, hint: String::new() };
    if table.name.as_ref().is_some_and(|name| *name.get_ref().as_str() != *now.name) {
        return Err(fail("a queue's name cannot be changed: it is what callers send".into()));
    }
    change(now, table).map_err(fail)
}

/// A queue's settings as the keys of its table.
pub(crate) fn queue_toml(queue: &QueueSettings) -> String {
    let (min_players, max_players, teams, team_size) = match queue.shape {
        Shape::Free { min, max } => (Some(min), Some(max), None, None),
        Shape::Teams { teams, size } => (None, None, Some(teams), Some(size)),
    };
    let window = if queue.window == Window::ANYBODY {
        WindowTable { anybody: Some(true), ..WindowTable::default() }
    } else {
        WindowTable {
            anybody: None,
            start: queue.window.start,
            target_wait_seconds: queue.window.start.is_none().then_some(Seconds(queue.window.target_wait)),
            step_per_second: Some(queue.window.step),
            cap: Some(queue.window.cap),
        }
    };
    let table = QueueTable {
        name: None,
        game: Some(queue.game.to_string()),
        title: Some(queue.title.to_string()),
        fleet: queue.fleet.as_ref().map(ToString::to_string),
        min_players,
        max_players,
        teams,
        team_size,
        start_after_seconds: Some(Seconds(queue.start_after)),
        late_join: Some(queue.late_join),
        open_games: Some(queue.open_games),
        rated: Some(queue.rated),
        watch: Some(WatchKey::of(queue.watch)),
        watch_delay_seconds: Some(Seconds(queue.watch_delay)),
        spectators: Some(queue.spectators),
        chat: Some(queue.chat),
        window: Some(window),
        config: serde_json::from_str(&queue.config_json).ok(),
    };
    toml::to_string(&table).unwrap_or_default()
}

fn line(text: &str, at: usize) -> usize {
    1 + text.as_bytes().iter().take(at).filter(|&&byte| byte == b'\n').count()
}

/// An error of the parser in our words.
fn explain(file: &str, text: &str, error: &toml::de::Error) -> ConfigError {
    let at = error.span().map_or(0, |span| span.start);
    let said = error.message();
    let (message, hint) = match said.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`')) {
        Some((key, expected)) => (format!("unknown key `{key}`"), nearest(key, expected)),
        None => (
            said.lines().collect::<Vec<_>>().join("; "),
            "bellhop.toml at the root of the repository names every key".into(),
        ),
    };
    ConfigError { file: file.to_owned(), line: line(text, at), message, hint }
}

/// The known key that looks most like this one.
fn nearest(key: &str, expected: &str) -> String {
    let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    let best = known.iter().min_by_key(|known| distance(key, known));
    match best {
        Some(best) if distance(key, best) <= 3 => format!("did you mean `{best}`?"),
        Some(_) | None => format!("the keys here are {}", known.join(", ")),
    }
}

/// Letters to change, add or take away.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
