//! Nim, as a platform team would bring it: the rules below, and a room that hosts them.
//!
//! Some sticks lie on the table. Players take one, two or three in turn; who takes the last one wins.

use std::process::ExitCode;

use bellhop_game::{Context, Game, Illegal, Moves, Outcome, Presence, Rng, Seat, View, ViewClass, wire};

/// Most sticks that one turn takes.
const MOST: u8 = 3;

fn main() -> ExitCode {
    bellhop_room::main(&[bellhop_room::game::<Nim>()])
}

/// Settings of a queue: `config = { sticks = 15 }`.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    sticks: u8,
}

impl Default for Config {
    fn default() -> Config {
        Config { sticks: 21 }
    }
}

wire! {
    /// What everybody sees, and all there is.
    #[derive(Debug, Clone, PartialEq, serde::Serialize)]
    struct Table {
        sticks: u8,
        turn: Seat,
    }
}
impl View for Table {}

struct Nim(Table);

impl Game for Nim {
    type Config = Config;
    type Input = ();
    /// How many sticks to take.
    type Command = u8;
    type Event = ();
    type View = Table;
    const NAME: &'static str = "nim";
    const RATE_HZ: u32 = 0;
    const MIN_SEATS: u16 = 2;
    const MAX_SEATS: u16 = 2;

    fn start(config: &Config, seed: u64) -> Nim {
        Nim(Table { sticks: config.sticks.max(1), turn: Seat(u16::from(seed % 2 == 1)) })
    }

    fn presence(&mut self, seat: Seat, presence: Presence, cx: &mut Context<()>) {
        if presence == Presence::Left {
            cx.end(Outcome::winner(other(seat), "the other player left"));
        }
    }

    fn command(&mut self, seat: Seat, taken: u8, cx: &mut Context<()>) -> Result<(), Illegal> {
        if seat != self.0.turn {
            return Err(Illegal::because("it is the other player's turn"));
        }
        if !(1..=MOST.min(self.0.sticks)).contains(&taken) {
            return Err(Illegal::because(format!("take 1 to {} sticks", MOST.min(self.0.sticks))));
        }
        self.0 = Table { sticks: self.0.sticks - taken, turn: other(seat) };
        if self.0.sticks == 0 {
            cx.end(Outcome::winner(seat, "took the last stick"));
        }
        Ok(())
    }

    fn view(&self, _: ViewClass) -> Table {
        self.0.clone()
    }

    fn bot(table: &Table, seat: Seat, _: &mut Rng) -> Moves<Nim> {
        if table.turn != seat || table.sticks == 0 {
            return Moves::default();
        }
        // Leaving a multiple of four wins; where that is not possible, one is as good as any.
        Moves::command((table.sticks % (MOST + 1)).max(1))
    }
}

fn other(seat: Seat) -> Seat {
    Seat(1 - seat.0.min(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_the_last_stick_wins() {
        let mut game = Nim::start(&Config { sticks: 4 }, 0);
        let mut cx = Context::new(0, 0);
        assert!(game.command(Seat(1), 1, &mut cx).is_err(), "not his turn");
        assert!(game.command(Seat(0), 4, &mut cx).is_err(), "too many");
        game.command(Seat(0), 1, &mut cx).unwrap();
        assert!(cx.take_outcome().is_none());
        game.command(Seat(1), 3, &mut cx).unwrap();
        let outcome = cx.take_outcome().expect("it has ended");
        assert_eq!((outcome.standings[0].seat, outcome.rated), (Seat(1), true));
    }

    #[test]
    fn bots_play_to_the_end_by_the_rules() {
        for (seed, sticks) in (0..20).zip(1..) {
            let mut game = Nim::start(&Config { sticks }, seed);
            let mut cx = Context::new(0, 0);
            while game.0.sticks > 0 {
                let (table, seat) = (game.view(ViewClass::Shared), game.0.turn);
                let taken = Nim::bot(&table, seat, &mut Rng::new(seed)).commands.pop().expect("it is its turn");
                game.command(seat, taken, &mut cx).expect("a bot knows the rules");
            }
            assert!(cx.take_outcome().is_some());
        }
    }

    #[test]
    fn who_leaves_loses() {
        let mut game = Nim::start(&Config::default(), 7);
        let mut cx = Context::new(0, 0);
        game.presence(Seat(0), Presence::Left, &mut cx);
        assert_eq!(cx.take_outcome().map(|outcome| outcome.standings[0].seat), Some(Seat(1)));
    }
}
