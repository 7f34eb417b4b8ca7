//! What a pod may not ask for under the restricted Pod Security level, and a little more.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// What the restricted level lets a pod mount.
const VOLUMES: [&str; 8] =
    ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"];

/// Whether a pod keeps the rules.
///
/// # Errors
/// The rule that it breaks.
pub(super) fn restricted(pod: &Value) -> Result<()> {
    let spec = &pod["spec"];
    for host in ["hostNetwork", "hostPID", "hostIPC"] {
        ensure!(spec[host] != true, "{host} is set");
    }
    for volume in spec["volumes"].as_array().into_iter().flatten() {
        let kind = volume.as_object().context("a volume")?.keys().find(|key| *key != "name");
        ensure!(kind.is_some_and(|kind| VOLUMES.contains(&kind.as_str())), "a volume of the kind {kind:?}");
    }
    let of_pod = &spec["securityContext"];
    ensure!(of_pod["sysctls"].is_null(), "sysctls are set");
    let containers = ["initContainers", "containers"].iter().flat_map(|list| spec[*list].as_array()).flatten();
    for container in containers {
        let name = container["name"].as_str().context("a container has a name")?;
        one(container, of_pod).with_context(|| format!("the container {name}"))?;
    }
    Ok(())
}

fn one(container: &Value, of_pod: &Value) -> Result<()> {
    let own = &container["securityContext"];
    let either = |key: &str| if own[key].is_null() { &of_pod[key] } else { &own[key] };
    ensure!(either("runAsNonRoot") == true, "runAsNonRoot is not set");
    ensure!(either("runAsUser").as_u64().is_some_and(|user| user > 0), "it runs as root, or as the image says");
    let seccomp = either("seccompProfile")["type"].as_str().unwrap_or("none");
    ensure!(["RuntimeDefault", "Localhost"].contains(&seccomp), "its seccomp profile is {seccomp}");
    ensure!(own["allowPrivilegeEscalation"] == false, "privileges may escalate");
    ensure!(own["privileged"] != true, "it is privileged");
    let drops = own["capabilities"]["drop"].as_array();
    ensure!(drops.is_some_and(|drops| drops.iter().any(|drop| drop == "ALL")), "capabilities are not dropped");
    ensure!(own["capabilities"]["add"].is_null(), "capabilities are added");
    let host_ports = container["ports"].as_array().into_iter().flatten().any(|port| !port["hostPort"].is_null());
    ensure!(!host_ports, "it takes a port of its node");
    // More than the level asks for.
    ensure!(own["readOnlyRootFilesystem"] == true, "its root is writable");
    ensure!(container["resources"]["requests"].is_object(), "it requests no resources");
    ensure!(container["resources"]["limits"]["memory"].is_string(), "its memory has no limit");
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> Value {
        json!({ "spec": {
            "securityContext": { "runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": { "type": "RuntimeDefault" } },
            "volumes": [{ "name": "tmp", "emptyDir": {} }],
            "containers": [{
                "name": "one",
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "readOnlyRootFilesystem": true,
                    "capabilities": { "drop": ["ALL"] },
                },
                "resources": { "requests": { "cpu": "1" }, "limits": { "memory": "1Mi" } },
            }],
        }})
    }

    #[track_caller]
    fn check(at: &str, value: Value, said: &str) {
        let mut pod = good();
        *pod.pointer_mut(at).unwrap() = value;
        let error = format!("{:#}", restricted(&pod).expect_err(at));
        assert!(error.contains(said), "{at}: {error}");
    }

    #[test]
    fn a_pod_that_asks_for_more_is_named() {
        restricted(&good()).unwrap();
        check("/spec/securityContext/runAsNonRoot", json!(false), "runAsNonRoot");
        check("/spec/securityContext/runAsUser", json!(0), "root");
        check("/spec/securityContext/seccompProfile/type", json!("Unconfined"), "seccomp");
        check("/spec/volumes/0", json!({ "name": "disk", "hostPath": { "path": "/" } }), "hostPath");
        check("/spec/containers/0/securityContext/allowPrivilegeEscalation", json!(true), "escalate");
        check("/spec/containers/0/securityContext/capabilities/drop", json!([]), "capabilities");
        check("/spec/containers/0/resources/limits", json!({}), "memory");
    }
}
