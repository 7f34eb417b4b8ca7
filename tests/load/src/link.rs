//! A connection that loses packets, as TCP shows it: late, never lost, never out of order.

use std::collections::VecDeque;

use bellhop_game::Rng;

/// What a connection is like.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    /// There and back, in milliseconds.
    pub round_trip_ms: f64,
    /// Of so many packets one is lost; 0: none.
    pub loses_one_in: u32,
}

impl Way {
    /// A lost packet comes so much later: what comes behind it is acknowledged, and after a round trip and a bit the
    /// sender knows; where nothing comes behind it, a probe goes out after two. This is between the two.
    pub(crate) fn retransmission_ms(self) -> f64 {
        self.round_trip_ms * 1.5
    }

    /// From a packet's being sent to its arrival, in milliseconds; `rng` decides how often it is lost.
    pub(crate) fn takes_ms(self, rng: &mut Rng) -> f64 {
        let mut ms = self.round_trip_ms / 2.0;
        while self.loses_one_in > 0 && rng.one_in(self.loses_one_in) {
            ms += self.retransmission_ms();
        }
        ms
    }
}

/// One direction of a connection.
#[derive(Debug)]
pub struct Link {
    way: Way,
    rng: Rng,
    on_the_way: VecDeque<(f64, Vec<u8>)>,
    /// Nothing arrives before this: what was sent earlier has not.
    held_until: f64,
}

impl Link {
    /// An empty one; `seed` decides what is lost.
    pub fn new(way: Way, seed: u64) -> Link {
        Link { way, rng: Rng::new(seed), on_the_way: VecDeque::new(), held_until: 0.0 }
    }

    /// Sends a message.
    pub fn send(&mut self, now_ms: f64, message: Vec<u8>) {
        self.held_until = self.held_until.max(now_ms + self.way.takes_ms(&mut self.rng));
        self.on_the_way.push_back((self.held_until, message));
    }

    /// The next message that has arrived by now, and when it did.
    pub fn take(&mut self, now_ms: f64) -> Option<(f64, Vec<u8>)> {
        self.on_the_way.pop_front_if(|(arrives, _)| *arrives <= now_ms)
    }
}
