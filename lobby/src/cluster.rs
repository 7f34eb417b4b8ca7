//! The cluster: makes the rooms that are there into the rooms that should be there.
//!
//! What should be is the core's plan; carrying it out is dull and idempotent. On one machine a room is a process.

mod process;
mod record;

pub(crate) use self::process::Processes;
