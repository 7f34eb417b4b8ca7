//! `bellhop.toml`: queues, fleets, limits and times as data. All of it optional, checked with file, line and a hint.

mod file;
mod model;
mod reload;

use std::path::Path;

use lobby_core::{Audience, FleetSettings, Name, QueueSettings, Settings, SettingsError, Shape, Window};

pub(crate) use self::file::{change_queue, queue_toml};
pub(crate) use self::reload::{Applied, Watch};

/// What is wrong with the file, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}{}", if hint.is_empty() { String::new() } else { format!("\n  hint: {hint}") })]
pub struct ConfigError {
    /// The file's name.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// What to do; empty: nothing comes to mind.
    pub hint: String,
}

/// The settings without a file: five games, one fleet.
pub fn defaults() -> Settings {
    let snake = QueueSettings {
        title: "Snake".into(),
        window: Window::ANYBODY,
        late_join: true,
        fleet: Some("default".into()),
        watch: Audience::Listed,
        ..QueueSettings::new("snake", "snake", Shape::Free { min: 2, max: 8 })
    };
    let tanks = QueueSettings {
        title: "Tanks".into(),
        window: Window::ANYBODY,
        late_join: true,
        fleet: Some("default".into()),
        watch: Audience::Listed,
        ..QueueSettings::new("tanks", "tanks", Shape::Free { min: 2, max: 16 })
    };
    let tictactoe = QueueSettings {
        title: "Tic-tac-toe".into(),
        open_games: true,
        fleet: Some("default".into()),
        watch: Audience::Listed,
        ..QueueSettings::new("tictactoe", "tictactoe", Shape::Free { min: 2, max: 2 })
    };
    let maze = QueueSettings {
        title: "Maze".into(),
        window: Window::ANYBODY,
        late_join: true,
        fleet: Some("default".into()),
        watch: Audience::Listed,
        ..QueueSettings::new("maze", "maze", Shape::Free { min: 2, max: 8 })
    };
    let sketch = QueueSettings {
        title: "Sketch".into(),
        window: Window::ANYBODY,
        rated: false,
        fleet: Some("default".into()),
        watch: Audience::Listed,
        ..QueueSettings::new("sketch", "sketch", Shape::Free { min: 2, max: 2 })
    };
    Settings {
        queues: vec![snake, tanks, tictactoe, maze, sketch],
        fleets: vec![FleetSettings::new("default", &["snake", "tanks", "tictactoe", "maze", "sketch"])],
        ..Settings::default()
    }
}

/// The settings that a file says. What it leaves out is as by default; a file without queues or fleets has the default
/// ones.
///
/// # Errors
/// [`ConfigError`].
pub fn read(path: &Path) -> Result<Settings, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|error| ConfigError {
        file: path.display().to_string(),
        line: 1,
        message: format!("the file cannot be read: {error}"),
        hint: "give the right path with --config, or leave it out to use the defaults".into(),
    })?;
    parse(&path.display().to_string(), &text)
}

/// What the file says that rooms of this machine are told, as flags. It is read when a room starts, so that the next
/// one knows of a change; of a file with a mistake nothing is told, and its watcher says so.
pub(crate) fn room_flags(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    file::parse(&path.display().to_string(), &text).map(|found| found.room_flags).unwrap_or_default()
}

/// The settings that a file's text says.
///
/// # Errors
/// [`ConfigError`].
pub fn parse(file: &str, text: &str) -> Result<Settings, ConfigError> {
    let found = file::parse(file, text)?;
    found.settings.check().map_err(|error| {
        let line = culprit(&error).and_then(|name| found.line_of(text, &name)).unwrap_or(1);
        ConfigError { file: file.to_owned(), line, message: error.to_string(), hint: hint(&error).to_owned() }
    })?;
    Ok(found.settings)
}

fn culprit(error: &SettingsError) -> Option<Name> {
    match error {
        SettingsError::Twice { name, .. } | SettingsError::BadName { name, .. } => Some(name.clone()),
        SettingsError::Queue { queue, .. }
        | SettingsError::UnknownFleet { queue, .. }
        | SettingsError::NoFleet { queue, .. } => Some(queue.clone()),
        SettingsError::FleetSize { fleet, .. } => Some(fleet.clone()),
        SettingsError::TooMany { .. } | SettingsError::Timing { .. } => None,
    }
}

