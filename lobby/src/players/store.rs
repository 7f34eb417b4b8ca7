//! The players' file: who they are, how they play, how their matches went.
//!
//! It follows the journal: what events change here is written together with the number up to which they were seen,
//! so each match counts once, whenever the lobby dies.

use std::path::Path;
use std::sync::Arc;

use lobby_core::{MatchId, MatchOutcome, PlayerId, Rating};
use redb::{
    Database, Durability, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction,
};
use serde::{Deserialize, Serialize};

use super::passwords::PasswordHash;

const PLAYERS: TableDefinition<u64, &[u8]> = TableDefinition::new("players");
const LOGINS: TableDefinition<&str, u64> = TableDefinition::new("logins");
const SESSIONS: TableDefinition<&[u8; 32], &[u8]> = TableDefinition::new("sessions");
const RATINGS: TableDefinition<(u64, &str), &[u8]> = TableDefinition::new("ratings");
const MATCHES: TableDefinition<u64, &[u8]> = TableDefinition::new("matches");
/// Matches by the number of the event that ended them: the oldest go first.
const MATCHES_BY_AGE: TableDefinition<u64, u64> = TableDefinition::new("matches_by_age");
/// Matches by player and the number of the event that ended them.
const PLAYED: TableDefinition<(u64, u64), u64> = TableDefinition::new("played");
/// Players by what their team calls them.
const USERS: TableDefinition<&str, &[u8]> = TableDefinition::new("users");
/// What their team calls players.
const USER_OF: TableDefinition<u64, &str> = TableDefinition::new("user_of");
const META: TableDefinition<&str, u64> = TableDefinition::new("meta");

const LAYOUT: u64 = 1;
/// Page cache of the players' file, filled by use.
const CACHE_BYTES: usize = 32 << 20;
/// Results of matches kept: some 300 bytes each.
const MATCHES_KEPT: u64 = 200_000;

/// Why the players' file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlayersError {
    /// Could not open the file.
    #[error("could not open the players' file")]
    Open(#[source] redb::DatabaseError),
    /// The file was written by a newer program.
    #[error("the players' file has layout {found}, this program knows {LAYOUT}: run the newer program again")]
    Newer {
        /// The file's layout.
        found: u64,
    },
    /// Could not read or write.
    #[error("could not read or write the players' file")]
    Storage(#[from] redb::Error),
    /// A row cannot be read.
    #[error("a row of the players' file is damaged")]
    Row(#[from] postcard::Error),
    /// The writer has ended; so will the lobby.
    #[error("the players' writer has stopped")]
    Stopped,
}

macro_rules! from_redb {
    ($($error:ident),*) => {
        $(impl From<redb::$error> for PlayersError {
            fn from(error: redb::$error) -> PlayersError {
                PlayersError::Storage(error.into())
            }
        })*
    };
}
from_redb!(TransactionError, TableError, StorageError, CommitError, SetDurabilityError);

/// Who a player is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlayerRow {
    /// What others see.
    pub name: String,
    /// Unix time in milliseconds.
    pub created_ms: u64,
    /// What the password belongs to; empty without one.
    pub login: String,
    /// The password.
    pub password: Option<PasswordHash>,
}

/// A bearer token's row, under its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRow {
    /// Whose.
    pub player: PlayerId,
    /// When it was last used, as Unix time in milliseconds; kept to the day.
    pub used_ms: u64,
}

/// A user of the team, under what it calls him.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRow {
    /// Who he is here.
    pub player: PlayerId,
    /// Hashes of the bearers that were minted for him, the oldest first.
    pub sessions: Vec<[u8; 32]>,
}

/// Results in the order of their numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Results {
    /// Those that were asked for.
    pub found: Vec<NumberedResult>,
    /// The newest that is kept no more; 0: all are.
    pub newest_forgotten: u64,
    /// What comes later has this number or a higher one.
    pub next: u64,
}

/// How a match ended, as its team is told.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberedResult {
    /// The number of its event.
    pub number: u64,
    /// How it ended.
    pub outcome: MatchOutcome,
    /// What the team calls those in its seats; empty for who is no user of its.
    pub users: Vec<String>,
}

/// What can be written.
#[derive(Debug, Clone)]
pub enum Change {
    /// A player, new or changed.
    Player(PlayerId, PlayerRow),
    /// A login name, to a player.
    Login(String, PlayerId),
    /// A login name that is no more.
    LoginGone(String),
    /// A session, new or used again.
    Session([u8; 32], SessionRow),
    /// A session that ended.
    SessionGone([u8; 32]),
    /// A user of the team, new or with another bearer.
    User(String, UserRow),
    /// What a match did, and the number of its event.
    Outcome(u64, Arc<MatchOutcome>),
    /// All events before this number were seen.
    Followed(u64),
}

/// The players' file.
#[derive(Debug)]
pub struct Store {
    db: Database,
    /// Results kept.
    pub(super) keeps: u64,
}

