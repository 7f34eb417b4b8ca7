//! A room with the games that come with Bellhop.

use std::process::ExitCode;

use bellhop_room::game;
use bellhop_snake::Snake;
use bellhop_tictactoe::TicTacToe;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    bellhop_room::main(&[game::<Snake>(), game::<TicTacToe>()])
}
