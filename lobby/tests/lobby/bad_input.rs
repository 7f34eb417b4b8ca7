//! What players send that is not as it should be: each gets its own answer in the door's form, and is counted.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use bellhop_proto::v1;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::support::{DUEL, Lobby, Player, ticket};

fn details(status: &Status) -> String {
    String::from_utf8_lossy(status.details()).into_owned()
}

#[tokio::test]
async fn refusals_over_grpc_say_what_and_why() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let mut ada = Player::arrive(&lobby, "Ada").await;

    let unknown = ada.ticket("chess", "").await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    assert!(unknown.message().contains("there is no queue `chess`"), "{unknown}");
    assert!(details(&unknown).contains("UNKNOWN_QUEUE"), "{unknown}");

    let first = ada.ticket("duel", "a").await.unwrap();
    let second = ada.ticket("duel", "b").await.unwrap_err();
    assert_eq!(second.code(), Code::FailedPrecondition);
    assert!(second.message().contains(&first.id) && details(&second).contains(&first.id), "{second}");

    let future = ada.watch(&first.id, 99).await.err().unwrap();
    assert_eq!(future.code(), Code::OutOfRange);
    assert!(future.message().contains("newest event is number 1"), "{future}");

    let long = ada.ticket("duel", &"k".repeat(65)).await.unwrap_err();
    assert_eq!(long.code(), Code::InvalidArgument);
    assert!(details(&long).contains("google.rpc.BadRequest"), "{long}");
    let party = v1::CreateTicketRequest { party: vec!["x".into()], ..ticket("duel", "") };
    let party = ada.matchmaking.create_ticket(ada.with(party)).await.unwrap_err();
    assert_eq!(party.code(), Code::InvalidArgument);

    assert_eq!(ada.look("t-nonsense").await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(ada.look("t-0000000000000").await.unwrap_err().code(), Code::NotFound);
    let mut eve = Player::arrive(&lobby, "Eve").await;
    assert_eq!(eve.look(&first.id).await.unwrap_err().code(), Code::NotFound, "tickets of others are not there");
    let closed = v1::CreateTicketRequest { open: true, ..ticket("closed", "") };
    let closed = eve.matchmaking.create_ticket(eve.with(closed)).await.unwrap_err();
    assert_eq!(closed.code(), Code::FailedPrecondition);

    for name in ["x".repeat(25), "a\u{7}b".into(), " \t ".into()] {
        let wish = eve.with(v1::SetNameRequest { name: name.clone() });
        let refused = eve.players.set_name(wish).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{name:?}");
        assert!(details(&refused).contains("BAD_NAME"), "{refused}");
    }
    let huge = eve.with(v1::SetNameRequest { name: "x".repeat(20_000) });
    assert_eq!(eve.players.set_name(huge).await.unwrap_err().code(), Code::OutOfRange, "a message that is too long");

    eve.token = "x".repeat(43);
    assert_eq!(eve.ticket("duel", "").await.unwrap_err().code(), Code::Unauthenticated);
    let none = eve.matchmaking.create_ticket(ticket("duel", "")).await.unwrap_err();
    assert_eq!(none.code(), Code::Unauthenticated);

    let metrics = reqwest::get(format!("{}/metrics", lobby.private)).await.unwrap().text().await.unwrap();
    let kinds = ["unknown-queue", "already-queued", "future-event", "bad-field", "unauthenticated", "no-open-games"];
    for kind in kinds.into_iter().chain(["bad-name", "bad-message"]) {
        assert!(metrics.contains(&format!("lobby_refusals_total{{kind=\"{kind}\"}}")), "{kind} is not counted");
    }
}

