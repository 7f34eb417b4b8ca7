//! Spectators on real sockets: where their tokens lead, what they cost, and what they cannot hold up.

use bellhop_proto::v1::{self, lobby_message};
use bellhop_wire::{CloseCode, ToServer};

use crate::games::Pulse;
use crate::lobby::SPECTATORS;
use crate::support::{Player, Under, closed, dial, refusal};

#[tokio::test]
async fn somebody_watches_and_the_lobby_hears_how_many() {
    let (lobby, under, mut line) = Under::hosting("pulse", "{}", 2).await;
    let mut ann = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await;
    let mut bob = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 1)).await;
    ann.client.set_input(3);
    ann.until_state().await;
    bob.until_state().await;
    let mut eve = Player::<Pulse>::join(under.address, &line.watch_token(&lobby, 1, "p-eve")).await;
    eve.until_state().await;
    eve.until(|eve| eve.client.view().unwrap().sum == 3).await;
    assert!(eve.client.seated().is_none() && eve.client.watched().unwrap().delay_ms == 0);
    assert_eq!(eve.client.roster().count(), 2, "she is nobody in it");

    let report = line.report(|report| report.health.unwrap().spectators == 1).await;
    assert_eq!((report.seats.len(), report.health.unwrap().sockets), (2, 3));
    under.until_metric("room_spectators", |spectators| spectators == 1.0).await;
    assert!(under.metric("room_spectator_bytes_total").await > 0.0);
    let line_said = ann.client.say("hello");
    ann.send(line_said).await;
    eve.until(|eve| eve.news.iter().any(|news| matches!(news, room_client::News::Said(said) if said.text == "hello")))
        .await;

    eve.send(ToServer::Input { seq: 1, frames: 0, held_ms: 0, payload: vec![7] }.encode()).await;
    let (code, reason) = eve.until_closed().await;
    assert_eq!((code, reason.as_str()), (CloseCode::Spectator, "who watches does not play; take a seat to play"));
    line.report(|report| report.health.unwrap().spectators == 0).await;
    ann.frames(5).await;
}

#[tokio::test]
async fn a_watch_token_opens_once_no_seat_and_only_while_there_is_a_place() {
    let (lobby, under, line) = Under::hosting("pulse", "{}", 1).await;
    let token = line.watch_token(&lobby, 1, "p-0");
    let mut socket = dial(under.address, "r-1", &token).await.unwrap();
    assert_eq!(refusal(dial(under.address, "r-1", &token).await), (409, "replayed-token".into()));
    let newer = dial(under.address, "r-1", &line.watch_token(&lobby, 1, "p-0")).await.unwrap();
    assert_eq!(closed(&mut socket).await.0, CloseCode::Superseded);
    let mut others = vec![newer];
    for viewer in 1..SPECTATORS {
        others.push(dial(under.address, "r-1", &line.watch_token(&lobby, 1, &format!("p-{viewer}"))).await.unwrap());
    }
    let late = line.watch_token(&lobby, 1, "p-late");
    assert_eq!(refusal(dial(under.address, "r-1", &late).await), (409, "audience-full".into()));
    let stale = line.watch_token(&lobby, 2, "p-9");
    assert_eq!(refusal(dial(under.address, "r-1", &stale).await), (404, "other-match".into()));
    let mut ann = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await;
    ann.until_state().await;
}

#[tokio::test]
async fn spectators_hold_up_neither_the_end_nor_the_next_match() {
    let (lobby, under, mut line) = Under::hosting("pulse", "{}", 1).await;
    let mut ann = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await;
    let mut eve = Player::<Pulse>::join(under.address, &line.watch_token(&lobby, 1, "p-eve")).await;
    // Never says hello, never reads.
    let mute = dial(under.address, "r-1", &line.watch_token(&lobby, 1, "p-mute")).await.unwrap();
    ann.until_state().await;
    eve.until_state().await;
    let leave = ann.client.leave();
    ann.send(leave).await;
    assert_eq!(ann.until_closed().await.0, CloseCode::Left);
    let result = line.result().await;
    assert_eq!(eve.until_closed().await.0, CloseCode::Ended);
    assert_eq!(eve.client.ended().unwrap().reason, result.reason);
    line.acknowledge(&result).await;
    assert_eq!(line.host(2, "pulse", "{}", 1).await, Ok(2));
    drop(mute);
}

#[tokio::test]
async fn who_is_taken_out_is_told_why_and_cannot_come_back() {
    let (lobby, under, line) = Under::hosting("pulse", "{}", 2).await;
    let mut ann = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await;
    let mut bob = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 1)).await;
    ann.until_state().await;
    bob.until_state().await;
    let kick = v1::KickSeats { match_id: "m-1".into(), epoch: 1, seats: vec![1], reason: "rude".into() };
    line.say(lobby_message::Kind::KickSeats(kick)).await;
    assert_eq!(bob.until_closed().await, (CloseCode::Kicked, "rude".into()));
    ann.until(|ann| ann.news.contains(&room_client::News::Removed(1, "rude".into()))).await;
    let again = line.token(&lobby, 1, 1);
    assert_eq!(refusal(dial(under.address, "r-1", &again).await), (409, "seat-given-up".into()));
    ann.frames(3).await;
}
