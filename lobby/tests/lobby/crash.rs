//! kill -9, and what was promised before it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bellhop_proto::v1::{seat_report::Presence, ticket, ticket_event::Kind};
use tonic::Code;

use crate::support::{DUEL, Lobby, Player, Room, within};

#[tokio::test]
async fn tickets_matches_and_results_survive() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let mut room = Room::attach(&lobby).await;
    let (ada, bob) = (Player::arrive(&lobby, "Ada").await, Player::arrive(&lobby, "Bob").await);
    let (mut ada, mut bob, mut eve) = (ada, bob, Player::arrive(&lobby, "Eve").await);
    let playing = ada.ticket("duel", "").await.unwrap();
    let mut bobs = bob.play("duel").await.unwrap();
    let host = room.host().await;
    bobs.assigned().await;
    let waiting = eve.ticket("duel", "key").await.unwrap();

    let data = lobby.kill();
    let lobby = Lobby::start(&data, DUEL, &[]);
    let (mut ada, mut eve) = (ada.again(&lobby).await, eve.again(&lobby).await);
    assert_eq!(eve.look(&waiting.id).await.unwrap().state(), ticket::State::Queued);
    assert_eq!(eve.ticket("duel", "key").await.unwrap().id, waiting.id);
    assert_eq!(eve.ticket("duel", "other").await.unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(ada.look(&playing.id).await.unwrap().match_id, host.match_id);
    assert_eq!(ada.me().await.current_match.unwrap().match_id, host.match_id);
    assert_eq!(ada.seat(&host.match_id).await.unwrap_err().code(), Code::Unavailable, "its room is not back yet");

    // Who watches meanwhile gets his token as soon as the room is back.
    let mut adas = ada.watch(&playing.id, 2).await.unwrap();
    let mut room = Room::attach_again(&lobby, &room).await;
    let seat = adas.assigned().await;
    assert_eq!((seat.match_id, seat.room_id), (host.match_id.clone(), room.id.clone()));
    room.report(Presence::Live).await;
    assert!(matches!(adas.next().await, Some((4, Kind::Connected(_)))));
    room.finish().await;

    let data = lobby.kill();
    let lobby = Lobby::start(&data, DUEL, &[]);
    let mut ada = ada.again(&lobby).await;
    let me = ada.me().await;
    assert_eq!((me.ratings[0].matches, me.current_match), (1, None));
    assert_eq!(ada.look_at(&host.match_id).await.unwrap().seats[0].rank, 1);
}

#[tokio::test]
async fn a_match_whose_room_dies_goes_to_another() {
    let dir = tempfile::tempdir().unwrap();
    let timing = format!("{DUEL}\n[timing]\nsilence_seconds = 1\n");
    let lobby = Lobby::start(dir.path(), &timing, &[]);
    let mut first = Room::attach(&lobby).await;
    let (mut ada, mut bob) = (Player::arrive(&lobby, "Ada").await, Player::arrive(&lobby, "Bob").await);
    let mut adas = ada.play("duel").await.unwrap();
    bob.ticket("duel", "").await.unwrap();
    let lost = first.host().await;
    assert_eq!(adas.assigned().await.match_id, lost.match_id);
    drop(first);
    let requeued = async {
        loop {
            if let Some((_, Kind::Requeued(requeued))) = adas.next().await {
                break requeued.reason;
            }
        }
    };
    assert!(!requeued.await.is_empty());
    let mut second = Room::attach(&lobby).await;
    let host = second.host().await;
    assert_ne!(host.match_id, lost.match_id);
    assert_eq!(adas.assigned().await.room_id, second.id);
}

/// Killed again and again while tickets come in: each ticket that was answered is there afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answered_ticket_is_lost_whenever_the_lobby_dies() {
    let dir = tempfile::tempdir().unwrap();
    let mut lobby = Lobby::start(dir.path(), DUEL, &[]);
    for round in 0..6 {
        let stop = Arc::new(AtomicBool::new(false));
        let mut crowd = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let mut player = Player::arrive(&lobby, "").await;
            let stop = stop.clone();
            crowd.spawn(async move {
                // A ticket and its cancel, in turns, until the lobby is gone.
                let mut promised = None;
                while !stop.load(Ordering::Relaxed) {
                    match player.ticket("closed", "").await {
                        Ok(ticket) => promised = Some(ticket.id),
                        Err(_) => break,
                    }
                    let cancel = bellhop_proto::v1::CancelTicketRequest { ticket_id: promised.clone().unwrap() };
                    if player.matchmaking.cancel_ticket(player.with(cancel)).await.is_err() {
                        break;
                    }
                    promised = None;
                }
                (player, promised)
            });
        }
        // Snapshots are written every second: some rounds die around one.
        tokio::time::sleep(Duration::from_millis(300 + 250 * round)).await;
        let data = lobby.kill();
        stop.store(true, Ordering::Relaxed);
        lobby = Lobby::start(&data, DUEL, &[]);
        while let Some(done) = crowd.join_next().await {
            let (player, promised) = done.unwrap();
            let mut player = player.again(&lobby).await;
            let me = player.me().await;
            if let Some(ticket) = promised {
                let state = player.look(&ticket).await.expect("a promised ticket").state();
                // Its cancel may have been on the way.
                let gone = state == ticket::State::Cancelled;
                assert!(gone || (state == ticket::State::Queued && me.current_ticket_id == ticket), "{state:?} {me:?}");
            }
        }
    }
    let snapshots = within("a snapshot", async || {
        let names = std::fs::read_dir(lobby.data.join("snapshots")).unwrap().count();
        (names > 0).then_some(names)
    });
    assert!(snapshots.await <= 3);
}
