//! A real room over real sockets: a false lobby drives it, real WebSocket clients play in it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod attach;
mod bad_input;
mod frames;
mod games;
mod gateway;
mod lobby;
mod model;
mod pressure;
mod process;
mod seats;
mod support;
mod watch;
