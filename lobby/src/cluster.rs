//! The cluster: makes the rooms that are there into the rooms that should be there.
//!
//! What should be is the core's plan; carrying it out is dull and idempotent. On one machine a room is a process, on
//! Kubernetes a pod.

pub(crate) mod kube;
mod process;
mod record;

pub(crate) use self::kube::Kube;
pub(crate) use self::process::Processes;
