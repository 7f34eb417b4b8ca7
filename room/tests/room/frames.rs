//! RFC 6455, by its sections, from the server's side; and messages that are noise.

use std::time::Instant;

use bellhop_wire::{CloseCode, Hello, ToClient, ToServer};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::AsyncWriteExt as _;
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::games::Pulse;
use crate::support::{Player, Socket, Under, closed, dial, within};

const BINARY: u8 = 2;
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const FIN: u8 = 0x80;

/// A masked frame, whatever is wrong with it.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [1, 2, 3, 4];
    let mut bytes = vec![first];
    match payload.len() {
        len @ 0..126 => bytes.push(0x80 | len as u8),
        len => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(len as u16).to_be_bytes());
        }
    }
    bytes.extend_from_slice(&mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

async fn raw(socket: &mut Socket, bytes: &[u8]) {
    let MaybeTlsStream::Plain(stream) = socket.get_mut() else { panic!("no TLS here") };
    stream.write_all(bytes).await.unwrap();
}

/// Which of several raw beginnings of a connection is closed, and how; each on a seat of its own.
#[tokio::test]
async fn frames_that_break_the_rules_of_the_socket() {
    let (lobby, under, mut line) = Under::hosting("pulse", "{}", 1).await;
    let mut witness = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await;
    witness.until_state().await;
    let cases: [(&str, Vec<u8>, CloseCode); 14] = [
        ("5.1 no mask", vec![FIN | BINARY, 1, 0], CloseCode::Malformed),
        ("5.2 a reserved bit", frame(FIN | 0x40 | BINARY, &[0]), CloseCode::Malformed),
        ("5.2 a reserved kind", frame(FIN | 3, &[0]), CloseCode::Malformed),
        ("5.2 a reserved control kind", frame(FIN | 11, &[0]), CloseCode::Malformed),
        ("5.4 a continuation of nothing", frame(FIN | CONTINUATION, &[0]), CloseCode::Malformed),
        ("5.4 a second beginning", [frame(BINARY, &[0]), frame(FIN | BINARY, &[0])].concat(), CloseCode::Malformed),
        ("5.5 a control frame in pieces", frame(PING, &[0]), CloseCode::Malformed),
        ("5.5 a control frame too long", frame(FIN | PING, &[0; 126]), CloseCode::Malformed),
        ("5.5.1 a close code of one byte", frame(FIN | CLOSE, &[3]), CloseCode::Malformed),
        ("5.5.1 a close reason that is not UTF-8", frame(FIN | CLOSE, b"\x03\xe8\xff"), CloseCode::Malformed),
        ("5.6 text", frame(FIN | TEXT, b"text"), CloseCode::Malformed),
        ("8.1 text that is not UTF-8", frame(FIN | TEXT, b"\xce\xba\xff"), CloseCode::Malformed),
        (
            "8.1 text that ends within a character",
            [frame(TEXT, b"\xce"), frame(FIN | CONTINUATION, b"x")].concat(),
            CloseCode::Malformed,
        ),
        (
            "10.4 pieces that are too long together",
            [frame(BINARY, &[0; 9_000]), frame(FIN, &[0; 9_000])].concat(),
            CloseCode::TooLarge,
        ),
    ];
    line.add(1..cases.len() as u32 + 1).await;
    for (at, (name, bytes, code)) in cases.into_iter().enumerate() {
        let mut socket = dial(under.address, "r-1", &line.token(&lobby, 1, at as u16 + 1)).await.unwrap();
        raw(&mut socket, &bytes).await;
        let (found, reason) = closed(&mut socket).await;
        assert_eq!(found, code, "{name}: {reason}");
        assert!(within(socket.next()).await.is_none(), "{name}: the socket ends after the close frame");
    }
    witness.frames(3).await;
}

#[tokio::test]
async fn a_message_in_pieces_with_a_ping_between_is_one_message() {
    let (lobby, under, line) = Under::hosting("pulse", "{}", 1).await;
    let mut socket = dial(under.address, "r-1", &line.token(&lobby, 1, 0)).await.unwrap();
    let hello = ToServer::Hello(Hello { schema: bellhop_game::schema::<Pulse>(), events_seen: None }).encode();
    let (first, rest) = hello.split_at(3);
    let (second, third) = rest.split_at(1);
    for piece in
        [frame(BINARY, first), frame(FIN | PING, b"are you there"), frame(CONTINUATION, second), frame(FIN, third)]
    {
        // One byte at a time: however it is cut, it is the same.
        for byte in piece {
            raw(&mut socket, &[byte]).await;
        }
    }
    assert_eq!(within(socket.next()).await.unwrap().unwrap(), Message::Pong(b"are you there".as_slice().into()));
    let welcome = within(socket.next()).await.unwrap().unwrap();
    assert!(matches!(ToClient::decode(&welcome.into_data()), Ok(ToClient::Welcome(_))));
}

/// Sockets are read at the steps of the game; what a player measures is the way all the same.
#[tokio::test]
async fn a_pong_leaves_out_how_long_the_ping_lay_at_the_room() {
    let (lobby, under, line) = Under::hosting("pulse", "{}", 1).await;
    let mut socket = dial(under.address, "r-1", &line.token(&lobby, 1, 0)).await.unwrap();
    let hello = ToServer::Hello(Hello { schema: bellhop_game::schema::<Pulse>(), events_seen: None }).encode();
    socket.send(Message::binary(hello)).await.unwrap();
    let mut lay = Vec::new();
    let mut client_ms = 1_000_000;
    while lay.len() < 40 {
        client_ms += 1_000;
        let sent = Instant::now();
        socket.send(Message::binary(ToServer::Ping { client_ms }.encode())).await.unwrap();
        let pong = within(async {
            loop {
                let message = socket.next().await.unwrap().unwrap();
                if let Ok(ToClient::Pong { client_ms, .. }) = ToClient::decode(&message.into_data()) {
                    return client_ms;
                }
            }
        })
        .await;
        let whole = sent.elapsed().as_millis() as u64;
        assert!(pong >= client_ms && pong - client_ms <= whole, "{client_ms} came back as {pong} after {whole} ms");
        lay.push(pong - client_ms);
    }
    let (least, most) = (lay.iter().min().copied().unwrap(), lay.iter().max().copied().unwrap());
    assert!(least <= 20, "a step takes 20 ms: {lay:?}");
    assert!(most > 0, "each was read at once: {lay:?}");
}

#[tokio::test]
async fn a_close_is_answered_and_the_seat_is_held() {
    use bellhop_proto::v1::seat_report::Presence;
    let (lobby, under, mut line) = Under::hosting("pulse", "{}", 1).await;
    let mut ann = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await;
    ann.until_state().await;
    let bye = CloseFrame { code: 1001.into(), reason: "reload".into() };
    ann.socket.send(Message::Close(Some(bye))).await.unwrap();
    let answer = within(async {
        loop {
            let message = ann.socket.next().await.unwrap().unwrap();
            if let Message::Close(frame) = message {
                return frame;
            }
        }
    })
    .await;
    assert_eq!(u16::from(answer.unwrap().code), 1001);
    line.report(|report| report.seats.iter().any(|seat| seat.presence() == Presence::Dropped)).await;
    ann.resume().await;
    ann.frames(3).await;
}

/// Whatever a client says, it can only hold an input and give commands of its own seat; noise closes its socket.
#[tokio::test]
async fn noise_changes_nothing_for_others() {
    const SEATS: u32 = 24;
    let (lobby, under, mut line) = Under::hosting("pulse", "{}", 1).await;
    let mut witness = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await;
    witness.client.set_input(1_000_000);
    witness.until_state().await;
    line.add(1..SEATS).await;
    let mut noise = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        noise
    };
    for seat in 1..SEATS as u16 {
        let mut socket = dial(under.address, "r-1", &line.token(&lobby, 1, seat)).await.unwrap();
        let hello = ToServer::Hello(Hello { schema: bellhop_game::schema::<Pulse>(), events_seen: None }).encode();
        socket.send(Message::binary(hello)).await.unwrap();
        for _ in 0..8 {
            let len = next() as usize % 40;
            let bytes: Vec<u8> = (0..len).map(|_| next() as u8).collect();
            // Closed by the first that was none of ours.
            if socket.send(Message::binary(bytes)).await.is_err() {
                break;
            }
        }
    }
    let running = line.report(|report| report.match_id == "m-1").await;
    assert_eq!(running.seats.len(), SEATS as usize);
    witness.frames(5).await;
    assert!(witness.client.ended().is_none());
    assert_eq!(witness.client.stats(0.0).desyncs, 0);
    assert_eq!(under.metric("room_overruns_total").await, 0.0);
}
