//! A bot that never loses.

use bellhop_game::Rng;

use crate::state::winning_line;

type Cells = [Option<u8>; 9];

/// One of the best cells for `side`, which is to move; `None` when no cell is free.
pub(crate) fn best(cells: &Cells, side: u8, rng: &mut Rng) -> Option<u8> {
    let free: Vec<u8> = (0..9).filter(|&cell| cells[usize::from(cell)].is_none()).collect();
    if free.len() == 9 {
        return rng.pick(&free).copied(); // no opening loses
    }
    let worths: Vec<i32> = free.iter().map(|&cell| -worth(&with(cells, cell, side), 1 - side)).collect();
    let most = worths.iter().max()?;
    let best: Vec<u8> = free.iter().zip(&worths).filter(|(_, worth)| *worth == most).map(|(&cell, _)| cell).collect();
    rng.pick(&best).copied()
}

fn with(cells: &Cells, cell: u8, side: u8) -> Cells {
    let mut cells = *cells;
    cells[usize::from(cell)] = Some(side);
    cells
}

/// What a position is worth to `side`, which is to move, if both play their best: the sooner it wins, the more.
fn worth(cells: &Cells, side: u8) -> i32 {
    let free = cells.iter().filter(|cell| cell.is_none()).count() as i32;
    if winning_line(cells).is_some() {
        return -1 - free; // the other side made the line
    }
    let moves = (0..9).filter(|&cell| cells[usize::from(cell)].is_none());
    moves.map(|cell| -worth(&with(cells, cell, side), 1 - side)).max().unwrap_or(0)
}
