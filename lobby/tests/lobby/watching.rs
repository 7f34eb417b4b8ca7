//! Who watches a match gets there by the lobby's word, and who is taken out of one does not come back.

use bellhop_proto::tokens::{Key, open_routing, open_seat, open_watch};
use bellhop_proto::v1::{self, lobby_message, room_message, seat_report::Presence};
use tonic::Code;

use crate::support::{DUEL, Lobby, Player, Room, with, within};

const WATCHED: &str = "watch_delay_seconds = 2\nspectators = 2\nchat = false";

async fn set(lobby: &Lobby, toml: &str) {
    let (mut ops, token) = lobby.operations().await;
    let set = v1::SetQueueRequest { name: "duel".into(), settings_toml: toml.into() };
    ops.set_queue(with(&token, set)).await.unwrap();
}

async fn watch(player: &mut Player, match_id: &str) -> Result<v1::WatchPass, (Code, String)> {
    let wish = v1::WatchMatchRequest { match_id: match_id.into() };
    let answer = player.matchmaking.watch_match(player.with(wish)).await;
    answer.map(tonic::Response::into_inner).map_err(|status| (status.code(), status.message().to_owned()))
}

#[tokio::test]
async fn a_match_is_watched_by_whoever_asks_while_there_is_a_place() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    set(&lobby, WATCHED).await;
    let mut room = Room::attach(&lobby).await;
    let (mut ada, mut bob) = (Player::arrive(&lobby, "Ada").await, Player::arrive(&lobby, "Bob").await);
    let mut eve = Player::arrive(&lobby, "Eve").await;
    ada.ticket("duel", "").await.unwrap();
    bob.ticket("duel", "").await.unwrap();
    let host = room.host().await;
    assert_eq!((host.spectators, host.watch_delay_ms, host.chat), (2, 2_000, false), "the room is told");
    room.report(Presence::Live).await;

    let pass = within("a place", async || watch(&mut eve, &host.match_id).await.ok()).await;
    assert_eq!((pass.room_id.as_str(), pass.game.as_str(), pass.delay_ms), (room.id.as_str(), "duel", 2_000));
    assert_eq!((pass.spectators, pass.max_spectators), (0, 2));
    assert_eq!(pass.url, format!("{}/rooms/{}", lobby.public.replace("http", "ws"), room.id));
    let gateways = Key::from_bytes(&std::fs::read(lobby.data.join("keys/gateway.key")).unwrap()).unwrap();
    assert_eq!(open_routing(&gateways, &pass.token).unwrap().address, "127.0.0.1:9");
    let claim = open_watch(&room.key, &pass.token, 0).unwrap();
    assert_eq!((claim.match_id, claim.epoch, claim.viewer_id), (host.match_id.clone(), host.epoch, eve.id.clone()));
    assert!(open_seat(&room.key, &pass.token, 0).is_err(), "it opens no seat");

    // JSON says the same, and who has no bearer watches nothing.
    let url = format!("{}/v1/matches/{}/watch", lobby.public, host.match_id);
    let client = reqwest::Client::new();
    let said: serde_json::Value = client.post(&url).bearer_auth(&eve.token).send().await.unwrap().json().await.unwrap();
    assert_eq!((said["room_id"].as_str(), said["delay_ms"].as_u64()), (Some(room.id.as_str()), Some(2_000)));
    assert_eq!(client.post(&url).send().await.unwrap().status(), 401);

    // The room says how many watch.
    let report = v1::Report {
        sequence: 50,
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
        health: Some(v1::Health { spectators: 2, ..v1::Health::default() }),
        ..v1::Report::default()
    };
    room.say(room_message::Kind::Report(report)).await;
    let full = within("no place", async || watch(&mut eve, &host.match_id).await.err()).await;
    assert_eq!(full.0, Code::ResourceExhausted, "{}", full.1);
    let (mut ops, token) = lobby.operations().await;
    let rooms = ops.list_rooms(with(&token, v1::ListRoomsRequest::default())).await.unwrap().into_inner().rooms;
    let matches = ops.list_matches(with(&token, v1::ListMatchesRequest::default())).await.unwrap().into_inner().matches;
    assert_eq!((rooms[0].spectators, rooms[0].seats_live, matches[0].spectators), (2, 2, 2));
    assert_eq!(ada.look_at(&host.match_id).await.unwrap().spectators, 2);

    let unknown = watch(&mut eve, "m-00000000000000000000000000").await.unwrap_err().0;
    assert!(matches!(unknown, Code::NotFound | Code::InvalidArgument), "{unknown:?}");
    room.finish().await;
    assert_eq!(watch(&mut eve, &host.match_id).await.unwrap_err().0, Code::FailedPrecondition, "its replay is there");
}

#[tokio::test]
async fn a_queue_may_let_nobody_watch() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    set(&lobby, "watch = false").await;
    let mut room = Room::attach(&lobby).await;
    let (mut ada, mut bob) = (Player::arrive(&lobby, "Ada").await, Player::arrive(&lobby, "Bob").await);
    ada.ticket("duel", "").await.unwrap();
    bob.ticket("duel", "").await.unwrap();
    let host = room.host().await;
    assert_eq!((host.spectators, host.chat), (0, true));
    assert_eq!(watch(&mut ada, &host.match_id).await.unwrap_err().0, Code::PermissionDenied);
    assert!(!ada.look_at(&host.match_id).await.unwrap().watch);
}

