//! Operations, with the operators' token and without.

use std::time::Duration;

use bellhop_proto::tokens::Key;
use bellhop_proto::v1::{self, lobby_message, seat_report::Presence};
use tonic::Code;

use crate::support::{DUEL, Lobby, Player, Room, with, within};

#[tokio::test]
async fn counts_are_the_truth_and_drained_rooms_go() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let (mut ops, token) = lobby.operations().await;
    let refused =
        ops.list_rooms(with("wrong token of some length", v1::ListRoomsRequest::default())).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(ops.list_fleets(v1::ListFleetsRequest {}).await.unwrap_err().code(), Code::Unauthenticated);

    let mut room = Room::attach(&lobby).await;
    let (mut ada, mut bob) = (Player::arrive(&lobby, "Ada").await, Player::arrive(&lobby, "Bob").await);
    ada.ticket("duel", "").await.unwrap();
    let tickets = ops.list_tickets(with(&token, v1::ListTicketsRequest::default())).await.unwrap().into_inner().tickets;
    assert_eq!((tickets.len(), tickets[0].player_ids[0].as_str()), (1, ada.id.as_str()));
    assert!(tickets[0].why.starts_with("alone"), "{}", tickets[0].why);
    bob.ticket("duel", "").await.unwrap();
    let host = room.host().await;
    for (presence, live) in [(Presence::Live, 2), (Presence::Dropped, 0), (Presence::Live, 2)] {
        room.report(presence).await;
        within("the count of players", async || {
            let rooms = ops.list_rooms(with(&token, v1::ListRoomsRequest::default())).await.unwrap().into_inner().rooms;
            assert_eq!((rooms[0].id.as_str(), rooms[0].match_id.as_str()), (room.id.as_str(), host.match_id.as_str()));
            let metrics = reqwest::get(format!("{}/metrics", lobby.private)).await.unwrap().text().await.unwrap();
            let counted = metrics.contains(&format!("lobby_fleet_players{{fleet=\"test\"}} {live}\n"));
            (rooms[0].seats_live == live && rooms[0].healthy && counted).then_some(())
        })
        .await;
    }
    let matches = ops.list_matches(with(&token, v1::ListMatchesRequest::default())).await.unwrap().into_inner().matches;
    assert_eq!((matches[0].state.as_str(), matches[0].players_live), ("playing", 2));

    let drain = v1::DrainRoomRequest { room_id: room.id.clone(), within_seconds: 7 };
    ops.drain_room(with(&token, drain)).await.unwrap();
    let drained = room.next(|kind| match kind {
        lobby_message::Kind::Drain(drain) => Some(drain.within_ms),
        _ => None,
    });
    let within_ms = drained.await.unwrap();
    assert!(within_ms <= 7_000 && within_ms > 5_000, "{within_ms}");
}

#[tokio::test]
async fn settings_changed_by_operators_survive_and_are_checked() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let (mut ops, token) = lobby.operations().await;
    let set = |toml: &str| v1::SetQueueRequest { name: "duel".into(), settings_toml: toml.into() };
    ops.set_queue(with(&token, set("rated = false\nstart_after_seconds = 0.5"))).await.unwrap();
    let refused = ops.set_queue(with(&token, set("colour = 1"))).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let refused = ops.set_queue(with(&token, set("min_players = 9"))).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    let fleet = v1::SetFleetRequest { name: "nobody".into(), ..v1::SetFleetRequest::default() };
    assert_eq!(ops.set_fleet(with(&token, fleet)).await.unwrap_err().code(), Code::NotFound);

    let data = lobby.kill();
    let lobby = Lobby::start(&data, DUEL, &[]);
    let (mut ops, token) = lobby.operations().await;
    let queues = ops.list_queue_settings(with(&token, v1::ListQueueSettingsRequest {})).await.unwrap().into_inner();
    let duel = queues.queues.iter().find(|queue| queue.name == "duel").unwrap();
    assert!(duel.settings_toml.contains("rated = false"), "{}", duel.settings_toml);
}

#[tokio::test]
async fn a_room_must_prove_who_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let hello = |fleet: &str| v1::Hello {
        fleet: fleet.into(),
        address: "127.0.0.1:9".into(),
        seat_key: vec![7; 32],
        ..v1::Hello::default()
    };
    let refused =
        async |token: &str, hello: v1::Hello| match Room::attach_with(&lobby, token, hello, Key::generate()).await {
            Ok(_) => panic!("the room is taken"),
            Err(status) => status.code(),
        };
    let token = std::fs::read_to_string(lobby.data.join("keys/fleet-test.token")).unwrap();
    assert_eq!(refused("not the token of this fleet", hello("test")).await, Code::Unauthenticated);
    assert_eq!(refused(token.trim(), hello("other")).await, Code::NotFound);
    let short = v1::Hello { seat_key: vec![7; 3], ..hello("test") };
    assert_eq!(refused(token.trim(), short).await, Code::InvalidArgument);
    let nowhere = v1::Hello { address: "nowhere".into(), ..hello("test") };
    assert_eq!(refused(token.trim(), nowhere).await, Code::InvalidArgument);
}

#[tokio::test]
async fn the_lobby_stops_when_its_rooms_have_gone() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let (mut ops, token) = lobby.operations().await;
    let mut room = Room::attach(&lobby).await;
    let stop = v1::StopLobbyRequest { rooms_too: true, within_seconds: 5 };
    ops.stop_lobby(with(&token, stop)).await.unwrap();
    let told = room.next(|kind| match kind {
        lobby_message::Kind::Drain(_) | lobby_message::Kind::Stop(_) => Some(()),
        _ => None,
    });
    told.await.unwrap();
    let ready = within("it is not ready any more", async || {
        reqwest::get(format!("{}/readyz", lobby.private)).await.ok().filter(|answer| answer.status() == 503)
    });
    assert!(tokio::time::timeout(Duration::from_secs(5), ready).await.is_ok());
    drop(room);
    assert_eq!(lobby.ended().await, Some(0));
}
