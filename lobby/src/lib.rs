//! The lobby: doors for players, rooms and operators around the pure core.
