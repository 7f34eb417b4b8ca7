//! A soak: a room under churn for as long as wanted, with memory and open files that must not grow.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bellhop_game::Rng;
use tokio::task::JoinSet;

use super::{all_are_here, seat_the_others};
use crate::fanout::game::Fan;
use crate::stage::{Gaps, Player, Stage};

/// Players who stay.
const STAY: u16 = 30;
/// Players who come and go.
const CHURN: u16 = 30;
/// How often the room is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What the allocator may hold more at the end than at the beginning, in bytes.
const GROWTH_AT_MOST: u64 = 2 << 20;
/// Sockets of those who come and go, old and new.
const FILES_AT_MOST: usize = 2 * CHURN as usize;
/// Shortest and longest stay of one who goes again, in milliseconds. A seat may be tried once a second in the long run.
const STAYS_MS: (u32, u32) = (1_100, 3_000);

/// What was seen.
#[derive(Debug)]
pub struct Soaked {
    /// Times that somebody came back.
    pub resumes: u64,
    /// Memory of the room in the first and the last quarter, in bytes.
    pub rss: (u64, u64),
    /// Its open files likewise.
    pub files: (usize, usize),
}

/// Plays for so long.
///
/// # Errors
/// If memory or open files grow, or somebody loses his seat.
pub async fn soak(during: Duration) -> Result<Soaked> {
    let stage = Stage::open(STAY + CHURN).await?;
    let gaps = Arc::new(Gaps::default());
    let mut others = seat_the_others(&stage, usize::from(CHURN), &gaps).await?;
    let resumes = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let mut churn: JoinSet<Result<()>> = JoinSet::new();
    for (at, token) in stage.tokens[usize::from(STAY)..].iter().cloned().enumerate() {
        churn.spawn(come_and_go(stage.door, token, at as u64, Arc::clone(&resumes)));
    }
    let mut samples = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < during {
        tokio::time::sleep(LOOK_EVERY).await;
        samples.push((stage.rss()?, stage.files()?));
        drop(gaps.take());
        all_are_here(&mut others)?;
        all_are_here(&mut churn)?;
    }
    let quarter = samples.len() / 4;
    ensure!(quarter > 0, "a soak takes longer");
    // The first quarter warms up; the second is what the last is held against.
    let most = |samples: &[(u64, usize)]| {
        let rss = samples.iter().map(|(rss, _)| *rss).max().context("samples")?;
        anyhow::Ok((rss, samples.iter().map(|(_, files)| *files).max().context("samples")?))
    };
    let (first, last) = (most(&samples[quarter..2 * quarter])?, most(&samples[samples.len() - quarter..])?);
    let soaked = Soaked {
        resumes: resumes.load(std::sync::atomic::Ordering::Relaxed),
        rss: (first.0, last.0),
        files: (first.1, last.1),
    };
    ensure!(last.0 <= first.0 + GROWTH_AT_MOST, "memory grows: {soaked:?}");
    ensure!(last.1 <= usize::from(STAY) + FILES_AT_MOST + BESIDE, "files stay open: {soaked:?}");
    ensure!(last.1 <= first.1 + usize::from(CHURN) / 2, "more and more files are open: {soaked:?}");
    Ok(soaked)
}

/// Files that a room has open beside its sockets.
const BESIDE: usize = 24;

async fn come_and_go(
    door: SocketAddr,
    token: String,
    seed: u64,
    resumes: Arc<std::sync::atomic::AtomicU64>,
) -> Result<()> {
    let mut rng = Rng::new(seed);
    let mut player = Player::<Fan>::join(door, &token).await?;
    loop {
        let stays = STAYS_MS.0 + rng.below(STAYS_MS.1 - STAYS_MS.0);
        let until = Instant::now() + Duration::from_millis(u64::from(stays));
        while Instant::now() < until {
            player.frame().await?;
        }
        let (seated, socket) = player.without_socket();
        // Half of them lose their socket first; for the others the new one takes the old one's place.
        let kept = rng.one_in(2).then_some(socket);
        player = seated.resume(door).await.context("coming back")?;
        player.frame().await?;
        drop(kept);
        resumes.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}
