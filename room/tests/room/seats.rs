//! Joining, coming back, leaving.

use bellhop_proto::v1::seat_report::Presence;
use bellhop_wire::CloseCode;
use room_client::News;

use crate::games::{Pulse, Tally};
use crate::support::{Player, Under, dial, refusal};

#[tokio::test]
async fn two_players_meet_and_the_lobby_hears_of_it() {
    let (lobby, under, mut line) = Under::hosting("pulse", "{}", 2).await;
    let mut ann = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await;
    let mut bob = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 1)).await;
    ann.client.set_input(3);
    bob.client.set_input(4);
    ann.until_state().await;
    bob.until_state().await;
    ann.until(|ann| ann.client.view().unwrap().sum == 7).await;
    let live = |report: &bellhop_proto::v1::Report| {
        report.seats.iter().filter(|seat| seat.presence() == Presence::Live).count()
    };
    let report = line.report(|report| live(report) == 2).await;
    assert_eq!((report.match_id.as_str(), report.epoch), ("m-1", 1));
    let health = line.report(|report| report.health.unwrap().rate_hz > 40.0).await.health.unwrap();
    assert_eq!((health.rate_wanted_hz, health.sockets), (50.0, 2));
    assert!(health.rss_bytes > 0);

    drop(bob);
    line.report(|report| report.seats.iter().any(|seat| seat.presence() == Presence::Dropped)).await;
    let leave = ann.client.leave();
    ann.send(leave).await;
    assert_eq!(ann.until_closed().await.0, CloseCode::Left);
    line.report(|report| report.seats.iter().any(|seat| seat.presence() == Presence::Left)).await;
}

#[tokio::test]
async fn a_reload_and_a_broken_network_come_back_to_the_seat() {
    let (lobby, under, line) = Under::hosting("pulse", "{}", 2).await;
    let mut ann = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await;
    let mut bob = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 1)).await;
    ann.until_state().await;
    ann.client.command(&11);
    ann.until(|ann| ann.news.contains(&News::Event(11))).await;

    // The network breaks: the same page comes back, and is told what it missed, once.
    let step = ann.client.view().unwrap().step;
    let first_token = ann.client.resume_token().unwrap().to_owned();
    bob.until_state().await;
    bob.client.command(&12);
    bob.until(|bob| bob.news.contains(&News::Event(12))).await;
    ann.resume().await;
    ann.until(|ann| ann.client.view().unwrap().step > step && ann.news.contains(&News::Event(12))).await;
    assert_eq!(ann.news.iter().filter(|news| **news == News::Event(11)).count(), 1);
    assert_ne!(ann.client.resume_token().unwrap(), first_token);

    // A reload: a fresh page, which has nothing but a fresh token from the lobby.
    let mut again = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await;
    again.until_state().await;
    assert_eq!(again.client.seated().unwrap().seat.0, 0);
    assert_eq!(ann.until_closed().await.0, CloseCode::Superseded);
}

#[tokio::test]
async fn the_newest_socket_wins_and_an_old_resume_token_is_refused() {
    let (lobby, under, line) = Under::hosting("pulse", "{}", 1).await;
    let mut ann = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await;
    ann.until_state().await;
    let oldest = ann.client.resume_token().unwrap().to_owned();
    for _ in 0..2 {
        ann.resume().await;
        ann.frames(3).await;
    }
    assert_eq!(refusal(dial(under.address, "r-1", &oldest).await), (409, "stale-token".into()));
    ann.frames(3).await;
}

#[tokio::test]
async fn a_game_without_a_clock_answers_at_once() {
    let (lobby, under, line) = Under::hosting("tally", "null", 2).await;
    let mut ann = Player::<Tally>::join(under.address, &line.token(&lobby, 1, 0)).await;
    let mut bob = Player::<Tally>::join(under.address, &line.token(&lobby, 1, 1)).await;
    ann.until_state().await;
    bob.until_state().await;
    ann.client.command(&5);
    ann.pump().await;
    bob.until(|bob| bob.client.view().unwrap().total == 5).await;
    bob.client.command(&6);
    bob.pump().await;
    ann.until(|ann| ann.client.view().unwrap().total == 11).await;
}

