//! Tanks: sixty steps a second, up to sixteen of them, in a yard of walls.
//!
//! A hull drives and turns, a turret turns by itself, shells fly, bounce once and hit. Whoever has destroyed the most
//! when the time is up wins. All arithmetic is on whole numbers, so that room and browser agree to the last bit; the
//! browser runs [`Arena::glide`] ahead of the room, and the delta codec runs it on both sides and sends only what
//! does not follow from it.

mod arena;
mod bot;
mod codec;
mod map;
mod past;
mod rules;
mod show;
mod trig;

pub use arena::{Arena, Body, Held, Input, Shell, Tank, TankEvent, UNIT};
pub use map::{Map, TILE};
pub use rules::{Config, Tanks};
pub use trig::{CIRCLE, angle_of, direction};

#[cfg(feature = "web")]
room_client::export_client!(crate::Tanks);
