//! Multiplayer Snake.
