//! The real binary.

use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::support::within;

fn gateway(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bellhop-gateway"));
    command.args(["--private-listen", "off", "--key-file", "/nonexistent"]).args(flags);
    command.stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

#[tokio::test]
async fn sigterm_ends_it_even_where_a_parent_blocked_signals() {
    // The child inherits what this thread blocks.
    nix::sys::signal::SigSet::from(Signal::SIGTERM).thread_block().unwrap();
    let mut child = gateway(&["--listen", "127.0.0.1:0"]).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    while !within(log.next_line()).await.unwrap().unwrap().contains("the gateway is open") {}
    kill(Pid::from_raw(child.id().unwrap() as i32), Signal::SIGTERM).unwrap();
    assert!(within(child.wait()).await.unwrap().success());
}

#[tokio::test]
async fn what_is_wrong_with_its_flags_is_said_in_a_sentence() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = taken.local_addr().unwrap().to_string();
    for (flags, said) in [
        (["--listen", at.as_str()], "is taken: stop what listens on"),
        (["--lobby", "https://lobby"], "is not of the form http://HOST:PORT"),
        (["--trusted-proxy", "10.0.0.0/99"], "neither an address nor a block such as 10.0.0.0/8"),
        (["--listen", "here"], "invalid socket address"),
    ] {
        let output = within(gateway(&flags).output()).await.unwrap();
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && log.contains(said), "{flags:?}: {log}");
    }
}
