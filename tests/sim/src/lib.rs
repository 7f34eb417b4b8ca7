//! Both cores in one thread, on a false network, from one seed.
//!
//! A world is harsher than reality: messages late, lost and doubled, streams that break unnoticed, a lobby that dies at any
//! event and loses what was not written, or stands still for a while, rooms that crash, hang and lie, players who go away without a word. Invariants are
//! checked at every step; after healing, everybody who waits is served.

mod acts;
mod checks;
pub mod dice;
pub mod player;
pub mod room;
mod world;

use std::time::Duration;

pub use world::World;

/// How long everything goes wrong.
pub const CHAOS: Duration = Duration::from_secs(60);
/// How long it may then take until all are served: leases, restarts and matches must have come to their end.
pub const HEALING: Duration = Duration::from_secs(90);

/// Runs one seed.
///
/// # Errors
/// The invariant that did not hold, and the command that shows it again.
pub fn run(seed: u64) -> Result<World, String> {
    let mut world = World::new(seed);
    play(&mut world)?;
    Ok(world)
}

/// Lets everything go wrong, then heals it.
///
/// # Errors
/// The invariant that did not hold.
pub fn play(world: &mut World) -> Result<(), String> {
    world.run(CHAOS)?;
    world.heal();
    world.run(HEALING)?;
    world.assert_everyone_was_served_or_told_why()
}

/// Runs one seed and keeps the log.
pub fn logged(seed: u64) -> (String, Result<(), String>) {
    let mut world = World::new(seed);
    world.log = Some(String::new());
    let result = play(&mut world);
    (world.log.unwrap_or_default(), result)
}

/// The command that shows a seed again, with its log.
pub fn replay(seed: u64) -> String {
    format!("BELLHOP_SEED={seed} cargo test -p bellhop-sim one_seed -- --nocapture")
}
