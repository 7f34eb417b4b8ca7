//! A real match over bad ways; all kinds of them are `cargo xtask bench room/link-matrix`.

use anyhow::{Result, ensure};
use bellhop_load::link_matrix::{Kind, cross};

/// Long enough for the silence, and for what follows it.
const SECONDS: u64 = 9;

#[tokio::test]
async fn a_player_far_away_sees_what_was_and_is_back_after_a_silence() -> Result<()> {
    let kind = |round_trip_ms, loses_one_in, falls_silent| Kind { round_trip_ms, loses_one_in, falls_silent };
    let (near, far) = tokio::try_join!(cross(kind(50, 100, true), SECONDS), cross(kind(300, 20, true), SECONDS))?;
    for crossed in [near, far] {
        ensure!(crossed.states > 60, "few states came: {crossed:?}");
    }
    Ok(())
}
