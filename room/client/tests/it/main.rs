//! The room core and the client, talking to each other.

mod bad_input;
mod budget;
mod crowd;
mod differential;
mod jumps;
mod pace;
mod recover;
mod replay;
mod rollback;
mod seats;
mod watch;
mod world;
