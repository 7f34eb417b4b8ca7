//! Games made for testing.

use bellhop_game::{Context, Game, Illegal, Inputs, Outcome, Seat, View, ViewClass, wire};

wire! {
    /// What players see of [`Pulse`].
    #[derive(Debug, Clone, PartialEq, serde::Serialize)]
    pub(crate) struct PulseView {
        pub(crate) step: u32,
        pub(crate) sum: u32,
        pub(crate) noise: Vec<u32>,
    }
}
impl View for PulseView {}

/// Settings of [`Pulse`].
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(crate) struct PulseConfig {
    /// Ends after so many steps; 0: never.
    pub(crate) steps: u32,
    /// Numbers that change every step: 4 to 5 bytes each.
    pub(crate) noise: u32,
    /// Panics at this step.
    pub(crate) panic_at: u32,
}

/// A clock of 50 steps a second whose whole state changes with every one; its inputs are summed up.
pub(crate) struct Pulse {
    config: PulseConfig,
    seed: u64,
    view: PulseView,
    seats: Vec<Seat>,
}

impl Game for Pulse {
    type Config = PulseConfig;
    type Input = u32;
    type Command = u32;
    type Event = u32;
    type View = PulseView;
    const NAME: &'static str = "pulse";
    const RATE_HZ: u32 = 50;
    const MIN_SEATS: u16 = 1;
    const MAX_SEATS: u16 = 64;

    fn start(config: &PulseConfig, seed: u64) -> Pulse {
        let view = PulseView { step: 0, sum: 0, noise: Vec::new() };
        Pulse { config: config.clone(), seed, view, seats: Vec::new() }
    }

    fn join(&mut self, seat: Seat, _: &bellhop_game::Who, _: &mut Context<u32>) {
        self.seats.push(seat);
    }

    fn command(&mut self, seat: Seat, command: u32, cx: &mut Context<u32>) -> Result<(), Illegal> {
        if command == 0 {
            return Err(Illegal::because("zero is not allowed"));
        }
        cx.emit(command);
        if command == u32::MAX {
            cx.end(Outcome::winner(seat, "asked for it"));
        }
        Ok(())
    }

    fn step(&mut self, inputs: &Inputs<u32>, cx: &mut Context<u32>) {
        self.view.step += 1;
        self.view.sum = self.seats.iter().filter_map(|&seat| inputs.get(seat)).sum();
        let scramble = |at: u32| (self.seed as u32 ^ at).wrapping_mul(2_654_435_761).rotate_left(at % 32);
        let first = self.view.step.wrapping_mul(self.config.noise);
        self.view.noise = (0..self.config.noise).map(|at| scramble(first.wrapping_add(at))).collect();
        assert!(self.config.panic_at == 0 || self.view.step != self.config.panic_at, "told to panic");
        if self.view.step == self.config.steps {
            cx.end(Outcome::ranked(self.seats.iter().map(|&seat| (seat, i64::from(seat.0))), "all steps were made"));
        }
    }

    fn view(&self, _: ViewClass) -> PulseView {
        self.view.clone()
    }
}

wire! {
    /// What players see of [`Tally`].
    #[derive(Debug, Clone, PartialEq, serde::Serialize)]
    pub(crate) struct Count {
        pub(crate) total: u32,
    }
}
impl View for Count {}

/// No clock: commands add up.
pub(crate) struct Tally(Vec<u32>);

impl Game for Tally {
    type Config = ();
    type Input = ();
    type Command = u32;
    type Event = ();
    type View = Count;
    const NAME: &'static str = "tally";
    const RATE_HZ: u32 = 0;
    const MIN_SEATS: u16 = 1;
    const MAX_SEATS: u16 = 2;

    fn start(_: &(), _: u64) -> Tally {
        Tally(Vec::new())
    }

    fn command(&mut self, _: Seat, command: u32, _: &mut Context<()>) -> Result<(), Illegal> {
        self.0.push(command);
        Ok(())
    }

    fn view(&self, _: ViewClass) -> Count {
        Count { total: self.0.iter().sum() }
    }

    fn history(&self, _: ViewClass) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}
