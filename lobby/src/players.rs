//! Players: guests and their bearers, names, passwords, ratings.
//!
//! What is asked for on every call (whose bearer is this, what is he called, how well does he play) is answered from
//! memory; what is new is on disk before anybody is told.

mod cache;
pub mod names;
pub mod passwords;
pub mod store;
pub(crate) mod users;
mod writer;

use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lobby_core::{Event, MatchId, MatchOutcome, Member, Name, PlayerId, Rating};
use tokio::sync::{oneshot, watch};

use self::cache::Cache;
use self::names::NameError;
use self::passwords::{PasswordError, Passwords};
use self::store::{Change, PlayerRow, PlayersError, SessionRow, Store};
use self::writer::Write;
use crate::keys::random_bytes;

/// A bearer lives this long after its last use.
const SESSION_LIFE: Duration = Duration::from_secs(30 * 86_400);
/// Use of a bearer is written down at most this often.
const SESSION_TOUCH: Duration = Duration::from_secs(86_400);
/// Players and sessions held in memory, at least; some 200 bytes each.
const HELD: usize = 65_536;
/// Ends of matches held in memory until the file has them.
const OUTCOMES_HELD: usize = 4_096;
/// Writes that may wait for the writer. More, and callers are told to come back.
const WRITES_WAITING: usize = 16_384;
/// The file notes how far it has followed at least every so many events, so that the journal can be cut.
const FOLLOW_AT_LEAST: u64 = 16_384;
/// Sessions looked at in one go when looking for stale ones.
const SWEEP: usize = 4_096;

/// Somebody who plays, as all doors know him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub id: PlayerId,
    /// What others see.
    pub name: Name,
    /// Tells equal names apart.
    pub tag: u16,
    /// What a password belongs to; empty without one.
    pub login: String,
}

/// Why something about players could not be done.
#[derive(Debug, thiserror::Error)]
pub enum PlayerError {
    /// No bearer, an unknown one, or one that has expired.
    #[error("the bearer token is unknown or has expired")]
    UnknownBearer,
    /// The name is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The password was not looked at.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// Unknown name or wrong password: which one, nobody is told.
    #[error("the name or the password is wrong")]
    WrongLogin,
    /// Replacing a password needs the old one.
    #[error("the old password is wrong")]
    WrongOldPassword,
    /// Somebody else logs in with this name and tag.
    #[error("another player already logs in as this name and tag")]
    LoginTaken,
    /// Too much to write.
    #[error("too many changes wait to be written")]
    Busy,
    /// The file failed.
    #[error("the players' file failed")]
    Store(#[from] PlayersError),
}

#[derive(Clone, Copy)]
struct HeldRating {
    rating: Rating,
    /// The event it comes from, which the file may not have yet; `None`: it comes from the file.
    number: Option<u64>,
}

/// All players.
pub struct Players {
    store: Arc<Store>,
    writes: SyncSender<Write>,
    sessions: Cache<[u8; 32], SessionRow>,
    people: Cache<PlayerId, Arc<Person>>,
    ratings: Cache<(PlayerId, Name), HeldRating>,
    outcomes: Cache<MatchId, Arc<MatchOutcome>>,
    /// First event that the file has not followed yet.
    followed: Arc<AtomicU64>,
    /// The same, for those who wait for it.
    written: watch::Sender<u64>,
    /// The writer was told of events up to here.
    told: AtomicU64,
    passwords: Passwords,
    /// Changes of names and passwords read before they write: one at a time.
    edits: tokio::sync::Mutex<()>,
    minting: users::OneAtATime,
    sweep_at: Mutex<[u8; 32]>,
}

/// The writer's end, to be run on a thread of its own.
pub struct Writer {
    store: Arc<Store>,
    followed: Arc<AtomicU64>,
    written: watch::Sender<u64>,
    writes: Receiver<Write>,
}

impl Writer {
    /// Writes until every [`Players`] is gone.
    ///
    /// # Errors
    /// [`PlayersError`]: the lobby must end, because it can keep no more promises.
    pub fn run(self) -> Result<(), PlayersError> {
        writer::run(&self.store, &self.writes, |next| {
            self.followed.store(next, Ordering::Release);
            self.written.send_replace(next);
        })
    }
}

impl Players {
    /// Opens the players' file.
    ///
    /// # Errors
    /// [`PlayersError`].
    pub fn open(path: &Path) -> Result<(Arc<Players>, Writer), PlayersError> {
        let store = Arc::new(Store::open(path)?);
        let followed = Arc::new(AtomicU64::new(store.followed()?));
        let (writes, receiver) = sync_channel(WRITES_WAITING);
        let written = watch::Sender::new(0);
        let players = Arc::new(Players {
            store: store.clone(),
            writes,
            sessions: Cache::new(HELD),
            people: Cache::new(HELD),
            ratings: Cache::new(HELD),
            outcomes: Cache::new(OUTCOMES_HELD),
            told: AtomicU64::new(followed.load(Ordering::Acquire)),
            followed: followed.clone(),
            written: written.clone(),
            passwords: Passwords::default(),
            edits: tokio::sync::Mutex::new(()),
            minting: users::OneAtATime::default(),
            sweep_at: Mutex::new([0; 32]),
        });
        Ok((players, Writer { store, followed, written, writes: receiver }))
    }

