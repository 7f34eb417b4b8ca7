//! What Helm made of the chart, as objects that can be asked.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Every object of a release.
pub(super) struct Rendered(Vec<Value>);

impl Rendered {
    /// Reads the documents that `helm template` wrote.
    ///
    /// # Errors
    /// If it is no YAML.
    pub(super) fn parse(text: &str) -> Result<Rendered> {
        let documents: Vec<Value> = serde_saphyr::from_multiple(text).context("what was rendered is no YAML")?;
        Ok(Rendered(documents.into_iter().filter(|document| !document.is_null()).collect()))
    }

    /// The objects of a kind.
    pub(super) fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(move |object| object["kind"] == kind)
    }

    /// The object of this kind and name.
    ///
    /// # Errors
    /// If there is none, or more than one.
    pub(super) fn one(&self, kind: &str, name: &str) -> Result<&Value> {
        let mut found = self.of_kind(kind).filter(|object| object["metadata"]["name"] == name);
        let one = found.next().with_context(|| format!("no {kind}/{name} was rendered"))?;
        ensure!(found.next().is_none(), "{kind}/{name} was rendered twice");
        Ok(one)
    }

    /// Every object's kind and name.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(name)
    }

    /// Every pod that the release runs: who makes it, and its `metadata` and `spec`.
    pub(super) fn pods(&self) -> impl Iterator<Item = (String, &Value)> {
        self.0.iter().filter_map(|object| {
            let pod = if object["kind"] == "Pod" { object } else { &object["spec"]["template"] };
            pod["spec"]["containers"].is_array().then(|| (name(object), pod))
        })
    }
}

fn name(object: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or("nameless").to_owned();
    format!("{}/{}", word(&object["kind"]), word(&object["metadata"]["name"]))
}
