//! A game of which far more changes with every step than a frame should carry.

use bellhop_game::{
    Context, DecodeError, Game, Illegal, Inputs, Moves, Outcome, Reader, Rng, Seat, View, ViewClass, Wire, Writer,
    schema_of, wire,
};
use serde::{Deserialize, Serialize};

/// So many run about.
pub(crate) const THINGS: usize = 400;
/// Bits of a place.
const PLACE: usize = 64;

wire! {
    /// What a player does.
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
    pub(crate) enum Order {
        /// All run, or all stand.
        Run {
            /// Which.
            on: bool,
        },
        /// So many shouts at once.
        Shout {
            /// How many.
            times: u16,
        },
        /// It is over.
        End,
    }

    /// What is told once.
    #[derive(Debug, Clone, PartialEq, Serialize)]
    pub(crate) struct Shouted {
        /// Counted from 1.
        pub(crate) number: u32,
        /// What.
        pub(crate) text: String,
    }
}

/// Where all are.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Field {
    pub(crate) things: Vec<[u32; 2]>,
    /// For how many sends what is shown of each was held back; it does not travel.
    #[serde(skip)]
    waited: Vec<u32>,
}

impl PartialEq for Field {
    fn eq(&self, other: &Field) -> bool {
        self.things == other.things
    }
}

impl Wire for Field {
    const SCHEMA: u64 = schema_of("crowd: places", &[]);

    fn write(&self, to: &mut Writer) {
        self.things.write(to);
    }

    fn read(from: &mut Reader<'_>) -> Result<Field, DecodeError> {
        let things: Vec<[u32; 2]> = Wire::read(from)?;
        if things.len() == THINGS { Ok(Field { things, waited: vec![0; THINGS] }) } else { Err(DecodeError::Range) }
    }
}

impl View for Field {
    fn diff(&self, base: &Field, _: u32, to: &mut Writer) {
        for (now, before) in self.things.iter().zip(&base.things) {
            to.bool(now != before);
            if now != before {
                now.iter().for_each(|&place| to.bits(place, 32));
            }
        }
    }

    fn patch(&mut self, _: u32, from: &mut Reader<'_>) -> Result<(), DecodeError> {
        for thing in &mut self.things {
            if from.bool()? {
                *thing = [from.bits(32)?, from.bits(32)?];
            }
        }
        Ok(())
    }

    fn hold_back(&mut self, base: &Field, _: u32, most: usize) -> bool {
        let mut moved: Vec<usize> = (0..THINGS).filter(|&thing| self.things[thing] != base.things[thing]).collect();
        // Who waited longest goes first; of them, who is farthest from where he is shown.
        let far = |thing: usize| self.things[thing][0].abs_diff(base.things[thing][0]);
        moved.sort_by_key(|&thing| std::cmp::Reverse((base.waited[thing], far(thing))));
        let room = (most * 8).saturating_sub(THINGS) / PLACE;
        for thing in moved.into_iter().skip(room) {
            self.things[thing] = base.things[thing];
            self.waited[thing] = base.waited[thing] + 1;
        }
        true
    }
}

/// A match.
pub(crate) struct Crowd {
    things: Vec<[u32; 2]>,
    runs: bool,
    shouts: u32,
}

impl Crowd {
    fn shout(&mut self, cx: &mut Context<Shouted>) {
        self.shouts += 1;
        cx.emit(Shouted { number: self.shouts, text: "make way for the crowd".to_owned() });
    }
}

impl Game for Crowd {
    type Config = ();
    type Input = ();
    type Command = Order;
    type Event = Shouted;
    type View = Field;
    const NAME: &'static str = "crowd";
    const RATE_HZ: u32 = 30;
    const SEND_EVERY: u32 = 2;
    const MIN_SEATS: u16 = 1;
    const MAX_SEATS: u16 = 8;

    fn start(_: &(), seed: u64) -> Crowd {
        let mut rng = Rng::new(seed);
        Crowd { things: (0..THINGS).map(|_| [rng.below(1_000), rng.below(1_000)]).collect(), runs: true, shouts: 0 }
    }

    fn command(&mut self, _: Seat, order: Order, cx: &mut Context<Shouted>) -> Result<(), Illegal> {
        match order {
            Order::Run { on } => self.runs = on,
            Order::Shout { times } => (0..times).for_each(|_| self.shout(cx)),
            Order::End => cx.end(Outcome::called_off("somebody said so")),
        }
        Ok(())
    }

    fn step(&mut self, _: &Inputs<()>, cx: &mut Context<Shouted>) {
        if cx.tick.is_multiple_of(7) {
            self.shout(cx);
        }
        for (number, thing) in self.things.iter_mut().enumerate().filter(|_| self.runs) {
            // Every tenth creeps: its difference is never the greatest.
            thing[0] += if number % 10 == 0 { 1 } else { 100 + number as u32 };
            thing[1] += 1;
        }
    }

    fn view(&self, _: ViewClass) -> Field {
        Field { things: self.things.clone(), waited: vec![0; THINGS] }
    }

    fn bot(_: &Field, _: Seat, rng: &mut Rng) -> Moves<Crowd> {
        match rng.below(8) {
            0..4 => Moves::command(Order::Run { on: rng.below(3) > 0 }),
            4 => Moves::command(Order::Shout { times: rng.below(80) as u16 }),
            _ => Moves::default(),
        }
    }
}
