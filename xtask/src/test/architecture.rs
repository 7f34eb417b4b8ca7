//! ARCHITECTURE.md names files and functions. They must exist.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Checks every `path` and every `path: function` in backticks.
///
/// # Errors
/// If one does not exist: all of them are named.
pub(super) fn names_what_exists(root: &Path) -> Result<()> {
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).context("reading ARCHITECTURE.md")?;
    let mut missing = Vec::new();
    let mut found = 0;
    for name in text.split('`').skip(1).step_by(2).filter(|name| names_a_path(name)) {
        let (path, function) = name.split_once(": ").map_or((name, None), |(path, function)| (path, Some(function)));
        let place = root.join(path);
        let exists = match function {
            None => place.exists(),
            Some(function) => {
                let definition = format!("fn {}", function.rsplit("::").next().unwrap_or(function));
                fs::read_to_string(&place).is_ok_and(|code| {
                    code.match_indices(&definition).any(|(at, _)| {
                        !code[at + definition.len()..].starts_with(|next: char| next.is_alphanumeric() || next == '_')
                    })
                })
            }
        };
        found += 1;
        if !exists {
            missing.push(name);
        }
    }
    if !missing.is_empty() {
        bail!("ARCHITECTURE.md names what does not exist: {}", missing.join(", "));
    }
    if found == 0 {
        bail!("ARCHITECTURE.md names no file at all");
    }
    Ok(())
}

/// Paths have a slash and no spaces but the one before a function's name; addresses and globs are not paths.
fn names_a_path(name: &str) -> bool {
    let path = name.split_once(": ").map_or(name, |(path, _)| path);
    path.contains('/')
        && !path.starts_with('/')
        && !path.contains([' ', '*', '<', '{', '…', '\n'])
        && !path.contains("://")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, says: Option<&str>) {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("src")).unwrap();
        fs::write(root.path().join("src/a.rs"), "fn pair_all() {}\npub fn seat(x: u8) {}").unwrap();
        fs::write(root.path().join("ARCHITECTURE.md"), text).unwrap();
        let error = names_what_exists(root.path()).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), says, "{text}");
    }

    #[test]
    fn what_is_named_must_be_there() {
        check("in `src/a.rs`, `src/a.rs: seat`", None);
        check("`src/b.rs`", Some("ARCHITECTURE.md names what does not exist: src/b.rs"));
        check("`src/a.rs: pair`", Some("ARCHITECTURE.md names what does not exist: src/a.rs: pair"));
        check("`/rooms/<id>` and `cargo xtask`", Some("ARCHITECTURE.md names no file at all"));
    }
}
