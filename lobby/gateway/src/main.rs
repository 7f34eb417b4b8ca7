//! The public port: carries game sockets to rooms and everything else to the lobby.

fn main() {}
