//! Rooms as pods of a Kubernetes namespace.
//!
//! Each `RoomFleet` of the lobby's namespace is a fleet; its rooms are pods that the lobby creates and deletes itself,
//! for only it knows which of them is empty. All is reconciled: what the watches say, and what the core plans from it.

mod calls;
mod fleet;
mod guard;
mod identity;
mod pod;
mod ports;
mod roll;
mod status;
mod world;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::StreamExt;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Client, Config};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub(crate) use self::identity::{Identity, ReviewError, is_fresh};

use self::calls::Calls;
use self::world::World;
use crate::drive::{ClusterOrder, Core};
use crate::metrics::Metrics;

/// How often is looked whether something has to be said or done once more.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The definition of the resource that this version needs, as the chart has it.
const DEFINITION: &str = include_str!("../../../helm/bellhop/crds/roomfleets.yaml");
/// Where the API server has it.
const DEFINITION_PATH: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/roomfleets.bellhop.dev";

/// The way to the cluster.
pub(crate) struct Kube {
    calls: Calls,
    identity: Arc<Identity>,
    metrics: Arc<Metrics>,
}

/// By the pod's own account, or by KUBECONFIG outside of a cluster.
async fn config() -> Result<Config> {
    Config::infer().await.context("there is no way to a Kubernetes API: neither a pod's account nor a KUBECONFIG")
}

/// Brings the definition of RoomFleet to what this version needs.
///
/// # Errors
/// If the API server is not reached or refuses it.
pub(crate) async fn apply_definition() -> Result<()> {
    let client = Client::try_from(config().await?).context("could not set up the way to the API server")?;
    let request = http::Request::patch(format!("{DEFINITION_PATH}?fieldManager={}&force=true", calls::MANAGER))
        .header("content-type", "application/apply-patch+yaml")
        .body(DEFINITION.as_bytes().to_vec())?;
    let _applied: serde_json::Value =
        client.request(request).await.context("could not apply the definition of RoomFleet")?;
    info!("the definition of RoomFleet is applied");
    Ok(())
}

impl Kube {
    /// `attach_url`: where rooms reach the lobby's private port.
    pub(crate) async fn connect(attach_url: String, metrics: Arc<Metrics>) -> Result<Kube> {
        let config = config().await?;
        let namespace = config.default_namespace.clone();
        let client = Client::try_from(config).context("could not set up the way to the API server")?;
        info!(namespace, "rooms are pods");
        let identity = Arc::new(Identity::new(client.clone(), namespace.clone()));
        Ok(Kube { calls: Calls::new(client, namespace, attach_url), identity, metrics })
    }

    /// What checks who a room is.
    pub(crate) fn identity(&self) -> Arc<Identity> {
        self.identity.clone()
    }

    /// Carries out orders and reports what happens, until told to stop. Rooms go on.
    pub(crate) async fn run(
        self,
        core: Core,
        mut orders: mpsc::Receiver<ClusterOrder>,
        stop: CancellationToken,
    ) -> Result<()> {
        let ours = watcher::Config::default().labels(pod::ROOM_LABEL);
        let mut pods = watcher(self.calls.pods(), ours).default_backoff().boxed();
        let mut fleets = watcher(self.calls.fleets(), watcher::Config::default()).default_backoff().boxed();
        let mut world = World::new(core, self.calls, self.identity, self.metrics);
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(event) = fleets.next() => match event {
                    Ok(event) => world.fleet_event(event).await,
                    Err(error) => warn!(%error, "the fleets are not watched just now"),
                },
                Some(event) = pods.next() => match event {
                    Ok(event) => world.pod_event(event).await,
                    Err(error) => warn!(%error, "the pods are not watched just now"),
                },
                Some(done) = world.tasks.join_next() => {
                    // One that was aborted has nothing to tell.
                    if let Ok(done) = done {
                        world.done(done).await;
                    }
                }
                _ = look.tick() => world.tick().await,
                Some(order) = orders.recv(), if world.is_known() => world.obey(order).await,
            }
        }
        // The core ends after its last order. A pod whose room is not known any more is let go by the next lobby.
        while orders.recv().await.is_some() {}
        Ok(())
    }
}
