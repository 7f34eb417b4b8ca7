//! Game sockets.

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::{self, Message};

use crate::support::{Lobby, Under, nobody, within};

/// A room that says back what it hears, until it is told "end".
async fn echo_room() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                #[expect(clippy::result_large_err, reason = "the shape of tungstenite's callback")]
                let answer = |request: &Request, mut response: Response| {
                    assert!(request.uri().path().starts_with("/rooms/"));
                    response.headers_mut().insert("sec-websocket-protocol", "bellhop.v1".parse().unwrap());
                    Ok(response)
                };
                let mut socket = tokio_tungstenite::accept_hdr_async(stream, answer).await.unwrap();
                while let Some(Ok(message)) = socket.next().await {
                    if message == Message::text("end") {
                        return socket.close(None).await.unwrap();
                    }
                    if message.is_binary() {
                        socket.send(message).await.unwrap();
                    }
                }
            });
        }
    });
    at
}

#[tokio::test]
async fn a_game_socket_outlives_the_lobby() {
    let lobby = Lobby::start();
    let at = lobby.address;
    let under = Under::start(at, &[]).await;
    let room = echo_room().await;
    let mut socket = under.dial("r-1", &under.token("r-1", room)).await.unwrap();
    let mut echo = async |text: &'static str| {
        socket.send(Message::binary(text)).await.unwrap();
        assert_eq!(within(socket.next()).await.unwrap().unwrap(), Message::binary(text));
    };
    echo("with a lobby").await;
    drop(lobby);
    while reqwest::get(under.url("/echo")).await.unwrap().status() != 503 {}
    echo("without one").await;
    let _again = Lobby::start_at(at);
    while reqwest::get(under.url("/echo")).await.unwrap().status() != 200 {}
    echo("with the next").await;
    assert_eq!(under.metric("gateway_game_sockets").await, 1.0);
    drop(socket);
    under.until_metric("gateway_game_sockets", 0.0).await;
    under.until_metric("gateway_connections", 0.0).await;
}

#[tokio::test]
async fn a_close_travels_both_ways() {
    let under = Under::start(nobody().await, &[]).await;
    let room = echo_room().await;
    let mut socket = under.dial("r-1", &under.token("r-1", room)).await.unwrap();
    socket.send(Message::text("end")).await.unwrap();
    assert!(matches!(within(socket.next()).await, Some(Ok(Message::Close(_)))));
    assert!(within(socket.next()).await.is_none());
    under.until_metric("gateway_game_sockets", 0.0).await;
}

#[tokio::test]
async fn last_words_pass_a_half_closed_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let room = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let answer = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nfirst";
        stream.write_all(answer).await.unwrap();
        let mut heard = String::new();
        stream.read_to_string(&mut heard).await.unwrap();
        stream.write_all(b" last").await.unwrap();
        (String::from_utf8(head).unwrap(), heard)
    });
    let under = Under::start(nobody().await, &[]).await;
    let mut stream = TcpStream::connect(under.address).await.unwrap();
    let head = format!(
        "GET /rooms/r-1 HTTP/1.1\r\nhost: play.example\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-key: eDp4cHh4eHh4eHh4eHh4eA==\r\nsec-websocket-version: 13\r\ncookie: secret\r\n\
         sec-websocket-protocol: bellhop.v1, bellhop.token.{}\r\n\r\nearly",
        under.token("r-1", at)
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(b" bytes").await.unwrap();
    // Wait for the room's first word, then say no more.
    let mut answer = Vec::new();
    while !answer.ends_with(b"first") {
        answer.push(within(stream.read_u8()).await.unwrap());
    }
    stream.shutdown().await.unwrap();
    let mut rest = String::new();
    within(stream.read_to_string(&mut rest)).await.unwrap();
    assert_eq!(rest, " last");
    let (head, heard) = within(room).await.unwrap();
    assert_eq!(heard, "early bytes");
    assert!(head.contains("host: play.example") && head.contains("x-forwarded-for: 127.0.0.1"), "{head}");
    assert!(!head.contains("cookie"), "{head}");
}

#[tokio::test]
async fn a_room_that_breaks_breaks_the_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        socket2::SockRef::from(socket.get_ref()).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    });
    let under = Under::start(nobody().await, &[]).await;
    let dialled = under.dial("r-1", &under.token("r-1", at)).await;
    // The client asked for a subprotocol and this room names none, so it may refuse what it gets; both are an end.
    if let Ok(mut socket) = dialled {
        assert!(within(socket.next()).await.is_none_or(|message| message.is_err()));
    }
    under.until_metric("gateway_game_sockets", 0.0).await;
}

#[tokio::test]
async fn what_a_room_refuses_comes_back_as_it_was_said() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 4096];
        let _read = stream.read(&mut head).await.unwrap();
        let answer = "HTTP/1.1 409 Conflict\r\ncontent-type: application/problem+json\r\ncontent-length: 2\r\n\r\n{}";
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    let under = Under::start(nobody().await, &[]).await;
    match under.dial("r-1", &under.token("r-1", at)).await {
        Err(tungstenite::Error::Http(answer)) => {
            assert_eq!(answer.status(), 409);
            assert_eq!(answer.body().as_deref(), Some(&b"{}"[..]));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_drain_lets_games_go_on_until_the_grace_is_over() {
    let under = Under::start(nobody().await, &["--drain-seconds", "1"]).await;
    let room = echo_room().await;
    let mut socket = under.dial("r-1", &under.token("r-1", room)).await.unwrap();
    under.stop.cancel();
    within(async { while TcpStream::connect(under.address).await.is_ok() {} }).await;
    socket.send(Message::binary("still here")).await.unwrap();
    assert_eq!(within(socket.next()).await.unwrap().unwrap(), Message::binary("still here"));
    within(under.running).await.unwrap().unwrap();
}
