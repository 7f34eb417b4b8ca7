//! Calls of the Kubernetes API: each bounded in time, and only so many at once.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{ObjectReference, Pod};
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Api, Client, Error, Resource};
use lobby_core::RoomId;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tracing::{debug, info, warn};

use super::fleet::{RoomFleet, Status};
use super::pod::{self, OCCUPIED_LABEL, Seen, Trouble};

/// Who writes, as the API server's records name us.
pub(super) const MANAGER: &str = "bellhop-lobby";
/// Calls under way. The API server shares itself fairly between its clients; more would only wait there.
const CALLS_AT_ONCE: usize = 16;
/// A call is answered within this, or counts as failed.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Between two tries of a call that the API server was not there for, doubled each time up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(2);

/// The way to the API server.
#[derive(Clone)]
pub(super) struct Calls {
    client: Client,
    namespace: String,
    attach_url: String,
    turns: Arc<Semaphore>,
    events: Recorder,
}

/// Why a call has no answer.
enum Failed {
    /// The API server says no.
    Refused(Box<kube::core::Status>),
    /// It was not reached, is overloaded, or late.
    Away(String),
}

impl Calls {
    pub(super) fn new(client: Client, namespace: String, attach_url: String) -> Calls {
        let reporter = Reporter { controller: "bellhop.dev/lobby".into(), instance: None };
        let events = Recorder::new(client.clone(), reporter);
        Calls { client, namespace, attach_url, turns: Arc::new(Semaphore::new(CALLS_AT_ONCE)), events }
    }

    pub(super) fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub(super) fn fleets(&self) -> Api<RoomFleet> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// One call in its turn.
    async fn call<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Result<T, Failed> {
        let Ok(_turn) = self.turns.acquire().await else { return Err(Failed::Away("no turn".into())) };
        match tokio::time::timeout(ANSWER_WITHIN, call).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(failed(error)),
            Err(late) => Err(Failed::Away(late.to_string())),
        }
    }

    /// Creates a room's pod. While the API server is away it goes on trying: who no longer wants the pod drops this.
    pub(super) async fn create(
        &self,
        fleet: &RoomFleet,
        room: RoomId,
        host_port: Option<u16>,
    ) -> Result<Seen, Trouble> {
        let body = pod::of_room(fleet, room, &self.attach_url, host_port);
        let mut pause = FIRST_PAUSE;
        loop {
            match self.call(self.post_pod(&body)).await {
                Ok(pod) => return pod::read(&pod).ok_or_else(|| not_ours(fleet, room)),
                Err(Failed::Refused(status)) if status.code == 409 => {
                    // A try before this one went through, or an earlier lobby's.
                    if let Ok(pod) = self.call(self.pods().get(&pod::name(fleet.name(), room))).await {
                        return pod::read(&pod).ok_or_else(|| not_ours(fleet, room));
                    }
                }
                Err(Failed::Refused(status)) => return Err(refused(&status)),
                Err(Failed::Away(error)) => debug!(%room, error, "could not create the pod; trying again"),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    /// As it was put together: our own types would drop what they do not know of a template.
    async fn post_pod(&self, body: &Value) -> Result<Pod, Error> {
        let uri = format!("/api/v1/namespaces/{}/pods?fieldManager={MANAGER}", self.namespace);
        let body = serde_json::to_vec(body).map_err(Error::SerdeError)?;
        let request = http::Request::post(uri).header("content-type", "application/json").body(body);
        self.client.request(request.map_err(Error::HttpError)?).await
    }

    /// Deletes a pod, this very one. `grace`: the pod's own, where none.
    pub(super) async fn delete(&self, name: &str, uid: Option<String>, grace: Option<u32>) {
        let preconditions = uid.map(|uid| Preconditions { uid: Some(uid), resource_version: None });
        let params = DeleteParams { grace_period_seconds: grace, preconditions, ..DeleteParams::default() };
        match self.call(self.pods().delete(name, &params)).await {
            Ok(_) => debug!(pod = name, grace, "pod is deleted"),
            // It is gone, or another one of its name is there.
            Err(Failed::Refused(status)) if matches!(status.code, 404 | 409) => {}
            Err(Failed::Refused(status)) => warn!(pod = name, error = %status, "could not delete the pod"),
            Err(Failed::Away(error)) => warn!(pod = name, error, "could not delete the pod; trying again"),
        }
    }

    /// Says on a pod, this very one, whether its room has a match. What is not written now is planned again.
    pub(super) async fn mark(&self, name: &str, uid: &str, occupied: bool) -> Result<(), Trouble> {
        let label = if occupied { json!("true") } else { Value::Null };
        let patch = Patch::Merge(json!({ "metadata": { "uid": uid, "labels": { OCCUPIED_LABEL: label } } }));
        let params = PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() };
        match self.call(self.pods().patch(name, &params, &patch)).await {
            Ok(_) => Ok(()),
            // It is gone, or another one of its name is there.
            Err(Failed::Refused(status)) if matches!(status.code, 404 | 409) => Ok(()),
            Err(Failed::Refused(status)) => Err(Trouble {
                reason: "GuardRefused",
                message: format!(
                    "the lobby could not label the pod {name}: {}. Give it the right to patch pods, as \
                     podDisruptionBudget.rooms of the chart does, or leave out guardMatches.",
                    status.message
                ),
            }),
            Err(Failed::Away(error)) => {
                debug!(pod = name, error, "could not label the pod");
                Ok(())
            }
        }
    }

    /// Whether a pod is really gone. What was not seen in a list may only have been missed.
    pub(super) async fn is_gone(&self, name: &str) -> bool {
        match self.call(self.pods().get_opt(name)).await {
            Ok(pod) => pod.is_none(),
            Err(Failed::Refused(_) | Failed::Away(_)) => false,
        }
    }

    /// Whether the status was written.
    pub(super) async fn write_status(&self, fleet: &str, status: &Status) -> bool {
        let patch = Patch::Merge(json!({ "status": status }));
        let params = PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() };
        match self.call(self.fleets().patch_status(fleet, &params, &patch)).await {
            Ok(_) => true,
            Err(Failed::Refused(status)) if status.code == 404 => true,
            Err(Failed::Refused(error)) => {
                warn!(fleet, %error, "could not write the fleet's status");
                false
            }
            Err(Failed::Away(error)) => {
                debug!(fleet, error, "could not write the fleet's status");
                false
            }
        }
    }

    /// Scales a fleet, unless somebody else has changed it meanwhile.
    pub(super) async fn scale(&self, fleet: &str, version: Option<&str>, replicas: u32) {
        let body = json!({ "metadata": { "resourceVersion": version }, "spec": { "replicas": replicas } });
        let params = PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() };
        match self.call(self.fleets().patch_scale(fleet, &params, &Patch::Merge(body))).await {
            Ok(_) => info!(fleet, replicas, "the fleet's autoscaler has a number to begin with"),
            Err(Failed::Refused(status)) if matches!(status.code, 404 | 409) => {}
            Err(Failed::Refused(error)) => warn!(fleet, %error, "could not scale the fleet for its autoscaler"),
            Err(Failed::Away(error)) => debug!(fleet, error, "could not scale the fleet for its autoscaler"),
        }
    }

    /// An event of the fleet. Best effort: the status says the same.
    pub(super) async fn publish(&self, about: &ObjectReference, warning: bool, reason: &str, note: String) {
        let event = Event {
            type_: if warning { EventType::Warning } else { EventType::Normal },
            reason: reason.into(),
            note: Some(note.chars().take(1_000).collect()),
            action: "Scale".into(),
            secondary: None,
        };
        if let Err(Failed::Away(error)) = self.call(self.events.publish(&event, about)).await {
            debug!(reason, error, "could not publish the event");
        }
    }
}

