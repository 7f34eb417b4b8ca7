//! Players who have an account elsewhere, and what their team wants to know of them.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use lobby_core::PlayerId;
use tokio::sync::{Mutex, MutexGuard, watch};

use super::store::{Change, PlayerRow, Results, UserRow};
use super::{Person, PlayerError, Players, names, new_session, unix_ms};
use crate::keys::random_bytes;

/// Longest name of a user in his team's accounts, in bytes.
pub(crate) const MAX_USER_BYTES: usize = 128;
/// Bearers of one user that are good at once: his devices and his tabs. A new one beyond it ends the oldest.
const SESSIONS_OF_A_USER: usize = 16;
/// Locks, so that users seldom wait for each other.
const LOCKS: usize = 64;

/// One call at a time for each user.
pub(super) struct OneAtATime {
    locks: Vec<Mutex<()>>,
    hasher: RandomState,
}

impl Default for OneAtATime {
    fn default() -> OneAtATime {
        OneAtATime { locks: (0..LOCKS).map(|_| Mutex::new(())).collect(), hasher: RandomState::new() }
    }
}

impl OneAtATime {
    async fn wait(&self, user: &str) -> MutexGuard<'_, ()> {
        self.locks[(self.hasher.hash_one(user) >> 32) as usize % LOCKS].lock().await
    }
}

/// What is wrong with what a team calls its user, if anything is.
pub(crate) fn check_user(user: &str) -> Result<(), String> {
    if user.is_empty() || user.len() > MAX_USER_BYTES {
        return Err(format!("a user's id has 1 to {MAX_USER_BYTES} bytes, this one has {}", user.len()));
    }
    if user.chars().any(char::is_control) || user.trim().len() != user.len() {
        return Err("a user's id has no control characters, and no blanks at its ends".to_owned());
    }
    Ok(())
}

impl Players {
    /// The player who is this user elsewhere, made if he is new, and a bearer for him. An empty name leaves his name, or
    /// draws one.
    ///
    /// # Errors
    /// [`PlayerError::Name`], [`PlayerError::Busy`], [`PlayerError::Store`].
    pub async fn mint(&self, user: &str, name: &str) -> Result<(String, Arc<Person>), PlayerError> {
        let name = if name.is_empty() { None } else { Some(names::check_name(name)?) };
        // Two calls at once for a new user must not make two players of him.
        let _one_at_a_time = self.minting.wait(user).await;
        // A name that is changed must not be written over another change of its player.
        let _one_edit_at_a_time = if name.is_some() { Some(self.edits.lock().await) } else { None };
        let known = self.store.user(user)?;
        let id = known.as_ref().map_or_else(|| PlayerId(u64::from_le_bytes(random_bytes())), |known| known.player);
        let found = if known.is_some() { self.store.player(id)? } else { None };
        let is_new = found.is_none();
        let mut row = found.unwrap_or_else(|| PlayerRow {
            name: names::draw_name(id),
            created_ms: unix_ms(),
            login: String::new(),
            password: None,
        });
        let is_renamed = name.is_some_and(|name| name != row.name);
        if let Some(name) = name {
            name.clone_into(&mut row.name);
        }

        let (token, hash, session) = new_session(id);
        let mut sessions = known.map(|known| known.sessions).unwrap_or_default();
        sessions.push(hash);
        let ended: Vec<[u8; 32]> = sessions.drain(..sessions.len().saturating_sub(SESSIONS_OF_A_USER)).collect();
        let person = Arc::new(Person::of(id, &row));
        let mut changes = vec![Change::Session(hash, session)];
        changes.extend(ended.iter().copied().map(Change::SessionGone));
        changes.push(Change::User(user.to_owned(), UserRow { player: id, sessions }));
        if is_new || is_renamed {
            changes.push(Change::Player(id, row));
        }
        self.write(changes).await?;
        self.people.insert(id, person.clone());
        self.sessions.insert(hash, session);
        for hash in &ended {
            self.sessions.remove(hash);
        }
        Ok((token, person))
    }

    /// The player who is this user elsewhere.
    ///
    /// # Errors
    /// [`PlayerError::Store`].
    pub fn user(&self, user: &str) -> Result<Option<PlayerId>, PlayerError> {
        Ok(self.store.user(user)?.map(|row| row.player))
    }

    /// Results on disk after the one with this number, in their order, at most so many.
    ///
    /// # Errors
    /// [`PlayerError::Store`].
    pub fn results(&self, after: u64, at_most: usize) -> Result<Results, PlayerError> {
        Ok(self.store.results(after, at_most)?)
    }

    /// Changes whenever results may have been written.
    pub fn results_written(&self) -> watch::Receiver<u64> {
        self.written.subscribe()
    }
}
