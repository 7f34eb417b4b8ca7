//! The player's side of the game socket, for browsers and bots.
