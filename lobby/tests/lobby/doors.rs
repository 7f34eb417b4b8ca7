//! What the doors do beside refusing: gRPC-Web, callers' deadlines, what viewers may see, and what comes again.

use std::time::{Duration, Instant};

use bellhop_proto::v1::{self, room_message, seat_report::Presence};
use prost::Message;
use tonic::Code;

use crate::support::{DUEL, Lobby, Player, Room, within};

/// A message as gRPC frames it.
fn frame(message: &impl Message) -> Vec<u8> {
    let bytes = message.encode_to_vec();
    [&[0][..], &(bytes.len() as u32).to_be_bytes(), &bytes].concat()
}

/// The frames of an answer: first byte and content.
fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while bytes.len() >= 5 {
        let length = u32::from_be_bytes(bytes[1..5].try_into().unwrap()) as usize;
        frames.push((bytes[0], bytes[5..5 + length].to_vec()));
        bytes = &bytes[5 + length..];
    }
    frames
}

#[tokio::test]
async fn grpc_web_calls_the_same_services() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let http = reqwest::Client::new();
    let call = |path: &str, body: Vec<u8>| {
        let url = format!("{}/bellhop.v1.{path}", lobby.public);
        http.post(url).header("content-type", "application/grpc-web+proto").header("x-grpc-web", "1").body(body)
    };
    let guest = v1::CreateGuestRequest { name: "Ada".into() };
    let answer = call("Players/CreateGuest", frame(&guest)).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/grpc-web+proto");
    let answered = frames(&answer.bytes().await.unwrap());
    let (message, trailers) = (&answered[0], &answered[1]);
    let session = v1::Session::decode(message.1.as_slice()).unwrap();
    assert_eq!((message.0, session.player.unwrap().name.as_str()), (0, "Ada"));
    assert_eq!(trailers.0, 0x80, "the trailers are in the body");
    assert!(String::from_utf8_lossy(&trailers.1).contains("grpc-status:0"));

    // And a stream, which begins before it ends.
    let play = v1::CreateTicketRequest { queue: "duel".into(), ..v1::CreateTicketRequest::default() };
    let bearer = format!("Bearer {}", session.token);
    let streamed = call("Matchmaking/Play", frame(&play)).header("authorization", bearer).send();
    let mut stream = streamed.await.unwrap();
    let first = frames(&stream.chunk().await.unwrap().unwrap());
    let event = v1::TicketEvent::decode(first[0].1.as_slice()).unwrap();
    assert!(matches!(event.kind, Some(v1::ticket_event::Kind::Queued(_))), "{event:?}");

    // Refusals in the door's own form.
    let refused = call("Matchmaking/CreateTicket", frame(&play)).send().await.unwrap();
    let head = refused.headers().get("grpc-status").map(|status| status.to_str().unwrap().to_owned());
    let body = frames(&refused.bytes().await.unwrap());
    let trailers = body.last().map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
    let unauthenticated = (Code::Unauthenticated as i32).to_string();
    assert!(head == Some(unauthenticated.clone()) || trailers.contains(&format!("grpc-status:{unauthenticated}")));
}

#[tokio::test]
async fn a_callers_deadline_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let mut ada = Player::arrive(&lobby, "Ada").await;
    let ticket = ada.ticket("duel", "").await.unwrap();
    let begun = Instant::now();
    let watch = v1::WatchTicketRequest { ticket_id: ticket.id.clone(), after: 0 };
    // The client's own timer would hide the server's: the header alone.
    let mut request = ada.with(watch);
    request.metadata_mut().insert("grpc-timeout", "300m".parse().unwrap());
    let mut events = ada.matchmaking.watch_ticket(request).await.unwrap().into_inner();
    let ended = within("the deadline", async || match events.message().await {
        Ok(Some(_)) => None,
        Ok(None) => panic!("the stream ended without a word"),
        Err(status) => Some(status),
    });
    let ended = ended.await;
    assert_eq!(ended.code(), Code::DeadlineExceeded, "{ended}");
    assert!(begun.elapsed() >= Duration::from_millis(300) && begun.elapsed() < Duration::from_secs(5));
    assert_eq!(ada.look(&ticket.id).await.unwrap().state(), v1::ticket::State::Queued, "the ticket waits on");
}

