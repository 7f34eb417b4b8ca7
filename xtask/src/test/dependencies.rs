//! What we build on: under which licences, from where, nothing that is banned, and nothing that is not used.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::assemble::cargo;

/// Licences that may be built into what is under Apache-2.0.
const LICENCES: [&str; 14] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    // Data, not code: the certificate authorities of the web.
    "CDLA-Permissive-2.0",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Zlib",
];

/// The one source.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Crates that must not come in, and why.
const BANNED: [(&str, &str); 4] = [
    ("openssl-sys", "TLS is rustls with ring"),
    ("native-tls", "TLS is rustls with ring"),
    ("aws-lc-sys", "TLS is rustls with ring, which needs no cmake"),
    ("serde_yaml", "it is no longer maintained"),
];

/// Reads what cargo knows and checks it.
///
/// # Errors
/// With a line for everything that should not be so.
pub(crate) fn are_sound() -> Result<()> {
    let output = cargo().args(["metadata", "--format-version", "1", "--locked"]).output().context("asking cargo")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).context("reading what cargo says")?;
    let packages = metadata["packages"].as_array().context("cargo names packages")?;
    let mut wrong: Vec<String> = packages.iter().flat_map(stranger).collect();
    let ours: Vec<&Value> = packages.iter().filter(|package| package["source"].is_null()).collect();
    for package in &ours {
        wrong.extend(unused(package, &ours)?);
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

fn text<'a>(of: &'a Value, key: &str) -> &'a str {
    of[key].as_str().unwrap_or_default()
}

/// What is wrong with a package that may be another's.
fn stranger(package: &Value) -> Vec<String> {
    let name = text(package, "name");
    let mut wrong = Vec::new();
    if !licence_fits(text(package, "license")) {
        wrong.push(format!("{name}: the licence {:?} is not among those we may use", package["license"]));
    }
    if !package["source"].is_null() && package["source"] != REGISTRY {
        wrong.push(format!("{name}: it comes from {}, not from crates.io", package["source"]));
    }
    if let Some((_, why)) = BANNED.iter().find(|(banned, _)| *banned == name) {
        wrong.push(format!("{name} is banned: {why}"));
    }
    wrong
}

/// Dependencies of one of our packages that no source file of it names.
fn unused(package: &Value, ours: &[&Value]) -> Result<Vec<String>> {
    let directory = |package: &Value| Path::new(text(package, "manifest_path")).parent().map(Path::to_owned);
    let own = directory(package).context("a package lies somewhere")?;
    let others: BTreeSet<_> = ours.iter().filter_map(|other| directory(other)).filter(|other| *other != own).collect();
    let mut words = BTreeSet::new();
    collect_words(&own, &others, &mut words)?;
    let dependencies = package["dependencies"].as_array().context("a package has dependencies, or an empty list")?;
    let names = dependencies.iter().map(|dependency| match text(dependency, "rename") {
        "" => text(dependency, "name"),
        renamed => renamed,
    });
    let unused = names.filter(|name| !words.contains(&name.replace('-', "_")));
    Ok(unused.map(|name| format!("{}: {name} is not used", text(package, "name"))).collect())
}

/// All words of the Rust files below a directory.
fn collect_words(directory: &Path, others: &BTreeSet<std::path::PathBuf>, words: &mut BTreeSet<String>) -> Result<()> {
    for entry in fs::read_dir(directory).with_context(|| format!("reading {}", directory.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            let skip = path.file_name().is_some_and(|name| name == "node_modules" || name == "target");
            if !skip && !others.contains(&path) {
                collect_words(&path, others, words)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            let split = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            words.extend(split.filter(|word| !word.is_empty()).map(str::to_owned));
        }
    }
    Ok(())
}

/// Whether a licence expression leaves us a choice that is on the list.
fn licence_fits(expression: &str) -> bool {
    // Other ways to write OR.
    let spaced = expression.replace('/', " OR ").replace(" or ", " OR ").replace('(', " ( ").replace(')', " ) ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = tokens.as_slice();
    any_of(&mut rest) == Some(true) && rest.is_empty()
}

/// `None`: it is no expression.
fn any_of(rest: &mut &[&str]) -> Option<bool> {
    let mut fits = all_of(rest)?;
    while let ["OR", tail @ ..] = rest {
        *rest = tail;
        fits |= all_of(rest)?;
    }
    Some(fits)
}

fn all_of(rest: &mut &[&str]) -> Option<bool> {
    let mut fits = one(rest)?;
    while let ["AND", tail @ ..] = rest {
        *rest = tail;
        fits &= one(rest)?;
    }
    Some(fits)
}

fn one(rest: &mut &[&str]) -> Option<bool> {
    match *rest {
        ["(", tail @ ..] => {
            *rest = tail;
            let fits = any_of(rest)?;
            let [")", tail @ ..] = *rest else { return None };
            *rest = tail;
            Some(fits)
        }
        [name, "WITH", exception, tail @ ..] => {
            *rest = tail;
            Some(LICENCES.contains(&format!("{name} WITH {exception}").as_str()))
        }
        [name, tail @ ..] => {
            *rest = tail;
            Some(LICENCES.contains(name))
        }
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_is_read_as_a_choice() {
        for fits in [
            "MIT",
            "MIT/Apache-2.0",
            "MIT OR Apache-2.0 OR LGPL-2.1-or-later",
            "Apache-2.0 WITH LLVM-exception OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "MIT or Apache-2.0",
        ] {
            assert!(licence_fits(fits), "{fits}");
        }
        for other in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR GPL-3.0) AND LGPL-2.1", "MIT OR", "(MIT", "MIT)"] {
            assert!(!licence_fits(other), "{other}");
        }
    }
}
