//! The journals of matches: taken from the rooms while they run, kept for a while after.
//!
//! A file per match, named by its id, so that nothing has to be looked up; beside it the hash of its game's bundle. A room
//! whose stream broke sends its journal again from the beginning; what is there already is written over with the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use lobby_core::MatchId;

use crate::keys::write_whole;

/// Longest journal of one match: a room keeps no longer one.
const MAX_BYTES: u64 = 8 << 20;
/// Longest journal of a match that goes on in another room: below where a room cuts one off, so that it is whole, and
/// short enough to be played again while its players wait.
const MAX_RECOVERED_BYTES: usize = 6 << 20;
/// All journals together; beyond it the oldest go.
const MAX_TOTAL_BYTES: u64 = 1 << 30;
/// What lies beside a journal: the hash of its bundle; and, where it is in the store of replays, a mark.
const BUNDLE: &str = "bundle";
const STORED: &str = "stored";

/// Why a piece of a journal is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalError {
    /// Not where the one before ended, or beyond the limit.
    #[error("a piece of it does not fit: a journal has at most {MAX_BYTES} bytes, sent in order")]
    Piece,
    /// It cannot be kept.
    #[error("it cannot be written")]
    Write(#[from] io::Error),
}

/// The journals in the data directory.
#[derive(Debug)]
pub(crate) struct Journals {
    dir: PathBuf,
    /// How long journals are kept after they were last written.
    keep: Duration,
    /// Opened since it was last asked; `None`: nobody asks.
    opened: Option<Mutex<BTreeSet<MatchId>>>,
}

impl Journals {
    /// Those in `dir`, kept for so long after they were last written. Where there is a store of replays, its keeper asks
    /// for those opened.
    pub(crate) fn new(dir: PathBuf, keep: Duration, has_store: bool) -> Journals {
        Journals { dir, keep, opened: has_store.then(Mutex::default) }
    }

    /// Those opened since it was last asked.
    pub(crate) fn take_opened(&self) -> BTreeSet<MatchId> {
        let Some(opened) = &self.opened else { return BTreeSet::new() };
        std::mem::take(&mut *opened.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Those without a mark of the store of replays, which has none of their bytes for sure.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub(crate) fn unstored(&self) -> io::Result<BTreeMap<MatchId, u64>> {
        let mut found = BTreeMap::new();
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            let match_id = path.file_stem().and_then(|stem| stem.to_str()?.parse::<MatchId>().ok());
            if let Some(match_id) = match_id
                && path.extension().is_some_and(|extension| extension == "journal")
                && !path.with_extension(STORED).exists()
            {
                found.insert(match_id, 0);
            }
        }
        Ok(found)
    }

    /// Marks a journal as whole in the store of replays.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn mark_stored(&self, match_id: MatchId) -> io::Result<()> {
        fs::write(self.path(match_id).with_extension(STORED), "")
    }

    fn path(&self, match_id: MatchId) -> PathBuf {
        self.dir.join(format!("{match_id}.journal"))
    }

    /// Whether the journal of a match is here.
    pub(crate) fn has(&self, match_id: MatchId) -> bool {
        self.path(match_id).exists()
    }

    /// The journal of a match that is to go on in another room, up to its last whole chunk; `None`: there is none, or it
    /// is too long. The room that had it writes no more of it: what it holds open is not this file any more.
    ///
    /// # Errors
    /// If it cannot be read, or written anew.
    pub(crate) fn take_over(&self, match_id: MatchId) -> io::Result<Option<Vec<u8>>> {
        let Some((mut bytes, _)) = self.read(match_id)? else { return Ok(None) };
        bytes.truncate(whole(&bytes));
        if bytes.is_empty() || bytes.len() > MAX_RECOVERED_BYTES {
            return Ok(None);
        }
        write_whole(&self.path(match_id), &bytes, 0o600)?;
        Ok(Some(bytes))
    }

    /// Opens the journal of a match that begins, or goes on, on this stream; `bundle` is the page's part of its game.
    pub(crate) async fn open(
        self: Arc<Self>,
        match_id: MatchId,
        epoch: u64,
        bundle: String,
    ) -> Result<Open, JournalError> {
        let path = self.path(match_id);
        if let Some(opened) = &self.opened {
            opened.lock().unwrap_or_else(PoisonError::into_inner).insert(match_id);
        }
        let open = move || {
            fs::write(path.with_extension(BUNDLE), bundle)?;
            OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)
        };
        let file = tokio::task::spawn_blocking(open).await.map_err(io::Error::other)??;
        let length = file.metadata()?.len();
        Ok(Open { match_id, epoch, file: Arc::new(file), length })
    }

    /// The journal of a match and the hash of its game's bundle; `None`: there is none, or it is kept no more.
    pub(crate) fn read(&self, match_id: MatchId) -> io::Result<Option<(Vec<u8>, String)>> {
        let path = self.path(match_id);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some((bytes, fs::read_to_string(path.with_extension(BUNDLE))?))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Lets go of what is too old or too much. To be called now and then, where a disk may be waited for.
    ///
    /// # Errors
    /// If the directory cannot be read, or a file cannot be removed.
    pub(crate) fn tidy(&self, now: SystemTime) -> io::Result<()> {
        let mut journals = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let (path, about) = entry.and_then(|entry| Ok((entry.path(), entry.metadata()?)))?;
            if path.extension().is_some_and(|extension| extension == "journal") {
                journals.push((about.modified()?, about.len(), path));
            }
        }
        journals.sort_unstable();
        let mut total: u64 = journals.iter().map(|(_, length, _)| length).sum();
        for (written, length, path) in journals {
            let old = now.duration_since(written).is_ok_and(|age| age > self.keep);
            if !old && total <= MAX_TOTAL_BYTES {
                break;
            }
            fs::remove_file(&path)?;
            fs::remove_file(path.with_extension(BUNDLE))?;
            match fs::remove_file(path.with_extension(STORED)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
            total -= length;
        }
        Ok(())
    }
}

