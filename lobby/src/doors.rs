//! The doors: what players, rooms and operators call.

pub(crate) mod desk;
pub(crate) mod fault;
pub(crate) mod grpc;
pub(crate) mod listener;
pub(crate) mod open_games;
pub(crate) mod origin;
pub(crate) mod private;
pub(crate) mod public;
pub(crate) mod rest;
pub(crate) mod show;
pub(crate) mod watch;
