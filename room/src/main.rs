//! The game room: one authoritative loop behind one WebSocket door.

fn main() {}
