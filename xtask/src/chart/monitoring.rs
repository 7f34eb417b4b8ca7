//! Alerts and dashboard: every figure they ask for is one that a process shows.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Who shows figures, and where they are registered. Their names begin with the first word.
const SOURCES: [(&str, &str); 3] =
    [("lobby", "lobby/src/metrics.rs"), ("room", "room/src/metrics.rs"), ("gateway", "lobby/gateway/src/metrics.rs")];
/// What encoders add to a figure's name.
const ADDED: [&str; 4] = ["_total", "_bucket", "_sum", "_count"];

/// Checks both files.
///
/// # Errors
/// With the figure that nobody shows, or the file that cannot be read.
pub(super) fn check(root: &Path, chart: &Path) -> Result<()> {
    let alerts = fs::read_to_string(chart.join("files/alerts.yaml")).context("reading the alerts")?;
    let alerts: Value = serde_saphyr::from_str(&alerts).context("the alerts are no YAML")?;
    let dashboard = fs::read_to_string(chart.join("files/dashboard.json")).context("reading the dashboard")?;
    let dashboard: Value = serde_json::from_str(&dashboard).context("the dashboard is no JSON")?;
    let mut asked = BTreeSet::new();
    expressions(&alerts, &mut asked);
    expressions(&dashboard, &mut asked);
    ensure!(asked.len() > 10, "only {} figures are asked for: were they found?", asked.len());
    for rule in alerts["groups"].as_array().into_iter().flatten().flat_map(|group| group["rules"].as_array()).flatten()
    {
        for text in ["/annotations/summary", "/annotations/action", "/labels/severity"] {
            ensure!(rule.pointer(text).is_some_and(Value::is_string), "{} has no {text}", rule["alert"]);
        }
    }
    for figure in &asked {
        let (prefix, rest) = figure.split_once('_').context("a figure's name has a prefix")?;
        let source = SOURCES.iter().find(|(name, _)| *name == prefix).context("found by its prefix")?.1;
        let text = fs::read_to_string(root.join(source)).with_context(|| format!("reading {source}"))?;
        let bare = ADDED.iter().find_map(|added| rest.strip_suffix(added)).unwrap_or(rest);
        ensure!(text.contains(&format!("\"{bare}\"")), "{figure} is asked for, and {source} does not show it");
    }
    Ok(())
}

/// Names in every `expr`.
fn expressions(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(expression)) = object.get("expr") {
                let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                let ours = |word: &&str| SOURCES.iter().any(|(name, _)| word.starts_with(&format!("{name}_")));
                found.extend(words.filter(ours).map(str::to_owned));
            }
            object.values().for_each(|value| expressions(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| expressions(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
