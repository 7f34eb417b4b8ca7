//! The page's part of a game, which travels with the room.
//!
//! A bundle is a directory. It is sent as an archive: for each file, sorted by path, the length of the path, the
//! path, the length of the content, the content; lengths are 32 bit, little endian. Its hash is the BLAKE3 of that.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

/// Files of one bundle.
const MAX_FILES: usize = 1_000;

/// All of a bundle. A game should stay below 1 MiB; art may take more.
const MAX_BYTES: u64 = 64 << 20;

/// One game's bundle, looked at once and read again when the lobby wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bundle {
    pub(crate) game: &'static str,
    /// Hex.
    pub(crate) hash: String,
    /// Of the archive.
    pub(crate) bytes: u64,
    files: Vec<(String, PathBuf)>,
}

impl Bundle {
    /// The bundle of a game below a directory; none where the game has none.
    pub(crate) fn find(bundles: &Path, game: &'static str) -> anyhow::Result<Option<Bundle>> {
        let root = bundles.join(game);
        if !root.is_dir() {
            return Ok(None);
        }
        let mut files = Vec::new();
        list(&root, &root, &mut files).with_context(|| format!("reading the bundle {}", root.display()))?;
        files.sort();
        let mut bundle = Bundle { game, hash: String::new(), bytes: 0, files };
        let mut hasher = blake3::Hasher::new();
        bundle.bytes = bundle.pack(&mut |piece| {
            hasher.update(piece);
        })?;
        bundle.hash = hasher.finalize().to_hex().to_string();
        Ok(Some(bundle))
    }

    /// The archive.
    pub(crate) fn archive(&self) -> anyhow::Result<Vec<u8>> {
        let mut archive = Vec::new();
        self.pack(&mut |piece| archive.extend_from_slice(piece))?;
        ensure!(
            blake3::hash(&archive).to_hex().as_str() == self.hash,
            "the bundle of {} changed while the room ran; start a new room to serve it",
            self.game
        );
        Ok(archive)
    }

    fn pack(&self, to: &mut dyn FnMut(&[u8])) -> anyhow::Result<u64> {
        let mut bytes = 0;
        let mut content = Vec::new();
        for (name, path) in &self.files {
            content.clear();
            let mut file = std::fs::File::open(path).with_context(|| format!("opening {}", path.display()))?;
            file.read_to_end(&mut content).with_context(|| format!("reading {}", path.display()))?;
            bytes += 8 + (name.len() + content.len()) as u64;
            ensure!(bytes <= MAX_BYTES, "the bundle of {} has more than {MAX_BYTES} bytes", self.game);
            to(&(name.len() as u32).to_le_bytes());
            to(name.as_bytes());
            to(&(content.len() as u32).to_le_bytes());
            to(&content);
        }
        Ok(bytes)
    }
}

fn list(root: &Path, at: &Path, files: &mut Vec<(String, PathBuf)>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(at)? {
        let path = entry?.path();
        if path.is_dir() {
            list(root, &path, files)?;
            continue;
        }
        ensure!(files.len() < MAX_FILES, "a bundle has at most {MAX_FILES} files");
        let name = path.strip_prefix(root)?.to_str().with_context(|| format!("{} is no UTF-8", path.display()))?;
        files.push((name.to_owned(), path));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_archive_whatever_the_order() {
        let dir = tempfile::tempdir().unwrap();
        let game = dir.path().join("snake");
        std::fs::create_dir_all(game.join("art")).unwrap();
        std::fs::write(game.join("index.js"), "let a").unwrap();
        std::fs::write(game.join("art/a.svg"), "<svg/>").unwrap();
        let bundle = Bundle::find(dir.path(), "snake").unwrap().unwrap();
        let archive = bundle.archive().unwrap();
        assert_eq!(archive, b"\x09\0\0\0art/a.svg\x06\0\0\0<svg/>\x08\0\0\0index.js\x05\0\0\0let a");
        assert_eq!(bundle.bytes, archive.len() as u64);
        assert_eq!(bundle.hash, blake3::hash(&archive).to_hex().as_str());
        assert_eq!(Bundle::find(dir.path(), "chess").unwrap(), None);

        std::fs::write(game.join("index.js"), "let b").unwrap();
        assert!(bundle.archive().unwrap_err().to_string().contains("changed"));
    }
}
