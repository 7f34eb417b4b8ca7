//! The journal: what the core decided, on disk before anybody is told.

pub mod codec;
pub mod snapshot;
pub mod store;