    /// First event that the file has not followed yet: the journal keeps from here on.
    pub fn followed(&self) -> u64 {
        self.followed.load(Ordering::Acquire)
    }

    /// What the journal has from number `first` on. Ratings count at once; the file follows.
    pub fn follow(&self, first: u64, events: Vec<Event>) {
        let next = first + events.len() as u64;
        let mut changes = Vec::new();
        for (number, event) in (first..).zip(events) {
            if let Event::MatchEnded(outcome) = event {
                let outcome: Arc<MatchOutcome> = Arc::from(outcome);
                let followed = self.followed();
                for change in &outcome.changes {
                    let held = HeldRating { rating: change.after, number: Some(number) };
                    let key = (change.player, outcome.game.clone());
                    self.ratings.insert_keeping(key, held, |held| held.number >= Some(followed));
                }
                self.outcomes.insert(outcome.match_id, outcome.clone());
                changes.push(Change::Outcome(number, outcome));
            }
        }
        let silent_for = next.saturating_sub(self.told.load(Ordering::Acquire));
        if !changes.is_empty() || silent_for >= FOLLOW_AT_LEAST {
            changes.push(Change::Followed(next));
            self.told.store(next, Ordering::Release);
            // The only failure is a writer that has ended, and then so does the lobby.
            let _ended = self.writes.send(Write { changes, done: None });
        }
    }

    /// Whose bearer this is. Using it renews it.
    ///
    /// # Errors
    /// [`PlayerError::UnknownBearer`].
    pub fn authenticate(&self, token: &str) -> Result<PlayerId, PlayerError> {
        let hash = token_hash(token).ok_or(PlayerError::UnknownBearer)?;
        let row = match self.sessions.get(&hash) {
            Some(row) => row,
            None => {
                let row = self.store.session(&hash)?.ok_or(PlayerError::UnknownBearer)?;
                self.sessions.fill(hash, row)
            }
        };
        let now = unix_ms();
        let unused = Duration::from_millis(now.saturating_sub(row.used_ms));
        if unused > SESSION_LIFE {
            return Err(PlayerError::UnknownBearer);
        }
        if unused > SESSION_TOUCH {
            let row = SessionRow { used_ms: now, ..row };
            self.sessions.insert(hash, row);
            // Nobody waits for it, and the next use tries again.
            let _full = self.writes.try_send(Write { changes: vec![Change::Session(hash, row)], done: None });
        }
        Ok(row.player)
    }

    /// Makes a player and his bearer. An empty name draws one.
    ///
    /// # Errors
    /// [`PlayerError::Name`], [`PlayerError::Busy`].
    pub async fn create_guest(&self, name: &str) -> Result<(String, Arc<Person>), PlayerError> {
        let id = PlayerId(u64::from_le_bytes(random_bytes()));
        let name = if name.is_empty() { names::draw_name(id) } else { names::check_name(name)?.to_owned() };
        let row = PlayerRow { name, created_ms: unix_ms(), login: String::new(), password: None };
        let person = Arc::new(Person::of(id, &row));
        let (token, hash, session) = new_session(id);
        self.write(vec![Change::Player(id, row), Change::Session(hash, session)]).await?;
        self.people.insert(id, person.clone());
        self.sessions.insert(hash, session);
        Ok((token, person))
    }

