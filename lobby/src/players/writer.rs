//! The one thread that writes the players' file.
//!
//! Many changes go into one transaction. Who waits for his (a new guest) makes it happen at once; what the journal
//! promised already (a rating) may wait a moment for company.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::store::{Change, PlayersError, Store};

/// How long changes without a waiter may lie: one commit then takes thousands of them.
const LIE: Duration = Duration::from_millis(250);
/// Changes in one transaction, at most, so that none waits long.
const AT_ONCE: usize = 8_192;

/// Changes that belong together.
#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) changes: Vec<Change>,
    /// Told when they are on disk.
    pub(crate) done: Option<oneshot::Sender<()>>,
}

/// Writes until the senders are gone, and then what is left. `followed` is told the number of the first event that
/// is not yet on disk.
pub(crate) fn run(store: &Arc<Store>, writes: &Receiver<Write>, followed: impl Fn(u64)) -> Result<(), PlayersError> {
    let mut open = true;
    while open {
        let Ok(first) = writes.recv() else { return Ok(()) };
        let until = Instant::now() + LIE;
        let mut urgent = first.done.is_some();
        let mut size = first.changes.len();
        let mut batch = vec![first];
        while size < AT_ONCE {
            let wait = if urgent { Duration::ZERO } else { until.saturating_duration_since(Instant::now()) };
            match writes.recv_timeout(wait) {
                Ok(write) => {
                    urgent |= write.done.is_some();
                    size += write.changes.len();
                    batch.push(write);
                }
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => {
                    open = false;
                    break;
                }
            }
        }
        store.apply(batch.iter().flat_map(|write| &write.changes))?;
        for write in batch {
            for change in &write.changes {
                if let Change::Followed(next) = change {
                    followed(*next);
                }
            }
            if let Some(done) = write.done {
                let _caller_left = done.send(());
            }
        }
    }
    Ok(())
}
