//! Who meets whom: the tickets that wait in one queue, and the rules of that queue.
//!
//! Nothing here is promised. A pool is made anew from the state after a restart. It works by events: somebody arrives, a
//! window has grown enough for a pair to suit each other, a wait is over. Each pair is looked at by the one of the two that came
//! later, and that one's timer says when both will accept; so no tick looks at everybody.

mod density;
mod group;
mod index;
mod teams;

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::time::Duration;

use slab::Slab;
use smallvec::SmallVec;

use self::density::Density;
use self::group::Found;
use self::index::{Index, Link, Linked, NONE, bucket_of};
use crate::settings::{QueueSettings, Shape, Window};
use crate::time::Time;

/// The nearest tickets a search looks at. Past that, more candidates make a match no better worth the time.
pub(crate) const NEAREST: usize = 48;
/// Neighbours a pair search looks at that refuse by their own, narrower window, before it tries again later.
const REFUSALS: usize = 16;
/// When it tries again.
const LATER: Duration = Duration::from_millis(500);

/// Target waits after which a window that was made from the density widens by the queue's step at least: then the density was
/// no guide.
const LONG_OVER: f64 = 4.0;

/// A ticket that waits.
#[derive(Clone, Debug)]
struct Node {
    link: Link,
    slot: u32,
    size: u16,
    rating: f32,
    /// Its window: at first, and per second.
    start: f32,
    step: f32,
    since: Time,
    /// Tells tickets of one time and rating apart, the same in every order of arrival.
    tie: u64,
    /// The timer that counts; others are stale.
    timer: Time,
    /// In the index. New ones are hung in when the pool is settled, all in order.
    hung: bool,
}

impl Node {
    /// Seniority, then rating, then who: the order in which tickets are looked at.
    fn order(&self) -> (Time, i32, u64) {
        (self.since, self.rating as i32, self.tie)
    }
}

impl Linked for Node {
    fn link(&self) -> &Link {
        &self.link
    }

    fn link_mut(&mut self) -> &mut Link {
        &mut self.link
    }

    fn before(&self, other: &Self) -> bool {
        self.order() < other.order()
    }
}

/// What a pool knows of a ticket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    /// Its slot in the state.
    pub(crate) slot: u32,
    /// Players in it.
    pub(crate) size: u16,
    /// Their mean rating.
    pub(crate) rating: f32,
    /// Since when.
    pub(crate) since: Time,
    /// Something that tells it apart, whenever it came: its first player.
    pub(crate) tie: u64,
}

/// Tickets that become a match: their slots, and their teams.
pub(crate) type Group = SmallVec<[(u32, u8); 2]>;

/// The tickets that wait in one queue.
#[derive(Debug)]
pub(crate) struct Pool {
    shape: Shape,
    window: Window,
    start_after: Duration,
    /// Seconds after which the queue's step is the least.
    knee: f64,
    nodes: Slab<Node>,
    index: Index,
    density: Density,
    arrivals: Vec<u32>,
    timers: BinaryHeap<Reverse<(Time, u32)>>,
    players: u32,
    /// By seniority; kept where free seats of running matches go to the next ticket.
    line: Option<BTreeSet<(Time, u64, u32)>>,
}

/// What a look around a ticket found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) candidates: u32,
    pub(crate) beyond_own: u32,
    pub(crate) beyond_theirs: u32,
    pub(crate) misfits: u32,
    /// Players of those that suit it, itself included.
    pub(crate) suitable: u32,
}

impl Pool {
    pub(crate) fn new(queue: &QueueSettings) -> Self {
        Self {
            shape: queue.shape,
            window: queue.window,
            start_after: queue.start_after,
            knee: queue.window.target_wait.as_secs_f64() * LONG_OVER,
            nodes: Slab::new(),
            index: Index::new(),
            density: Density::new(),
            arrivals: Vec::new(),
            timers: BinaryHeap::new(),
            players: 0,
            line: queue.late_join.then(BTreeSet::new),
        }
    }

    /// Takes a ticket in. It is matched when the pool is settled.
    pub(crate) fn insert(&mut self, now: Time, ticket: Waiting) -> u32 {
        let Waiting { slot, size, rating, since, tie } = ticket;
        let (start, step) = self.density.window(&self.window, rating);
        self.density.arrived(now, rating);
        let link = Link { bucket: bucket_of(rating), next: NONE, prev: NONE };
        let node = Node { link, slot, size, rating, start, step, since, tie, timer: Time::MAX, hung: false };
        let key = self.nodes.insert(node) as u32;
        self.arrivals.push(key);
        self.players += u32::from(size);
        if let Some(line) = &mut self.line {
            line.insert((since, tie, key));
        }
        key
    }

