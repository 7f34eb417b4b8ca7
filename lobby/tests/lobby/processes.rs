//! Rooms as processes: they outlive the lobby, and are found again.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use bellhop_proto::v1;

use crate::support::{Lobby, with, within};

const FLEET: &str = r#"
[[fleet]]
name = "test"
games = ["duel"]
min_ready = 1
max_rooms = 1
start_timeout_seconds = 4

[[queue]]
name = "duel"
game = "duel"
"#;

/// A program that takes its secret like a room and then does something else.
fn program(dir: &Path, what: &str) -> PathBuf {
    let path = dir.join("room.sh");
    std::fs::write(&path, format!("#!/bin/sh\nread secret\necho started \"$@\"\n{what}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn rooms(data: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(data.join("rooms")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
}

fn pid(record: &Path) -> Option<i32> {
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(record).ok()?).ok()?;
    json["pid"].as_i64().map(|pid| pid as i32)
}

fn runs(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test]
async fn a_room_outlives_the_lobby_and_is_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let command = program(dir.path(), "exec sleep 300");
    let args = ["--room-command", command.to_str().unwrap()];
    let data = dir.path().join("data");
    let lobby = Lobby::start(&data, FLEET, &args);
    let started = async || {
        let record = rooms(&data, "pid").pop()?;
        Some((pid(&record)?, record))
    };
    let (room, record) = within("a room", started).await;
    let log = record.with_extension("log");
    let said = within("its log", async || std::fs::read_to_string(&log).ok().filter(|text| text.contains("started")));
    let said = said.await;
    assert!(said.contains("--fleet test --room r-") && said.contains("--secret-stdin"), "{said}");
    let stat = std::fs::read_to_string(format!("/proc/{room}/stat")).unwrap();
    let session: i32 = stat.rsplit(") ").next().unwrap().split(' ').nth(3).unwrap().parse().unwrap();
    assert_eq!(session, room, "it has a session of its own");

    let data = lobby.kill();
    assert!(runs(room), "it lives on");
    let lobby = Lobby::start(&data, FLEET, &args);
    // It never attaches, so it is given up: this very process is ended, though it is nobody's child.
    within("its end", async || (!runs(room)).then_some(())).await;
    within("another one in its place", async || {
        let (other, _) = started().await?;
        (other != room && runs(other)).then_some(())
    })
    .await;

    let (mut ops, token) = lobby.operations().await;
    let stop = v1::StopLobbyRequest { rooms_too: true, within_seconds: 0 };
    ops.stop_lobby(with(&token, stop)).await.unwrap();
    assert_eq!(lobby.ended().await, Some(0));
    let (last, _) = started().await.unwrap_or_default();
    assert!(last == 0 || !runs(last), "nothing is left behind");
}

#[tokio::test]
async fn a_fleet_whose_rooms_are_not_used_again_says_so_to_each() {
    let dir = tempfile::tempdir().unwrap();
    let command = program(dir.path(), "exec sleep 300");
    let data = dir.path().join("data");
    let fleet = FLEET.replacen("min_ready", "recycle = \"never\"\nmin_ready", 1);
    let lobby = Lobby::start(&data, &fleet, &["--room-command", command.to_str().unwrap()]);
    within("a room that is told", async || {
        let log = std::fs::read_to_string(rooms(&data, "log").pop()?).ok()?;
        log.contains("--recycle never").then_some(())
    })
    .await;
    let (mut ops, token) = lobby.operations().await;
    let stop = v1::StopLobbyRequest { rooms_too: true, within_seconds: 0 };
    ops.stop_lobby(with(&token, stop)).await.unwrap();
    assert_eq!(lobby.ended().await, Some(0));
}

#[tokio::test]
async fn rooms_that_keep_crashing_are_not_started_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let command = program(dir.path(), "exit 3");
    let data = dir.path().join("data");
    let lobby = Lobby::start(&data, FLEET, &["--room-command", command.to_str().unwrap()]);
    let (mut ops, token) = lobby.operations().await;
    within("the fleet says why", async || {
        let fleets = ops.list_fleets(with(&token, v1::ListFleetsRequest {})).await.unwrap().into_inner().fleets;
        (!fleets[0].condition.is_empty() && fleets[0].starting == 0).then_some(())
    })
    .await;
    assert!(rooms(&data, "log").len() <= 8);
}