    /// Checks name and password and makes a bearer.
    ///
    /// # Errors
    /// [`PlayerError::WrongLogin`], [`PlayerError::Password`], [`PlayerError::Busy`].
    pub async fn log_in(
        &self,
        login: &str,
        password: &str,
        address: IpAddr,
    ) -> Result<(String, Arc<Person>), PlayerError> {
        let key = names::login_key(login);
        self.passwords.count_try(&key, address)?;
        let found = match self.store.login(&key)? {
            Some(id) => self.store.player(id)?.map(|row| (id, row)),
            None => None,
        };
        let kept = found.as_ref().and_then(|(_, row)| row.password.as_ref());
        let right = self.passwords.verify(password, kept).await?;
        let Some((id, row)) = found.filter(|_| right) else { return Err(PlayerError::WrongLogin) };
        let (token, hash, session) = new_session(id);
        self.write(vec![Change::Session(hash, session)]).await?;
        self.sessions.insert(hash, session);
        Ok((token, Arc::new(Person::of(id, &row))))
    }

    /// Ends the session of this bearer.
    ///
    /// # Errors
    /// [`PlayerError::Busy`].
    pub async fn log_out(&self, token: &str) -> Result<(), PlayerError> {
        let hash = token_hash(token).ok_or(PlayerError::UnknownBearer)?;
        self.write(vec![Change::SessionGone(hash)]).await?;
        self.sessions.remove(&hash);
        Ok(())
    }

    /// Somebody by his id.
    ///
    /// # Errors
    /// [`PlayerError::Store`].
    pub fn person(&self, id: PlayerId) -> Result<Option<Arc<Person>>, PlayerError> {
        if let Some(person) = self.people.get(&id) {
            return Ok(Some(person));
        }
        let Some(row) = self.store.player(id)? else { return Ok(None) };
        Ok(Some(self.people.fill(id, Arc::new(Person::of(id, &row)))))
    }

    /// A player as a member of a party, with his rating in a game.
    ///
    /// # Errors
    /// [`PlayerError`].
    pub fn member(&self, id: PlayerId, game: &Name) -> Result<Member, PlayerError> {
        let person = self.person(id)?.ok_or(PlayerError::UnknownBearer)?;
        Ok(Member { player: id, name: person.name.clone(), tag: person.tag, rating: self.rating(id, game)? })
    }

    /// How well a player plays a game.
    ///
    /// # Errors
    /// [`PlayerError::Store`].
    pub fn rating(&self, id: PlayerId, game: &Name) -> Result<Rating, PlayerError> {
        let key = (id, game.clone());
        if let Some(held) = self.ratings.get(&key) {
            return Ok(held.rating);
        }
        let rating = self.store.ratings(id)?.into_iter().find(|(name, _)| **name == **game);
        let rating = rating.map_or_else(Rating::default, |(_, rating)| rating);
        Ok(self.ratings.fill(key, HeldRating { rating, number: None }).rating)
    }

    /// How well a player plays each of these games, where he has played it.
    ///
    /// # Errors
    /// [`PlayerError::Store`].
    pub fn ratings(&self, id: PlayerId, games: &[Name]) -> Result<Vec<(Name, Rating)>, PlayerError> {
        let mut found = Vec::new();
        for game in games {
            let rating = self.rating(id, game)?;
            if rating.matches > 0 {
                found.push((game.clone(), rating));
            }
        }
        Ok(found)
    }

    /// How a match ended, where it is known.
    ///
    /// # Errors
    /// [`PlayerError::Store`].
    pub fn outcome(&self, id: MatchId) -> Result<Option<Arc<MatchOutcome>>, PlayerError> {
        match self.outcomes.get(&id) {
            Some(outcome) => Ok(Some(outcome)),
            None => Ok(self.store.outcome(id)?.map(Arc::new)),
        }
    }

    /// The matches of a player, the newest first, those that ended before number `before`; each with its number.
    ///
    /// # Errors
    /// [`PlayerError`].
    pub async fn matches(
        &self,
        id: PlayerId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, MatchOutcome)>, PlayerError> {
        if self.followed() < self.told.load(Ordering::Acquire) {
            // The match that ended just now is the one that is looked for: until the file has it.
            self.write(Vec::new()).await?;
        }
        Ok(self.store.matches(id, before, limit)?)
    }