    /// Lets a ticket go: cancelled, expired, or seated elsewhere.
    pub(crate) fn remove(&mut self, key: u32) {
        if self.nodes[key as usize].hung {
            self.index.remove(&mut self.nodes, key);
        }
        let node = self.nodes.remove(key as usize);
        self.players -= u32::from(node.size);
        if let Some(line) = &mut self.line {
            line.remove(&(node.since, node.tie, key));
        }
    }

    /// The slots of the tickets that wait longest; where that is kept.
    pub(crate) fn oldest(&self, count: usize) -> SmallVec<[u32; 16]> {
        let line = self.line.iter().flatten().take(count);
        line.map(|&(_, _, key)| self.nodes[key as usize].slot).collect()
    }

    /// Somebody arrived since it was settled.
    pub(crate) fn is_unsettled(&self) -> bool {
        !self.arrivals.is_empty()
    }

    /// When it has something to do by itself; arrivals aside.
    pub(crate) fn deadline(&self) -> Time {
        self.timers.peek().map_or(Time::MAX, |Reverse((at, _))| *at)
    }

    /// Matches what suits each other by now. Whatever order tickets of one time arrived in, the groups are the same.
    pub(crate) fn settle(&mut self, now: Time, groups: &mut Vec<Group>) {
        let mut due = std::mem::take(&mut self.arrivals);
        while let Some(&Reverse((at, key))) = self.timers.peek()
            && at <= now
        {
            self.timers.pop();
            if self.nodes.get(key as usize).is_some_and(|node| node.timer == at) {
                self.nodes[key as usize].timer = Time::MAX;
                due.push(key);
            }
        }
        due.retain(|&key| self.nodes.contains(key as usize));
        if due.len() > 1 {
            due.sort_unstable_by_key(|&key| (self.nodes[key as usize].order(), key));
            due.dedup();
        }
        for &key in &due {
            if !std::mem::replace(&mut self.nodes[key as usize].hung, true) {
                self.index.insert(&mut self.nodes, key);
            }
        }
        for &key in &due {
            if self.nodes.contains(key as usize) {
                self.look(now, key, groups);
            }
        }
        due.clear();
        if self.arrivals.is_empty() {
            self.arrivals = due; // keeps its memory
        }
    }

    fn look(&mut self, now: Time, key: u32, groups: &mut Vec<Group>) {
        let (found, next) = match self.shape {
            Shape::Free { min: 2, max: 2 } | Shape::Teams { teams: 2, size: 1 } => self.pair(now, key),
            Shape::Free { min, max } => self.free(now, key, min, max),
            Shape::Teams { teams, size } => self.teams(now, key, teams, size),
        };
        match found {
            Some(keys) => {
                let group = keys.iter().map(|&(key, team)| (self.nodes[key as usize].slot, team)).collect();
                for (key, _) in keys {
                    self.remove(key);
                }
                groups.push(group);
            }
            None if next < Time::MAX => {
                // Never the same instant again: what could be done now was done.
                let next = next.max(Time(now.0 + 1));
                self.nodes[key as usize].timer = next;
                self.timers.push(Reverse((next, key)));
            }
            None => {}
        }
    }

    /// How far this one accepts by now: what it began with, more each second, and no less than the queue's step a second
    /// once the wait it aimed for is long over.
    fn width(&self, now: Time, node: &Node) -> f32 {
        // In double precision, so that it agrees with `reaches`.
        let waited = now.seconds_since(node.since);
        let late = (waited - self.knee).max(0.0);
        let more = f64::from(self.window.step.max(node.step)) * late;
        let grown = f64::from(node.start) + f64::from(node.step) * (waited - late) + more;
        (grown as f32).min(self.window.cap)
    }

    /// When this one accepts a gap.
    fn reaches(&self, node: &Node, gap: f32) -> Time {
        if gap > self.window.cap {
            return Time::MAX;
        }
        let beyond = f64::from(gap) - f64::from(node.start);
        if beyond <= 0.0 {
            return node.since;
        }
        let (early, late) = (f64::from(node.step), f64::from(self.window.step.max(node.step)));
        let at_knee = early * self.knee;
        let seconds = if beyond <= at_knee {
            beyond / early
        } else if late > 0.0 {
            self.knee + (beyond - at_knee) / late
        } else {
            return Time::MAX;
        };
        // A little more than needed, against rounding.
        node.since + Duration::from_secs_f64(seconds.min(1e9)) + Duration::from_micros(10)
    }

