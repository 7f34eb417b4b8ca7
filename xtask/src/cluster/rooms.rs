//! Rooms as this machine sees them: processes with sockets, whose environment says which room they are.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::process::{self, wait_for};
use super::release::{NAMESPACE, PATIENCE, Release};
use super::trial::kubectl;

/// The port of a room for game sockets, and how /proc/net/tcp writes that a connection is established.
const GAME_PORT: u16 = 7777;
const ESTABLISHED: &str = "01";
/// Who has played so long has seen frames and made moves.
const WELL_BEGUN: Duration = Duration::from_secs(1);

/// A room that runs.
pub(super) struct Room {
    pub(super) pid: i32,
    pub(super) id: String,
    pub(super) fleet: String,
}

impl Room {
    /// The name of its pod.
    pub(super) fn pod(&self) -> String {
        format!("{}-{}", self.fleet, self.id)
    }

    /// Where those come from whose game sockets are open.
    pub(super) fn players(&self) -> Vec<Ipv4Addr> {
        let text = std::fs::read_to_string(format!("/proc/{}/net/tcp", self.pid)).unwrap_or_default();
        text.lines().filter_map(player).collect()
    }

    /// SIGKILL.
    pub(super) fn kill(&self) -> Result<()> {
        kill(Pid::from_raw(self.pid), Signal::SIGKILL).with_context(|| format!("killing the room {}", self.id))
    }
}

/// The other side of a line of /proc/net/tcp, if that is an open game socket.
fn player(line: &str) -> Option<Ipv4Addr> {
    let mut fields = line.split_whitespace().skip(1);
    let (local, remote, state) = (fields.next()?, fields.next()?, fields.next()?);
    if state != ESTABLISHED || !local.ends_with(&format!(":{GAME_PORT:04X}")) {
        return None;
    }
    let (address, _) = remote.split_once(':')?;
    u32::from_str_radix(address, 16).ok().map(|number| Ipv4Addr::from(number.to_le_bytes()))
}

/// All of the rooms with the bundled games.
pub(super) fn all() -> Result<Vec<Room>> {
    Ok(running("bellhop-room")?.into_iter().filter_map(of_process).collect())
}

/// The room that a process is, by what its pod told it.
fn of_process(pid: i32) -> Option<Room> {
    let told = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
    let of = |name: &str| {
        let mut told = told.split(|byte| *byte == 0).filter_map(|variable| std::str::from_utf8(variable).ok());
        told.find_map(|variable| variable.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned)
    };
    Some(Room { pid, id: of("BELLHOP_ROOM_ID")?, fleet: of("BELLHOP_ROOM_FLEET")? })
}

/// Waits for a room of a fleet, another one than `but`, in which two have played for a while.
pub(super) fn in_mid_match(fleet: &str, but: &str) -> Result<Room> {
    let (mut found, mut since) = (None::<Room>, Instant::now());
    wait_for(&format!("a match in a room of {fleet}"), PATIENCE, || {
        let plays = |room: &Room| room.fleet == fleet && room.id != but && room.players().len() >= 2;
        let now = all()?.into_iter().find(plays);
        if now.as_ref().map(|room| &room.id) != found.as_ref().map(|room| &room.id) {
            since = Instant::now();
        }
        found = now;
        Ok(found.is_some() && since.elapsed() >= WELL_BEGUN)
    })?;
    found.context("a room was found")
}

/// Processes of this name in the cluster.
pub(super) fn running(program: &str) -> Result<Vec<i32>> {
    Ok(process::owned(&[])?.into_iter().filter(|pid| comm(*pid) == program).collect())
}

/// What a process is called.
pub(super) fn comm(pid: i32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned()
}

/// Evicts a room's pod, as `kubectl drain` does it.
///
/// # Errors
/// What the API server has against it.
pub(super) fn evict(release: &Release<'_>, room: &Room) -> Result<()> {
    let pod = room.pod();
    let eviction = format!(
        r#"{{"apiVersion":"policy/v1","kind":"Eviction","metadata":{{"name":"{pod}","namespace":"{NAMESPACE}"}}}}"#
    );
    let path = format!("/api/v1/namespaces/{NAMESPACE}/pods/{pod}/eviction");
    kubectl(release.layout, &["create", "--raw", &path, "-f", "-"], Some(&eviction)).map(drop)
}

/// Waits until a room's pod is gone.
pub(super) fn goes(release: &Release<'_>, room: &Room) -> Result<()> {
    let pod = format!("pod/{}", room.pod());
    wait_for(&format!("the end of {pod}"), PATIENCE, || Ok(!release.rooms_of(&room.fleet)?.contains(&pod)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_game_socket_says_who_plays() {
        let line = |local: &str, state: &str| {
            format!("   1: 0701F40A:{local} FE00630A:C350 {state} 00000000:00000000 00:00000000 00000000 65532 0 1")
        };
        assert_eq!(player(&line("1E61", "01")), Some(Ipv4Addr::new(10, 99, 0, 254)));
        assert_eq!(player(&line("1E61", "06")), None, "it is closed");
        assert_eq!(player(&line("1F94", "01")), None, "it is another port");
        assert_eq!(player("  sl  local_address rem_address   st"), None);
    }
}
