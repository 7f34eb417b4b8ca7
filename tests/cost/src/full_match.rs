//! A match of a real-time game with every seat taken by a bot.

use bellhop_game::{Context, Game, Inputs, Outcome, Rng, Seat, View as _, ViewClass, Who, Writer};

/// The match.
pub struct FullMatch<G: Game> {
    game: G,
    rng: Rng,
    inputs: Inputs<G::Input>,
    tick: u32,
    /// Steps between what players are sent.
    every: u32,
    /// Who is watched: where not all see the same, the first seat.
    class: ViewClass,
    seen: G::View,
}

impl<G: Game> FullMatch<G> {
    /// At its beginning; everything in it follows from the seed.
    pub fn new(seed: u64) -> FullMatch<G> {
        let mut game = G::start(&G::Config::default(), seed);
        for seat in 0..G::MAX_SEATS {
            game.join(Seat(seat), &Who { name: "somebody".into(), team: 0 }, &mut Context::new(0, 0));
        }
        let class = game.class_of(Seat(0));
        let (every, seen) = (game.send_every(), game.view(class));
        FullMatch { game, rng: Rng::new(seed), inputs: Inputs::new(), tick: 0, every, class, seen }
    }

    /// Players are sent something after the step that was made last.
    pub fn sends(&self) -> bool {
        self.tick.is_multiple_of(self.every)
    }

    /// What the bots want from now on.
    pub fn decide(&mut self) {
        for seat in 0..G::MAX_SEATS {
            // Where all see the same, one look does for all.
            let own = self.game.class_of(Seat(seat));
            let look = (own != self.class).then(|| self.game.view(own));
            if let Some(input) = G::bot(look.as_ref().unwrap_or(&self.seen), Seat(seat), &mut self.rng).input {
                self.inputs.plan(Seat(seat), self.tick, self.tick + 1, 0, input);
            }
        }
    }

    /// Makes a step; how the match ended, if it did.
    pub fn step(&mut self) -> Option<Outcome> {
        self.tick += 1;
        let mut cx = Context::new(u64::from(self.tick) * 1_000 / u64::from(G::RATE_HZ.max(1)), self.tick);
        self.inputs.begin(self.tick, 0);
        self.game.step(&self.inputs, &mut cx);
        self.inputs.stepped();
        cx.take_outcome()
    }

    /// What one class of viewers is sent: what changed since this was last asked.
    pub fn encode(&mut self) -> Vec<u8> {
        let now = self.game.view(self.class);
        let mut to = Writer::new();
        now.diff(&self.seen, self.every, &mut to);
        self.seen = now;
        to.finish()
    }
}

/// A match of a game without steps, and moves that were made in it once before.
pub struct RecordedMoves<G: Game> {
    game: G,
    /// By whom, what, and when, in milliseconds of the match.
    moves: Vec<(Seat, G::Command, u64)>,
}

impl<G: Game> RecordedMoves<G> {
    /// At its beginning, with so many moves to come, which bots think of. What it asks of the world outside is not answered.
    ///
    /// # Panics
    /// If a bot breaks the rules, or they do not move that often.
    pub fn new(seed: u64, count: usize) -> RecordedMoves<G> {
        let (mut game, mut rng) = (begun::<G>(seed), Rng::new(seed));
        let mut moves = Vec::new();
        let mut now_ms = 0;
        while moves.len() < count {
            wait(&mut game, now_ms);
            for seat in (0..G::MIN_SEATS).map(Seat) {
                let view = game.view(game.class_of(seat));
                for command in G::bot(&view, seat, &mut rng).commands {
                    let done = game.command(seat, command.clone(), &mut Context::new(now_ms, 0));
                    assert!(done.is_ok(), "bots keep to the rules");
                    moves.push((seat, command, now_ms));
                }
            }
            now_ms += 100;
            assert!(now_ms < 60_000, "nobody moves");
        }
        moves.truncate(count);
        RecordedMoves { game: begun(seed), moves }
    }

    /// Makes the moves, and views and writes what each seat is shown of each; how many bytes that is.
    pub fn make(&mut self) -> usize {
        let mut bytes = 0;
        for (seat, command, now_ms) in std::mem::take(&mut self.moves) {
            wait(&mut self.game, now_ms);
            let before = self.game.view(self.game.class_of(seat));
            let _did_before = self.game.command(seat, command, &mut Context::new(now_ms, 0));
            let mut to = Writer::new();
            self.game.view(self.game.class_of(seat)).diff(&before, 1, &mut to);
            bytes += to.finish().len();
        }
        bytes
    }
}

fn begun<G: Game>(seed: u64) -> G {
    let mut game = G::start(&G::Config::default(), seed);
    let mut cx = Context::new(0, 0);
    for seat in 0..G::MIN_SEATS {
        game.join(Seat(seat), &Who { name: "somebody".into(), team: 0 }, &mut cx);
    }
    for (question, _) in cx.take_asks() {
        game.answer(question, None, &mut cx);
    }
    game
}

/// What time brings.
fn wait<G: Game>(game: &mut G, now_ms: u64) {
    while game.deadline().is_some_and(|due| due <= now_ms) {
        game.timeout(&mut Context::new(now_ms, 0));
    }
}