impl Store {
    /// Opens or makes it.
    ///
    /// # Errors
    /// [`PlayersError`].
    pub fn open(path: &Path) -> Result<Store, PlayersError> {
        let db = redb::Builder::new().set_cache_size(CACHE_BYTES).create(path).map_err(PlayersError::Open)?;
        let store = Store { db, keeps: MATCHES_KEPT };
        let tx = store.write()?;
        {
            let mut meta = tx.open_table(META)?;
            let layout = meta.get("layout")?.map(|value| value.value());
            match layout {
                None => drop(meta.insert("layout", LAYOUT)?),
                Some(LAYOUT) => {}
                Some(found) => return Err(PlayersError::Newer { found }),
            }
            tx.open_table(PLAYERS)?;
            tx.open_table(LOGINS)?;
            tx.open_table(SESSIONS)?;
            tx.open_table(RATINGS)?;
            tx.open_table(MATCHES)?;
            tx.open_table(MATCHES_BY_AGE)?;
            tx.open_table(PLAYED)?;
            tx.open_table(USERS)?;
            tx.open_table(USER_OF)?;
        }
        tx.commit()?;
        Ok(store)
    }

    /// A transaction whose commit waits for the disk. The file can be large: it keeps what makes opening it after a
    /// crash quick.
    fn write(&self) -> Result<WriteTransaction, PlayersError> {
        let mut tx = self.db.begin_write()?;
        tx.set_durability(Durability::Immediate)?;
        tx.set_quick_repair(true);
        Ok(tx)
    }

