//! What waits for the match thread: one bounded queue, and a bell.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// Items that may wait: 256 players who each send what gathers in half a second of a frozen machine.
const MAX_WAITING: usize = 16 * 1024;

/// A queue with many writers and one reader, who also keeps a clock.
pub(crate) struct Inbox<T> {
    waiting: Mutex<Waiting<T>>,
    bell: Notify,
}

struct Waiting<T> {
    items: VecDeque<T>,
    /// Somebody rang since the reader last looked.
    rung: bool,
    closed: bool,
}

/// The reader is gone, or has more to do than it can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Full,
    Closed,
}

impl<T> Inbox<T> {
    pub(crate) fn new() -> Inbox<T> {
        Inbox {
            waiting: Mutex::new(Waiting { items: VecDeque::new(), rung: false, closed: false }),
            bell: Notify::new(),
        }
    }

    /// Puts an item in; `urgent` wakes the reader now if it waits for the bell, otherwise it is read at the next step.
    ///
    /// # Errors
    /// With the item, when it cannot go in.
    pub(crate) fn push(&self, item: T, urgent: bool) -> Result<(), (Refused, T)> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err((Refused::Closed, item));
        }
        if waiting.items.len() >= MAX_WAITING {
            return Err((Refused::Full, item));
        }
        waiting.items.push_back(item);
        if urgent && !waiting.rung {
            waiting.rung = true;
            drop(waiting);
            self.bell.notify_one();
        }
        Ok(())
    }

    /// Takes all that waits, into an empty queue that is used again and again. False: nothing more will come.
    pub(crate) fn take(&self, into: &mut VecDeque<T>) -> bool {
        debug_assert!(into.is_empty(), "what was taken is dealt with first");
        let mut waiting = self.lock();
        waiting.rung = false;
        std::mem::swap(&mut waiting.items, into);
        !waiting.closed
    }

    /// Waits until somebody rings.
    pub(crate) async fn rung(&self) {
        // The bell may have kept a ring that was heard without it.
        while !self.lock().rung {
            self.bell.notified().await;
        }
    }

    /// Nothing more goes in. Gives back what still waits: nobody else will read it.
    pub(crate) fn close(&self) -> VecDeque<T> {
        let mut waiting = self.lock();
        waiting.closed = true;
        let left = std::mem::take(&mut waiting.items);
        waiting.rung = true;
        drop(waiting);
        self.bell.notify_one();
        left
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_bounded_and_only_the_urgent_rings() {
        let inbox = Inbox::new();
        for item in 0..MAX_WAITING {
            inbox.push(item, false).unwrap();
        }
        assert_eq!(inbox.push(0, true), Err((Refused::Full, 0)));
        assert!(!inbox.lock().rung);
        let mut taken = VecDeque::new();
        assert!(inbox.take(&mut taken));
        assert_eq!(taken.len(), MAX_WAITING);
        taken.clear();
        inbox.push(1, true).unwrap();
        inbox.rung().await;
        assert_eq!(inbox.close(), [1]);
        assert_eq!(inbox.push(0, true), Err((Refused::Closed, 0)));
        inbox.rung().await;
        assert!(!inbox.take(&mut taken) && taken.is_empty());
    }
}
