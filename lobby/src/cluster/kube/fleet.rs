//! The custom resource `RoomFleet`: what it says, and what it means for the core.

use std::borrow::Cow;
use std::time::Duration;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};
use kube::Resource;
use lobby_core::FleetSettings;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What an autoscaled fleet begins with: `spec.replicas` is an autoscaler's to write, but it writes nothing where nothing is.
const FIRST_REPLICAS_NOTE: &str = "bellhop.dev/first-replicas";
/// Failed starts that stop a fleet for a while.
const BREAKER_FAILURES: u32 = 5;
/// In this time, and for this long.
const BREAKER_WINDOW: Duration = Duration::from_secs(60);

/// The rooms of one kind.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct RoomFleet {
    pub(super) metadata: ObjectMeta,
    pub(super) spec: Spec,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<Status>,
}

/// What is asked for. The API server has filled in the defaults of the resource's definition.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Spec {
    #[serde(default)]
    pub(super) replicas: Option<u32>,
    pub(super) min_ready: u32,
    pub(super) max_rooms: u32,
    pub(super) games: Vec<String>,
    pub(super) recycle: Recycle,
    pub(super) start_timeout_seconds: u32,
    pub(super) scale_down_after_seconds: u32,
    pub(super) drain_within_seconds: u32,
    /// Ports of the nodes, where players may reach their rooms without a gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) host_ports: Option<HostPorts>,
    /// Pods whose room has a match say so.
    #[serde(default)]
    pub(super) guard_matches: bool,
    pub(super) template: Value,
}

/// From the first to the last of them.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(super) struct HostPorts {
    pub(super) first: u16,
    pub(super) last: u16,
}

/// Whether a room takes another match after one has ended.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Recycle {
    Always,
    Never,
}

impl Recycle {
    pub(super) fn word(self) -> &'static str {
        match self {
            Recycle::Always => "always",
            Recycle::Never => "never",
        }
    }
}

/// What there is.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Status {
    pub(super) observed_generation: Option<i64>,
    pub(super) selector: String,
    pub(super) replicas: u32,
    pub(super) desired: u32,
    pub(super) starting: u32,
    pub(super) ready: u32,
    pub(super) playing: u32,
    pub(super) draining: u32,
    pub(super) players: u32,
    pub(super) conditions: Vec<Condition>,
}

impl Resource for RoomFleet {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        "RoomFleet".into()
    }

    fn group((): &()) -> Cow<'_, str> {
        "bellhop.dev".into()
    }

    fn version((): &()) -> Cow<'_, str> {
        "v1alpha1".into()
    }

    fn plural((): &()) -> Cow<'_, str> {
        "roomfleets".into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

impl RoomFleet {
    pub(super) fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// The number to begin with, where nobody has scaled it yet and its autoscaler waits for one.
    pub(super) fn first_replicas(&self) -> Option<u32> {
        let note = self.metadata.annotations.as_ref()?.get(FIRST_REPLICAS_NOTE)?;
        note.parse().ok().filter(|_| self.spec.replicas.is_none())
    }

    /// What it means for the core.
    pub(super) fn settings(&self) -> FleetSettings {
        let games: Vec<&str> = self.spec.games.iter().map(String::as_str).collect();
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        FleetSettings {
            min_ready: self.spec.min_ready,
            max_rooms: self.spec.max_rooms,
            start_timeout: seconds(self.spec.start_timeout_seconds),
            scale_down_after: seconds(self.spec.scale_down_after_seconds),
            drain_within: seconds(self.spec.drain_within_seconds),
            breaker_failures: BREAKER_FAILURES,
            breaker_window: BREAKER_WINDOW,
            ..FleetSettings::new(self.name(), &games)
        }
    }
}

/// A fleet that nobody asks for any more: its rooms go as they become free, and none is started.
pub(super) fn retired(settings: &FleetSettings) -> FleetSettings {
    FleetSettings { min_ready: 0, max_rooms: 0, ..settings.clone() }
}
