//! The page's part of games: taken from the rooms that bring it, kept by its hash, served as it is for ever.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use bellhop_proto::v1;

/// All of one bundle. A game should stay below 1 MiB; art may take more.
const MAX_BUNDLE_BYTES: usize = 64 << 20;
/// Files of one bundle.
const MAX_FILES: usize = 1_000;
/// Bundles kept; the one that came first goes.
const MAX_BUNDLES: usize = 64;

/// Why a bundle is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BundleError {
    /// Too large, or not where the one before ended.
    #[error("a piece of it does not fit: a bundle has at most {MAX_BUNDLE_BYTES} bytes, sent in order")]
    Piece,
    /// It is not what its hash says.
    #[error("its content does not have the hash it was announced with")]
    Hash,
    /// It cannot be read.
    #[error("it is not an archive of at most {MAX_FILES} files with plain relative paths")]
    Archive,
    /// It cannot be kept.
    #[error("it cannot be written")]
    Write(#[from] io::Error),
}

/// The bundles in the data directory.
#[derive(Debug)]
pub(crate) struct Bundles {
    dir: PathBuf,
}

impl Bundles {
    pub(crate) fn new(dir: PathBuf) -> Bundles {
        Bundles { dir }
    }

    /// The bundles of these games that are not here.
    pub(crate) fn wanted(&self, games: &[v1::GameInfo]) -> VecDeque<String> {
        let mut wanted: Vec<String> = games
            .iter()
            .filter(|game| is_hash(&game.bundle) && !self.dir.join(&game.bundle).is_dir())
            .filter(|game| game.bundle_bytes <= MAX_BUNDLE_BYTES as u64)
            .map(|game| game.bundle.clone())
            .collect();
        wanted.dedup();
        wanted.into()
    }

    /// A file of a bundle; `None`: there is none. Paths lead nowhere else.
    pub(crate) fn file(&self, hash: &str, path: &str) -> Option<PathBuf> {
        (is_hash(hash) && is_plain_path(path)).then(|| self.dir.join(hash).join(path))
    }

    /// Checks and keeps a bundle.
    pub(crate) async fn store(self: Arc<Self>, hash: String, archive: Vec<u8>) -> Result<(), BundleError> {
        let storing = tokio::task::spawn_blocking(move || self.store_now(&hash, &archive));
        storing.await.unwrap_or_else(|error| Err(io::Error::other(error).into()))
    }

    fn store_now(&self, hash: &str, archive: &[u8]) -> Result<(), BundleError> {
        if blake3::hash(archive).to_hex().as_str() != hash {
            return Err(BundleError::Hash);
        }
        let files = unpack(archive).ok_or(BundleError::Archive)?;
        let place = self.dir.join(hash);
        // Beside its place, then renamed: a bundle is there whole or not at all.
        let beside = tempfile::Builder::new().prefix(".incoming-").tempdir_in(&self.dir)?;
        for (path, content) in files {
            let path = beside.path().join(path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(path, content)?;
        }
        match fs::rename(beside.path(), &place) {
            Ok(()) => drop(beside.keep()),
            // Another room brought it meanwhile.
            Err(_) if place.is_dir() => {}
            Err(error) => return Err(error.into()),
        }
        self.forget_oldest()?;
        Ok(())
    }

    fn forget_oldest(&self) -> io::Result<()> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(is_hash) {
                all.push((entry.metadata()?.modified()?, entry.path()));
            }
        }
        all.sort();
        let too_many = all.len().saturating_sub(MAX_BUNDLES);
        all[..too_many].iter().try_for_each(|(_, path)| fs::remove_dir_all(path))
    }
}

/// The bundles one room sends, one after the other.
#[derive(Debug)]
pub(crate) struct Collecting {
    wanted: VecDeque<String>,
    current: Option<(String, Vec<u8>)>,
}

impl Collecting {
    pub(crate) fn new(wanted: VecDeque<String>) -> Collecting {
        Collecting { wanted, current: None }
    }

    /// The next one to ask for.
    pub(crate) fn next_wanted(&mut self) -> Option<String> {
        let hash = self.wanted.pop_front()?;
        self.current = Some((hash.clone(), Vec::new()));
        Some(hash)
    }

