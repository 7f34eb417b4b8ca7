//! The chart's README: what its values say of themselves, in a table.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// Where the table goes in the README's template.
const MARK: &str = "<!-- values -->\n";
/// A default that is longer than this is left to values.yaml.
const LONGEST_DEFAULT: usize = 100;

/// The README as it should be.
///
/// # Errors
/// If a value has no comment, or a file cannot be read.
pub(crate) fn generate(chart: &Path) -> Result<String> {
    let read = |name: &str| fs::read_to_string(chart.join(name)).with_context(|| format!("reading {name}"));
    let template = read("README.md.in")?;
    ensure!(template.contains(MARK), "README.md.in has no line {MARK}");
    Ok(template.replace(MARK, &table(&read("values.yaml")?)?))
}

/// Whether the README that lies there is that one.
///
/// # Errors
/// If it is not.
pub(super) fn is_fresh(chart: &Path) -> Result<()> {
    let there = fs::read_to_string(chart.join("README.md")).unwrap_or_default();
    ensure!(there == generate(chart)?, "the chart's README.md is stale: run `cargo xtask codegen` and commit");
    Ok(())
}

/// A key of the file, on the way to the line that is read.
struct Step {
    indent: usize,
    path: String,
    explained: bool,
}

fn table(text: &str) -> Result<String> {
    let values: Value = serde_saphyr::from_str(text).context("values.yaml is no YAML")?;
    let mut rows = String::from("| value | default | what it is |\n|---|---|---|\n");
    let mut way: Vec<Step> = Vec::new();
    let mut comment = None;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let bare = line.trim_start();
        if let Some(said) = bare.strip_prefix("# -- ") {
            comment = Some(said.to_owned());
        } else if let (Some(more), Some(comment)) = (bare.strip_prefix("# "), &mut comment) {
            comment.push(' ');
            comment.push_str(more);
        }
        if bare.is_empty() || bare.starts_with('#') {
            continue;
        }
        let (bare, indent, item) = match bare.strip_prefix("- ") {
            Some(rest) => (rest, indent + 2, true),
            None => (bare, indent, false),
        };
        let Some((key, rest)) = bare.split_once(':') else { bail!("values.yaml: what is `{line}`?") };
        // The key of a list stands left of its items, those of an item all at the same place.
        way.retain(|step| step.indent + usize::from(item) < indent);
        let above = way.last().map_or_else(String::new, |step| step.path.clone());
        let in_list = item || way.last().is_some_and(|step| find(&values, &step.path).is_array());
        let dot = if above.is_empty() {
            ""
        } else if in_list {
            "[]."
        } else {
            "."
        };
        let path = format!("{above}{dot}{key}");
        let explained_above = way.last().is_some_and(|step| step.explained && !in_list);
        let said = comment.take();
        if let Some(said) = &said {
            let default = default(find(&values, &path));
            writeln!(rows, "| `{path}` | {default} | {} |", said.replace('|', "\\|"))?;
        } else if !rest.trim().is_empty() && !explained_above {
            bail!("values.yaml does not say what {path} is: put a line `# -- …` above it");
        }
        way.push(Step { indent, path, explained: said.is_some() || explained_above });
    }
    Ok(rows)
}

/// The value at a path; of a list, that in its first item.
fn find<'a>(values: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(values, |value, key| match key.strip_suffix("[]") {
        Some(list) => &value[list][0],
        None => &value[key],
    })
}

fn default(value: &Value) -> String {
    let text = value.to_string();
    let items_are_explained = value.as_array().is_some_and(|items| items.iter().any(Value::is_object));
    if items_are_explained || text.len() > LONGEST_DEFAULT { String::new() } else { format!("`{text}`") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_a_row() {
        let text = "# Not for the table.\na:\n  # -- One.\n  b: 1\n  # -- Two\n  # lines.\n  c:\n    d: {}\n# -- All.\nlist:\n  - name: x\n    # -- Games.\n    games: [s]\n";
        let error = table(text).expect_err("a name without a comment");
        assert!(error.to_string().contains("list[].name"), "{error}");
        let rows = table(&text.replace("  - name", "  # -- Name.\n  - name")).unwrap();
        let found: Vec<&str> = rows.lines().skip(2).collect();
        let expected = [
            "| `a.b` | `1` | One. |",
            "| `a.c` | `{\"d\":{}}` | Two lines. |",
            "| `list` |  | All. |",
            "| `list[].name` | `\"x\"` | Name. |",
            "| `list[].games` | `[\"s\"]` | Games. |",
        ];
        assert_eq!(found, expected);
    }
}
