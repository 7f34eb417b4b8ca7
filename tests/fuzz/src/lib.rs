//! Every decoder that reads what a stranger wrote, fed with nonsense: never a panic, and no more memory than its limits say.
//!
//! A [`Target`] takes any bytes. `cargo test -p bellhop-fuzz` gives each what real matches said, broken in many ways, for a bounded
//! time; `tests/fuzz/fuzz` hands the same functions to cargo-fuzz, which looks for as long as it is let.

mod corpus;
mod targets;

use std::path::Path;

pub use corpus::{Corpus, mutate};
pub use targets::{TARGETS, Target};

/// Writes what real matches said into a directory, as what a target is begun with.
///
/// # Panics
/// If there is no such target, or the directory cannot be written.
pub fn begin(name: &str, directory: &Path) {
    std::fs::create_dir_all(directory).expect("a directory of one's own can be made");
    for (number, piece) in (target(name).corpus)().pieces().enumerate() {
        std::fs::write(directory.join(format!("said-{number}")), piece).expect("a file of one's own can be written");
    }
}

/// Gives bytes to a target by its name.
///
/// # Panics
/// If there is none, or the target has found something.
pub fn run(name: &str, bytes: &[u8]) {
    (target(name).run)(bytes);
}

fn target(name: &str) -> Target {
    *TARGETS.iter().find(|target| target.name == name).unwrap_or_else(|| panic!("there is no target {name}"))
}
