//! A game behind one interface for all games.

use std::marker::PhantomData;

use bellhop_game::Game;

/// What the room knows of a running game.
pub(crate) trait Match: Send {}

/// A running game of one type.
pub(crate) struct Hosted<G: Game>(PhantomData<fn() -> G>);

impl<G: Game> Hosted<G> {
    pub(crate) fn start(_: &str, _: u64) -> Result<Hosted<G>, String> {
        Ok(Hosted(PhantomData))
    }
}

impl<G: Game> Match for Hosted<G> {}
