//! The lobby as a process: real sockets, a real journal, and rooms that are false only in what they play.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]
#![expect(clippy::wildcard_enum_match_arm, reason = "a test waits for one kind of message and passes over the rest")]

mod backend;
mod bad_input;
mod crash;
mod doors;
mod operations;
mod processes;
mod start;
mod support;
mod watching;
mod way;