#[tokio::test]
async fn an_operator_takes_a_player_out_of_a_match() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    set(&lobby, "late_join = true").await;
    let mut room = Room::attach(&lobby).await;
    let (mut ada, mut bob) = (Player::arrive(&lobby, "Ada").await, Player::arrive(&lobby, "Bob").await);
    ada.ticket("duel", "").await.unwrap();
    bob.ticket("duel", "").await.unwrap();
    let host = room.host().await;
    room.report(Presence::Live).await;
    let (mut ops, token) = lobby.operations().await;
    let kick = |match_id: &str, player: &str, reason: &str| v1::KickPlayerRequest {
        match_id: match_id.into(),
        player_id: player.into(),
        reason: reason.into(),
    };
    let refused = ops.kick_player(with("no operator's", kick(&host.match_id, &bob.id, ""))).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let refused = ops.kick_player(with(&token, kick(&host.match_id, &bob.id, "a\nb"))).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let eve = Player::arrive(&lobby, "Eve").await;
    let refused = ops.kick_player(with(&token, kick(&host.match_id, &eve.id, ""))).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);

    within("the match", async || {
        ops.kick_player(with(&token, kick(&host.match_id, &bob.id, "bad language"))).await.ok()
    })
    .await;
    let told = room.next(|kind| match kind {
        lobby_message::Kind::KickSeats(kick) => Some(kick),
        _ => None,
    });
    let told = told.await.unwrap();
    let seat = host.seats.iter().find(|seat| seat.player_id == bob.id).unwrap().seat;
    assert_eq!((told.seats.as_slice(), told.reason.as_str()), ([seat].as_slice(), "bad language"));
    assert_eq!(bob.seat(&host.match_id).await.unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(bob.me().await.current_match, None, "he may play elsewhere");
    // The free seat is not his again.
    let ticket = bob.ticket("duel", "").await.unwrap();
    assert_eq!(bob.look(&ticket.id).await.unwrap().match_id, "");
    let mut eve = eve;
    eve.ticket("duel", "").await.unwrap();
    let added = room.next(|kind| match kind {
        lobby_message::Kind::AddSeats(add) => Some(add),
        _ => None,
    });
    assert_eq!(added.await.unwrap().seats[0].player_id, eve.id);
}

#[tokio::test]
async fn matches_of_a_listed_queue_are_found_by_everybody() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let client = reqwest::Client::new();
    let list = async |query: &str| -> serde_json::Value {
        let url = format!("{}/v1/watchable{query}", lobby.public);
        client.get(&url).send().await.unwrap().json().await.unwrap()
    };
    let mut room = Room::attach(&lobby).await;
    let (mut ada, mut bob) = (Player::arrive(&lobby, "Ada").await, Player::arrive(&lobby, "Bob").await);
    ada.ticket("duel", "").await.unwrap();
    bob.ticket("duel", "").await.unwrap();
    let host = room.host().await;
    room.report(Presence::Live).await;
    within("the match", async || ada.look_at(&host.match_id).await.ok().filter(|game| game.watch)).await;
    assert_eq!(list("").await["total"], 0, "by link alone, unless the queue says otherwise");

    set(&lobby, "watch = \"listed\"").await;
    let said = list("?page_size=1").await;
    assert_eq!((&said["total"], &said["next_page_token"]), (&1.into(), &"".into()));
    let game = &said["matches"][0];
    assert_eq!((game["match_id"].as_str(), game["playing"].as_u64()), (Some(host.match_id.as_str()), Some(2)));
    assert_eq!((&game["players"][0]["name"], &game["players"][1]["name"]), (&"Ada".into(), &"Bob".into()));
    let asked = v1::ListWatchableRequest { queue: "duel".into(), ..v1::ListWatchableRequest::default() };
    let matches = ada.matchmaking.list_watchable(asked).await.unwrap().into_inner().matches;
    assert_eq!((matches.len(), matches[0].max_spectators), (1, 50));
    let queues: serde_json::Value =
        client.get(format!("{}/v1/queues", lobby.public)).send().await.unwrap().json().await.unwrap();
    assert_eq!((&queues["queues"][0]["watch"], &queues["queues"][0]["listed"]), (&true.into(), &true.into()));

    assert_eq!(list("?page_size=101").await["status"], 400);
    assert_eq!(list("?page_token=nonsense").await["status"], 400);
    let (mut ops, token) = lobby.operations().await;
    let wrong = v1::SetQueueRequest { name: "duel".into(), settings_toml: "watch = \"all\"".into() };
    let refused = ops.set_queue(with(&token, wrong)).await.unwrap_err();
    assert!(refused.message().contains("true, false or \"listed\""), "{}", refused.message());
    room.finish().await;
    assert_eq!(list("").await["total"], 0);
}
