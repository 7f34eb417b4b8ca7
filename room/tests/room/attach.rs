//! The stream to the lobby: what it says, and what happens when it breaks.

use bellhop_proto::v1::{self, lobby_message, room_message};
use bellhop_room::Ending;
use bellhop_wire::CloseCode;
use room_client::News;

use crate::games::Pulse;
use crate::lobby::FalseLobby;
use crate::support::{Player, Under, within};

#[tokio::test]
async fn a_room_says_who_it_is_and_takes_the_name_it_is_given() {
    let lobby = FalseLobby::start().await;
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("pulse")).unwrap();
    let script = "x".repeat(100_000);
    std::fs::write(dir.path().join("pulse/index.js"), &script).unwrap();
    let _under = Under::start(&lobby, &["--bundles", dir.path().to_str().unwrap(), "--room", ""]).await;
    let mut line = lobby.line().await;
    assert_eq!(line.hello.seat_key.len(), 32);
    assert_eq!(
        line.hello.games.iter().map(|game| game.name.as_str()).collect::<Vec<_>>(),
        ["pulse", "tally", "sketch"]
    );
    let game = line.hello.games[0].clone();
    assert_eq!((game.rate_hz, game.bundle_bytes), (50, 8 + 8 + 100_000));
    assert!(line.hello.games[1].bundle.is_empty());

    line.say(lobby_message::Kind::WantBundle(v1::WantBundle { hash: game.bundle.clone() })).await;
    let mut archive = Vec::new();
    let mut last = false;
    while !last {
        let chunk =
            line.hear(|kind| if let room_message::Kind::BundleChunk(chunk) = kind { Some(chunk) } else { None }).await;
        assert_eq!((chunk.offset, &chunk.hash), (archive.len() as u64, &game.bundle));
        archive.extend_from_slice(&chunk.data);
        last = chunk.last;
    }
    assert_eq!(blake3::hash(&archive).to_hex().as_str(), game.bundle);
    assert!(archive.ends_with(script.as_bytes()));
}

#[tokio::test]
async fn a_lobby_that_dies_costs_no_frame_and_the_result_waits_for_the_next_one() {
    let (mut lobby, under, line) = Under::hosting("pulse", "{}", 1).await;
    let key = line.hello.seat_key.clone();
    let mut ann = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await;
    ann.until_state().await;
    drop(line);
    lobby.die().await;
    ann.frames(30).await;

    // It comes back, and is told what runs.
    lobby.rise();
    let line = lobby.line().await;
    let running = line.hello.running.clone().unwrap();
    assert_eq!((running.match_id.as_str(), running.epoch, running.seats.len()), ("m-1", 1, 1));
    assert_eq!(line.hello.seat_key, key);
    ann.frames(5).await;

    // It dies again, and the match ends meanwhile.
    drop(line);
    lobby.die().await;
    ann.client.command(&u32::MAX);
    let (code, _) = ann.until_closed().await;
    assert_eq!(code, CloseCode::Ended);
    assert!(ann.news.iter().any(|news| matches!(news, News::Ended(ended) if ended.reason == "asked for it")));
    lobby.rise();
    let mut line = lobby.line().await;
    assert!(line.hello.running.is_none());
    let result = line.result().await;
    assert_eq!((result.match_id.as_str(), result.rated, result.reason.as_str()), ("m-1", true, "asked for it"));
    // Not acknowledged: it is said again.
    assert_eq!(line.result().await, result);
    line.acknowledge(&result).await;
    line.hear(|kind| matches!(kind, room_message::Kind::Ready(_)).then_some(())).await;
    assert_eq!(line.host(2, "pulse", "{}", 1).await, Ok(2));
}

#[tokio::test]
async fn a_stream_that_breaks_alone_is_opened_again() {
    let (lobby, _under, line) = Under::hosting("pulse", "{}", 1).await;
    drop(line);
    let mut line = lobby.line().await;
    assert_eq!(line.hello.running.clone().unwrap().match_id, "m-1");
    // The same placement said again is fine; another one is not.
    assert_eq!(line.host(1, "pulse", "{}", 1).await, Ok(1));
    assert!(line.host(2, "pulse", "{}", 1).await.unwrap_err().contains("m-1"));
}

