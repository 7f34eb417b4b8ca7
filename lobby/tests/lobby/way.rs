//! The way of a player: ticket, match, seat, result, rating.

use std::time::Duration;

use bellhop_proto::tokens::{Key, open_routing, open_seat};
use bellhop_proto::v1::{self, lobby_message, room_message, seat_report::Presence, ticket_event::Kind};
use tonic::Code;

use crate::support::{DUEL, Lobby, Player, Room, within};

#[tokio::test]
async fn two_players_meet_and_their_ratings_move() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let mut room = Room::attach(&lobby).await;
    let (mut ada, mut bob) = (Player::arrive(&lobby, "Ada").await, Player::arrive(&lobby, "Bob").await);

    let mut adas = ada.play("duel").await.unwrap();
    assert!(matches!(adas.next().await, Some((1, Kind::Queued(_)))));
    let mut bobs = bob.play("duel").await.unwrap();
    let host = room.host().await;
    assert_eq!((host.seats.len(), host.seats[0].name.as_str(), host.max_seats), (2, "Ada", 2));

    let (number, kind) = adas.next().await.unwrap();
    assert!(matches!(&kind, Kind::Matched(matched) if number == 2 && matched.players == 2), "{kind:?}");
    let seat = adas.assigned().await;
    assert_eq!((&seat.match_id, &seat.room_id, seat.seat), (&host.match_id, &room.id, 0));
    assert_eq!(seat.url, format!("{}/rooms/{}", lobby.public.replace("http", "ws"), room.id));
    assert_eq!(bobs.assigned().await.seat, 1);

    let gateways = Key::from_bytes(&std::fs::read(lobby.data.join("keys/gateway.key")).unwrap()).unwrap();
    assert_eq!(open_routing(&gateways, &seat.token).unwrap().address, "127.0.0.1:9");
    let claim = open_seat(&room.key, &seat.token, 0).unwrap();
    assert_eq!((claim.match_id, claim.epoch, claim.player_id), (host.match_id.clone(), host.epoch, ada.id.clone()));

    // A held seat is fetched again by whoever holds it, and by nobody else.
    let again = ada.seat(&host.match_id).await.unwrap();
    assert_ne!(open_seat(&room.key, &again.token, 0).unwrap().nonce, claim.nonce);
    let mut eve = Player::arrive(&lobby, "Eve").await;
    assert_eq!(eve.seat(&host.match_id).await.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(ada.me().await.current_match.unwrap().match_id, host.match_id);

    room.report(Presence::Live).await;
    assert!(matches!(adas.next().await, Some((4, Kind::Connected(_)))));
    assert!(adas.next().await.is_none(), "who is seated needs no more events");

    let ticket = ada.me().await.current_ticket_id;
    room.finish().await;
    let (winner, loser) = (ada.me().await, bob.me().await);
    assert!(winner.ratings[0].rating > 1500 && loser.ratings[0].rating < 1500, "{winner:?} {loser:?}");
    assert_eq!((winner.ratings[0].matches, winner.current_match), (1, None));
    let ended = ada.look_at(&host.match_id).await.unwrap();
    assert_eq!((ended.state(), ended.seats[0].rank), (v1::r#match::State::Ended, 1));
    assert_eq!(ended.seats[0].rating_after, winner.ratings[0].rating);
    assert_eq!(ended.events_json, [r#"{"moved":1}"#]);
    assert_eq!(ada.look(&ticket).await.unwrap().state(), v1::ticket::State::Done);
    assert_eq!(ada.seat(&host.match_id).await.unwrap_err().code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn cancel_answers_the_truth() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let (mut ada, mut bob) = (Player::arrive(&lobby, "Ada").await, Player::arrive(&lobby, "Bob").await);
    let first = ada.ticket("duel", "k").await.unwrap();
    assert_eq!(ada.ticket("duel", "k").await.unwrap().id, first.id, "the same key gives the same ticket");
    let cancel = |ticket: &str| v1::CancelTicketRequest { ticket_id: ticket.into() };
    let answer = ada.matchmaking.cancel_ticket(ada.with(cancel(&first.id))).await.unwrap().into_inner();
    assert_eq!(answer.outcome(), v1::cancel_ticket_response::Outcome::Cancelled);
    let answer = ada.matchmaking.cancel_ticket(ada.with(cancel(&first.id))).await.unwrap().into_inner();
    assert_eq!(answer.outcome(), v1::cancel_ticket_response::Outcome::Cancelled, "said twice, true twice");

    let mut room = Room::attach(&lobby).await;
    let second = ada.ticket("duel", "").await.unwrap();
    bob.ticket("duel", "").await.unwrap();
    let host = room.host().await;
    let answer = ada.matchmaking.cancel_ticket(ada.with(cancel(&second.id))).await.unwrap().into_inner();
    assert_eq!(answer.outcome(), v1::cancel_ticket_response::Outcome::AlreadyMatched);
    assert_eq!(answer.match_id, host.match_id);
}

#[tokio::test]
async fn an_open_game_is_found_and_joined_once() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let mut room = Room::attach(&lobby).await;
    let mut ada = Player::arrive(&lobby, "Ada").await;
    let (mut bob, mut eve) = (Player::arrive(&lobby, "Bob").await, Player::arrive(&lobby, "Eve").await);

    let mut lists = bob.matchmaking.watch_open_games(v1::ListOpenGamesRequest::default()).await.unwrap().into_inner();
    assert_eq!(lists.message().await.unwrap().unwrap().total, 0);
    let wish = v1::CreateTicketRequest { open: true, ..crate::support::ticket("duel", "") };
    let game = ada.matchmaking.create_ticket(ada.with(wish)).await.unwrap().into_inner();
    let list = lists.message().await.unwrap().unwrap();
    assert_eq!((list.games[0].ticket_id.clone(), list.games[0].creator_name.as_str()), (game.id.clone(), "Ada"));

    let join = v1::JoinOpenGameRequest { ticket_id: game.id.clone(), idempotency_key: String::new() };
    assert_eq!(
        ada.matchmaking.join_open_game(ada.with(join.clone())).await.unwrap_err().code(),
        Code::FailedPrecondition
    );
    let bobs = bob.with(join.clone());
    let eves = eve.with(join);
    let (one, other) = tokio::join!(bob.matchmaking.join_open_game(bobs), eve.matchmaking.join_open_game(eves));
    let refused = match (one, other) {
        (Ok(_), Err(refused)) | (Err(refused), Ok(_)) => refused,
        (one, other) => panic!("{one:?} {other:?}"),
    };
    assert_eq!(refused.code(), Code::NotFound);
    assert_eq!(room.host().await.seats.len(), 2);
    assert_eq!(lists.message().await.unwrap().unwrap().total, 0);
}

#[tokio::test]
async fn events_as_sse_go_on_where_the_reader_was() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let mut room = Room::attach(&lobby).await;
    let (mut ada, mut bob) = (Player::arrive(&lobby, "Ada").await, Player::arrive(&lobby, "Bob").await);
    let ticket = ada.ticket("duel", "").await.unwrap();
    let url = format!("{}/v1/tickets/{}/events", lobby.public, ticket.id);
    let http = reqwest::Client::new();

    let mut first = http.get(&url).bearer_auth(&ada.token).send().await.unwrap();
    assert_eq!(first.headers()["content-type"], "text/event-stream");
    let text = read_until(&mut first, "event: status").await;
    assert!(text.starts_with("event: queued\nid: 1\ndata: {"), "{text}");
    drop(first);

    bob.ticket("duel", "").await.unwrap();
    room.host().await;
    let forwarded = http
        .get(&url)
        .bearer_auth(&ada.token)
        .header("last-event-id", "2")
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", "play.example.org");
    let mut second = forwarded.send().await.unwrap();
    let text = read_until(&mut second, "\n\n").await;
    assert!(text.starts_with("event: assigned\nid: 3\n"), "{text}");
    assert!(text.contains(&format!("\"url\":\"wss://play.example.org/rooms/{}\"", room.id)), "{text}");
}

async fn read_until(answer: &mut reqwest::Response, wanted: &str) -> String {
    let mut text = String::new();
    while !text.contains(wanted) {
        let chunk = tokio::time::timeout(crate::support::SOON, answer.chunk()).await.expect("in time");
        text.push_str(&String::from_utf8_lossy(&chunk.unwrap().expect("the stream holds")));
    }
    text
}

#[tokio::test]
async fn a_rooms_bundle_is_asked_for_and_served() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let mut archive = Vec::new();
    for piece in ["index.js", "export let a"] {
        archive.extend_from_slice(&(piece.len() as u32).to_le_bytes());
        archive.extend_from_slice(piece.as_bytes());
    }
    let hash = blake3::hash(&archive).to_hex().to_string();
    let key = Key::generate();
    let hello = v1::Hello {
        fleet: "test".into(),
        address: "127.0.0.1:9".into(),
        seat_key: key.as_bytes().to_vec(),
        games: vec![v1::GameInfo {
            name: "duel".into(),
            max_seats: 2,
            bundle: hash.clone(),
            ..v1::GameInfo::default()
        }],
        ..v1::Hello::default()
    };
    let token = std::fs::read_to_string(lobby.data.join("keys/fleet-test.token")).unwrap();
    let mut room = Room::attach_with(&lobby, token.trim(), hello, key).await.unwrap();
    let wanted = room.next(|kind| match kind {
        lobby_message::Kind::WantBundle(want) => Some(want.hash),
        _ => None,
    });
    assert_eq!(wanted.await.unwrap(), hash);
    let chunk = |offset: usize, end: usize| v1::BundleChunk {
        hash: hash.clone(),
        offset: offset as u64,
        data: archive[offset..end].to_vec().into(),
        last: end == archive.len(),
    };
    room.say(room_message::Kind::BundleChunk(chunk(0, 5))).await;
    room.say(room_message::Kind::BundleChunk(chunk(5, archive.len()))).await;

    let http = reqwest::Client::new();
    let url = format!("{}/games/{hash}/index.js", lobby.public);
    let answer = within("the bundle", async || {
        let answer = http.get(&url).send().await.unwrap();
        answer.status().is_success().then_some(answer)
    });
    let answer = answer.await;
    assert_eq!(answer.headers()["cache-control"], "public, max-age=31536000, immutable");
    assert_eq!(answer.headers()["content-type"], "text/javascript; charset=utf-8");
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    assert_eq!(answer.text().await.unwrap(), "export let a");
    let outside = http.get(format!("{}/games/{hash}/..%2f..%2fkeys%2foperator.token", lobby.public)).send();
    assert_eq!(outside.await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_matchs_journal_is_kept_and_shown_when_it_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let mut room = Room::attach(&lobby).await;
    let (mut ada, mut bob) = (Player::arrive(&lobby, "Ada").await, Player::arrive(&lobby, "Bob").await);
    let (_adas, _bobs) = (ada.play("duel").await.unwrap(), bob.play("duel").await.unwrap());
    let host = room.host().await;
    let chunk = |match_id: &str, offset: u64, data: &[u8]| {
        let (match_id, data) = (match_id.to_owned(), data.to_vec());
        room_message::Kind::JournalChunk(v1::JournalChunk {
            match_id,
            epoch: host.epoch,
            offset,
            data,
            acknowledge: false,
        })
    };
    room.say(chunk(&host.match_id, 0, b"once upon")).await;
    // What does not belong to it is refused and ends nothing.
    room.say(chunk("m-0000000000000", 0, b"of another room")).await;
    room.say(chunk(&host.match_id, 9, b" a time")).await;
    room.say(chunk(&host.match_id, 99, b"a gap")).await;
    room.report(Presence::Live).await;

    let http = reqwest::Client::new();
    let url = format!("{}/v1/matches/{}/replay", lobby.public, host.match_id);
    let ask = || http.get(&url).bearer_auth(&ada.token).send();
    let early = ask().await.unwrap();
    assert_eq!(early.status(), 409, "the journal of a match that runs holds its secrets");
    assert!(early.text().await.unwrap().contains("still runs"));
    room.finish().await;
    let answer = ask().await.unwrap();
    assert_eq!((answer.status().as_u16(), &*answer.bytes().await.unwrap()), (200, &b"once upon a time"[..]));
    let other = http.get(url.replace(&host.match_id, "m-0000000000000")).bearer_auth(&ada.token).send();
    assert_eq!(other.await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_replay_is_shown_from_the_store_when_the_lobby_keeps_it_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let store = tempfile::tempdir().unwrap();
    let url = format!("file://{}/of-bellhop", store.path().display());
    std::fs::create_dir(store.path().join("of-bellhop")).unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &["--replays", &url]);
    let mut room = Room::attach(&lobby).await;
    let (mut ada, mut bob) = (Player::arrive(&lobby, "Ada").await, Player::arrive(&lobby, "Bob").await);
    let (_adas, _bobs) = (ada.play("duel").await.unwrap(), bob.play("duel").await.unwrap());
    let host = room.host().await;
    room.say(room_message::Kind::JournalChunk(v1::JournalChunk {
        match_id: host.match_id.clone(),
        epoch: host.epoch,
        offset: 0,
        data: b"once upon a time".to_vec(),
        acknowledge: false,
    }))
    .await;
    room.report(Presence::Live).await;
    let stored = store.path().join(format!("of-bellhop/{}.journal", host.match_id));
    assert!(!stored.exists(), "while it runs it holds secrets");
    room.finish().await;
    let mark = dir.path().join(format!("matches/{}.stored", host.match_id));
    within("the store has the whole replay", async || mark.exists().then_some(())).await;
    assert_eq!(std::fs::read(&stored).unwrap(), b"once upon a time");
    let metrics = reqwest::get(format!("{}/metrics", lobby.private)).await.unwrap().text().await.unwrap();
    assert!(metrics.contains("lobby_replays_stored_total 1\n"), "it is not counted");

    std::fs::remove_file(mark.with_extension("journal")).unwrap();
    let http = reqwest::Client::new();
    let ask = || {
        let url = format!("{}/v1/matches/{}/replay", lobby.public, host.match_id);
        http.get(url).bearer_auth(&ada.token).send()
    };
    let answer = ask().await.unwrap();
    assert_eq!((answer.status().as_u16(), &*answer.bytes().await.unwrap()), (200, &b"once upon a time"[..]));
    std::fs::remove_file(&stored).unwrap();
    assert_eq!(ask().await.unwrap().status(), 404, "nobody has it");
}

#[tokio::test]
async fn a_match_goes_on_in_another_room_with_its_journal_and_the_old_room_is_heard_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let mut one = Room::attach(&lobby).await;
    let (mut ada, mut bob) = (Player::arrive(&lobby, "Ada").await, Player::arrive(&lobby, "Bob").await);
    let (_adas, _bobs) = (ada.play("duel").await.unwrap(), bob.play("duel").await.unwrap());
    let before = one.host().await;
    let piece = |host: &v1::Host, offset: u64, data: &[u8]| {
        let (match_id, epoch, data) = (host.match_id.clone(), host.epoch, data.to_vec());
        room_message::Kind::JournalChunk(v1::JournalChunk { match_id, epoch, offset, data, acknowledge: true })
    };
    let chunk = |text: &str| [&(text.len() as u32).to_le_bytes()[..], &[0; 8], text.as_bytes()].concat();
    let whole = [b"bellhop1".to_vec(), chunk("once upon a time")].concat();
    one.say(piece(&before, 0, &whole)).await;
    let kept = one.next(|kind| match kind {
        lobby_message::Kind::JournalKept(kept) => Some(kept),
        _ => None,
    });
    let kept = kept.await.unwrap();
    assert_eq!((kept.epoch, kept.bytes), (before.epoch, whole.len() as u64));
    one.say(piece(&before, whole.len() as u64, &chunk("cut off")[..15])).await;
    one.report(Presence::Live).await;

    // It falls silent. The other one is handed the journal, up to its last whole chunk, and then the match.
    let mut two = Room::attach(&lobby).await;
    let mut journal = Vec::new();
    let after = loop {
        two.report(Presence::Live).await;
        let next = two.next(|kind| match kind {
            lobby_message::Kind::JournalPiece(piece) => Some((Some(piece), None)),
            lobby_message::Kind::Host(host) => Some((None, Some(host))),
            _ => None,
        });
        match tokio::time::timeout(Duration::from_millis(500), next).await {
            Ok(Ok((Some(piece), _))) => journal.extend(piece.data),
            Ok(Ok((None, Some(host)))) => break host,
            Ok(Ok((None, None)) | Err(_)) => panic!("the stream of the other room ended"),
            Err(_) => {} // not yet: it says again that it is there
        }
    };
    assert_eq!((journal.as_slice(), after.journal_bytes), (&*whole, whole.len() as u64));
    assert_eq!((&after.match_id, &after.seats, after.seed), (&before.match_id, &before.seats, before.seed));
    assert!(after.epoch > before.epoch);
    let accepted = v1::HostAccepted { match_id: after.match_id.clone(), epoch: after.epoch };
    two.say(room_message::Kind::HostAccepted(accepted)).await;
    two.hosted = Some(after.clone());
    two.report(Presence::Live).await;

    // The old one is back, and writes on: it is told to stop, and nothing of it is kept.
    one.say(piece(&before, whole.len() as u64, &chunk("of the old room"))).await;
    one.report(Presence::Live).await;
    let off = one.next(|kind| match kind {
        lobby_message::Kind::CallOff(off) => Some(off),
        _ => None,
    });
    assert_eq!(off.await.unwrap().epoch, before.epoch);
    let more = chunk("they lived");
    two.say(piece(&after, whole.len() as u64, &more)).await;
    two.finish().await;
    let url = format!("{}/v1/matches/{}/replay", lobby.public, before.match_id);
    let answer = reqwest::Client::new().get(&url).bearer_auth(&ada.token).send().await.unwrap();
    assert_eq!(*answer.bytes().await.unwrap(), *[whole, more].concat());
}
