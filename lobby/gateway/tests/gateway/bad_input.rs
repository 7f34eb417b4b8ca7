//! Each bad input gets its own clear error, is counted, and leaves everybody else alone.

use bellhop_proto::tokens::Key;
use tokio_tungstenite::tungstenite;

use crate::support::{Lobby, Under, nobody, raw, token, within};

async fn check_dial(under: &Under, room: &str, token: &str, status: u16, kind: &str) {
    let answer = match within(under.dial(room, token)).await {
        Err(tungstenite::Error::Http(answer)) => answer,
        other => panic!("{other:?}"),
    };
    assert_eq!(answer.status(), status, "{kind}");
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let body: serde_json::Value = serde_json::from_slice(answer.body().as_ref().unwrap()).unwrap();
    assert_eq!(body["type"], format!("urn:bellhop:problem:{kind}"));
    assert!(!body["hint"].as_str().unwrap().is_empty());
    under.until_metric(&format!("gateway_refused_total{{reason=\"{kind}\"}}"), 1.0).await;
}

#[tokio::test]
async fn tokens_that_open_nothing() {
    let nowhere = nobody().await;
    let under = Under::start(nowhere, &[]).await;
    check_dial(&under, "r-1", "rubbish", 401, "malformed-token").await;
    check_dial(&under, "r-1", &token(&Key::generate(), "r-1", nowhere), 401, "foreign-token").await;
    check_dial(&under, "r-2", &under.token("r-1", nowhere), 404, "wrong-room").await;
    check_dial(&under, "r-1", &under.token("r-1", nowhere), 502, "room-gone").await;

    let plain = reqwest::get(under.url("/rooms/r-1")).await.unwrap();
    assert_eq!(plain.status(), 426);
}

#[tokio::test]
async fn a_room_that_does_not_answer() {
    // Listens and never accepts: the kernel shakes hands, nobody answers.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let under = Under::start(nobody().await, &["--answer-timeout-ms", "50"]).await;
    let token = under.token("r-1", silent.local_addr().unwrap());
    check_dial(&under, "r-1", &token, 503, "room-unreachable").await;
}

#[tokio::test]
async fn a_new_key_is_found_without_a_restart() {
    let nowhere = nobody().await;
    let under = Under::start(nowhere, &[]).await;
    let newer = Key::generate();
    let token = token(&newer, "r-1", nowhere);
    check_dial(&under, "r-1", &token, 401, "foreign-token").await;
    std::fs::write(under.dir.path().join("gateway.key"), newer.as_bytes()).unwrap();
    within(async {
        loop {
            if let Err(tungstenite::Error::Http(answer)) = under.dial("r-1", &token).await
                && answer.status() == 502
            {
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn slow_heads_and_silent_sockets_are_cut() {
    let lobby = Lobby::start();
    let under = Under::start(lobby.address, &["--header-timeout-ms", "100"]).await;
    for (sent, reason) in [
        (&b""[..], "first_byte_timeout"),
        (b"GET / HTTP/1.1\r\nhost: a\r\nx-slow: ", "header_timeout"),
        (b"PRI * HTTP/2.0\r\n", "first_byte_timeout"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "preface_timeout"),
    ] {
        let before = under.metric(&format!("gateway_refused_total{{reason=\"{reason}\"}}")).await;
        raw(under.address, sent).await;
        under.until_metric(&format!("gateway_refused_total{{reason=\"{reason}\"}}"), before + 1.0).await;
    }
    assert_eq!(reqwest::get(under.url("/echo")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_body_that_stalls_is_cut() {
    let lobby = Lobby::start();
    let under = Under::start(lobby.address, &["--body-timeout-ms", "50"]).await;
    let answer = raw(under.address, b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf").await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.1 503"), "{answer}");
}

#[tokio::test]
async fn heads_too_large_and_what_is_no_http() {
    let under = Under::start(nobody().await, &[]).await;
    let large = format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "y".repeat(40_000));
    assert!(raw(under.address, large.as_bytes()).await.starts_with("HTTP/1.1 431"));
    assert!(
        raw(under.address, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n").await.starts_with("HTTP/1.1 400")
    );
    assert!(
        raw(under.address, b"CONNECT a:1 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 400")
    );
    assert!(under.metric("gateway_refused_total{reason=\"not_http\"}").await >= 1.0);
}

#[tokio::test]
async fn a_connection_too_many_is_told_so() {
    let under = Under::start(nobody().await, &["--max-connections-per-ip", "1"]).await;
    let first = tokio::net::TcpStream::connect(under.address).await.unwrap();
    under.until_metric("gateway_connections", 1.0).await;
    let get = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
    // In time to read the answer, and before it said a word.
    for said in [&get[..], b""] {
        let told = raw(under.address, said).await;
        assert!(told.starts_with("HTTP/1.1 503") && told.contains("\r\nretry-after: 1\r\n"), "{told}");
    }
    assert_eq!(under.metric("gateway_refused_total{reason=\"connections_per_ip\"}").await, 2.0);
    drop(first);
    under.until_metric("gateway_connections", 0.0).await;
    assert!(raw(under.address, b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.contains("lobby-away"));
}

#[tokio::test]
async fn a_full_gateway_shows_its_limit_and_tells_a_player_when_to_come_back() {
    let under = Under::start(nobody().await, &["--max-connections", "3"]).await;
    assert_eq!(under.metric("gateway_connections_limit").await, 3.0);
    let mut held = Vec::new();
    for open in 1..=3 {
        held.push(tokio::net::TcpStream::connect(under.address).await.unwrap());
        under.until_metric("gateway_connections", f64::from(open)).await;
    }
    match within(under.dial("r-1", "any")).await {
        Err(tungstenite::Error::Http(answer)) => {
            assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (503, &"1".parse().unwrap()));
        }
        other => panic!("{other:?}"),
    }
    under.until_metric("gateway_refused_total{reason=\"connections\"}", 1.0).await;
    drop(held);
    under.until_metric("gateway_connections", 0.0).await;
    check_dial(&under, "r-1", "rubbish", 401, "malformed-token").await;
}