/// Bytes before the first chunk of a journal, and before each: its length, 32 bits little endian, and a check value.
const MAGIC_BYTES: usize = 8;
const CHUNK_HEAD: usize = 12;

/// Where the last whole chunk of a journal ends.
fn whole(bytes: &[u8]) -> usize {
    let mut at = if bytes.len() < MAGIC_BYTES { return 0 } else { MAGIC_BYTES };
    while let Some((length, _)) = bytes[at..].split_first_chunk::<4>() {
        let end = at + CHUNK_HEAD + u32::from_le_bytes(*length) as usize;
        if end > bytes.len() {
            break;
        }
        at = end;
    }
    at
}

/// The journal of a match that runs.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) match_id: MatchId,
    pub(crate) epoch: u64,
    file: Arc<File>,
    length: u64,
}

impl Open {
    /// Writes a piece where it belongs.
    ///
    /// # Errors
    /// [`JournalError`].
    pub(crate) async fn write(&mut self, offset: u64, data: Vec<u8>) -> Result<(), JournalError> {
        let end = offset.saturating_add(data.len() as u64);
        if offset > self.length || end > MAX_BYTES {
            return Err(JournalError::Piece);
        }
        let file = self.file.clone();
        let write = move || file.write_all_at(&data, offset);
        tokio::task::spawn_blocking(write).await.map_err(io::Error::other)??;
        self.length = self.length.max(end);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEP: Duration = Duration::from_secs(60);

    fn journals() -> (tempfile::TempDir, Arc<Journals>) {
        let dir = tempfile::tempdir().unwrap();
        let journals = Arc::new(Journals::new(dir.path().to_owned(), KEEP, true));
        (dir, journals)
    }

    #[tokio::test]
    async fn pieces_come_in_order_and_may_come_again() {
        let (_dir, journals) = journals();
        let mut open = journals.clone().open(MatchId(7), 1, "b".into()).await.unwrap();
        open.write(0, b"once ".to_vec()).await.unwrap();
        open.write(5, b"upon".to_vec()).await.unwrap();
        assert!(matches!(open.write(10, b"x".to_vec()).await, Err(JournalError::Piece)), "a gap");
        assert!(matches!(open.write(MAX_BYTES, b"x".to_vec()).await, Err(JournalError::Piece)), "too long");
        let mut again = journals.clone().open(MatchId(7), 1, "b".into()).await.unwrap();
        again.write(0, b"once upon".to_vec()).await.unwrap();
        again.write(9, b" a time".to_vec()).await.unwrap();
        assert_eq!(journals.read(MatchId(7)).unwrap().unwrap(), (b"once upon a time".to_vec(), "b".to_owned()));
        assert_eq!(journals.read(MatchId(8)).unwrap(), None);
    }

    #[tokio::test]
    async fn who_takes_a_journal_over_has_its_whole_chunks_and_the_last_room_writes_no_more() {
        let (_dir, journals) = journals();
        let chunk = |byte: u8, length: u32| [&length.to_le_bytes()[..], &[0; 8], &vec![byte; length as usize]].concat();
        let good = [b"bellhop1".to_vec(), chunk(1, 5), chunk(2, 300)].concat();
        let mut old = journals.clone().open(MatchId(7), 1, "b".into()).await.unwrap();
        old.write(0, good.clone()).await.unwrap();
        old.write(good.len() as u64, chunk(3, 50)[..40].to_vec()).await.unwrap();
        assert_eq!(journals.take_over(MatchId(7)).unwrap().unwrap(), good, "the last chunk was cut off");
        old.write(good.len() as u64, chunk(4, 9)).await.unwrap();
        assert_eq!(journals.read(MatchId(7)).unwrap().unwrap().0, good, "the old room is heard no more");
        let mut new = journals.clone().open(MatchId(7), 2, "b".into()).await.unwrap();
        new.write(0, good.clone()).await.unwrap();
        new.write(good.len() as u64, chunk(5, 1)).await.unwrap();
        let longer = [good, chunk(5, 1)].concat();
        assert_eq!(journals.read(MatchId(7)).unwrap().unwrap().0, longer);
        assert!(journals.has(MatchId(7)) && !journals.has(MatchId(8)));
        assert_eq!(journals.take_over(MatchId(8)).unwrap(), None);
        new.write(longer.len() as u64, chunk(6, MAX_RECOVERED_BYTES as u32)).await.unwrap();
        assert_eq!(journals.take_over(MatchId(7)).unwrap(), None, "it may not be whole");
    }

    #[tokio::test]
    async fn what_is_old_goes() {
        let (dir, journals) = journals();
        journals.clone().open(MatchId(1), 1, "b".into()).await.unwrap().write(0, b"x".to_vec()).await.unwrap();
        assert_eq!(journals.take_opened(), [MatchId(1)].into());
        assert_eq!(journals.unstored().unwrap(), [(MatchId(1), 0)].into());
        journals.mark_stored(MatchId(1)).unwrap();
        assert!(journals.unstored().unwrap().is_empty() && journals.take_opened().is_empty());
        journals.tidy(SystemTime::now()).unwrap();
        journals.tidy(SystemTime::now() - KEEP * 60).unwrap(); // a clock that was set back makes nothing old
        assert!(journals.read(MatchId(1)).unwrap().is_some());
        journals.tidy(SystemTime::now() + KEEP * 2).unwrap();
        assert!(journals.read(MatchId(1)).unwrap().is_none());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing of it stays");
    }
}
