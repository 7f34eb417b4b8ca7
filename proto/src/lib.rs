//! The gRPC contracts of Bellhop, and the tokens that open seats.
//!
//! [`v1`] is generated from `proto/bellhop/v1/*.proto` by `cargo xtask codegen` and committed; a test of the
//! `check` tier fails when it is stale.

pub mod tokens;

/// Package `bellhop.v1`: players and matchmaking (public), rooms and operations (private).
#[allow(missing_docs, clippy::all, clippy::pedantic, unreachable_pub, rustdoc::all)]
pub mod v1 {
    include!("gen/bellhop.v1.rs");
}

/// The encoded descriptors of [`v1`], for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!("gen/descriptors.bin");
