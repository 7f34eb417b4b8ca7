//! Each bad input gets its own clear error, is counted, and costs nobody else a tick.

use bellhop_proto::tokens::Key;
use bellhop_wire::limits::MAX_CLIENT_MESSAGE_BYTES;
use bellhop_wire::{CloseCode, Hello, ToServer};
use futures_util::SinkExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::games::Pulse;
use crate::lobby::{FalseLobby, now_ms};
use crate::support::{Player, Under, closed, dial, refusal, within};

#[tokio::test]
async fn tokens_that_open_no_seat() {
    let (lobby, under, line) = Under::hosting("pulse", "{}", 1).await;
    let check = async |token: &str, status: u16, kind: &str| {
        assert_eq!(refusal(dial(under.address, "r-1", token).await), (status, kind.into()));
        under.until_metric(&format!("room_refused_total{{reason=\"{kind}\"}}"), |count| count == 1.0).await;
    };
    check("rubbish", 401, "malformed-token").await;
    check(&line.token_with(&lobby, 1, 0, |claim| claim.expires_ms = now_ms() - 1), 401, "expired-token").await;
    let mut other = lobby_line_of_another_room(&lobby).await;
    check(&other.token(&lobby, 1, 0), 401, "foreign-token").await;
    other.hello.seat_key = Key::generate().as_bytes().to_vec();
    check(&line.token(&lobby, 9, 0), 404, "other-match").await;
    check(&line.token(&lobby, 1, 9), 404, "unknown-seat").await;
    check(&line.token_with(&lobby, 1, 0, |claim| claim.player_id = "p-9".into()), 401, "other-player").await;
    let used = line.token(&lobby, 1, 0);
    let mut ann = Player::<Pulse>::join(under.address, &used).await;
    ann.until_state().await;
    check(&used, 409, "replayed-token").await;
    assert_eq!(refusal(dial(under.address, "r-2", &line.token(&lobby, 1, 0)).await), (404, "wrong-room".into()));
    under.until_metric("room_refused_total{reason=\"wrong-room\"}", |count| count == 1.0).await;
    ann.frames(3).await;
    assert_eq!(under.metric("room_overruns_total").await, 0.0, "it cost nobody a tick");
}

/// What another room of the same lobby would have said.
async fn lobby_line_of_another_room(lobby: &FalseLobby) -> crate::lobby::Line {
    let _another = Under::start(lobby, &[]).await;
    lobby.line().await
}

#[tokio::test]
async fn a_seat_that_opens_sockets_without_end_is_told_to_wait() {
    let (lobby, under, line) = Under::hosting("pulse", "{}", 2).await;
    let mut last = (0, String::new());
    for _ in 0..40 {
        match dial(under.address, "r-1", &line.token(&lobby, 1, 0)).await {
            Ok(_) => {}
            refused => {
                last = refusal(refused);
                break;
            }
        }
    }
    assert_eq!(last, (429, "too-many-tries".into()));
    // Another seat has its own allowance.
    Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 1)).await.until_state().await;
}

#[tokio::test]
async fn a_room_without_a_lobby_says_so() {
    let lobby = FalseLobby::start().await;
    let under = Under::start(&lobby, &[]).await;
    assert_eq!(refusal(dial(under.address, "r-1", "x").await), (503, "not-attached".into()));
}

