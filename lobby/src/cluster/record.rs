//! What is written down of a room's process, so that it is found again after a restart of the lobby, and never
//! another one in its place.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

use crate::keys::write_whole;

/// A process: its number, when it was started, and since which start of the machine that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pid: i32,
    /// Clock ticks since the machine started.
    started: u64,
    boot: String,
}

impl Record {
    /// Of a process that runs.
    pub(super) fn of(pid: u32) -> io::Result<Record> {
        let pid = i32::try_from(pid).map_err(io::Error::other)?;
        Ok(Record { pid, started: started(pid)?, boot: boot()? })
    }

    pub(super) fn read(path: &Path) -> Option<Record> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        write_whole(path, &serde_json::to_vec(self)?, 0o600)
    }

    /// A handle of this very process; `None`: it has ended. The handle is opened first and checked then: once open
    /// it means no other process, whoever gets the number.
    pub(super) fn open(&self) -> Option<OwnedFd> {
        let handle = pidfd_open(Pid::from_raw(self.pid)?, PidfdFlags::NONBLOCK).ok()?;
        let same = boot().ok()? == self.boot && started(self.pid).ok()? == self.started;
        same.then_some(handle)
    }
}

/// Ends a process, now.
pub(super) fn kill(handle: &OwnedFd) -> io::Result<()> {
    match pidfd_send_signal(handle, Signal::KILL) {
        Ok(()) => Ok(()),
        Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Field 22 of the process's line; the name before it may have spaces and brackets.
fn started(pid: i32) -> io::Result<u64> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let rest = line.rsplit_once(')').map_or("", |(_, rest)| rest);
    let mut fields = rest.split_whitespace();
    // A zombie has ended.
    if fields.next() == Some("Z") {
        return Err(io::ErrorKind::NotFound.into());
    }
    fields.nth(18).and_then(|field| field.parse().ok()).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn boot() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_is_found_again_and_no_other_in_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.pid");
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let record = Record::of(child.id()).unwrap();
        record.write(&path).unwrap();
        assert_eq!(Record::read(&path).unwrap(), record);

        let later = Record { started: record.started + 1, ..record.clone() };
        assert!(later.open().is_none());
        let other_boot = Record { boot: "x".into(), ..record.clone() };
        assert!(other_boot.open().is_none());

        kill(&record.open().unwrap()).unwrap();
        child.wait().unwrap();
        assert!(record.open().is_none());
    }
}
