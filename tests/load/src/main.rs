//! Bots that play through the players' doors, and the benchmarks.

fn main() {}
