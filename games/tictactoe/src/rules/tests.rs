//! The rules, a line each.

use super::*;
use crate::state::{End, State};

/// A match whose first side is seat 0, begun at 0 ms.
fn begun() -> TicTacToe {
    let mut game = TicTacToe::start(&Config::default(), 1);
    game.second_first = false;
    for seat in 0..2 {
        game.join(Seat(seat), &Who { name: String::new(), team: 0 }, &mut Context::new(0, 0));
    }
    game
}

/// Plays `said`, a second each: `0`..`8` is the move of whose turn it is, `x` and `o` before it name the side
/// (`x!` resigns, `x?` offers a rematch, `x-` declines). What is refused is shown in brackets. Then how things stand.
fn check(said: &str, expected: &str) {
    let mut game = begun();
    let mut seen = String::new();
    let mut outcome = None;
    for (second, word) in said.split_whitespace().enumerate() {
        let mut cx = Context::new((second as u64 + 1) * 1_000, 0);
        let (side, rest) = match word.split_at(word.len() - 1) {
            ("x", rest) => (0, rest),
            ("o", rest) => (1, rest),
            (_, rest) => (u16::from(game.table().state().turn), rest),
        };
        let command = match rest {
            "!" => Command::Resign,
            "?" => Command::OfferRematch,
            "-" => Command::DeclineRematch,
            cell => Command::Place { cell: cell.parse().unwrap() },
        };
        if let Err(illegal) = game.command(Seat(side), command, &mut cx) {
            seen += &format!("[{illegal}] ");
        }
        outcome = outcome.or(cx.take_outcome());
    }
    seen += &stand(game.table().state());
    if let Some(outcome) = outcome {
        let ranks: Vec<String> =
            outcome.standings.iter().map(|s| format!("{}:{}", ["x", "o"][usize::from(s.seat.0)], s.rank)).collect();
        seen += &format!("; {}", ranks.join(" "));
    }
    assert_eq!(seen, expected, "{said}");
}

fn stand(state: &State) -> String {
    let signs: String =
        (state.cells.iter()).map(|cell| cell.map_or('.', |side| ['x', 'o'][usize::from(side)])).collect();
    let phase = match state.phase {
        Phase::Waiting => "waiting".to_owned(),
        Phase::Playing => format!("{} to move", ["x", "o"][usize::from(state.turn)]),
        Phase::Over { winner: Some(side), end } => {
            let end = match end {
                End::Line => "line",
                End::Full => "full",
                End::Resigned => "resigned",
                End::Time => "time",
                End::Deserted => "left",
            };
            format!("{} won by {end}", ["x", "o"][usize::from(side)])
        }
        Phase::Over { winner: None, .. } => "draw".to_owned(),
    };
    format!("{signs} {phase}")
}

#[test]
fn moves_lines_and_draws() {
    check("", "......... x to move");
    check("4", "....x.... o to move");
    check("0 3 1 4 2", "xxxoo.... x won by line");
    check("0 2 3 4 8 6", "x.oxo.o.x o won by line");
    check("0 4 8 1 7 6 2 5 3", "xoxxoooxx draw");
}

#[test]
fn what_is_against_the_rules() {
    check("o4", "[it is the other side's turn] ......... x to move");
    check("4 4", "[that cell is taken] ....x.... o to move");
    check("4 x3", "[it is the other side's turn] ....x.... o to move");
    check("9", "[there is no such cell; they are 0 to 8] ......... x to move");
    check("0 3 1 4 2 5", "[no game is running] xxxoo.... x won by line");
    check("x?", "[the game is not over] ......... x to move");
    check("x-", "[the game is not over] ......... x to move");
    check("0 3 1 4 2 x!", "[no game is running] xxxoo.... x won by line");
}

#[test]
fn resigning_is_possible_at_any_time() {
    check("x!", "......... o won by resigned");
    check("4 x!", "....x.... o won by resigned");
    check("o!", "......... x won by resigned");
}

#[test]
fn a_rematch_takes_two_and_the_other_side_begins() {
    check("0 3 1 4 2 x?", "xxxoo.... x won by line");
    check("0 3 1 4 2 x? o?", "......... o to move");
    check("0 3 1 4 2 x? x? o? 4", "....o.... x to move");
    check("0 3 1 4 2 x? o-", "xxxoo.... x won by line; x:1 o:2");
    check("x! x? o? o! o-", "......... x won by resigned; x:1 o:1");
}

