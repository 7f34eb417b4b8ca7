//! Every decoder that reads what a stranger wrote, fed with nonsense: never a panic, and no more memory than its limits say.
//!
//! A [`Target`] takes any bytes. `cargo test -p bellhop-fuzz` gives each what real matches said, broken in many ways, for a bounded
//! time; `tests/fuzz/fuzz` hands the same functions to cargo-fuzz, which looks for as long as it is let.

mod corpus;
mod targets;

pub use corpus::{Corpus, mutate};
pub use targets::{TARGETS, Target};

/// Gives bytes to a target by its name.
///
/// # Panics
/// If there is none, or the target has found something.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.unwrap_or_else(|| panic!("there is no target {name}")).run)(bytes);
}