#[tokio::test]
async fn what_cannot_be_hosted_is_refused_with_the_reason() {
    let lobby = FalseLobby::start().await;
    let _under = Under::start(&lobby, &[]).await;
    let mut line = lobby.line().await;
    assert!(line.host(1, "chess", "{}", 1).await.unwrap_err().contains("pulse, tally"));
    assert!(line.host(1, "pulse", "{\"steps\": \"many\"}", 1).await.unwrap_err().contains("configuration"));
    assert!(line.host(1, "pulse", "{}", 500).await.is_err());
    assert_eq!(line.host(1, "pulse", "{}", 1).await, Ok(1));
}

#[tokio::test]
async fn a_match_ends_with_its_result_and_the_room_is_used_again() {
    let (lobby, under, mut line) = Under::hosting("pulse", "{\"steps\": 5}", 2).await;
    for epoch in 1..=2 {
        if epoch == 2 {
            assert_eq!(line.host(2, "pulse", "{\"steps\": 5}", 2).await, Ok(2));
        }
        let mut ann = Player::<Pulse>::join(under.address, &line.token(&lobby, epoch, 0)).await;
        let mut bob = Player::<Pulse>::join(under.address, &line.token(&lobby, epoch, 1)).await;
        let (ann, bob) = tokio::join!(ann.until_closed(), bob.until_closed());
        assert_eq!((ann.0, bob.0), (CloseCode::Ended, CloseCode::Ended));
        let result = line.result().await;
        let seats: Vec<_> =
            result.seats.iter().map(|seat| (seat.seat, seat.player_id.as_str(), seat.rank, seat.score)).collect();
        assert_eq!(seats, [(1, "p-1", 1, 1), (0, "p-0", 2, 0)]);
        line.acknowledge(&result).await;
        line.hear(|kind| matches!(kind, room_message::Kind::Ready(_)).then_some(())).await;
    }
}

#[tokio::test]
async fn a_drain_lets_the_match_finish_and_takes_no_other() {
    let (lobby, under, mut line) = Under::hosting("pulse", "{}", 1).await;
    let mut ann = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await;
    ann.until_state().await;
    line.say(lobby_message::Kind::Drain(v1::Drain { within_ms: 60_000 })).await;
    ann.until(|ann| ann.news.iter().any(|news| matches!(news, News::Notice(bellhop_wire::Notice::Draining { .. }))))
        .await;
    line.report(|report| report.draining && report.match_id == "m-1").await;
    assert_eq!(under.get("/readyz").await, (503, "draining\n".into()));
    assert!(line.host(2, "pulse", "{}", 1).await.is_err());
    ann.frames(5).await;
    ann.client.command(&u32::MAX);
    assert_eq!(ann.until_closed().await.0, CloseCode::Ended);
    let result = line.result().await;
    line.acknowledge(&result).await;
    assert_eq!(within(under.running).await.unwrap().unwrap(), Ending::Drained);
}

#[tokio::test]
async fn a_grace_that_is_over_ends_the_match() {
    let (lobby, under, mut line) = Under::hosting("pulse", "{}", 1).await;
    let mut ann = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await;
    ann.until_state().await;
    line.say(lobby_message::Kind::Drain(v1::Drain { within_ms: 100 })).await;
    ann.until_closed().await;
    let result = line.result().await;
    assert!(!result.rated);
    line.acknowledge(&result).await;
    assert_eq!(within(under.running).await.unwrap().unwrap(), Ending::Drained);
}

#[tokio::test]
async fn stop_ends_it_now() {
    let (lobby, under, mut line) = Under::hosting("pulse", "{}", 1).await;
    let mut ann = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await;
    ann.until_state().await;
    line.say(lobby_message::Kind::Stop(v1::Stop { reason: "an operator said so".into() })).await;
    let (code, _) = ann.until_closed().await;
    assert_eq!(code, CloseCode::Stopped);
    let result = line.result().await;
    assert_eq!((result.rated, result.reason.as_str()), (false, "an operator said so"));
    line.acknowledge(&result).await;
    assert_eq!(within(under.running).await.unwrap().unwrap(), Ending::Drained);
}

