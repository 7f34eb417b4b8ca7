//! The gateways' key, in a file that the lobby makes.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bellhop_proto::tokens::{self, Key, Routing, TokenError};

use crate::Shared;

/// How often the file is looked for while it is not there, and looked at again when a token does not fit: often
/// enough that nobody notices, seldom enough that forged tokens cost no disk.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The key as last read.
pub(crate) struct KeyFile {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    key: Option<Key>,
    looked: Option<Instant>,
}

impl KeyFile {
    pub(crate) fn new(path: PathBuf) -> KeyFile {
        let file = KeyFile { path, state: Mutex::new(State { key: None, looked: None }) };
        file.look();
        file
    }

    /// Opens the routing part of a token; `None` while there is no key.
    ///
    /// A token that does not fit makes the file be read once more: a lobby with a new data directory has a new key.
    pub(crate) fn open(&self, token: &str) -> Option<Result<Routing, TokenError>> {
        let key = self.key().or_else(|| self.look())?;
        let opened = tokens::open_routing(&key, token);
        if opened != Err(TokenError::Foreign) {
            return Some(opened);
        }
        let newer = self.look()?;
        if newer.as_bytes() == key.as_bytes() { Some(opened) } else { Some(tokens::open_routing(&newer, token)) }
    }

    pub(crate) fn is_there(&self) -> bool {
        self.key().is_some()
    }

    fn key(&self) -> Option<Key> {
        self.lock().key.clone()
    }

    fn look(&self) -> Option<Key> {
        let mut state = self.lock();
        if state.looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
            state.looked = Some(Instant::now());
            if let Ok(bytes) = std::fs::read(&self.path) {
                match Key::from_bytes(&bytes) {
                    Some(key) => state.key = Some(key),
                    None => {
                        tracing::warn!(path = %self.path.display(), bytes = bytes.len(), "the key file does not hold 32 bytes")
                    }
                }
            }
        }
        state.key.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks for the key file until it is there.
pub(crate) async fn wait(shared: Arc<Shared>) {
    let path = shared.key.path.display();
    if shared.key.is_there() {
        return;
    }
    tracing::info!(%path, "waiting for the key that the lobby makes at its first start");
    while shared.key.look().is_none() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    tracing::info!(%path, "the key is there");
}
