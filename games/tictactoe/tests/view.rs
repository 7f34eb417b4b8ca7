//! Only events travel, and both sides fold them to the same table.

use bellhop_game::{Context, Game, Reader, Seat, View, ViewClass, Who, Wire, Writer};
use bellhop_tictactoe::{Command, Config, Table, TicTacToe};
use proptest::prelude::*;

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        6 => (0u8..10).prop_map(|cell| Command::Place { cell }),
        1 => Just(Command::Resign),
        2 => Just(Command::OfferRematch),
        1 => Just(Command::DeclineRematch),
    ]
}

/// A match in which these are tried, each so much later than the one before.
fn tables(tries: &[(u16, Command, u64)]) -> Vec<Table> {
    let mut game = TicTacToe::start(&Config::default(), 5);
    let mut tables = vec![game.view(ViewClass::Shared)];
    for seat in 0..2 {
        game.join(Seat(seat), &Who { name: String::new(), team: 0 }, &mut Context::new(0, 0));
        tables.push(game.view(ViewClass::Shared));
    }
    let mut now_ms = 0;
    for &(seat, command, later) in tries {
        now_ms += later;
        let before = game.table().clone();
        let answer = game.command(Seat(seat), command, &mut Context::new(now_ms, 0));
        assert!(answer.is_ok() || before == *game.table(), "what is refused changes nothing");
        tables.push(game.view(ViewClass::Shared));
    }
    tables
}

proptest! {
    #[test]
    fn any_table_to_any_later_or_earlier_one(
        tries in prop::collection::vec((0u16..2, command(), 0u64..5_000), 0..60),
        pairs in prop::collection::vec(any::<(prop::sample::Index, prop::sample::Index)>(), 20),
    ) {
        let tables = tables(&tries);
        for (base, now) in pairs {
            let (base, now) = (&tables[base.index(tables.len())], &tables[now.index(tables.len())]);
            let mut to = Writer::new();
            now.diff(base, 1, &mut to);
            let bytes = to.finish();
            let mut table = base.clone();
            let mut from = Reader::new(&bytes);
            prop_assert_eq!(table.patch(1, &mut from), Ok(()));
            prop_assert_eq!(from.end(), Ok(()));
            prop_assert_eq!(&table, now);
            prop_assert_eq!(&Table::from_bytes(&now.to_bytes()).unwrap(), now);
        }
    }

    /// Nobody can place two marks in a row, or on a taken cell, or after the end: marks alternate and never vanish.
    #[test]
    fn marks_alternate(tries in prop::collection::vec((0u16..2, command(), 0u64..50), 0..60)) {
        for pair in tables(&tries).windows(2) {
            let (before, after) = (pair[0].state(), pair[1].state());
            if after.games == before.games {
                let new: Vec<u8> = (0..9).filter(|&at| before.cells[at] != after.cells[at])
                    .map(|at| after.cells[at].unwrap()).collect();
                prop_assert!(new.is_empty() || new == [before.turn], "{new:?}");
            }
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        let _ = Command::from_bytes(&bytes);
        if let Ok(table) = Table::from_bytes(&bytes) {
            prop_assert!(table.log().len() <= bytes.len());
        }
        let mut table = tables(&[(0, Command::Resign, 1)]).pop().unwrap();
        let _ = table.patch(1, &mut Reader::new(&bytes));
        table.at(u64::MAX);
        let _ = serde_json::to_string(&table);
    }
}
