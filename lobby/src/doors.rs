//! The doors: what players, rooms and operators call.

pub(crate) mod backend;
pub(crate) mod deadline;
pub(crate) mod desk;
mod docs;
pub(crate) mod fault;
mod files;
pub(crate) mod grpc;
mod json;
mod json_types;
pub(crate) mod listener;
pub(crate) mod open_games;
pub(crate) mod origin;
pub(crate) mod pressure;
pub(crate) mod private;
pub(crate) mod public;
pub(crate) mod rest;
pub(crate) mod show;
pub(crate) mod watch;
