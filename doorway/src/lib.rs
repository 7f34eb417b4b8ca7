//! What gateway and room do alike at their ports: turn away who is one too many, and answer probes and scrapers.

mod full;
pub mod private;

pub use full::Full;