#[test]
fn each_side_has_a_clock() {
    let mut game = begun();
    assert_eq!(game.deadline(), Some(60_000));
    game.command(Seat(0), Command::Place { cell: 0 }, &mut Context::new(10_000, 0)).unwrap();
    assert_eq!(game.deadline(), Some(70_000));
    game.command(Seat(1), Command::Place { cell: 1 }, &mut Context::new(30_000, 0)).unwrap();
    assert_eq!(game.table().state().clocks_ms, [50_000, 40_000]);
    assert_eq!(game.deadline(), Some(80_000));
    game.timeout(&mut Context::new(80_000, 0));
    assert_eq!(stand(game.table().state()), "xo....... o won by time");
    // Then the time for offers, then the end.
    assert_eq!(game.deadline(), Some(90_000));
    let mut cx = Context::new(90_000, 0);
    game.timeout(&mut cx);
    let outcome = cx.take_outcome().unwrap();
    assert_eq!((outcome.rated, outcome.standings[0].seat), (true, Seat(1)));
}

#[test]
fn who_leaves_loses_whatever_he_won_before() {
    let mut game = begun();
    game.command(Seat(1), Command::Resign, &mut Context::new(1, 0)).unwrap();
    for seat in 0..2 {
        game.command(Seat(seat), Command::OfferRematch, &mut Context::new(2, 0)).unwrap();
    }
    let mut cx = Context::new(3, 0);
    game.presence(Seat(0), Presence::Left, &mut cx);
    let outcome = cx.take_outcome().unwrap();
    let ranks: Vec<(u16, u32)> = outcome.standings.iter().map(|s| (s.seat.0, s.rank)).collect();
    assert_eq!((ranks, outcome.reason.as_str()), (vec![(1, 1), (0, 2)], "the opponent left"));
}

#[test]
fn leaving_after_the_game_keeps_its_result() {
    let mut game = begun();
    game.command(Seat(1), Command::Resign, &mut Context::new(1, 0)).unwrap();
    let mut cx = Context::new(2, 0);
    game.presence(Seat(0), Presence::Left, &mut cx);
    let outcome = cx.take_outcome().unwrap();
    assert_eq!(outcome.standings[0].seat, Seat(0));
}

#[test]
fn dropping_is_not_leaving() {
    let mut game = begun();
    let mut cx = Context::new(1, 0);
    game.presence(Seat(0), Presence::Dropped, &mut cx);
    game.presence(Seat(0), Presence::Live, &mut cx);
    assert!(cx.take_outcome().is_none());
    assert_eq!(game.table().state().phase, Phase::Playing);
}

#[test]
fn the_state_is_the_fold_of_the_history() {
    let mut game = begun();
    for (second, cell) in [4, 0, 8, 2, 1, 7, 3, 5, 6].into_iter().enumerate() {
        let seat = Seat(u16::from(game.table().state().turn));
        game.command(seat, Command::Place { cell }, &mut Context::new(second as u64 * 700, 0)).unwrap();
    }
    let mut folded = State::new(60_000);
    for line in game.history(ViewClass::Shared) {
        folded.apply(serde_json::from_str(&line).unwrap());
    }
    assert_eq!(&folded, game.table().state());
    assert_eq!(game.history(ViewClass::Shared)[1], r#"{"atMs":0,"event":{"kind":"placed","cell":4}}"#);
}

#[test]
fn the_page_says_and_sees_this() {
    let said = [r#"{"place":4}"#, r#""resign""#, r#""rematch""#, r#""decline""#];
    let commands = [Command::Place { cell: 4 }, Command::Resign, Command::OfferRematch, Command::DeclineRematch];
    for (said, command) in said.into_iter().zip(commands) {
        assert_eq!(serde_json::from_str::<Command>(said).unwrap(), command);
        assert_eq!(serde_json::to_string(&command).unwrap(), said);
    }
    let mut game = begun();
    game.command(Seat(0), Command::Place { cell: 4 }, &mut Context::new(1_000, 0)).unwrap();
    let mut view = game.view(ViewClass::Shared);
    bellhop_game::View::at(&mut view, 3_500);
    let expected = serde_json::json!({
        "cells": [null, null, null, null, 0, null, null, null, null], "turn": 1, "last": 4,
        "clocks_ms": [59_000, 57_500], "outcome": null, "rematch": [false, false], "rematch_left_ms": null,
        "game": 1, "wins": [0, 0], "draws": 0,
    });
    assert_eq!(serde_json::to_value(&view).unwrap(), expected);
}
