//! A game that is nothing but state which changes.

use bellhop_game::{Context, Game, Inputs, View, ViewClass, wire};

use super::{BODY_BYTES, RATE_HZ, SOCKETS};

wire! {
    /// So many bytes, all new with every step.
    #[derive(Debug, Clone, PartialEq, serde::Serialize)]
    pub struct Noise {
        /// The bytes.
        pub bytes: Vec<u8>,
    }
}
impl View for Noise {}

/// The game.
pub struct Fan {
    step: u8,
}

impl Game for Fan {
    type Config = ();
    type Input = ();
    type Command = ();
    type Event = ();
    type View = Noise;
    const NAME: &'static str = "fan";
    const RATE_HZ: u32 = RATE_HZ;
    const MIN_SEATS: u16 = 1;
    const MAX_SEATS: u16 = SOCKETS;

    fn start((): &(), _: u64) -> Fan {
        Fan { step: 0 }
    }

    fn step(&mut self, _: &Inputs<()>, _: &mut Context<()>) {
        self.step = self.step.wrapping_add(1);
    }

    fn view(&self, _: ViewClass) -> Noise {
        Noise { bytes: (0..BODY_BYTES as u8).map(|at| at.wrapping_add(self.step)).collect() }
    }
}
