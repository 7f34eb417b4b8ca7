//! `room/storm`: a hundred players join a room at once, lose their sockets at once, and come back at once.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tokio::task::JoinSet;

use crate::bench::{Bench, Report};
use crate::fanout::game::Fan;
use crate::stage::{Player, Seated, Stage};

/// The benchmark.
pub const BENCH: Bench = Bench {
    name: "room/storm",
    about: "ms from the first of 100 joins at once, and of 100 resumes after it, until all see the match; < 1,000, nobody on a wrong seat",
    run,
};

const SEATS: u16 = 100;
/// Storms; the slowest counts.
const STORMS: u32 = 5;
/// Before something is wrong.
const PATIENCE: Duration = Duration::from_secs(30);

fn run(report: &mut Report<'_>) -> Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure(report))
}

async fn measure(report: &mut Report<'_>) -> Result<()> {
    let (mut joined, mut resumed) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..STORMS {
        let stage = Stage::open(SEATS).await?;
        let begun = Instant::now();
        let mut joins = JoinSet::new();
        for (seat, token) in stage.tokens.iter().cloned().enumerate() {
            joins.spawn(join(stage.door, seat, token));
        }
        let players = all(joins).await.context("joining")?;
        joined = joined.max(begun.elapsed());
        // Every second one loses his socket without a word; the others come from another window while theirs is open.
        let (players, windows): (Vec<_>, Vec<_>) = players
            .into_iter()
            .map(|(seat, player)| {
                let (player, socket) = player.without_socket();
                ((seat, player), (seat % 2 == 0).then_some(socket))
            })
            .unzip();
        let begun = Instant::now();
        let mut resumes = JoinSet::new();
        for (seat, player) in players {
            resumes.spawn(resume(stage.door, seat, player));
        }
        let players = all(resumes).await.context("resuming")?;
        resumed = resumed.max(begun.elapsed());
        drop(windows);
        ensure!(players.len() == usize::from(SEATS), "{} of {SEATS} have a seat", players.len());
        // The room says so once a second.
        let until = Instant::now() + PATIENCE;
        while stage.count("room_sockets").await? > f64::from(SEATS) {
            ensure!(Instant::now() < until, "sockets are left over");
            tokio::task::yield_now().await;
        }
    }
    report.headline((joined + resumed).as_secs_f64() * 1e3, "ms");
    report.further("joins", joined.as_secs_f64() * 1e3, "ms");
    report.further("resumes", resumed.as_secs_f64() * 1e3, "ms");
    Ok(())
}

async fn join(door: SocketAddr, seat: usize, token: String) -> Result<(usize, Player<Fan>)> {
    let mut player = Player::join(door, &token).await?;
    player.frame().await?;
    check(seat, player)
}

async fn resume(door: SocketAddr, seat: usize, seated: Seated<Fan>) -> Result<(usize, Player<Fan>)> {
    let mut player = seated.resume(door).await?;
    player.frame().await?;
    check(seat, player)
}

/// He sits where he should, and sees the match.
fn check(seat: usize, player: Player<Fan>) -> Result<(usize, Player<Fan>)> {
    let seated = player.client.seated().context("nobody said where he sits")?;
    ensure!(usize::from(seated.seat.0) == seat, "seat {seat} sits on {}", seated.seat.0);
    ensure!(player.client.view().is_some(), "seat {seat} sees nothing");
    Ok((seat, player))
}

async fn all(mut tasks: JoinSet<Result<(usize, Player<Fan>)>>) -> Result<Vec<(usize, Player<Fan>)>> {
    let mut players = Vec::new();
    let gather = async {
        while let Some(player) = tasks.join_next().await {
            players.push(player??);
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, gather).await.context("not all are there in time")??;
    Ok(players)
}