#[tokio::test]
async fn refusals_over_json_are_problems() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let http = reqwest::Client::new();
    let ada = Player::arrive(&lobby, "Ada").await;
    let check = async |method: &str, path: &str, body: Option<String>, status: u16, kind: &str| -> Value {
        let method = method.parse().unwrap();
        let mut call = http.request(method, format!("{}{path}", lobby.public)).bearer_auth(&ada.token);
        if let Some(body) = body {
            call = call.header("content-type", "application/json").body(body);
        }
        let answer = call.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["type"], format!("https://bellhop.dev/problems/{kind}"), "{path}");
        assert_eq!(problem["status"], status);
        problem
    };
    let name = |name: &str| Some(json!({ "name": name }).to_string());
    check("PUT", "/v1/players/me/name", name(&"x".repeat(25)), 400, "bad-name").await;
    check("PUT", "/v1/players/me/name", name("a\u{7}b"), 400, "bad-name").await;
    check("PUT", "/v1/players/me/name", name(" \t "), 400, "bad-name").await;
    check("POST", "/v1/guests", name(&"x".repeat(20_000)), 413, "bad-body").await;
    check("POST", "/v1/tickets", Some("{".into()), 400, "bad-body").await;
    check("POST", "/v1/tickets", Some("{}".into()), 400, "bad-body").await;
    check("POST", "/v1/tickets", Some(json!({"queue": "chess"}).to_string()), 404, "unknown-queue").await;
    let ticket = Some(json!({"queue": "duel"}).to_string());
    let made = http.post(format!("{}/v1/tickets", lobby.public)).bearer_auth(&ada.token);
    let made = made.json(&json!({"queue": "duel"})).send().await.unwrap();
    assert_eq!(made.status(), StatusCode::OK);
    let first: Value = made.json().await.unwrap();
    let second = check("POST", "/v1/tickets", ticket, 409, "already-queued").await;
    assert_eq!(second["ticket_id"], first["id"]);
    let events = format!("/v1/tickets/{}/events", first["id"].as_str().unwrap());
    check("GET", &format!("{events}?after=7"), None, 416, "future-event").await;
    check("GET", &format!("{events}?after=x"), None, 400, "bad-field").await;
    check("GET", "/v1/tickets/t-1", None, 400, "bad-field").await;
    check("GET", "/v1/open-games?page_size=101", None, 400, "bad-field").await;
    check("GET", "/v1/open-games?page_token=x", None, 400, "bad-page").await;
    check("GET", "/v1/nothing", None, 404, "no-such-path").await;
    check("PATCH", "/v1/tickets", None, 405, "no-such-method").await;
    check(
        "POST",
        "/v1/sessions",
        Some(json!({"login": "a#1", "password": "wrong wrong"}).to_string()),
        401,
        "wrong-login",
    )
    .await;

    let bare = http.get(format!("{}/v1/players/me", lobby.public)).send().await.unwrap();
    assert_eq!(
        (bare.status(), bare.headers()["www-authenticate"].to_str().unwrap()),
        (StatusCode::UNAUTHORIZED, "Bearer")
    );
    let form = http.post(format!("{}/v1/guests", lobby.public)).body("{}").send().await.unwrap();
    assert_eq!(form.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(form.headers().get("access-control-allow-origin").is_none());
}

#[tokio::test]
async fn tries_to_log_in_are_limited_and_told_when_to_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let mut ada = Player::arrive(&lobby, "Ada").await;
    let set = v1::SetPasswordRequest { password: "correct horse".into(), old_password: String::new() };
    let login = ada.players.set_password(ada.with(set)).await.unwrap().into_inner().login;
    let try_with = |login: &str, password: &str| v1::LogInRequest { login: login.into(), password: password.into() };
    ada.players.log_in(try_with(&login, "correct horse")).await.unwrap();
    let wrong = ada.players.log_in(try_with(&login, "wrong horse")).await.unwrap_err();
    let unknown = ada.players.log_in(try_with("nobody#0000", "wrong horse")).await.unwrap_err();
    assert_eq!((wrong.code(), wrong.message()), (unknown.code(), unknown.message()));
    for _ in 0..3 {
        ada.players.log_in(try_with(&login, "wrong horse")).await.unwrap_err();
    }
    let refused = ada.players.log_in(try_with(&login, "correct horse")).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(details(&refused).contains("google.rpc.RetryInfo"), "{refused}");
}

#[tokio::test]
async fn a_slow_head_costs_its_sender_the_connection() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let address = lobby.public.trim_start_matches("http://").to_owned();
    let begun = Instant::now();
    // Nothing, half a request line, an endless head, half and whole HTTP/2 prefaces.
    let beginnings: [&[u8]; 5] = [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nhost: a\r\nx: y",
        b"PRI * HTTP/2.0\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];
    let sockets: Vec<TcpStream> = beginnings
        .iter()
        .map(|beginning| {
            let mut socket = TcpStream::connect(&address).unwrap();
            socket.write_all(beginning).unwrap();
            socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            socket
        })
        .collect();
    // Others are served meanwhile.
    Player::arrive(&lobby, "Ada").await;
    tokio::task::spawn_blocking(move || {
        for (mut socket, beginning) in sockets.into_iter().zip(beginnings) {
            let mut rest = Vec::new();
            let closed = socket.read_to_end(&mut rest);
            let reset = |error: &std::io::Error| error.kind() == std::io::ErrorKind::ConnectionReset;
            assert!(closed.as_ref().is_ok() || closed.as_ref().is_err_and(reset), "{beginning:?} {closed:?}");
        }
    })
    .await
    .unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10));
    let metrics = reqwest::get(format!("{}/metrics", lobby.private)).await.unwrap().text().await.unwrap();
    assert!(metrics.contains("lobby_connections_refused_total{why=\"slow-head\"}"), "it is not counted");
}
