//! A room that hosts this game.

use std::process::ExitCode;

fn main() -> ExitCode {
    bellhop_room::main(&[bellhop_room::game::<bellhop_dots::Dots>()])
}
