//! Everybody moves over a field; who is first at ten coins wins.

use bellhop_game::{Context, Game, Inputs, Moves, Outcome, Presence, Rng, Seat, View, ViewClass, Who, wire};
use serde::{Deserialize, Serialize};

/// The field, and how far one moves in a step.
const SIZE: [i32; 2] = [640, 400];
const SPEED: i32 = 6;
/// So near a coin is taken.
const REACH: i32 = 20;

/// So many win.
const COINS: u16 = 10;

wire! {
    /// What a player holds: along x and y -1, 0 or 1.
    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
    pub struct Keys {
        /// Left or right.
        pub x: i8,
        /// Up or down.
        pub y: i8,
    }

    /// A player on the field.
    #[derive(Debug, Clone, PartialEq, Serialize)]
    pub struct Player {
        /// Whose.
        pub seat: Seat,
        /// Where.
        pub at: [i32; 2],
        /// How many are taken.
        pub coins: u16,
    }

    /// What everybody sees.
    #[derive(Debug, Clone, PartialEq, Serialize)]
    pub struct Field {
        /// Where the coin lies.
        pub coin: [i32; 2],
        /// Who plays.
        pub players: Vec<Player>,
    }
}
impl View for Field {}

/// A match.
pub struct Dots {
    field: Field,
    rng: Rng,
}

fn somewhere(rng: &mut Rng) -> [i32; 2] {
    SIZE.map(|size| rng.below(size as u32) as i32)
}

impl Game for Dots {
    type Config = ();
    type Input = Keys;
    type Command = ();
    type Event = ();
    type View = Field;
    const NAME: &'static str = "dots";
    const RATE_HZ: u32 = 30;
    const MIN_SEATS: u16 = 2;
    const MAX_SEATS: u16 = 8;

    fn start(_: &(), seed: u64) -> Dots {
        let mut rng = Rng::new(seed);
        Dots { field: Field { coin: somewhere(&mut rng), players: Vec::new() }, rng }
    }

    fn join(&mut self, seat: Seat, _: &Who, _: &mut Context<()>) {
        let at = somewhere(&mut self.rng);
        self.field.players.push(Player { seat, at, coins: 0 });
    }

    fn presence(&mut self, seat: Seat, presence: Presence, cx: &mut Context<()>) {
        if presence == Presence::Left {
            self.field.players.retain(|player| player.seat != seat);
            if let [last] = self.field.players.as_slice() {
                cx.end(Outcome::winner(last.seat, "everybody else left"));
            }
        }
    }

    fn sanitise(keys: Keys) -> Option<Keys> {
        Some(Keys { x: keys.x.clamp(-1, 1), y: keys.y.clamp(-1, 1) })
    }

    fn step(&mut self, inputs: &Inputs<Keys>, cx: &mut Context<()>) {
        for player in &mut self.field.players {
            let keys = inputs.get(player.seat).cloned().unwrap_or_default();
            for (axis, held) in [keys.x, keys.y].into_iter().enumerate() {
                player.at[axis] = (player.at[axis] + SPEED * i32::from(held)).clamp(0, SIZE[axis]);
            }
            if (0..2).all(|axis| (player.at[axis] - self.field.coin[axis]).abs() <= REACH) {
                player.coins += 1;
                self.field.coin = somewhere(&mut self.rng);
            }
        }
        if self.field.players.iter().any(|player| player.coins >= COINS) {
            let scores = self.field.players.iter().map(|player| (player.seat, i64::from(player.coins)));
            cx.end(Outcome::ranked(scores, format!("{COINS} coins")));
        }
    }

    fn view(&self, _: ViewClass) -> Field {
        self.field.clone()
    }

    fn bot(field: &Field, seat: Seat, _: &mut Rng) -> Moves<Dots> {
        let Some(me) = field.players.iter().find(|player| player.seat == seat) else { return Moves::default() };
        let towards = |axis: usize| {
            let way = field.coin[axis] - me.at[axis];
            if way.abs() <= REACH / 2 { 0 } else { way.signum() as i8 }
        };
        Moves::hold(Keys { x: towards(0), y: towards(1) })
    }
}

#[cfg(feature = "web")]
room_client::export_client!(crate::Dots);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bots_play_it_to_the_end() {
        let ended = room_client::trial::<Dots>(2, 7, std::time::Duration::from_secs(120)).expect("it ends");
        assert_eq!((ended.seats[0].rank, ended.seats[0].score, ended.rated), (1, i64::from(COINS), true));
    }

    #[test]
    fn nobody_leaves_the_field() {
        let mut game = Dots::start(&(), 1);
        let mut inputs = Inputs::new();
        game.join(Seat(0), &Who { name: String::new(), team: 0 }, &mut Context::new(0, 0));
        inputs.set(Seat(0), Dots::sanitise(Keys { x: 100, y: -100 }).expect("it is brought into range"));
        (0..1_000).for_each(|tick| game.step(&inputs, &mut Context::new(0, tick)));
        assert_eq!(game.field.players[0].at, [SIZE[0], 0]);
    }
}
