//! What happens in turn-based matches while they run. It is for looking only: nothing is decided by it, and after a
//! restart rooms tell it again.

use crate::input::SeenEvents;

/// Events of one match, over all classes of viewers, in bytes; what comes beyond is shown with the result.
const MAX_BYTES: usize = 256 << 10;
/// Classes of viewers of one match.
const MAX_CLASSES: usize = 64;

/// The events of the match that a room runs.
#[derive(Debug, Default)]
pub(super) struct History {
    epoch: Option<u64>,
    bytes: usize,
    seen: Vec<SeenEvents>,
}

impl History {
    /// The room tells what is new. What it told before changes nothing.
    pub(super) fn hear(&mut self, epoch: Option<u64>, news: Vec<SeenEvents>) {
        if self.epoch != epoch {
            *self = History { epoch, ..History::default() };
        }
        for news in news {
            let known = match self.seen.iter().position(|seen| seen.viewers == news.viewers) {
                Some(known) => known,
                None if self.seen.len() < MAX_CLASSES => {
                    self.seen.push(SeenEvents { from: 0, events_json: Vec::new(), ..news.clone() });
                    self.seen.len() - 1
                }
                None => continue,
            };
            let seen = &mut self.seen[known];
            seen.seats = news.seats;
            let Some(repeated) = seen.events_json.len().checked_sub(news.from as usize) else { continue };
            for event in news.events_json.into_iter().skip(repeated) {
                self.bytes += event.len();
                if self.bytes > MAX_BYTES {
                    return;
                }
                seen.events_json.push(event);
            }
        }
    }

    /// All of it, if it is of this placement.
    pub(super) fn of(&self, epoch: u64) -> Vec<SeenEvents> {
        if self.epoch == Some(epoch) { self.seen.clone() } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Name;

    fn news(viewers: &str, from: u32, events: &[&str]) -> Vec<SeenEvents> {
        let events_json = events.iter().map(|&event| Name::from(event)).collect();
        vec![SeenEvents { viewers: viewers.into(), seats: vec![0], public: viewers == "all", from, events_json }]
    }

    fn events(history: &History, viewers: &str) -> Vec<String> {
        let seen = history.of(1).into_iter().find(|seen| *seen.viewers == *viewers);
        seen.map_or_else(Vec::new, |seen| seen.events_json.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn what_is_told_twice_is_kept_once_and_gaps_are_not_filled() {
        let mut history = History::default();
        history.hear(Some(1), news("all", 0, &["a", "b"]));
        history.hear(Some(1), news("all", 1, &["b", "c"]));
        history.hear(Some(1), news("all", 9, &["x"]));
        history.hear(Some(1), news("seat-1", 0, &["secret"]));
        assert_eq!(events(&history, "all"), ["a", "b", "c"]);
        assert_eq!(events(&history, "seat-1"), ["secret"]);
        history.hear(Some(2), Vec::new());
        assert!(history.of(1).is_empty() && history.of(2).is_empty(), "another match begins with nothing");
    }

    #[test]
    fn a_match_that_talks_too_much_is_cut_short() {
        let mut history = History::default();
        let long = "x".repeat(MAX_BYTES / 2);
        history.hear(Some(1), news("all", 0, &[&long, &long, "y"]));
        history.hear(Some(1), news("all", 3, &["z"]));
        assert_eq!(events(&history, "all").len(), 2);
    }
}
