//! The data directory: its lock, its layout, and the keys in it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bellhop_proto::tokens::Key;
use nix::fcntl::{Flock, FlockArg};

/// Why the data directory cannot be used. Each is one sentence for the one who typed the command.
#[derive(Debug, thiserror::Error)]
pub enum OpenDataError {
    /// Another lobby has it.
    #[error(
        "another lobby runs on the data directory {} (process {owner}): stop it, or choose another with --data",
        path.display()
    )]
    Taken {
        /// The directory.
        path: PathBuf,
        /// Process id, as far as it is known.
        owner: String,
    },
    /// It cannot be made or written.
    #[error("the data directory {} cannot be written: give this user the right to, or choose another with --data", path.display())]
    NotWritable {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A key file is there and is none.
    #[error("the key file {} is damaged: put the right one back, or remove it to have a new one made", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

/// The data directory, locked for this process for as long as this value lives.
#[derive(Debug)]
pub struct DataDir {
    root: PathBuf,
    _lock: Flock<File>,
}

impl DataDir {
    /// Makes the directory if it is missing and locks it. The lock ends with the process, however that ends.
    ///
    /// # Errors
    /// [`OpenDataError::Taken`] and [`OpenDataError::NotWritable`].
    pub fn open(root: &Path) -> Result<DataDir, OpenDataError> {
        let not_writable = |source| OpenDataError::NotWritable { path: root.to_owned(), source };
        for part in ["", "keys", "rooms", "snapshots", "bundles", "matches"] {
            fs::create_dir_all(root.join(part)).map_err(not_writable)?;
        }
        let root = root.canonicalize().map_err(not_writable)?;
        let path = root.join("lock");
        let mut file =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path).map_err(not_writable)?;
        let mut owner = String::new();
        let _empty_at_first = file.read_to_string(&mut owner);
        let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| {
            if errno != nix::errno::Errno::EWOULDBLOCK {
                return not_writable(errno.into());
            }
            let owner = if owner.trim().is_empty() { "unknown".into() } else { owner.trim().to_owned() };
            OpenDataError::Taken { path: root.clone(), owner }
        })?;
        let mut writer: &File = &lock;
        lock.set_len(0)
            .and_then(|()| io::Seek::rewind(&mut writer))
            .and_then(|()| writeln!(writer, "{}", std::process::id()))
            .map_err(not_writable)?;
        Ok(DataDir { root, _lock: lock })
    }

    /// A path inside it.
    pub fn path(&self, part: &str) -> PathBuf {
        self.root.join(part)
    }

    /// The gateways' key: 32 bytes in `keys/gateway.key`, made at first start.
    ///
    /// # Errors
    /// [`OpenDataError`].
    pub fn gateway_key(&self) -> Result<Key, OpenDataError> {
        let path = self.path("keys/gateway.key");
        let bytes = self.secret(&path, || Key::generate().as_bytes().to_vec())?;
        Key::from_bytes(&bytes).ok_or(OpenDataError::Damaged { path })
    }

    /// The operators' token, in `keys/operator.token`.
    ///
    /// # Errors
    /// [`OpenDataError`].
    pub fn operator_token(&self) -> Result<String, OpenDataError> {
        self.token("operator")
    }

    /// The token with which rooms of a fleet attach that the lobby did not start.
    ///
    /// # Errors
    /// [`OpenDataError`].
    pub fn fleet_token(&self, fleet: &str) -> Result<String, OpenDataError> {
        self.token(&format!("fleet-{fleet}"))
    }

    fn token(&self, name: &str) -> Result<String, OpenDataError> {
        let path = self.path(&format!("keys/{name}.token"));
        let bytes = self.secret(&path, || format!("{}\n", random_token()).into_bytes())?;
        let token = String::from_utf8(bytes).map_err(|_| OpenDataError::Damaged { path: path.clone() })?;
        let token = token.trim();
        if token.len() < 32 {
            return Err(OpenDataError::Damaged { path });
        }
        Ok(token.to_owned())
    }

    /// Reads a secret file, or makes it: whole or not at all, and only for the owner's eyes.
    fn secret(&self, path: &Path, make: impl FnOnce() -> Vec<u8>) -> Result<Vec<u8>, OpenDataError> {
        let not_writable = |source| OpenDataError::NotWritable { path: self.root.clone(), source };
        match fs::read(path) {
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let bytes = make();
                write_whole(path, &bytes, 0o600).map_err(not_writable)?;
                Ok(bytes)
            }
            Err(error) => Err(not_writable(error)),
        }
    }
}

/// 32 bytes from the operating system, as text.
///
/// # Panics
/// If the operating system has no randomness to give.
pub fn random_token() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes::<32>())
}

/// # Panics
/// If the operating system has no randomness to give.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// Writes a file so that it is there whole or not at all, also after a crash.
pub(crate) fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let beside = path.with_extension("tmp");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(mode).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_are_made_once_and_only_for_the_owner() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::open(&dir.path().join("new")).unwrap();
        let (key, token) = (data.gateway_key().unwrap(), data.operator_token().unwrap());
        assert_eq!(data.gateway_key().unwrap().as_bytes(), key.as_bytes());
        assert_eq!(data.operator_token().unwrap(), token);
        assert_ne!(data.fleet_token("default").unwrap(), token);
        for file in ["keys/gateway.key", "keys/operator.token", "keys/fleet-default.token"] {
            assert_eq!(fs::metadata(data.path(file)).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
        }
        fs::write(data.path("keys/gateway.key"), b"short").unwrap();
        let error = data.gateway_key().unwrap_err().to_string();
        assert!(error.contains("gateway.key is damaged"), "{error}");
    }

    #[test]
    fn a_second_lobby_is_told_who_has_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        let first = DataDir::open(dir.path()).unwrap();
        let error = DataDir::open(dir.path()).unwrap_err().to_string();
        assert!(error.contains("another lobby runs on the data directory"), "{error}");
        assert!(error.contains(&std::process::id().to_string()), "{error}");
        drop(first);
        DataDir::open(dir.path()).unwrap();
    }

    #[test]
    fn a_directory_that_cannot_be_written_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, b"").unwrap();
        let error = DataDir::open(&file).unwrap_err().to_string();
        assert!(error.contains("cannot be written"), "{error}");
    }
}
