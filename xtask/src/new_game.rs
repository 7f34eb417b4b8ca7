//! `cargo xtask new-game`: a game of one's own, begun with a small one that is complete.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

/// The game that every other one begins as.
const MODEL: &str = "dots";
/// Longest name.
const MAX_NAME: usize = 24;
/// After this line of the workspace's manifest stands the first of its games.
const MEMBERS: &str = "members = [\n";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Its name: a-z and 0-9, beginning with a letter.
    name: String,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let made = make(&crate::root(), &args.name)?;
    let name = &args.name;
    eprintln!("\n  {} has the rules, and how the page draws them.\n", made.display());
    eprintln!("  cargo xtask play --game {name}    play it; what you change is built and in play when you save");
    eprintln!("  cargo test -p bellhop-{name}      its tests, two bots that play it among them");
    eprintln!("  docs/writing-a-game.md          what comes next\n");
    Ok(())
}

/// Makes the game in the repository at `root`, and a member of its workspace.
///
/// # Errors
/// If the name is none, or taken.
pub(crate) fn make(root: &Path, name: &str) -> Result<PathBuf> {
    let fits = name.len() <= MAX_NAME && name.starts_with(|first: char| first.is_ascii_lowercase());
    if !fits || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
        bail!("`{name}` is no name for a game: up to {MAX_NAME} of a-z and 0-9, beginning with a letter");
    }
    let place = root.join("games").join(name);
    let manifest = root.join("Cargo.toml");
    let workspace = fs::read_to_string(&manifest).context("reading the workspace's manifest")?;
    // Programs and crates are called so, and a game must not take the name of another part.
    let package = format!("name = \"bellhop-{name}\"");
    for taken in crates(root, &workspace) {
        let text = fs::read_to_string(taken.join("Cargo.toml")).unwrap_or_default();
        ensure!(!text.contains(&package), "the name is taken: {} is called bellhop-{name}", taken.display());
    }
    ensure!(!place.exists(), "{} is there already: choose another name, or remove it", place.display());
    ensure!(workspace.contains(MEMBERS), "{} names no members", manifest.display());
    copy(&root.join("examples").join(MODEL), &place, name)?;
    let member = format!("{MEMBERS}  \"games/{name}\",\n");
    fs::write(&manifest, workspace.replacen(MEMBERS, &member, 1)).context("writing the workspace's manifest")?;
    Ok(place)
}

fn crates(root: &Path, workspace: &str) -> Vec<PathBuf> {
    let members = workspace.split(MEMBERS).nth(1).and_then(|rest| rest.split(']').next()).unwrap_or_default();
    members.split('"').skip(1).step_by(2).map(|member| root.join(member)).collect()
}

/// Copies a directory; the name changes in its texts.
fn copy(from: &Path, to: &Path, name: &str) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("making {}", to.display()))?;
    let mut type_name = name.to_owned();
    type_name[..1].make_ascii_uppercase();
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to, name)?;
            continue;
        }
        let text = fs::read_to_string(entry.path())?;
        let text = text.replace(MODEL, name).replace("Dots", &type_name);
        fs::write(&to, text).with_context(|| format!("writing {}", to.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a directory");
        fs::write(root.path().join("Cargo.toml"), "[workspace]\nmembers = [\n  \"examples/dots\",\n]\n").expect("it");
        copy(&crate::root().join("examples/dots"), &root.path().join("examples/dots"), MODEL).expect("the model");
        root
    }

    #[test]
    fn a_new_game_has_its_own_name_everywhere() {
        let root = workspace();
        let place = make(root.path(), "pebbles").expect("it is made");
        let rules = fs::read_to_string(place.join("src/lib.rs")).expect("the rules");
        assert!(rules.contains("pub struct Pebbles {") && rules.contains("NAME: &'static str = \"pebbles\""));
        let manifest = fs::read_to_string(root.path().join("Cargo.toml")).expect("the manifest");
        assert!(manifest.contains("\"games/pebbles\""), "{manifest}");
        for file in ["Cargo.toml", "Dockerfile", "bellhop.toml", "src/main.rs", "web/src/index.ts"] {
            let text = fs::read_to_string(place.join(file)).expect(file).to_lowercase();
            assert!(!text.contains("bellhop-dots") && !text.contains("bellhop_dots"), "{file}: {text}");
        }
    }

    #[test]
    fn what_is_no_name_is_said() {
        let root = workspace();
        let refusal = |name: &str| make(root.path(), name).expect_err(name).to_string();
        for name in ["", "Pebbles", "2048", "a-b", "../x", "a name", "abcdefghijklmnopqrstuvwxyz"] {
            assert!(refusal(name).contains("is no name for a game"), "{name}");
        }
        assert!(refusal("dots").contains("the name is taken"));
        make(root.path(), "pebbles").expect("it is made");
        assert!(refusal("pebbles").contains("bellhop-pebbles"));
    }
}