    /// The tickets around one, nearest first.
    fn around(&self, key: u32) -> Around<'_> {
        let anchor = &self.nodes[key as usize];
        let bucket = anchor.link.bucket;
        let mut around = Around {
            pool: self,
            rating: anchor.rating,
            bucket,
            anchor: key,
            up: Side { key: self.index.head(bucket), least: 0.0, seen: false },
            down: Side { key: NONE, least: f32::INFINITY, seen: true },
        };
        if around.up.key == key {
            around.up = around.after(key, true);
        }
        if let Some(below) = self.index.below(bucket) {
            around.down = around.head(below);
        }
        around
    }

    /// The nearest one that accepts and is accepted, or when there may be one.
    fn pair(&self, now: Time, key: u32) -> (Option<Found>, Time) {
        let anchor = &self.nodes[key as usize];
        let width = self.width(now, anchor);
        let mut next = Time::MAX;
        let mut refusals = 0;
        for (other_key, gap) in self.around(key) {
            let other = &self.nodes[other_key as usize];
            if gap <= width && gap <= self.width(now, other) {
                // Who waits longer sits first.
                let (first, second) = if other.order() < anchor.order() { (other_key, key) } else { (key, other_key) };
                return (Some(smallvec::smallvec![(first, 0), (second, 1)]), Time::MAX);
            }
            let own = self.reaches(anchor, gap);
            if own >= next {
                break;
            }
            next = next.min(own.max(self.reaches(other, gap)));
            refusals += 1;
            if refusals == REFUSALS {
                next = next.min(own.max(now + LATER));
                break;
            }
        }
        (None, next)
    }

    /// What a ticket's surroundings look like, for the explanation of its wait.
    pub(crate) fn explain(&self, now: Time, key: u32) -> (Seen, f32) {
        let anchor = &self.nodes[key as usize];
        let width = self.width(now, anchor);
        let limit = u32::from(self.shape.max_players());
        let mut seen = Seen { suitable: u32::from(anchor.size), ..Seen::default() };
        for (other, gap) in self.around(key).take(NEAREST) {
            let other = &self.nodes[other as usize];
            seen.candidates += 1;
            if gap > width {
                seen.beyond_own += 1;
            } else if gap > self.width(now, other) {
                seen.beyond_theirs += 1;
            } else if seen.suitable + u32::from(other.size) > limit {
                seen.misfits += 1;
            } else {
                seen.suitable += u32::from(other.size);
            }
        }
        (seen, width)
    }
}

/// Walks outwards from a ticket: always the nearer of the next one above and the next one below. A ticket is looked at only when
/// its bucket says that it may be the nearer one: what is not looked at need not come into the cache.
struct Around<'a> {
    pool: &'a Pool,
    rating: f32,
    bucket: u32,
    anchor: u32,
    up: Side,
    down: Side,
}

/// The next one on one side, and how near it is at the least; exactly so once it was seen.
#[derive(Clone, Copy)]
struct Side {
    key: u32,
    least: f32,
    seen: bool,
}

impl Around<'_> {
    fn head(&self, bucket: u32) -> Side {
        Side { key: self.pool.index.head(bucket), least: index::least_gap(self.bucket, bucket), seen: false }
    }

    fn after(&self, key: u32, upwards: bool) -> Side {
        let link = &self.pool.nodes[key as usize].link;
        let side = if link.next != NONE {
            Side { key: link.next, least: index::least_gap(self.bucket, link.bucket), seen: false }
        } else {
            let index = &self.pool.index;
            let bucket = if upwards { index.above(link.bucket) } else { index.below(link.bucket) };
            match bucket {
                Some(bucket) => self.head(bucket),
                None => Side { key: NONE, least: f32::INFINITY, seen: true },
            }
        };
        if side.key == self.anchor { self.after(side.key, upwards) } else { side }
    }

    fn see(&self, side: Side) -> Side {
        let gap = (self.pool.nodes[side.key as usize].rating - self.rating).abs();
        Side { least: gap.max(side.least), seen: true, ..side }
    }
}

impl Iterator for Around<'_> {
    type Item = (u32, f32);

    fn next(&mut self) -> Option<(u32, f32)> {
        loop {
            let upwards = self.down.key == NONE || (self.up.key != NONE && self.up.least <= self.down.least);
            let side = if upwards { self.up } else { self.down };
            if side.key == NONE {
                return None;
            }
            if !side.seen {
                let seen = self.see(side);
                *(if upwards { &mut self.up } else { &mut self.down }) = seen;
                continue;
            }
            let after = self.after(side.key, upwards);
            *(if upwards { &mut self.up } else { &mut self.down }) = after;
            return Some((side.key, side.least));
        }
    }
}
