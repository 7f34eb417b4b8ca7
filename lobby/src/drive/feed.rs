//! What one watcher of a ticket is told, from the drive to his stream.
//!
//! Cheaper than a channel: one allocation, and what was decided together wakes the stream once.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::Stream;
use futures_util::task::AtomicWaker;
use lobby_core::{Refusal, TicketEvent, TicketView, Why};

/// News that may wait for one watcher. A ticket has some five events; who does not read them is cut off and may come back.
const WAITING: usize = 64;

/// Something a watcher is told.
#[derive(Debug)]
pub(crate) enum News {
    /// He watches this ticket. Always first.
    Watching(Box<TicketView>),
    /// There is nothing to watch. First and last.
    Refused(Refusal),
    /// An event with its number.
    Event(u64, TicketEvent),
    /// How the wait goes.
    Status(Box<Why>),
    /// He did not read. Last.
    Lagged,
}

#[derive(Debug, Default)]
struct Waiting {
    news: VecDeque<News>,
    /// Nothing comes any more.
    ended: bool,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    waker: AtomicWaker,
    /// The watcher has gone.
    left: AtomicBool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The drive's end. When it is dropped, the stream ends.
#[derive(Debug)]
pub(crate) struct Feeder(Arc<Shared>);

/// The watcher's end.
#[derive(Debug)]
pub(crate) struct Feed(Arc<Shared>);

/// The two ends of a feed.
pub(crate) fn feed() -> (Feeder, Feed) {
    let shared = Arc::new(Shared::default());
    (Feeder(shared.clone()), Feed(shared))
}

impl Feeder {
    /// Tells the watcher. False: he has gone, or was cut off; do not tell him more.
    pub(crate) fn tell(&self, news: News) -> bool {
        if self.has_left() {
            return false;
        }
        let fits = {
            let mut waiting = self.0.lock();
            let fits = waiting.news.len() < WAITING;
            waiting.news.push_back(if fits { news } else { News::Lagged });
            waiting.ended |= !fits;
            fits
        };
        self.0.waker.wake();
        fits
    }

    /// The watcher has gone.
    pub(crate) fn has_left(&self) -> bool {
        self.0.left.load(Ordering::Acquire)
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.waker.wake();
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.0.left.store(true, Ordering::Release);
    }
}

impl Stream for Feed {
    type Item = News;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<News>> {
        let shared = &self.0;
        let take = || {
            let mut waiting = shared.lock();
            match waiting.news.pop_front() {
                Some(news) => Poll::Ready(Some(news)),
                None if waiting.ended => Poll::Ready(None),
                None => Poll::Pending,
            }
        };
        match take() {
            Poll::Pending => {
                shared.waker.register(cx.waker());
                take()
            }
            ready @ Poll::Ready(_) => ready,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, StreamExt};

    use super::*;

    #[tokio::test]
    async fn news_arrive_in_order_and_end() {
        let (feeder, mut feed) = feed();
        assert!(feed.next().now_or_never().is_none());
        assert!(feeder.tell(News::Event(1, TicketEvent::Queued)));
        drop(feeder);
        assert!(matches!(feed.next().await, Some(News::Event(1, TicketEvent::Queued))));
        assert!(feed.next().await.is_none());
    }

    #[tokio::test]
    async fn who_does_not_read_is_cut_off() {
        let (feeder, feed) = feed();
        for number in 0..WAITING as u64 {
            assert!(feeder.tell(News::Event(number, TicketEvent::Queued)));
        }
        assert!(!feeder.tell(News::Event(99, TicketEvent::Queued)));
        let news: Vec<News> = feed.collect().await;
        assert!(matches!(news.last(), Some(News::Lagged)));
    }

    #[test]
    fn who_left_is_told_no_more() {
        let (feeder, feed) = feed();
        drop(feed);
        assert!(!feeder.tell(News::Lagged));
    }
}