    /// Changes a name. The id stays, and so does the login.
    ///
    /// # Errors
    /// [`PlayerError`].
    pub async fn set_name(&self, id: PlayerId, name: &str) -> Result<Arc<Person>, PlayerError> {
        let name = names::check_name(name)?;
        let _one_at_a_time = self.edits.lock().await;
        let mut row = self.store.player(id)?.ok_or(PlayerError::UnknownBearer)?;
        row.name = name.to_owned();
        let person = Arc::new(Person::of(id, &row));
        self.write(vec![Change::Player(id, row)]).await?;
        self.people.insert(id, person.clone());
        Ok(person)
    }

    /// Sets or replaces a password; from then on the present name with its tag is the login.
    ///
    /// # Errors
    /// [`PlayerError`].
    pub async fn set_password(
        &self,
        id: PlayerId,
        new: &str,
        old: &str,
        address: IpAddr,
    ) -> Result<Arc<Person>, PlayerError> {
        let row = self.store.player(id)?.ok_or(PlayerError::UnknownBearer)?;
        if let Some(kept) = &row.password {
            self.passwords.count_try(&names::login_key(&row.login), address)?;
            if !self.passwords.verify(old, Some(kept)).await? {
                return Err(PlayerError::WrongOldPassword);
            }
        }
        let made = self.passwords.hash(new).await?;

        let _one_at_a_time = self.edits.lock().await;
        let before = row.password;
        let mut row = self.store.player(id)?.ok_or(PlayerError::UnknownBearer)?;
        if row.password != before {
            // Somebody else changed it since: what was checked is not in force any more.
            return Err(PlayerError::WrongOldPassword);
        }
        let login = names::login(&row.name, id);
        let key = names::login_key(&login);
        if self.store.login(&key)?.is_some_and(|other| other != id) {
            return Err(PlayerError::LoginTaken);
        }
        let mut changes = Vec::new();
        if !row.login.is_empty() {
            changes.push(Change::LoginGone(names::login_key(&row.login)));
        }
        row.login = login;
        row.password = Some(made);
        let person = Arc::new(Person::of(id, &row));
        changes.push(Change::Login(key, id));
        changes.push(Change::Player(id, row));
        self.write(changes).await?;
        self.people.insert(id, person.clone());
        Ok(person)
    }

    /// Forgets sessions nobody used for so long that they opened nothing, some at a time, and tries long ago. To be called now and then.
    ///
    /// # Errors
    /// [`PlayerError::Store`].
    pub fn tidy(&self) -> Result<(), PlayerError> {
        self.passwords.tidy();
        let mut at = self.sweep_at.lock().unwrap_or_else(PoisonError::into_inner);
        let life = u64::try_from(SESSION_LIFE.as_millis()).unwrap_or(u64::MAX);
        let (stale, next) = self.store.stale_sessions(*at, SWEEP, unix_ms().saturating_sub(life))?;
        *at = next.unwrap_or_default();
        if !stale.is_empty() {
            let changes = stale.into_iter().map(Change::SessionGone).collect();
            let _full = self.writes.try_send(Write { changes, done: None });
        }
        Ok(())
    }

    /// Hands changes to the writer and waits until they are on disk.
    async fn write(&self, changes: Vec<Change>) -> Result<(), PlayerError> {
        let (done, written) = oneshot::channel();
        self.writes.try_send(Write { changes, done: Some(done) }).map_err(|error| match error {
            TrySendError::Full(_) => PlayerError::Busy,
            TrySendError::Disconnected(_) => PlayerError::Store(PlayersError::Stopped),
        })?;
        written.await.map_err(|_| PlayerError::Store(PlayersError::Stopped))
    }
}

impl Person {
    fn of(id: PlayerId, row: &PlayerRow) -> Person {
        Person { id, name: row.name.as_str().into(), tag: names::tag(id), login: row.login.clone() }
    }
}

fn new_session(player: PlayerId) -> (String, [u8; 32], SessionRow) {
    let token = random_bytes::<32>();
    let hash = *blake3::hash(&token).as_bytes();
    (URL_SAFE_NO_PAD.encode(token), hash, SessionRow { player, used_ms: unix_ms() })
}

fn token_hash(token: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    match URL_SAFE_NO_PAD.decode_slice(token, &mut bytes) {
        Ok(32) => Some(*blake3::hash(&bytes).as_bytes()),
        Ok(_) | Err(_) => None,
    }
}

/// Unix time in milliseconds.
pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