/// A no of the API server, or one that may be tried again: it was not reached, or has too much to do.
fn failed(error: Error) -> Failed {
    let Error::Api(status) = error else { return Failed::Away(error.to_string()) };
    // A quota that was just made is not counted yet.
    let not_yet = status.message.contains("status unknown for quota");
    if not_yet || status.code >= 500 || status.code == 429 {
        return Failed::Away(status.message);
    }
    Failed::Refused(status)
}

/// What an event is about.
pub(super) fn reference(fleet: &RoomFleet) -> ObjectReference {
    fleet.object_ref(&())
}

fn not_ours(fleet: &RoomFleet, room: RoomId) -> Trouble {
    let message = format!("there is a pod {} that is none of the fleet's: delete it", pod::name(fleet.name(), room));
    Trouble { reason: "PodRefused", message }
}

/// What the API server's no means, and what to do.
fn refused(status: &kube::core::Status) -> Trouble {
    let said = &status.message;
    let (reason, message) = match status.code {
        403 if said.contains("exceeded quota") => {
            ("QuotaExceeded", format!("{said}. Raise the quota, or lower maxRooms or minReady."))
        }
        403 if said.contains("PodSecurity") && said.contains("hostPort") => (
            "PodRefused",
            format!(
                "{said}. Host ports need a namespace whose Pod Security level is privileged: label it so, or leave out hostPorts."
            ),
        ),
        403 if said.contains("PodSecurity") => ("PodRefused", format!("{said}. Correct the template.")),
        403 => ("PodRefused", format!("the lobby may not create the pod: {said}")),
        400 | 404 | 422 => ("TemplateRefused", format!("{said}. Correct the template.")),
        code => ("PodRefused", format!("{code}: {said}")),
    };
    Trouble { reason, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_throttled_call_is_tried_again_and_a_conflict_is_an_answer() {
        let refused = |code: u16, message: &str| {
            let status = kube::core::Status { code, message: message.into(), ..kube::core::Status::default() };
            matches!(failed(Error::Api(Box::new(status))), Failed::Refused(_))
        };
        for code in [400, 403, 404, 409, 410, 422] {
            assert!(refused(code, "no"), "{code}");
        }
        for code in [429, 500, 503, 504] {
            assert!(!refused(code, "later"), "{code}");
        }
        assert!(!refused(403, "status unknown for quota: few"));
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let check = |code: u16, message: &str, reason: &str| {
            let status = kube::core::Status { code, message: message.into(), ..kube::core::Status::default() };
            assert_eq!(refused(&status).reason, reason, "{message}");
            refused(&status).message
        };
        check(403, "pods \"a\" is forbidden: exceeded quota: few, requested: pods=1", "QuotaExceeded");
        check(403, "violates PodSecurity \"restricted:latest\"", "PodRefused");
        let said = "violates PodSecurity \"restricted:latest\": hostPort (container \"room\" uses hostPort 7000)";
        let told = check(403, said, "PodRefused");
        assert!(told.ends_with("label it so, or leave out hostPorts."), "{told}");
        check(403, "User cannot create resource pods", "PodRefused");
        check(422, "spec.containers[0].image: Required value", "TemplateRefused");
    }
}