fn hint(error: &SettingsError) -> &'static str {
    match error {
        SettingsError::Twice { .. } => "give one of them another name, or remove it",
        SettingsError::BadName { .. } => "such as `duel` or `team-5v5`; what players see is the title",
        SettingsError::Queue { .. } => "",
        SettingsError::UnknownFleet { .. } => "define it in a [[fleet]] table, or leave `fleet` out",
        SettingsError::NoFleet { .. } => "",
        SettingsError::FleetSize { .. } => "raise max_rooms or lower min_ready",
        SettingsError::TooMany { .. } => "raise the limit in [limits]",
        SettingsError::Timing { .. } => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse("bellhop.toml", text).unwrap_err().to_string()
    }

    #[test]
    fn an_empty_file_says_the_defaults() {
        assert_eq!(parse("x", "").unwrap(), defaults());
        defaults().check().unwrap();
    }

    #[test]
    fn the_example_says_the_defaults() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bellhop.toml");
        assert_eq!(read(&path).unwrap(), defaults());
    }

    #[test]
    fn the_example_names_every_key() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bellhop.toml");
        let text = std::fs::read_to_string(path).unwrap();
        for key in file::keys() {
            assert!(text.contains(&format!("{key} =")), "{key} is not in bellhop.toml");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_line_and_hint() {
        let unknown = error("\n[[queue]]\nname = \"a\"\ngame = \"snake\"\nmin_player = 2\n");
        assert!(unknown.starts_with("bellhop.toml:5: unknown key `min_player`"), "{unknown}");
        assert!(unknown.contains("hint: did you mean `min_players`?"), "{unknown}");

        let syntax = error("[[queue]]\nname = \n");
        assert!(syntax.starts_with("bellhop.toml:2: "), "{syntax}");

        let kind = error("[limits]\n\ntickets = \"many\"\n");
        assert!(kind.starts_with("bellhop.toml:3: "), "{kind}");

        let size = error("[[fleet]]\nname = \"f\"\ngames = [\"snake\", \"tictactoe\"]\nmin_ready = 3\nmax_rooms = 2\n");
        assert!(size.starts_with("bellhop.toml:2: fleet `f`: min_ready 3 is more than max_rooms 2"), "{size}");
        assert!(size.contains("raise max_rooms"), "{size}");

        let shape = error("[[queue]]\nname = \"q\"\ngame = \"snake\"\nmin_players = 3\nmax_players = 2\n");
        assert!(shape.starts_with("bellhop.toml:2: queue `q`: min players must not exceed max players"), "{shape}");

        let both = error("[[queue]]\nname = \"q\"\ngame = \"snake\"\nteams = 2\nmax_players = 2\n");
        assert!(both.contains("either min_players and max_players, or teams and team_size"), "{both}");

        let negative = error("[timing]\nlease_seconds = -1\n");
        assert!(negative.starts_with("bellhop.toml:2: "), "{negative}");
    }

    #[test]
    fn own_fleets_keep_the_default_queues_that_they_can_host() {
        let said = parse("x", "[[fleet]]\nname = \"f\"\ngames = [\"tictactoe\", \"chess\"]\n").unwrap();
        assert_eq!(said.queues.iter().map(|queue| &*queue.name).collect::<Vec<_>>(), ["tictactoe"]);
        assert!(said.queues.iter().all(|queue| queue.fleet.is_none()));
    }

    #[test]
    fn rooms_are_told_of_the_model_and_never_its_key() {
        let flags = |text: &str| file::parse("x", text).unwrap().room_flags;
        assert!(flags("").is_empty());
        assert_eq!(flags("[model]\nurl = \"http://h/v1\"\n"), ["--model-url", "http://h/v1"]);
        let all = flags("[model]\nurl = \"https://h/v1\"\nname = \"m\"\nkey_file = \"/k\"\ntimeout_seconds = 5\n");
        assert_eq!(all[2..], ["--model-name", "m", "--model-key-file", "/k", "--model-timeout-seconds", "5"]);
        let wrong = error("[model]\nname = \"m\"\nurl = \"h/v1\"\n");
        assert!(wrong.starts_with("bellhop.toml:3: [model] has the url \"h/v1\""), "{wrong}");
        assert!(error("[model]\nurl = \"http://h\"\nkey = \"secret\"\n").contains("unknown key `key`"));
    }

    #[test]
    fn a_queue_can_be_changed_by_its_keys() {
        let defaults = defaults();
        let snake = &defaults.queues[0];
        let changed =
            change_queue(snake, "max_players = 4\nstart_after_seconds = 1.5\nconfig = { width = 30 }").unwrap();
        assert_eq!(changed.shape, Shape::Free { min: 2, max: 4 });
        assert_eq!(&*changed.config_json, r#"{"width":30}"#);
        assert_eq!(changed.start_after.as_millis(), 1_500);
        assert_eq!(changed.title, snake.title);
        assert!(change_queue(snake, "colour = 1").is_err());
        assert!(change_queue(snake, "name = \"other\"").is_err());
        for queue in &defaults.queues {
            assert_eq!(change_queue(queue, &queue_toml(queue)).unwrap(), *queue);
        }
    }
}
