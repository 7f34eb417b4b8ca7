//! Bots that play through the players' doors, a record of what they saw, a checker that judges it, and the
//! benchmarks.

pub mod assignments;
pub mod bench;
pub mod bots;
pub mod checker;
pub mod correction;
pub mod crowd;
pub mod doors;
pub mod false_room;
pub mod fanout;
pub mod frames;
pub mod game_cost;
pub mod gateway_sockets;
pub mod link;
pub mod link_matrix;
pub mod local;
pub mod matchmaker;
pub mod open_loop;
pub mod plain_http2;
pub mod plans;
pub mod play_to_frame;
pub mod record;
pub mod recovery;
pub mod road;
pub mod room_bytes;
pub mod room_tanks;
pub mod seeds;
pub mod sketch;
mod stage;
pub mod stamped;
pub mod unlucky;
