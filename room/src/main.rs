//! A room with the games that come with Bellhop.

use std::process::ExitCode;

use bellhop_maze::Maze;
use bellhop_room::game;
use bellhop_sketch::Sketch;
use bellhop_snake::Snake;
use bellhop_tanks::Tanks;
use bellhop_tictactoe::TicTacToe;

// musl's own allocator is slow; glibc's takes half the memory of this one in an idle room.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    bellhop_room::main(&[game::<Snake>(), game::<Tanks>(), game::<TicTacToe>(), game::<Maze>(), game::<Sketch>()])
}
