//! A reader who stops.

use std::time::Duration;

use futures_util::StreamExt as _;
use tokio_tungstenite::tungstenite::Message;

use crate::games::Pulse;
use crate::support::{Player, Under, within};

#[tokio::test]
async fn a_reader_who_stops_is_skipped_and_made_whole_when_he_reads_again() {
    // Some 2 KiB of state, 50 times a second: half a second fills what the kernels hold.
    let (lobby, under, line) = Under::hosting("pulse", "{\"noise\": 500}", 2).await;
    let mut ann = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await;
    let mut slow = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 1)).await;
    ann.until_state().await;
    slow.until_state().await;
    slow.frames(5).await;

    let mut gaps = Vec::new();
    let mut last = std::time::Instant::now();
    while under.metric("room_skipped_total").await < 50.0 {
        ann.frames(1).await;
        gaps.push(last.elapsed());
        last = std::time::Instant::now();
    }
    assert!(gaps.iter().all(|gap| *gap < Duration::from_millis(500)), "{gaps:?}");
    assert!(under.metric("room_resident_memory_bytes").await < 512.0 * 1024.0 * 1024.0);

    // What waited in the kernels comes first; then one frame that makes him whole.
    let step = ann.client.view().unwrap().step;
    slow.until(|slow| slow.client.view().unwrap().step > step).await;
    slow.frames(5).await;
    assert_eq!(slow.client.stats(0.0).desyncs, 0);
    under.until_metric("room_recovered_total", |count| count >= 1.0).await;
}

#[tokio::test]
async fn pings_of_the_socket_are_answered_between_frames() {
    let (lobby, under, line) = Under::hosting("pulse", "{\"noise\": 500}", 1).await;
    let mut ann = Player::<Pulse>::join(under.address, &line.token(&lobby, 1, 0)).await;
    ann.until_state().await;
    for at in 0..20_u8 {
        let ping = Message::Ping(vec![at; 50].into());
        futures_util::SinkExt::send(&mut ann.socket, ping).await.unwrap();
        within(async {
            loop {
                let message = ann.socket.next().await.unwrap().unwrap();
                if let Message::Pong(bytes) = &message {
                    return assert_eq!(&bytes[..], &[at; 50][..]);
                }
                ann.client.receive(&message.into_data(), 0.0).unwrap();
            }
        })
        .await;
        ann.pump().await;
    }
}
