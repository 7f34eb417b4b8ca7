//! Bots that play through the players' doors, a record of what they saw, and a checker that judges it.

pub mod checker;
pub mod doors;
pub mod record;