#[tokio::test]
async fn a_game_that_panics_is_told_to_the_lobby_and_ends_the_room() {
    let (lobby, under, mut line) = Under::hosting("pulse", "{\"panic_at\": 3}", 1).await;
    let _ann = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await;
    let report = line.report(|report| report.match_id.is_empty()).await;
    assert!(report.draining);
    assert_eq!(within(under.running).await.unwrap().unwrap(), Ending::Failed("told to panic".into()));
}

#[tokio::test]
async fn an_empty_room_that_nobody_wants_leaves() {
    let mut lobby = FalseLobby::start().await;
    let under = Under::start(&lobby, &["--leave-after-seconds", "0"]).await;
    drop(lobby.line().await);
    lobby.die().await;
    assert_eq!(within(under.running).await.unwrap().unwrap(), Ending::Unwanted);
}

#[tokio::test]
async fn health_tells_the_truth() {
    let lobby = FalseLobby::start().await;
    let under = Under::start(&lobby, &[]).await;
    assert_eq!(under.get("/readyz").await.0, 503);
    let _line = lobby.line().await;
    within(async { while under.get("/readyz").await.0 != 200 {} }).await;
    assert_eq!(under.get("/livez").await, (200, "ok\n".into()));
    assert!(under.get("/metrics").await.1.contains("room_resident_memory_bytes"));
    assert_eq!(under.get("/else").await.0, 404);
}

#[tokio::test]
async fn a_process_that_is_told_to_end_drains_and_one_told_twice_stops() {
    let (lobby, under, mut line) = Under::hosting("pulse", "{}", 1).await;
    let mut ann = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await;
    ann.until_state().await;
    under.stop.drain.cancel();
    ann.until(|ann| ann.news.iter().any(|news| matches!(news, News::Notice(bellhop_wire::Notice::Draining { .. }))))
        .await;
    ann.frames(3).await;
    under.stop.stop.cancel();
    assert_eq!(ann.until_closed().await.0, CloseCode::Stopped);
    let result = line.result().await;
    line.acknowledge(&result).await;
    assert_eq!(within(under.running).await.unwrap().unwrap(), Ending::Drained);
}

#[tokio::test]
async fn a_room_that_is_not_recycled_leaves_after_its_match() {
    let lobby = FalseLobby::start().await;
    let under = Under::start(&lobby, &["--recycle", "never"]).await;
    let mut line = lobby.line().await;
    assert_eq!(line.host(1, "pulse", "{\"steps\": 3}", 1).await, Ok(1));
    let mut ann = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await;
    assert_eq!(ann.until_closed().await.0, CloseCode::Ended);
    let result = line.result().await;
    assert!(line.host(2, "pulse", "{}", 1).await.is_err());
    line.acknowledge(&result).await;
    assert_eq!(within(under.running).await.unwrap().unwrap(), Ending::Drained);
}

#[tokio::test]
async fn the_journal_of_a_match_goes_up_before_its_result_and_again_on_a_new_stream() {
    let lobby = FalseLobby::start().await;
    let under = Under::start(&lobby, &[]).await;
    let mut line = lobby.line().await;
    line.order(1, "pulse", "{\"steps\": 40}", 1).await;
    // Before the answer: a match that was taken is one that can go on elsewhere.
    let first = line.hear(|kind| if let room_message::Kind::JournalChunk(chunk) = kind { Some(chunk) } else { None });
    assert_eq!(first.await.offset, 0);
    assert_eq!(line.answer().await, Ok(1));
    let mut ann = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await;
    ann.until_state().await;
    drop(line);
    let mut line = lobby.line().await;
    let mut journal = Vec::new();
    let result = line.hear(|kind| {
        if let room_message::Kind::JournalChunk(chunk) = kind {
            assert_eq!((chunk.match_id.as_str(), chunk.epoch, chunk.offset), ("m-1", 1, journal.len() as u64));
            journal.extend(chunk.data);
            return None;
        }
        if let room_message::Kind::Result(result) = kind { Some(result) } else { None }
    });
    let result = result.await;
    let again = room_core::replay(&[bellhop_room::game::<Pulse>()], &journal).unwrap();
    assert_eq!((again.steps, again.ended.as_deref()), (40, Some(result.reason.as_str())));
    assert_eq!(ann.until_closed().await.0, CloseCode::Ended);
}
