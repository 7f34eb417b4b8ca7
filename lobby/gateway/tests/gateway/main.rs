//! A real gateway over real sockets, between false lobbies, false rooms and real clients.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod bad_input;
mod lobby;
mod process;
mod rooms;
mod support;
