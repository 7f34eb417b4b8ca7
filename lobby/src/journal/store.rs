//! The journal's file: numbered batches of events in redb.
//!
//! A batch is one record, under the number of its first event. An append names the number it expects to be next: who
//! lost the journal to another writer learns it here and must stop.

use std::marker::PhantomData;
use std::path::Path;

use redb::{Database, Durability, ReadableDatabase, ReadableTable, TableDefinition};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::codec::{self, Batch, DecodeError};
use crate::keys::random_bytes;

const RECORDS: TableDefinition<u64, &[u8]> = TableDefinition::new("records");
const META: TableDefinition<&str, u64> = TableDefinition::new("meta");

const SEED: [&str; 4] = ["seed-0", "seed-1", "seed-2", "seed-3"];

/// Layout of the tables. A higher one in the file means a newer program wrote it.
const LAYOUT: u64 = 1;
/// Page cache of the journal's file. Appends touch only its end, so little is enough.
const CACHE_BYTES: usize = 8 << 20;
/// Records removed per append once a snapshot has made them needless, so that no append waits long.
const TRUNCATE_AT_ONCE: usize = 256;

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Could not open the file.
    #[error("could not open the journal")]
    Open(#[from] redb::DatabaseError),
    /// The file was written by a newer program.
    #[error("the journal has layout {found}, this program knows {LAYOUT}: run the newer program again")]
    Newer {
        /// The file's layout.
        found: u64,
    },
    /// Could not read or write.
    #[error("could not read or write the journal")]
    Storage(#[source] redb::Error),
    /// A record cannot be read.
    #[error("could not read record {at} of the journal")]
    Record {
        /// Number of its first event.
        at: u64,
        /// Why.
        #[source]
        source: DecodeError,
    },
    /// Events are missing between two records, or before the first.
    #[error("the journal goes on at event {found} where {expected} should be: put the snapshots directory back")]
    Gap {
        /// The number that should come next.
        expected: u64,
        /// The number that does.
        found: u64,
    },
    /// Somebody else appended.
    #[error("the journal's next event is {found}, not {expected}: another lobby writes to it")]
    Conflict {
        /// The number the append expected.
        expected: u64,
        /// The number that is next.
        found: u64,
    },
}

/// The journal's file.
#[derive(Debug)]
pub struct Store<E> {
    db: Database,
    events: PhantomData<fn() -> E>,
}

impl<E: Serialize + DeserializeOwned> Store<E> {
    /// Opens the file, or makes it with the epoch `now_ms` (Unix time in milliseconds).
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn open(path: &Path, now_ms: u64) -> Result<Store<E>, JournalError> {
        let db = redb::Builder::new().set_cache_size(CACHE_BYTES).create(path)?;
        let store = Store { db, events: PhantomData };
        store.prepare(now_ms).map_err(|error| error.unwrap_or_else(JournalError::Storage))?;
        Ok(store)
    }

    fn prepare(&self, now_ms: u64) -> Result<(), Either> {
        let tx = self.db.begin_write()?;
        {
            tx.open_table(RECORDS)?;
            let mut meta = tx.open_table(META)?;
            let layout = meta.get("layout")?.map(|value| value.value());
            match layout {
                None => {
                    meta.insert("layout", LAYOUT)?;
                    meta.insert("epoch", now_ms)?;
                    for name in SEED {
                        meta.insert(name, u64::from_le_bytes(random_bytes()))?;
                    }
                }
                Some(LAYOUT) => {}
                Some(found) => return Err(Either::Ours(JournalError::Newer { found })),
            }
        }
        tx.commit()?;
        Ok(())
    }

    /// When core time 0 was, as Unix time in milliseconds.
    ///
    /// # Errors
    /// [`JournalError::Storage`].
    pub fn epoch_ms(&self) -> Result<u64, JournalError> {
        let read = || -> Result<u64, redb::Error> {
            let epoch = self.db.begin_read()?.open_table(META)?.get("epoch")?;
            Ok(epoch.map_or(0, |value| value.value()))
        };
        read().map_err(JournalError::Storage)
    }

    /// What the core's ids and draws began from, drawn when the journal was made.
    ///
    /// # Errors
    /// [`JournalError::Storage`].
    pub fn seed(&self) -> Result<[u8; 32], JournalError> {
        let read = || -> Result<[u8; 32], redb::Error> {
            let meta = self.db.begin_read()?.open_table(META)?;
            let mut seed = [0; 32];
            for (part, name) in seed.chunks_exact_mut(8).zip(SEED) {
                let word = meta.get(name)?.map_or(0, |value| value.value());
                part.copy_from_slice(&word.to_le_bytes());
            }
            Ok(seed)
        };
        read().map_err(JournalError::Storage)
    }

    /// Appends batches in one transaction and waits until they are on disk. `expected` is the number the first event
    /// gets; the answer is the number of the next event to come. Records behind `truncate` go, a few at a time.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] and [`JournalError::Storage`]; then nothing was appended.
    pub fn append(&self, expected: u64, batches: &[(u64, Vec<E>)], truncate: u64) -> Result<u64, JournalError> {
        self.try_append(expected, batches, truncate).map_err(|error| error.unwrap_or_else(JournalError::Storage))
    }

    fn try_append(&self, expected: u64, batches: &[(u64, Vec<E>)], truncate: u64) -> Result<u64, Either> {
        let mut tx = self.db.begin_write()?;
        tx.set_durability(Durability::Immediate).map_err(redb::Error::from)?;
        let mut next = expected;
        {
            let mut records = tx.open_table(RECORDS)?;
            let last = records.last()?.map(|(key, value)| (key.value(), codec::count(value.value())));
            if let Some((at, count)) = last {
                let found = at + count.map_err(|source| Either::Ours(JournalError::Record { at, source }))?;
                if found != expected {
                    return Err(Either::Ours(JournalError::Conflict { expected, found }));
                }
            }
            for (time, events) in batches.iter().filter(|(_, events)| !events.is_empty()) {
                records.insert(next, codec::encode(*time, events).as_slice())?;
                next += events.len() as u64;
            }
            for _ in 0..TRUNCATE_AT_ONCE {
                let needless = records.first()?.is_some_and(|(key, _)| key.value() < truncate);
                if !needless {
                    break;
                }
                records.pop_first()?;
            }
        }
        tx.commit()?;
        Ok(next)
    }

    /// Reads every event from number `from` on, in order. The answer is the number of the next event to come.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn replay(&self, from: u64, mut each: impl FnMut(u64, u64, E)) -> Result<u64, JournalError> {
        let storage = |error: redb::Error| JournalError::Storage(error);
        let tx = self.db.begin_read().map_err(|error| storage(error.into()))?;
        let records = tx.open_table(RECORDS).map_err(|error| storage(error.into()))?;
        // The record that holds `from` may begin before it.
        let first = records
            .range(..=from)
            .and_then(|mut range| range.next_back().transpose())
            .map_err(|error| storage(error.into()))?
            .map_or(from, |(key, _)| key.value());
        let mut next = from;
        for record in records.range(first..).map_err(|error| storage(error.into()))? {
            let (key, value) = record.map_err(|error| storage(error.into()))?;
            let at = key.value();
            if at > next {
                return Err(JournalError::Gap { expected: next, found: at });
            }
            let Batch { time, events } =
                codec::decode(value.value()).map_err(|source| JournalError::Record { at, source })?;
            for (number, event) in (at..).zip(events) {
                if number >= next {
                    each(number, time, event);
                    next = number + 1;
                }
            }
        }
        Ok(next)
    }
}

