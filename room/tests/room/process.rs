//! The real binary.

use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

use crate::lobby::{FalseLobby, SECRET};
use crate::support::within;

async fn start(lobby: &FalseLobby) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_bellhop-room"))
        .args([
            "--lobby",
            &format!("http://{}", lobby.address),
            "--room",
            "r-1",
            "--fleet",
            "default",
            "--secret-stdin",
        ])
        .stdin(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(format!("{SECRET}\n").as_bytes()).await.unwrap();
    child
}

#[tokio::test]
async fn sigterm_drains_the_real_process_and_it_is_small() {
    let lobby = FalseLobby::start().await;
    let mut child = start(&lobby).await;
    let mut line = lobby.line().await;
    assert_eq!(
        line.hello.games.iter().map(|game| game.name.as_str()).collect::<Vec<_>>(),
        ["snake", "tanks", "tictactoe", "maze", "sketch"]
    );
    let report = line.report(|report| report.sequence >= 2).await;
    // The design allows 10 MiB in a release build; a debug build maps more of itself.
    assert!(report.health.unwrap().rss_bytes < 32 << 20, "{report:?}");
    kill(Pid::from_raw(child.id().unwrap() as i32), Signal::SIGTERM).unwrap();
    assert!(within(child.wait()).await.unwrap().success());
}

#[tokio::test]
async fn a_room_that_was_told_no_secret_says_so() {
    let output = Command::new(env!("CARGO_BIN_EXE_bellhop-room")).arg("--secret-stdin").stdin(Stdio::null()).output();
    let output = within(output).await.unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("standard input holds no secret"));
}