    /// Writes changes in one transaction and waits until they are on disk.
    ///
    /// # Errors
    /// [`PlayersError`]; then nothing was written.
    pub fn apply<'c>(&self, changes: impl IntoIterator<Item = &'c Change>) -> Result<(), PlayersError> {
        let tx = self.write()?;
        {
            let mut players = tx.open_table(PLAYERS)?;
            let mut logins = tx.open_table(LOGINS)?;
            let mut sessions = tx.open_table(SESSIONS)?;
            let mut ratings = tx.open_table(RATINGS)?;
            let mut matches = tx.open_table(MATCHES)?;
            let mut by_age = tx.open_table(MATCHES_BY_AGE)?;
            let mut played = tx.open_table(PLAYED)?;
            let mut users = tx.open_table(USERS)?;
            let mut user_of = tx.open_table(USER_OF)?;
            let mut meta = tx.open_table(META)?;
            for change in changes {
                match change {
                    Change::Player(id, row) => drop(players.insert(id.0, postcard::to_stdvec(row)?.as_slice())?),
                    Change::Login(login, id) => drop(logins.insert(login.as_str(), id.0)?),
                    Change::LoginGone(login) => drop(logins.remove(login.as_str())?),
                    Change::Session(hash, row) => drop(sessions.insert(hash, postcard::to_stdvec(row)?.as_slice())?),
                    Change::SessionGone(hash) => drop(sessions.remove(hash)?),
                    Change::User(user, row) => {
                        users.insert(user.as_str(), postcard::to_stdvec(row)?.as_slice())?;
                        user_of.insert(row.player.0, user.as_str())?;
                    }
                    Change::Outcome(number, outcome) => {
                        for change in &outcome.changes {
                            let row = postcard::to_stdvec(&change.after)?;
                            ratings.insert((change.player.0, outcome.game.as_str()), row.as_slice())?;
                        }
                        matches.insert(outcome.match_id.0, postcard::to_stdvec(&**outcome)?.as_slice())?;
                        by_age.insert(number, outcome.match_id.0)?;
                        for seat in &outcome.seats {
                            played.insert((seat.player.0, *number), outcome.match_id.0)?;
                        }
                    }
                    Change::Followed(next) => drop(meta.insert("followed", next)?),
                }
            }
            while by_age.len()? > self.keeps {
                let Some((number, id)) = by_age.pop_first()? else { break };
                meta.insert("newest forgotten", number.value())?;
                if let Some(row) = matches.remove(id.value())? {
                    let outcome: MatchOutcome = postcard::from_bytes(row.value())?;
                    for seat in outcome.seats {
                        played.remove((seat.player.0, number.value()))?;
                    }
                }
            }
        }
        tx.commit()?;
        Ok(())
    }

    /// The number of the first event not yet seen here.
    ///
    /// # Errors
    /// [`PlayersError`].
    pub fn followed(&self) -> Result<u64, PlayersError> {
        let meta = self.db.begin_read()?.open_table(META)?;
        Ok(meta.get("followed")?.map_or(0, |value| value.value()))
    }

    /// A player.
    ///
    /// # Errors
    /// [`PlayersError`].
    pub fn player(&self, id: PlayerId) -> Result<Option<PlayerRow>, PlayersError> {
        let players = self.db.begin_read()?.open_table(PLAYERS)?;
        let row = players.get(id.0)?;
        row.map(|row| Ok(postcard::from_bytes(row.value())?)).transpose()
    }

    /// Whose login this is.
    ///
    /// # Errors
    /// [`PlayersError`].
    pub fn login(&self, login_key: &str) -> Result<Option<PlayerId>, PlayersError> {
        let logins = self.db.begin_read()?.open_table(LOGINS)?;
        Ok(logins.get(login_key)?.map(|id| PlayerId(id.value())))
    }

    /// A user of the team.
    ///
    /// # Errors
    /// [`PlayersError`].
    pub fn user(&self, user: &str) -> Result<Option<UserRow>, PlayersError> {
        let users = self.db.begin_read()?.open_table(USERS)?;
        let row = users.get(user)?;
        row.map(|row| Ok(postcard::from_bytes(row.value())?)).transpose()
    }

    /// Results after the one with this number, at most so many.
    ///
    /// # Errors
    /// [`PlayersError`].
    pub fn results(&self, after: u64, at_most: usize) -> Result<Results, PlayersError> {
        let tx = self.db.begin_read()?;
        let meta = tx.open_table(META)?;
        let (by_age, matches) = (tx.open_table(MATCHES_BY_AGE)?, tx.open_table(MATCHES)?);
        let user_of = tx.open_table(USER_OF)?;
        let mut found = Vec::new();
        for row in by_age.range(after.saturating_add(1)..)?.take(at_most) {
            let (number, id) = row?;
            let Some(outcome) = matches.get(id.value())? else { continue };
            let outcome: MatchOutcome = postcard::from_bytes(outcome.value())?;
            let mut users = Vec::with_capacity(outcome.seats.len());
            for seat in &outcome.seats {
                users.push(user_of.get(seat.player.0)?.map(|user| user.value().to_owned()).unwrap_or_default());
            }
            found.push(NumberedResult { number: number.value(), outcome, users });
        }
        let newest_forgotten = meta.get("newest forgotten")?.map_or(0, |value| value.value());
        let next = meta.get("followed")?.map_or(0, |value| value.value());
        Ok(Results { found, newest_forgotten, next })
    }

    /// A session by its token's hash.
    ///
    /// # Errors
    /// [`PlayersError`].
    pub fn session(&self, hash: &[u8; 32]) -> Result<Option<SessionRow>, PlayersError> {
        let sessions = self.db.begin_read()?.open_table(SESSIONS)?;
        let row = sessions.get(hash)?;
        row.map(|row| Ok(postcard::from_bytes(row.value())?)).transpose()
    }

    /// Sessions last used before `before_ms`, from `after` on: those among the next `look_at`, and where to go on.
    ///
    /// # Errors
    /// [`PlayersError`].
    #[expect(clippy::type_complexity, reason = "a cursor and what it found")]
    pub fn stale_sessions(
        &self,
        after: [u8; 32],
        look_at: usize,
        before_ms: u64,
    ) -> Result<(Vec<[u8; 32]>, Option<[u8; 32]>), PlayersError> {
        let sessions = self.db.begin_read()?.open_table(SESSIONS)?;
        let mut stale = Vec::new();
        let mut last = None;
        for (looked, row) in sessions.range::<&[u8; 32]>(&after..)?.enumerate() {
            let (key, row) = row?;
            if looked == look_at {
                last = Some(*key.value());
                break;
            }
            let row: SessionRow = postcard::from_bytes(row.value())?;
            if row.used_ms < before_ms {
                stale.push(*key.value());
            }
        }
        Ok((stale, last))
    }

    /// A player's ratings, by game.
    ///
    /// # Errors
    /// [`PlayersError`].
    pub fn ratings(&self, id: PlayerId) -> Result<Vec<(String, Rating)>, PlayersError> {
        let ratings = self.db.begin_read()?.open_table(RATINGS)?;
        let mut found = Vec::new();
        for row in ratings.range((id.0, "")..)? {
            let (key, row) = row?;
            let (player, game) = key.value();
            if player != id.0 {
                break;
            }
            found.push((game.to_owned(), postcard::from_bytes(row.value())?));
        }
        Ok(found)
    }

    /// The last matches of a player before event number `before`, the newest first.
    ///
    /// # Errors
    /// [`PlayersError`].
    pub fn matches(
        &self,
        id: PlayerId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, MatchOutcome)>, PlayersError> {
        let tx = self.db.begin_read()?;
        let (played, matches) = (tx.open_table(PLAYED)?, tx.open_table(MATCHES)?);
        let mut found = Vec::new();
        for row in played.range((id.0, 0)..(id.0, before.unwrap_or(u64::MAX)))?.rev().take(limit) {
            let (key, match_id) = row?;
            if let Some(outcome) = matches.get(match_id.value())? {
                found.push((key.value().1, postcard::from_bytes(outcome.value())?));
            }
        }
        Ok(found)
    }

    /// How a match ended.
    ///
    /// # Errors
    /// [`PlayersError`].
    pub fn outcome(&self, id: MatchId) -> Result<Option<MatchOutcome>, PlayersError> {
        let matches = self.db.begin_read()?.open_table(MATCHES)?;
        let row = matches.get(id.0)?;
        row.map(|row| Ok(postcard::from_bytes(row.value())?)).transpose()
    }
}