#[tokio::test]
async fn a_running_match_shows_each_viewer_what_he_may_see() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let mut room = Room::attach(&lobby).await;
    let (mut ada, mut bob) = (Player::arrive(&lobby, "Ada").await, Player::arrive(&lobby, "Bob").await);
    let mut eve = Player::arrive(&lobby, "Eve").await;
    ada.ticket("duel", "").await.unwrap();
    bob.ticket("duel", "").await.unwrap();
    let host = room.host().await;
    room.report(Presence::Live).await;
    let seen = |viewers: &str, seats: &[u32], event: &str| v1::SeenEvents {
        viewers: viewers.into(),
        seats: seats.to_vec(),
        from: 0,
        events_json: vec![event.into()],
    };
    let report = v1::Report {
        sequence: 9,
        match_id: host.match_id.clone(),
        epoch: host.epoch,
        seats: host
            .seats
            .iter()
            .map(|seat| v1::SeatReport {
                seat: seat.seat,
                player_id: seat.player_id.clone(),
                presence: Presence::Live as i32,
            })
            .collect(),
        events: vec![seen("seat-0", &[0], "\"ada's\""), seen("seat-1", &[1], "\"bob's\"")],
        ..v1::Report::default()
    };
    room.say(room_message::Kind::Report(report)).await;
    let shown = async |player: &mut Player| player.look_at(&host.match_id).await.unwrap().events_json;
    within("the events", async || (!shown(&mut ada).await.is_empty()).then_some(())).await;
    assert_eq!(shown(&mut ada).await, ["\"ada's\""]);
    assert_eq!(shown(&mut bob).await, ["\"bob's\""]);
    assert!(shown(&mut eve).await.is_empty(), "she does not play");
}

#[tokio::test]
async fn who_hears_of_the_end_before_the_lobby_may_queue_again_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let mut room = Room::attach(&lobby).await;
    let (mut ada, mut bob) = (Player::arrive(&lobby, "Ada").await, Player::arrive(&lobby, "Bob").await);
    let first = ada.ticket("duel", "one").await.unwrap();
    bob.ticket("duel", "").await.unwrap();
    room.host().await;
    room.report(Presence::Live).await;
    within("she is seated", async || {
        (ada.look(&first.id).await.unwrap().state() == v1::ticket::State::Connected).then_some(())
    })
    .await;
    // She asks, and only then does the room say that the match is over.
    let mut again = ada.clone();
    let asked = tokio::spawn(async move { again.ticket("duel", "two").await });
    let mut plays = bob.clone();
    let watched = tokio::spawn(async move { plays.play("duel").await.map(drop) });
    room.finish().await;
    let second = asked.await.unwrap().unwrap();
    assert_ne!(second.id, first.id);
    watched.await.unwrap().unwrap();

    // In a match that goes on, a second ticket is refused as ever.
    room.host().await;
    room.report(Presence::Live).await;
    let refused = within("she is seated again", async || {
        (ada.look(&second.id).await.unwrap().state() == v1::ticket::State::Connected).then_some(())
    });
    refused.await;
    assert_eq!(ada.ticket("duel", "three").await.unwrap_err().code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn a_players_matches_are_kept_by_the_lobby() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let mut room = Room::attach(&lobby).await;
    let (mut ada, mut bob) = (Player::arrive(&lobby, "Ada").await, Player::arrive(&lobby, "Bob").await);
    let mut played = Vec::new();
    for _ in 0..3 {
        ada.ticket("duel", "").await.unwrap();
        bob.ticket("duel", "").await.unwrap();
        room.host().await;
        room.report(Presence::Live).await;
        played.insert(0, room.finish().await.match_id);
    }
    let page = |size, token: &str| v1::ListMyMatchesRequest { page_size: size, page_token: token.into() };
    let ids = |page: &v1::ListMyMatchesResponse| page.matches.iter().map(|found| found.id.clone()).collect::<Vec<_>>();
    let first = ada.matchmaking.list_my_matches(ada.with(page(2, ""))).await.unwrap().into_inner();
    assert_eq!(ids(&first), played[..2], "the newest first, the one that just ended among them");
    assert_eq!(first.matches[0].seats[0].player_id, ada.id);
    let second = ada.matchmaking.list_my_matches(ada.with(page(2, &first.next_page_token))).await.unwrap().into_inner();
    assert_eq!((ids(&second), second.next_page_token.as_str()), (played[2..].to_vec(), ""));
    let refused = ada.matchmaking.list_my_matches(ada.with(page(101, ""))).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);

    // After kill -9, as JSON, and to nobody else.
    let data = lobby.kill();
    let lobby = Lobby::start(&data, DUEL, &[]);
    let url = format!("{}/v1/players/me/matches", lobby.public);
    let answer = reqwest::Client::new().get(url).bearer_auth(&bob.token).send().await.unwrap();
    let json: serde_json::Value = answer.json().await.unwrap();
    let found: Vec<&str> = json["matches"].as_array().unwrap().iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(found, played);
    let mut eve = Player::arrive(&lobby, "Eve").await;
    let hers = eve.matchmaking.list_my_matches(eve.with(page(0, ""))).await.unwrap().into_inner();
    assert!(hers.matches.is_empty());
}