#[tokio::test]
async fn a_seat_that_was_released_is_closed_and_a_late_one_added() {
    let (lobby, under, line) = Under::hosting("pulse", "{}", 1).await;
    let mut ann = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await;
    ann.until_state().await;
    let late =
        bellhop_proto::v1::HostSeat { seat: 5, player_id: "p-5".into(), name: "late".into(), team: 0, tag: "1".into() };
    let add = bellhop_proto::v1::AddSeats { match_id: "m-1".into(), epoch: 1, seats: vec![late] };
    line.say(bellhop_proto::v1::lobby_message::Kind::AddSeats(add)).await;
    ann.until(|ann| ann.client.roster().any(|entry| entry.seat == 5)).await;
    let mut late = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 5)).await;
    late.until_state().await;
    let release = bellhop_proto::v1::ReleaseSeats { match_id: "m-1".into(), epoch: 1, seats: vec![0] };
    line.say(bellhop_proto::v1::lobby_message::Kind::ReleaseSeats(release)).await;
    assert_eq!(ann.until_closed().await.0, CloseCode::Released);
    late.frames(3).await;
}

#[tokio::test]
async fn what_happens_in_a_game_without_a_clock_is_told_while_it_runs() {
    let (lobby, under, mut line) = Under::hosting("tally", "null", 2).await;
    let mut ann = Player::<Tally>::join(under.address, &line.token(&lobby, 1, 0)).await;
    let mut bob = Player::<Tally>::join(under.address, &line.token(&lobby, 1, 1)).await;
    ann.until_state().await;
    bob.until_state().await;
    let mut told = Vec::new();
    for (command, total) in [(5, 5), (6, 11), (7, 18)] {
        ann.client.command(&command);
        ann.until(|ann| ann.client.view().unwrap().total == total).await;
        let report = line.report(|report| !report.events.is_empty()).await;
        let [seen] = report.events.as_slice() else { panic!("one class of viewers: {:?}", report.events) };
        assert_eq!((seen.viewers.as_str(), seen.seats.as_slice()), ("all", [0, 1].as_slice()));
        assert_eq!(seen.from as usize, told.len(), "only what is new");
        told.extend(seen.events_json.clone());
    }
    assert_eq!(told, ["5", "6", "7"]);

    // Another lobby has heard nothing yet.
    drop(line);
    let mut line = lobby.line().await;
    let report = line.report(|report| !report.events.is_empty()).await;
    assert_eq!((report.events[0].from, report.events[0].events_json.len()), (0, 3));
}

#[tokio::test]
async fn a_match_that_is_called_off_ends_for_all_and_the_room_is_free() {
    let (lobby, under, mut line) = Under::hosting("pulse", "{}", 1).await;
    let mut ann = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await;
    ann.until_state().await;
    // Seats that nobody names are nobody's: no seat is given up, and none all at once by accident.
    let nothing = bellhop_proto::v1::ReleaseSeats { match_id: "m-1".into(), epoch: 1, seats: Vec::new() };
    line.say(bellhop_proto::v1::lobby_message::Kind::ReleaseSeats(nothing)).await;
    let off = |epoch| bellhop_proto::v1::CallOff { match_id: "m-1".into(), epoch, reason: "it is elsewhere".into() };
    line.say(bellhop_proto::v1::lobby_message::Kind::CallOff(off(9))).await;
    ann.frames(3).await;

    line.say(bellhop_proto::v1::lobby_message::Kind::CallOff(off(1))).await;
    let (code, reason) = ann.until_closed().await;
    assert_eq!((code, reason.as_str()), (CloseCode::Stopped, "it is elsewhere"));
    let result = line.result().await;
    assert!(!result.rated, "it does not count");
    line.acknowledge(&result).await;
    assert_eq!(line.host(2, "pulse", "{}", 1).await, Ok(2));
}

#[tokio::test]
async fn a_wall_clock_that_was_set_costs_a_player_one_try() {
    const HOUR_MS: u64 = 3_600_000;
    let (lobby, under, line) = Under::hosting("pulse", "{}", 2).await;
    // Sealed just before the clock was set forwards. His seat waits for the next token, sealed by the same clock.
    let old = line.token_with(&lobby, 1, 0, |claim| claim.expires_ms -= HOUR_MS);
    assert_eq!(refusal(dial(under.address, "r-1", &old).await), (401, "expired-token".into()));
    let mut ann = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await;
    ann.until_state().await;
    // Sealed just before it was set back: good for an hour more, and for one use all the same.
    let new = line.token_with(&lobby, 1, 1, |claim| claim.expires_ms += HOUR_MS);
    let mut bob = Player::<Pulse>::join(under.address, &new).await;
    bob.until_state().await;
    assert_eq!(refusal(dial(under.address, "r-1", &new).await), (409, "replayed-token".into()));
    // Who plays, plays on, and what brings him back is good for a day.
    ann.resume().await;
    ann.frames(3).await;
    bob.frames(3).await;
}
