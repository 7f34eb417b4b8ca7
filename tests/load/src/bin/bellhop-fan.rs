//! A room as it is, with the game of the benchmarks: nothing but state that changes.

use std::process::ExitCode;

use bellhop_load::fanout::game::Fan;

fn main() -> ExitCode {
    bellhop_room::main(&[bellhop_room::game::<Fan>()])
}
