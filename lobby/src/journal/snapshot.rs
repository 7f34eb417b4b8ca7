//! Snapshots: the core's state as files beside the journal, so that a start replays little.
//!
//! A file is written beside its place, synced and renamed: it is whole or not there. The last two are kept, and the
//! journal keeps what follows the older one: should the newer be damaged, the older one serves.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tracing::warn;

use crate::keys::write_whole;

const MAGIC: &[u8; 8] = b"bellhop\x01";
const HEADER: usize = 8 + 8 + 8 + 32;
/// Snapshots kept: the newest, and the one before in case the newest is damaged.
const KEPT: usize = 2;

/// Why a snapshot cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Could not read or write.
    #[error("could not read or write the snapshot {}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// One snapshot.
#[derive(Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The number of the first event that is not in it.
    pub next: u64,
    /// Core time of its last event.
    pub time: u64,
    /// The state, as the core wrote it.
    pub state: Vec<u8>,
}

/// The directory of snapshots.
#[derive(Debug, Clone)]
pub struct Snapshots {
    dir: PathBuf,
}

impl Snapshots {
    /// Of an existing directory.
    pub fn new(dir: PathBuf) -> Snapshots {
        Snapshots { dir }
    }

    /// Writes one and removes those it makes needless. Answers the number up to which the journal may be cut.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn write(&self, snapshot: &Snapshot) -> Result<u64, SnapshotError> {
        let path = self.dir.join(format!("{:020}.snapshot", snapshot.next));
        let mut bytes = Vec::with_capacity(HEADER + snapshot.state.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&snapshot.next.to_le_bytes());
        bytes.extend_from_slice(&snapshot.time.to_le_bytes());
        bytes.extend_from_slice(&[0; 32]);
        bytes.extend_from_slice(&snapshot.state);
        let hash = blake3::hash(&bytes);
        bytes[24..HEADER].copy_from_slice(hash.as_bytes());
        write_whole(&path, &bytes, 0o600).map_err(|source| SnapshotError::Io { path, source })?;

        let names = self.names()?;
        let (needless, kept) = names.split_at(names.len().saturating_sub(KEPT));
        for (_, path) in needless {
            fs::remove_file(path).map_err(|source| SnapshotError::Io { path: path.clone(), source })?;
        }
        Ok(if kept.len() < KEPT { 0 } else { kept[0].0 })
    }

    /// The snapshots that are whole, newest first. A damaged one is named in the log and passed over.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn read(&self) -> Result<impl Iterator<Item = Snapshot>, SnapshotError> {
        Ok(self.names()?.into_iter().rev().filter_map(|(_, path)| {
            let snapshot = fs::read(&path).ok().and_then(|bytes| parse(&bytes));
            if snapshot.is_none() {
                warn!(path = %path.display(), "snapshot is damaged or of a newer program, trying the one before");
            }
            snapshot
        }))
    }

    fn names(&self) -> Result<Vec<(u64, PathBuf)>, SnapshotError> {
        let error = |source| SnapshotError::Io { path: self.dir.clone(), source };
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(error)? {
            let path = entry.map_err(error)?.path();
            if let Some(next) = number(&path) {
                names.push((next, path));
            }
        }
        names.sort_unstable();
        Ok(names)
    }
}

fn number(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_suffix(".snapshot")?.parse().ok()
}

fn parse(bytes: &[u8]) -> Option<Snapshot> {
    if bytes.len() < HEADER || !bytes.starts_with(MAGIC) {
        return None;
    }
    let mut hashed = blake3::Hasher::new();
    hashed.update(&bytes[..24]).update(&[0; 32]).update(&bytes[HEADER..]);
    if hashed.finalize().as_bytes() != &bytes[24..HEADER] {
        return None;
    }
    let number = |at: usize| bytes[at..at + 8].try_into().map(u64::from_le_bytes).ok();
    Some(Snapshot { next: number(8)?, time: number(16)?, state: bytes[HEADER..].to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(next: u64) -> Snapshot {
        Snapshot { next, time: next * 10, state: vec![7; 100] }
    }

    #[test]
    fn two_are_kept_and_a_damaged_one_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let snapshots = Snapshots::new(dir.path().to_owned());
        assert_eq!(snapshots.read().unwrap().count(), 0);
        assert_eq!(snapshots.write(&snapshot(5)).unwrap(), 0);
        assert_eq!(snapshots.write(&snapshot(9)).unwrap(), 5);
        assert_eq!(snapshots.write(&snapshot(12)).unwrap(), 9);
        assert_eq!(snapshots.read().unwrap().collect::<Vec<_>>(), [snapshot(12), snapshot(9)]);

        let newest = dir.path().join(format!("{:020}.snapshot", 12));
        let whole = fs::read(&newest).unwrap();
        for at in [0, 9, 20, 30, HEADER, whole.len() - 1] {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&newest, damaged).unwrap();
            assert_eq!(snapshots.read().unwrap().next(), Some(snapshot(9)), "byte {at}");
        }
        fs::write(&newest, &whole[..20]).unwrap();
        assert_eq!(snapshots.read().unwrap().next(), Some(snapshot(9)));
    }
}
