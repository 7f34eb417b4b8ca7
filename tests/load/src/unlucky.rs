//! Players who are unlucky, and clients that are hostile: what they cost all others.

pub mod hostile;
pub mod slow_reader;
pub mod soak;
pub mod storm;

use std::sync::Arc;

use anyhow::Result;
use tokio::task::JoinSet;

use crate::stage::{Gaps, Player, Stage};

/// Seats all tokens but the last few, and notes how evenly their frames come.
async fn seat_the_others(stage: &Stage, but: usize, gaps: &Arc<Gaps>) -> Result<JoinSet<Result<()>>> {
    let mut others = JoinSet::new();
    for token in &stage.tokens[..stage.tokens.len() - but] {
        others.spawn(Arc::clone(gaps).watch(Player::join(stage.door, token).await?));
    }
    Ok(others)
}

/// Nobody of them was sent away.
fn all_are_here(others: &mut JoinSet<Result<()>>) -> Result<()> {
    match others.try_join_next() {
        Some(ended) => ended?,
        None => Ok(()),
    }
}
