//! A real match over bad ways; all kinds of them are `cargo xtask bench room/link-matrix`.

use anyhow::{Result, ensure};
use bellhop_load::link_matrix::{Kind, cross_all};

/// Long enough for the silence, and for what follows it.
const SECONDS: u64 = 9;

#[test]
fn a_player_far_away_sees_what_was_and_is_back_after_a_silence() -> Result<()> {
    let kind = |round_trip_ms, loses_one_in, falls_silent| Kind { round_trip_ms, loses_one_in, falls_silent };
    let crossed = cross_all(&[kind(50, 100, true), kind(300, 20, true)], SECONDS)?;
    ensure!(crossed.len() == 2, "both come to an end");
    for crossed in crossed {
        ensure!(crossed.states > 60, "few states came: {crossed:?}");
    }
    Ok(())
}