    /// Takes a piece. Answers the whole archive with its last one.
    pub(crate) fn take(&mut self, chunk: v1::BundleChunk) -> Result<Option<(String, Vec<u8>)>, BundleError> {
        let Some((hash, mut archive)) = self.current.take() else { return Ok(None) };
        let fits = hash == chunk.hash
            && chunk.offset == archive.len() as u64
            && archive.len() + chunk.data.len() <= MAX_BUNDLE_BYTES;
        if !fits {
            return Err(BundleError::Piece);
        }
        archive.extend_from_slice(&chunk.data);
        if chunk.last {
            return Ok(Some((hash, archive)));
        }
        self.current = Some((hash, archive));
        Ok(None)
    }
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// A relative path that leads down and nowhere else.
pub(crate) fn is_plain_path(path: &str) -> bool {
    !path.is_empty()
        && path.len() <= 512
        && !path.contains(['\\', '\0'])
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// Files of an archive: length of the path, path, length of the content, content; 32 bit, little endian.
fn unpack(mut archive: &[u8]) -> Option<Vec<(&str, &[u8])>> {
    fn piece<'a>(archive: &mut &'a [u8]) -> Option<&'a [u8]> {
        let (length, rest) = archive.split_first_chunk::<4>()?;
        let (piece, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        *archive = rest;
        Some(piece)
    }
    let mut files = Vec::new();
    while !archive.is_empty() {
        let path = std::str::from_utf8(piece(&mut archive)?).ok()?;
        let content = piece(&mut archive)?;
        if !is_plain_path(path) || files.len() == MAX_FILES {
            return None;
        }
        files.push((path, content));
    }
    Some(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(files: &[(&str, &str)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (path, content) in files {
            for piece in [path, content] {
                bytes.extend_from_slice(&(piece.len() as u32).to_le_bytes());
                bytes.extend_from_slice(piece.as_bytes());
            }
        }
        bytes
    }

    #[test]
    fn a_bundle_is_kept_by_its_hash() {
        let dir = tempfile::tempdir().unwrap();
        let bundles = Bundles::new(dir.path().to_owned());
        let packed = archive(&[("art/a.svg", "<svg/>"), ("index.js", "let a")]);
        let hash = blake3::hash(&packed).to_hex().to_string();
        let game = v1::GameInfo { bundle: hash.clone(), ..v1::GameInfo::default() };
        assert_eq!(bundles.wanted(std::slice::from_ref(&game)), [hash.as_str()]);
        bundles.store_now(&hash, &packed).unwrap();
        assert_eq!(fs::read_to_string(bundles.file(&hash, "art/a.svg").unwrap()).unwrap(), "<svg/>");
        assert!(bundles.wanted(std::slice::from_ref(&game)).is_empty());
        bundles.store_now(&hash, &packed).unwrap();
        for bad in ["../x", "/etc/passwd", "", "a/../../b", "a\\b"] {
            assert_eq!(bundles.file(&hash, bad), None, "{bad}");
        }
        assert_eq!(bundles.file("..", "x"), None);
    }

    #[test]
    fn a_bundle_that_lies_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let bundles = Bundles::new(dir.path().to_owned());
        let store = |packed: &[u8]| bundles.store_now(&blake3::hash(packed).to_hex(), packed);
        assert!(matches!(store(&archive(&[("../evil", "x")])), Err(BundleError::Archive)));
        assert!(matches!(store(b"\xff\xff\xff\xff"), Err(BundleError::Archive)));
        let packed = archive(&[("a", "b")]);
        let lie = blake3::hash(b"other").to_hex().to_string();
        assert!(matches!(bundles.store_now(&lie, &packed), Err(BundleError::Hash)));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn pieces_come_in_order() {
        let chunk = |offset, last| v1::BundleChunk { hash: "h".into(), offset, data: vec![1, 2].into(), last };
        let mut collecting = Collecting::new(VecDeque::from(["h".to_owned()]));
        assert_eq!(collecting.next_wanted().as_deref(), Some("h"));
        assert!(collecting.take(chunk(0, false)).unwrap().is_none());
        assert_eq!(collecting.take(chunk(2, true)).unwrap().unwrap().1, [1, 2, 1, 2]);
        collecting.wanted.push_back("h".into());
        collecting.next_wanted();
        assert!(matches!(collecting.take(chunk(2, true)), Err(BundleError::Piece)));
        assert!(collecting.take(chunk(0, true)).unwrap().is_none());
    }
}
