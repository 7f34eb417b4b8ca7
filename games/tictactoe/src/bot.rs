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

#[cfg(test)]
mod tests {
    use super::*;

    /// Against every line of play there is, on both sides.
    #[test]
    fn never_loses() {
        fn play(cells: &Cells, bot: u8, turn: u8, games: &mut u32, lost: &mut u32, rng: &mut Rng) {
            if winning_line(cells).is_some() || cells.iter().all(Option::is_some) {
                *games += 1;
                *lost += u32::from(winning_line(cells).is_some() && turn == bot);
                return;
            }
            if turn == bot {
                let cell = best(cells, bot, rng).unwrap();
                play(&with(cells, cell, bot), bot, 1 - turn, games, lost, rng);
            } else {
                for cell in (0..9).filter(|&cell| cells[usize::from(cell)].is_none()) {
                    play(&with(cells, cell, turn), bot, 1 - turn, games, lost, rng);
                }
            }
        }
        let (mut games, mut lost) = (0, 0);
        for seed in 0..2 {
            for first in 0..2 {
                play(&[None; 9], 0, first, &mut games, &mut lost, &mut Rng::new(seed));
            }
        }
        assert!(games > 200, "{games}");
        assert_eq!(lost, 0);
    }

    #[test]
    fn takes_the_win_and_stops_the_loss() {
        let check = |cells: &str, expected: u8| {
            let mut board = [None; 9];
            for (cell, sign) in board.iter_mut().zip(cells.chars()) {
                *cell = match sign {
                    'x' => Some(0),
                    'o' => Some(1),
                    _ => None,
                };
            }
            assert_eq!(best(&board, 0, &mut Rng::new(1)), Some(expected), "{cells}");
        };
        check("xx.oo....", 2);
        check("oo.x.....", 2);
        check("x.ooo.x.x", 7);
        check("x..oo.x..", 5);
    }
}