/// An error of redb on its way to become one of ours.
enum Either {
    Ours(JournalError),
    Theirs(redb::Error),
}

impl Either {
    fn unwrap_or_else(self, wrap: impl FnOnce(redb::Error) -> JournalError) -> JournalError {
        match self {
            Either::Ours(error) => error,
            Either::Theirs(error) => wrap(error),
        }
    }
}

impl<T: Into<redb::Error>> From<T> for Either {
    fn from(error: T) -> Either {
        Either::Theirs(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(store: &Store<u32>, from: u64) -> Vec<(u64, u64, u32)> {
        let mut seen = Vec::new();
        store.replay(from, |number, time, event| seen.push((number, time, event))).unwrap();
        seen
    }

    #[test]
    fn events_come_back_in_order_also_from_inside_a_record() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.redb");
        let store = Store::<u32>::open(&path, 42).unwrap();
        assert_eq!(store.append(0, &[(1, vec![10, 11, 12]), (2, vec![]), (3, vec![13])], 0).unwrap(), 4);
        drop(store);
        let store = Store::<u32>::open(&path, 99).unwrap();
        assert_eq!(store.epoch_ms().unwrap(), 42);
        assert_eq!(all(&store, 0), [(0, 1, 10), (1, 1, 11), (2, 1, 12), (3, 3, 13)]);
        assert_eq!(all(&store, 2), [(2, 1, 12), (3, 3, 13)]);
        assert_eq!(all(&store, 4), []);
    }

    #[test]
    fn an_append_at_the_wrong_place_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::<u32>::open(&dir.path().join("journal.redb"), 0).unwrap();
        store.append(0, &[(1, vec![10, 11])], 0).unwrap();
        let error = store.append(1, &[(1, vec![12])], 0).unwrap_err();
        assert!(matches!(error, JournalError::Conflict { expected: 1, found: 2 }), "{error}");
        assert_eq!(all(&store, 0).len(), 2);
    }

    #[test]
    fn truncation_leaves_the_last_record_and_a_gap_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::<u32>::open(&dir.path().join("journal.redb"), 0).unwrap();
        store.append(0, &[(1, vec![10, 11]), (1, vec![12])], 0).unwrap();
        store.append(3, &[(1, vec![13])], 3).unwrap();
        assert_eq!(all(&store, 3), [(3, 1, 13)]);
        let error = store.replay(0, |_, _, _| ()).unwrap_err();
        assert!(matches!(error, JournalError::Gap { expected: 0, found: 3 }), "{error}");
    }

    #[test]
    fn a_newer_layout_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.redb");
        let store = Store::<u32>::open(&path, 0).unwrap();
        let tx = store.db.begin_write().unwrap();
        tx.open_table(META).unwrap().insert("layout", LAYOUT + 1).unwrap();
        tx.commit().unwrap();
        drop(store);
        assert!(matches!(Store::<u32>::open(&path, 0), Err(JournalError::Newer { found: 2 })));
    }
}
