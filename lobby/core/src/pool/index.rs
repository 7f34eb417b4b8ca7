//! Tickets by rating: buckets under a bitmap of three levels, a first-in-first-out list in each.
//!
//! Enqueue, cancel and "the next one to the left or right" cost a few word operations, whatever waits.

use slab::Slab;

/// Buckets per rating point. Fine enough that a bucket's order is the ratings' order for practical purposes.
const PER_POINT: f32 = 4.0;
/// The rating of the first bucket. With 2^18 buckets, the last one is at 57,344: far beyond any scale in use.
const LOWEST: f32 = -8192.0;
/// 64 x 64 x 64.
const BUCKETS: u32 = 1 << 18;
/// No node.
pub(super) const NONE: u32 = u32::MAX;

/// A place in a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) bucket: u32,
    pub(super) next: u32,
    pub(super) prev: u32,
}

/// What hangs in the lists.
pub(super) trait Linked {
    fn link(&self) -> &Link;
    fn link_mut(&mut self) -> &mut Link;
    /// Whether this one stands before the other in one bucket.
    fn before(&self, other: &Self) -> bool;
}

#[derive(Debug)]
struct Leaf {
    occupied: u64,
    heads: [u32; 64],
    tails: [u32; 64],
}

/// The buckets. Leaves are made when first used.
#[derive(Debug)]
pub(super) struct Index {
    top: u64,
    middle: [u64; 64],
    leaves: Vec<Option<Box<Leaf>>>,
}

/// The bucket of a rating.
pub(super) fn bucket_of(rating: f32) -> u32 {
    // `as` saturates, and makes 0 of what is not a number.
    (((rating - LOWEST) * PER_POINT) as u32).min(BUCKETS - 1)
}

/// How far apart two ratings are at the least, by their buckets. Ratings beyond the last bucket count as in it.
pub(super) fn least_gap(one: u32, other: u32) -> f32 {
    one.abs_diff(other).saturating_sub(1) as f32 / PER_POINT
}

impl Index {
    pub(super) fn new() -> Self {
        Self { top: 0, middle: [0; 64], leaves: Vec::new() }
    }

    fn leaf(&self, bucket: u32) -> Option<&Leaf> {
        self.leaves.get((bucket >> 6) as usize)?.as_deref()
    }

    fn leaf_mut(&mut self, bucket: u32) -> &mut Leaf {
        let index = (bucket >> 6) as usize;
        if self.leaves.len() <= index {
            self.leaves.resize_with(index + 1, || None);
        }
        self.leaves[index].get_or_insert_with(|| Box::new(Leaf { occupied: 0, heads: [NONE; 64], tails: [NONE; 64] }))
    }

    /// The first of a bucket.
    pub(super) fn head(&self, bucket: u32) -> u32 {
        self.leaf(bucket).map_or(NONE, |leaf| leaf.heads[(bucket & 63) as usize])
    }

    /// Hangs a node into the bucket its link names, behind those that stand before it.
    pub(super) fn insert<T: Linked>(&mut self, nodes: &mut Slab<T>, key: u32) {
        let bucket = nodes[key as usize].link().bucket;
        let spot = (bucket & 63) as usize;
        let leaf = self.leaf_mut(bucket);
        // New ones go to the end; only who comes back with seniority goes further ahead, and those stand near the front.
        let tail = leaf.tails[spot];
        let (prev, next) = if tail == NONE || !nodes[key as usize].before(&nodes[tail as usize]) {
            (tail, NONE)
        } else {
            let mut next = leaf.heads[spot];
            while !nodes[key as usize].before(&nodes[next as usize]) {
                next = nodes[next as usize].link().next;
            }
            (nodes[next as usize].link().prev, next)
        };
        if prev == NONE {
            leaf.heads[spot] = key;
        } else {
            nodes[prev as usize].link_mut().next = key;
        }
        if next == NONE {
            leaf.tails[spot] = key;
        } else {
            nodes[next as usize].link_mut().prev = key;
        }
        leaf.occupied |= 1 << spot;
        *nodes[key as usize].link_mut() = Link { bucket, next, prev };
        let middle = (bucket >> 6) as usize;
        self.middle[middle >> 6] |= 1 << (middle & 63);
        self.top |= 1 << (middle >> 6);
    }

    /// Takes a node out of its bucket.
    pub(super) fn remove<T: Linked>(&mut self, nodes: &mut Slab<T>, key: u32) {
        let Link { bucket, next, prev } = *nodes[key as usize].link();
        let spot = (bucket & 63) as usize;
        if prev != NONE {
            nodes[prev as usize].link_mut().next = next;
        }
        if next != NONE {
            nodes[next as usize].link_mut().prev = prev;
        }
        let leaf = self.leaf_mut(bucket);
        if prev == NONE {
            leaf.heads[spot] = next;
        }
        if next == NONE {
            leaf.tails[spot] = prev;
        }
        if leaf.heads[spot] == NONE {
            leaf.occupied &= !(1 << spot);
            if leaf.occupied == 0 {
                let middle = (bucket >> 6) as usize;
                self.middle[middle >> 6] &= !(1 << (middle & 63));
                if self.middle[middle >> 6] == 0 {
                    self.top &= !(1 << (middle >> 6));
                }
            }
        }
    }

    /// The next occupied bucket above.
    pub(super) fn above(&self, bucket: u32) -> Option<u32> {
        let high = |bits: u64, from: u32| if from >= 63 { 0 } else { bits & (u64::MAX << (from + 1)) };
        let leaf = bucket >> 6;
        let bits = self.leaf(bucket).map_or(0, |leaf| high(leaf.occupied, bucket & 63));
        if bits != 0 {
            return Some(leaf << 6 | bits.trailing_zeros());
        }
        let bits = high(self.middle[(leaf >> 6) as usize], leaf & 63);
        let leaf = if bits != 0 {
            (leaf & !63) | bits.trailing_zeros()
        } else {
            let bits = high(self.top, leaf >> 6);
            if bits == 0 {
                return None;
            }
            let group = bits.trailing_zeros();
            group << 6 | self.middle[group as usize].trailing_zeros()
        };
        Some(leaf << 6 | self.leaf(leaf << 6)?.occupied.trailing_zeros())
    }

    /// The next occupied bucket below.
    pub(super) fn below(&self, bucket: u32) -> Option<u32> {
        let low = |bits: u64, from: u32| bits & ((1u64 << from) - 1);
        let last = |bits: u64| 63 - bits.leading_zeros();
        let leaf = bucket >> 6;
        let bits = self.leaf(bucket).map_or(0, |leaf| low(leaf.occupied, bucket & 63));
        if bits != 0 {
            return Some(leaf << 6 | last(bits));
        }
        let bits = low(self.middle[(leaf >> 6) as usize], leaf & 63);
        let leaf = if bits != 0 {
            (leaf & !63) | last(bits)
        } else {
            let bits = low(self.top, leaf >> 6);
            if bits == 0 {
                return None;
            }
            let group = last(bits);
            group << 6 | last(self.middle[group as usize])
        };
        Some(leaf << 6 | last(self.leaf(leaf << 6)?.occupied))
    }
}