#[tokio::test]
async fn frames_that_are_none_of_ours() {
    let (lobby, under, mut line) = Under::hosting("pulse", "{}", 1).await;
    let mut witness = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await;
    witness.until_state().await;
    line.add(1..7).await;
    let hello = |schema| ToServer::Hello(Hello { schema, events_seen: None }).encode();
    let right = bellhop_game::schema::<Pulse>();
    let long = ToServer::Input { seq: 1, frames: 0, held_ms: 0, payload: vec![9; 2_000] };
    let cases: Vec<(Vec<Message>, CloseCode)> = vec![
        (vec![Message::text("hello?")], CloseCode::Malformed),
        (vec![Message::binary(vec![0xff; 3])], CloseCode::Malformed),
        (vec![Message::binary(hello(right + 1))], CloseCode::WrongSchema),
        (vec![Message::binary(vec![0; MAX_CLIENT_MESSAGE_BYTES + 1])], CloseCode::TooLarge),
        (vec![Message::binary(hello(right)), Message::binary(long.encode())], CloseCode::TooLarge),
        (vec![Message::binary(hello(right)), Message::binary(hello(right))], CloseCode::Malformed),
    ];
    for (at, (messages, code)) in cases.into_iter().enumerate() {
        let mut socket = dial(under.address, "r-1", &line.token(&lobby, 1, at as u16 + 1)).await.unwrap();
        for message in messages {
            socket.send(message).await.unwrap();
        }
        let (closed, reason) = closed(&mut socket).await;
        assert_eq!(closed, code, "case {at}: {reason}");
        assert!(!reason.is_empty(), "case {at}");
    }
    witness.frames(3).await;
    for (reason, count) in [("malformed", 3.0), ("wrong_schema", 1.0), ("too_large", 2.0)] {
        let line = format!("room_sockets_closed_total{{reason=\"{reason}\"}}");
        under.until_metric(&line, |counted| counted == count).await;
    }
    assert_eq!(under.metric("room_overruns_total").await, 0.0, "it cost nobody a tick");
}

#[tokio::test]
async fn a_frame_without_a_mask_and_a_frame_without_an_end() {
    let (lobby, under, mut line) = Under::hosting("pulse", "{}", 1).await;
    let mut ann = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await;
    ann.until_state().await;
    line.add(1..3).await;
    // Not masked: RFC 6455 5.1 says to close.
    let mut socket = dial(under.address, "r-1", &line.token(&lobby, 1, 1)).await.unwrap();
    let tokio_tungstenite::MaybeTlsStream::Plain(stream) = socket.get_mut() else { panic!("no TLS here") };
    stream.write_all(&[0x82, 1, 0]).await.unwrap();
    assert_eq!(closed(&mut socket).await.0, CloseCode::Malformed);

    // Half a frame, and then nothing: it waits for its end and holds nobody up.
    let mut half = dial(under.address, "r-1", &line.token(&lobby, 1, 2)).await.unwrap();
    let tokio_tungstenite::MaybeTlsStream::Plain(stream) = half.get_mut() else { panic!("no TLS here") };
    stream.write_all(&[0x82, 0xfe, 0x10]).await.unwrap();
    ann.frames(3).await;
}

#[tokio::test]
async fn a_socket_that_says_nothing_is_too_slow_and_its_seat_is_free_for_another() {
    let (lobby, under, line) = Under::hosting("pulse", "{}", 1).await;
    let mut silent = dial(under.address, "r-1", &line.token(&lobby, 1, 0)).await.unwrap();
    let (code, reason) = closed(&mut silent).await;
    assert_eq!(code, CloseCode::TooSlow, "{reason}");
    under.until_metric("room_sockets_closed_total{reason=\"too_slow\"}", |count| count == 1.0).await;
    Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await.until_state().await;
}

#[tokio::test]
async fn a_flood_is_cut_and_costs_nobody_a_tick() {
    let (lobby, under, line) = Under::hosting("pulse", "{}", 2).await;
    let mut ann = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await;
    ann.until_state().await;
    let mut flood = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 1)).await;
    flood.until_state().await;
    let flooding = tokio::spawn(async move {
        let ping = ToServer::Ping { client_ms: 1 }.encode();
        for _ in 0..5_000 {
            if flood.socket.feed(Message::binary(ping.clone())).await.is_err() {
                break;
            }
        }
        drop(flood.socket.flush().await);
        closed(&mut flood.socket).await
    });
    ann.frames(50).await;
    assert_eq!(flooding.await.unwrap().0, CloseCode::Flood);
    assert_eq!(under.metric("room_overruns_total").await, 0.0);
    assert_eq!(under.metric("room_sockets_closed_total{reason=\"flood\"}").await, 1.0);
}

