//! Starting and stopping.

use std::net::TcpListener;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{DUEL, Lobby, Player, within};

#[tokio::test]
async fn what_keeps_it_from_starting_is_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let refused = |data: &std::path::Path, args: &[&str]| match Lobby::try_start(data, args) {
        Ok(_) => panic!("it started"),
        Err(said) => said,
    };
    let said = refused(&lobby.data, &["--start-rooms", "false"]);
    assert!(said.contains("bellhop-lobby: another lobby runs on the data directory"), "{said}");
    assert!(said.contains(&lobby.pid().to_string()), "{said}");

    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let said = refused(&file, &["--start-rooms", "false"]);
    assert!(said.contains("cannot be written") && said.contains("--data"), "{said}");

    let said = refused(&dir.path().join("b"), &["--room-command", "/nowhere/room"]);
    assert!(said.contains("there is no room program at /nowhere/room"), "{said}");

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let said = Lobby::try_start(&dir.path().join("c"), &["--start-rooms", "false", "--public-url", "nonsense"]);
    assert!(said.err().unwrap().contains("--public-url"), "the flag is named");
    drop(taken);

    let config = dir.path().join("bad.toml");
    std::fs::write(&config, "[[queue]]\nname = \"a\"\ngame = \"b\"\nmin_player = 2\n").unwrap();
    let said = refused(&dir.path().join("d"), &["--start-rooms", "false", "--config", config.to_str().unwrap()]);
    assert!(said.contains("bad.toml:4: unknown key `min_player`"), "{said}");
    assert!(said.contains("did you mean `min_players`?"), "{said}");
}

#[tokio::test]
async fn a_signal_stops_it_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let mut ada = Player::arrive(&lobby, "Ada").await;
    let _events = ada.play("duel").await.unwrap();
    kill(Pid::from_raw(lobby.pid()), Signal::SIGTERM).unwrap();
    assert_eq!(lobby.ended().await, Some(0));
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    assert!(!ada.again(&lobby).await.me().await.current_ticket_id.is_empty());
}

#[tokio::test]
async fn settings_are_reloaded_and_bad_ones_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let file = lobby.data.join("bellhop.toml");
    let titles = async || {
        let queues: serde_json::Value =
            reqwest::get(format!("{}/v1/queues", lobby.public)).await.unwrap().json().await.unwrap();
        queues["queues"].as_array().unwrap().iter().map(|queue| queue["title"].as_str().unwrap().to_owned()).collect()
    };
    let before: Vec<String> = titles().await;
    assert_eq!(before, ["duel", "closed"]);
    std::fs::write(&file, DUEL.replace("name = \"duel\"", "name = \"duel\"\ntitle = \"Duel of two\"")).unwrap();
    within("the new title", async || (titles().await[0] == "Duel of two").then_some(())).await;

    std::fs::write(&file, "nonsense = 1").unwrap();
    std::fs::write(lobby.data.join("unrelated"), "").unwrap();
    // Longer than it takes to see a change: what is in force stays.
    let until = std::time::Instant::now() + Duration::from_millis(1_500);
    while std::time::Instant::now() < until {
        assert_eq!(titles().await[0], "Duel of two");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    std::fs::write(&file, DUEL).unwrap();
    within("the old title", async || (titles().await[0] == "duel").then_some(())).await;
}

#[tokio::test]
async fn it_describes_itself() {
    let dir = tempfile::tempdir().unwrap();
    let page = dir.path().join("page");
    std::fs::create_dir_all(page.join("assets")).unwrap();
    std::fs::write(page.join("index.html"), "<!doctype html>hello").unwrap();
    std::fs::write(page.join("assets/a-123.js"), "let a").unwrap();
    let lobby = Lobby::start(&dir.path().join("data"), DUEL, &["--page", page.to_str().unwrap()]);
    let get = async |path: &str| reqwest::get(format!("{}{path}", lobby.public)).await.unwrap();
    let openapi: serde_json::Value = get("/openapi.json").await.json().await.unwrap();
    assert!(openapi["paths"]["/v1/tickets/{ticket_id}/events"]["get"].is_object());
    assert!(get("/docs").await.text().await.unwrap().contains("/v1/open-games"));

    for path in ["/", "/play/duel"] {
        let answer = get(path).await;
        assert_eq!(answer.headers()["cache-control"], "no-cache", "{path}");
        assert!(answer.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'self'"));
        assert!(answer.text().await.unwrap().contains("hello"), "{path}");
    }
    let asset = get("/assets/a-123.js").await;
    assert_eq!(asset.headers()["cache-control"], "public, max-age=31536000, immutable");
    assert_eq!(get("/assets/none.js").await.status(), 404);
    assert_eq!(get("/..%2fdata%2fkeys%2foperator.token").await.status(), 404);

    let health = reqwest::get(format!("{}/readyz", lobby.private)).await.unwrap();
    assert_eq!(health.status(), 200);
    let channel = lobby.channel().await;
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel.clone());
    let serving = within("health", async || {
        let request = tonic_health::pb::HealthCheckRequest { service: "bellhop.v1.Matchmaking".into() };
        health.check(request).await.ok().filter(|answer| answer.get_ref().status == 1)
    });
    serving.await;
    let mut reflection = tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient::new(channel);
    let ask = tonic_reflection::pb::v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(tonic_reflection::pb::v1::server_reflection_request::MessageRequest::ListServices(
            String::new(),
        )),
    };
    let mut answers = reflection.server_reflection_info(tokio_stream::iter([ask])).await.unwrap().into_inner();
    let answer = format!("{:?}", answers.message().await.unwrap().unwrap());
    assert!(answer.contains("bellhop.v1.Matchmaking") && answer.contains("bellhop.v1.Players"), "{answer}");
}
