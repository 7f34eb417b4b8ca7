//! The lobby as a process: real sockets, a real journal, and rooms that are false only in what they play.

#![allow(clippy::expect_used, reason = "a test says what it expects")]

mod bad_input;
mod crash;
mod operations;
mod processes;
mod start;
mod support;
mod way;
