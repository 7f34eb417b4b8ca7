//! Ways over which real sockets go: a TUN device, whose packets are late, are lost, and do not come at all for a while. How
//! TCP takes that is the kernel's own affair, timeouts and retransmissions included.
//!
//! Each way has an address. What the kernel sends there comes back from there, source and destination exchanged: who
//! connects to the way reaches who listens at [`HERE`]. A packet's checksums stay right, for they add the two up.

use std::net::Ipv4Addr;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bellhop_game::Rng;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio_tun::Tun;

use crate::link::Way;
use crate::local::programs;

/// The address at this end of all ways.
pub const HERE: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// The ways' addresses: these three, and a number from 1 on.
const FAR: [u8; 3] = [10, 77, 1];
/// What of an address all of them share.
const NETMASK: Ipv4Addr = Ipv4Addr::new(255, 255, 0, 0);
/// The longest packet, in bytes.
const MTU: u16 = 1_500;
/// Packets that may be on one way; what comes beside them is lost, as at a router that is full.
const MOST_ON_THE_WAY: usize = 1024;

/// One way.
#[derive(Debug)]
pub struct Road {
    /// What to connect to.
    pub far: Ipv4Addr,
    weather: Arc<Weather>,
}

#[derive(Debug)]
struct Weather {
    silent_until: Mutex<Instant>,
    loses: AtomicBool,
}

impl Road {
    /// From now on nothing gets through for so long, in either direction, and nobody is told.
    pub fn falls_silent(&self, during: Duration) {
        *self.weather.silent_until.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now() + during;
    }

    /// From now on nothing is lost.
    pub fn heals(&self) {
        self.weather.loses.store(false, Ordering::Relaxed);
    }
}

/// Carries what goes over the ways until it is dropped.
#[derive(Debug)]
pub struct Carrier(JoinHandle<Result<()>>);

impl Drop for Carrier {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs `bellhop-load` with these arguments in a network of its own, in which it may [`lay`] ways; gives the lines that it
/// writes.
///
/// # Errors
/// If this machine gives us no such network, or the program fails.
pub fn in_its_own_network(args: &[&str]) -> Result<Vec<String>> {
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--net", "--"]).arg(programs()?.join("bellhop-load")).args(args);
    let done = command.stderr(Stdio::inherit()).output().context("running `unshare`, which util-linux brings")?;
    ensure!(done.status.success(), "`bellhop-load {}` in a network of its own: {}", args[0], done.status);
    Ok(String::from_utf8(done.stdout)?.lines().map(str::to_owned).collect())
}

/// Lays a way of each of these kinds in this process's network, which must be its own; each loses what its seed says.
///
/// # Errors
/// If the network is not ours to change.
pub fn lay(ways: &[(Way, u64)]) -> Result<(Vec<Road>, Carrier)> {
    // A new network's own loopback is down.
    let up = Command::new("ip").args(["link", "set", "lo", "up"]).status();
    let up = up.context("running `ip`: install iproute2, or what your distribution calls so")?;
    ensure!(up.success(), "`ip link set lo up`: {up}");
    let device = Tun::builder().address(HERE).netmask(NETMASK).mtu(MTU.into()).up().build();
    let device = device.context("a TUN device: this needs a network of its own, and /dev/net/tun")?.pop();
    let device = Arc::new(device.context("one device was asked for")?);
    let (mut roads, mut gates, mut all) = (Vec::new(), Vec::new(), JoinSet::new());
    for (&(way, seed), number) in ways.iter().zip(1..=u8::MAX) {
        let weather = Weather { silent_until: Mutex::new(Instant::now()), loses: AtomicBool::new(true) };
        let weather = Arc::new(weather);
        let (send, receive) = mpsc::channel(MOST_ON_THE_WAY);
        gates.push(Gate { way, rng: Rng::new(seed), weather: Arc::clone(&weather), send });
        all.spawn(arrive(Arc::clone(&device), receive));
        roads.push(Road { far: Ipv4Addr::new(FAR[0], FAR[1], FAR[2], number), weather });
    }
    all.spawn(set_out(device, gates));
    let carrying = async move {
        match all.join_next().await {
            Some(ended) => ended?,
            None => Ok(()),
        }
    };
    Ok((roads, Carrier(tokio::spawn(carrying))))
}

/// Where packets set out.
struct Gate {
    way: Way,
    rng: Rng,
    weather: Arc<Weather>,
    send: mpsc::Sender<(Instant, Vec<u8>)>,
}

impl Gate {
    /// Whether a packet that sets out now is lost.
    fn loses(&mut self) -> bool {
        let silent_until = *self.weather.silent_until.lock().unwrap_or_else(PoisonError::into_inner);
        let unlucky = self.way.loses_one_in > 0 && self.rng.one_in(self.way.loses_one_in);
        Instant::now() < silent_until || unlucky && self.weather.loses.load(Ordering::Relaxed)
    }
}

/// The way that an IPv4 packet takes, counted from 0, if it takes any.
fn way_of(packet: &[u8]) -> Option<usize> {
    let is_ipv4 = packet.first()? >> 4 == 4;
    let far = packet.get(16..20)?;
    if is_ipv4 && far[..3] == FAR { usize::from(far[3]).checked_sub(1) } else { None }
}

/// Exchanges source and destination of an IPv4 packet.
fn turn_round(packet: &mut [u8]) {
    let (before, destination) = packet.split_at_mut(16);
    before[12..].swap_with_slice(&mut destination[..4]);
}

async fn set_out(device: Arc<Tun>, mut gates: Vec<Gate>) -> Result<()> {
    loop {
        let mut packet = vec![0; usize::from(MTU)];
        let length = device.recv(&mut packet).await.context("reading the TUN device")?;
        packet.truncate(length);
        let Some(gate) = way_of(&packet).and_then(|way| gates.get_mut(way)) else { continue };
        if !gate.loses() {
            turn_round(&mut packet);
            let arrives = Instant::now() + Duration::from_secs_f64(gate.way.round_trip_ms / 2e3);
            // A full way loses it.
            let _lost = gate.send.try_send((arrives, packet));
        }
    }
}

async fn arrive(device: Arc<Tun>, mut packets: mpsc::Receiver<(Instant, Vec<u8>)>) -> Result<()> {
    while let Some((arrives, packet)) = packets.recv().await {
        tokio::time::sleep_until(arrives.into()).await;
        device.send(&packet).await.context("writing to the TUN device")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_to_a_way_comes_back_from_it() {
        let mut packet = [0; 40];
        packet[0] = 0x45;
        packet[12..16].copy_from_slice(&HERE.octets());
        packet[16..20].copy_from_slice(&[10, 77, 1, 3]);
        assert_eq!(way_of(&packet), Some(2));
        turn_round(&mut packet);
        assert_eq!((&packet[12..16], &packet[16..20]), (&[10, 77, 1, 3][..], &HERE.octets()[..]));
        assert_eq!(way_of(&packet), None, "it is for us");
        assert_eq!(way_of(&[0x60; 40]), None, "it is IPv6");
        assert_eq!(way_of(&packet[..10]), None, "it is none");
    }
}
