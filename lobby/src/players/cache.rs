//! A bounded map that forgets what was not asked for lately.
//!
//! Two generations: what is used moves to the young one; when that is full, the old one goes. All of it O(1), and never
//! more than twice the limit.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks are per shard, so that the doors' threads seldom meet.
const SHARDS: usize = 16;

struct Shard<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

/// A bounded map for many threads.
pub(crate) struct Cache<K, V> {
    shards: Vec<Mutex<Shard<K, V>>>,
    hasher: RandomState,
    per_generation: usize,
}

impl<K: Hash + Eq + Clone, V: Clone> Cache<K, V> {
    /// Holds at least `limit` and at most twice as many.
    pub(crate) fn new(limit: usize) -> Cache<K, V> {
        let shard = || Mutex::new(Shard { young: HashMap::new(), old: HashMap::new() });
        Cache {
            shards: (0..SHARDS).map(|_| shard()).collect(),
            hasher: RandomState::new(),
            per_generation: limit.div_ceil(SHARDS),
        }
    }

    fn shard(&self, key: &K) -> MutexGuard<'_, Shard<K, V>> {
        let index = (self.hasher.hash_one(key) >> 32) as usize % SHARDS;
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, key: &K) -> Option<V> {
        let mut shard = self.shard(key);
        if let Some(value) = shard.young.get(key) {
            return Some(value.clone());
        }
        let value = shard.old.remove(key)?;
        shard.put(key.clone(), value.clone(), self.per_generation, |_| false);
        Some(value)
    }

    pub(crate) fn insert(&self, key: K, value: V) {
        self.insert_keeping(key, value, |_| false);
    }

    /// Inserts; what `keep` names is not forgotten to make room.
    pub(crate) fn insert_keeping(&self, key: K, value: V, keep: impl Fn(&V) -> bool) {
        let mut shard = self.shard(&key);
        shard.old.remove(&key);
        shard.put(key, value, self.per_generation, keep);
    }

    /// Inserts what was read from disk, unless something newer came in meanwhile. Answers what is there now.
    pub(crate) fn fill(&self, key: K, value: V) -> V {
        let mut shard = self.shard(&key);
        if let Some(value) = shard.young.get(&key).or_else(|| shard.old.get(&key)) {
            return value.clone();
        }
        shard.put(key, value.clone(), self.per_generation, |_| false);
        value
    }

    pub(crate) fn remove(&self, key: &K) {
        let mut shard = self.shard(key);
        shard.young.remove(key);
        shard.old.remove(key);
    }
}

impl<K: Hash + Eq, V> Shard<K, V> {
    fn put(&mut self, key: K, value: V, limit: usize, keep: impl Fn(&V) -> bool) {
        if self.young.len() >= limit && !self.young.contains_key(&key) {
            let mut kept = std::mem::take(&mut self.old);
            kept.retain(|_, value| keep(value));
            self.old = std::mem::replace(&mut self.young, kept);
        }
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_rest_goes() {
        let cache = Cache::<u32, u32>::new(SHARDS * 4);
        cache.insert(1, 1);
        cache.insert_keeping(2, 2, |_| true);
        for key in 10..2_000 {
            assert_eq!(cache.get(&1), Some(1), "{key}");
            cache.insert_keeping(key, key, |&value| value == 2);
        }
        assert_eq!(cache.get(&2), Some(2));
        assert_eq!(cache.get(&10), None);
        let held: usize = cache.shards.iter().map(|s| s.lock().unwrap()).map(|s| s.young.len() + s.old.len()).sum();
        assert!(held <= SHARDS * 10, "{held}");
        cache.remove(&1);
        assert_eq!(cache.get(&1), None);
    }

    #[test]
    fn what_was_read_does_not_replace_what_is_newer() {
        let cache = Cache::<u32, u32>::new(100);
        cache.insert(1, 7);
        assert_eq!(cache.fill(1, 3), 7);
        assert_eq!(cache.fill(2, 3), 3);
        assert_eq!(cache.get(&2), Some(3));
    }
}
