//! What costs are measured of: the lobby's core under load, and matches with every seat taken. The benchmarks time them;
//! `benches/instructions.rs` counts their instructions, and fails where they grew.

pub mod full_match;
pub mod rig;
