//! The room core and the client, talking to each other.

mod bad_input;
mod differential;
mod pace;
mod seats;
mod world;