#[tokio::test]
async fn a_flood_of_pings_of_the_socket_is_cut_too() {
    let (lobby, under, line) = Under::hosting("pulse", "{}", 1).await;
    let mut flood = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await;
    flood.until_state().await;
    for _ in 0..5_000 {
        if flood.socket.feed(Message::Ping(vec![0; 100].into())).await.is_err() {
            break;
        }
    }
    drop(flood.socket.flush().await);
    assert_eq!(closed(&mut flood.socket).await.0, CloseCode::Flood);
}

#[tokio::test]
async fn what_is_no_game_socket() {
    let lobby = FalseLobby::start().await;
    let under = Under::start(&lobby, &["--header-timeout-ms", "100"]).await;
    let _line = lobby.line().await;
    within(async { while under.get("/readyz").await.0 != 200 {} }).await;
    let raw = async |bytes: &[u8]| {
        let mut stream = TcpStream::connect(under.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        drop(within(stream.read_to_end(&mut answer)).await);
        String::from_utf8_lossy(&answer).into_owned()
    };
    assert!(raw(b"GET /rooms/r-1 HTTP/1.1\r\nhost: a\r\n\r\n").await.starts_with("HTTP/1.1 426"));
    assert!(raw(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.starts_with("HTTP/1.1 404"));
    assert!(raw(b"\x16\x03\x01\x02\x00\r\n\r\n").await.starts_with("HTTP/1.1 400"));
    let large = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(20_000));
    assert!(raw(large.as_bytes()).await.starts_with("HTTP/1.1 431"));
    assert_eq!(raw(b"GET /rooms/r-1 HTTP/1.1\r\nslow: ").await, "");
    under.until_metric("room_refused_total{reason=\"header_timeout\"}", |count| count == 1.0).await;
}

#[tokio::test]
async fn a_connection_too_many_is_told_so() {
    let lobby = FalseLobby::start().await;
    let under = Under::start(&lobby, &["--max-sockets", "1"]).await;
    let _first = TcpStream::connect(under.address).await.unwrap();
    under.until_metric("room_connections", |open| open == 1.0).await;
    let mut second = TcpStream::connect(under.address).await.unwrap();
    let mut answer = String::new();
    within(second.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
}

#[tokio::test]
async fn a_command_against_the_rules_is_refused_in_words() {
    let (lobby, under, line) = Under::hosting("pulse", "{}", 1).await;
    let mut ann = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await;
    ann.until_state().await;
    let id = ann.client.command(&0);
    let refused = room_client::News::Refused(id, "zero is not allowed".into());
    ann.until(|ann| ann.news.contains(&refused)).await;
    under.until_metric("room_commands_refused_total", |count| count == 1.0).await;
    ann.frames(3).await;
}

#[tokio::test]
async fn a_full_room_shows_its_limit_and_tells_a_player_when_to_come_back() {
    let lobby = FalseLobby::start().await;
    let under = Under::start(&lobby, &["--max-sockets", "2"]).await;
    assert_eq!(under.metric("room_connections_limit").await, 2.0);
    let held = [TcpStream::connect(under.address).await.unwrap(), TcpStream::connect(under.address).await.unwrap()];
    under.until_metric("room_connections", |open| open == 2.0).await;
    match dial(under.address, "r-1", "any").await {
        Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => {
            assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (503, &"1".parse().unwrap()));
            let problem: serde_json::Value = serde_json::from_slice(answer.body().as_ref().unwrap()).unwrap();
            assert_eq!(problem["type"], "urn:bellhop:problem:full");
        }
        other => panic!("{other:?}"),
    }
    under.until_metric("room_refused_total{reason=\"connections\"}", |count| count == 1.0).await;
    drop(held);
    under.until_metric("room_connections", |open| open == 0.0).await;
    assert_eq!(refusal(dial(under.address, "r-1", "x").await), (503, "not-attached".into()), "there is a place again");
}
