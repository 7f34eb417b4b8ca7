//! JSON schemas for every kind the chart may render, from the sources that the API servers themselves are built from.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use crate::cluster;
use crate::steps::step;

/// Kinds that are not Kubernetes' own, by the Go modules that define them.
const OTHERS: [(&str, &str); 4] = [
    ("sigs.k8s.io/gateway-api@v1.6.3", "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"),
    (PROMETHEUS, "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml"),
    (PROMETHEUS, "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml"),
    (PROMETHEUS, "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml"),
];

const PROMETHEUS: &str = "github.com/prometheus-operator/prometheus-operator@v0.85.0";

/// A directory with one schema per kind, named as kubeconform asks for them.
pub(super) fn of_the_api_server(chart: &Path) -> Result<PathBuf> {
    step("schemas of the API server", || {
        let place = crate::assemble::target().join("schemas");
        fs::create_dir_all(&place)?;
        let swagger = cluster::module_directory("k8s.io/kubernetes")?.join("api/openapi-spec/swagger.json");
        let text = fs::read_to_string(&swagger).with_context(|| format!("reading {}", swagger.display()))?;
        own_kinds(&serde_json::from_str(&text)?, &place)?;
        for (module, file) in OTHERS {
            custom_kinds(&cluster::downloaded(module)?.join(file), &place)?;
        }
        for file in fs::read_dir(chart.join("crds")).into_iter().flatten() {
            custom_kinds(&file?.path(), &place)?;
        }
        Ok(place)
    })
}

fn own_kinds(swagger: &Value, place: &Path) -> Result<()> {
    let definitions = swagger["definitions"].as_object().context("the API server's OpenAPI has definitions")?;
    let mut shared = Map::new();
    for (name, definition) in definitions {
        let mut definition = definition.clone();
        match name.as_str() {
            // Both are strings in OpenAPI, and read numbers too.
            "io.k8s.apimachinery.pkg.api.resource.Quantity" => definition = json!({"type": ["string", "number"]}),
            "io.k8s.apimachinery.pkg.util.intstr.IntOrString" => definition = json!({"type": ["string", "integer"]}),
            _ => strict(&mut definition),
        }
        shared.insert(name.clone(), definition);
    }
    fs::write(place.join("definitions.json"), json!({ "definitions": shared }).to_string())?;
    for (name, definition) in definitions {
        for kind in definition["x-kubernetes-group-version-kind"].as_array().into_iter().flatten() {
            let word = |key: &str| kind[key].as_str().unwrap_or_default();
            let schema = json!({ "$ref": format!("definitions.json#/definitions/{name}") });
            write(place, word("group"), word("version"), word("kind"), &schema)?;
        }
    }
    Ok(())
}

fn custom_kinds(file: &Path, place: &Path) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let definition: Value = serde_saphyr::from_str(&text).with_context(|| format!("{} is no YAML", file.display()))?;
    let spec = &definition["spec"];
    let (group, kind) =
        (spec["group"].as_str().unwrap_or_default(), spec["names"]["kind"].as_str().unwrap_or_default());
    for version in spec["versions"].as_array().into_iter().flatten() {
        let mut schema = version["schema"]["openAPIV3Schema"].clone();
        strict(&mut schema);
        write(place, group, version["name"].as_str().unwrap_or_default(), kind, &schema)?;
    }
    Ok(())
}

/// Fields that a schema does not name are mistakes.
fn strict(schema: &mut Value) {
    if let Value::Object(object) = schema {
        let open = object.contains_key("additionalProperties")
            || object.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
        if object.contains_key("properties") && !open {
            object.insert("additionalProperties".into(), Value::Bool(false));
        }
        if object.get("x-kubernetes-int-or-string") == Some(&Value::Bool(true)) {
            object.remove("anyOf");
            object.insert("type".into(), json!(["string", "integer"]));
        }
        // The API server's own objects, whose schema a custom kind does not repeat.
        if let Some(Value::Object(properties)) = object.get_mut("properties")
            && properties.contains_key("apiVersion")
        {
            properties.insert("metadata".into(), json!({ "type": "object" }));
        }
        object.values_mut().for_each(strict);
    } else if let Value::Array(items) = schema {
        items.iter_mut().for_each(strict);
    }
}

/// kubeconform asks for `kind-group-version`, of the group only the first word.
fn write(place: &Path, group: &str, version: &str, kind: &str, schema: &Value) -> Result<()> {
    let group = group.split('.').next().filter(|group| !group.is_empty());
    let name =
        [Some(kind.to_lowercase().as_str()), group, Some(version)].into_iter().flatten().collect::<Vec<_>>().join("-");
    fs::write(place.join(format!("{name}.json")), schema.to_string()).with_context(|| format!("writing {name}.json"))
}
