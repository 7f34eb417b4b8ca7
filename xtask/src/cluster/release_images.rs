//! Images of Bellhop for the tests: the programs as the tests build them, with what they are linked to, in the
//! environment that deploy/Dockerfile gives them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::images::{Contents, pack};
use crate::assemble::{self, Built, GAMES, target};
use crate::steps::quietly;

/// Their names in deploy/Dockerfile.
pub(super) const NAMES: [&str; 3] = ["gateway", "lobby", "room"];
/// The example of a room with a team's own game, from a Dockerfile of its own.
const OWN: &str = "dots";

/// Archives of all images, under the names that the chart gives them.
pub(super) fn pack_all(built: &Built) -> Result<Vec<PathBuf>> {
    let directory = target().join("images/tests");
    fs::create_dir_all(&directory)?;
    let archive = |name: &str| directory.join(format!("{name}.tar"));
    for name in NAMES.iter().chain([&OWN]) {
        one(name, built, &environment(name)?, &archive(name))
            .with_context(|| format!("packing the image of the {name}"))?;
    }
    Ok(NAMES.iter().chain([&OWN]).map(|name| archive(name)).collect())
}

fn one(name: &str, built: &Built, env: &[String], archive: &Path) -> Result<()> {
    let program = format!("bellhop-{name}");
    let slim = archive.with_file_name(&program);
    // What only a debugger reads makes up most of it.
    quietly(Command::new("strip").args(["--strip-debug", "-o"]).arg(&slim).arg(built.bin.join(&program)))?;
    let mut contents = Contents::default();
    contents.file(&program, &slim, 0o755)?;
    for library in libraries(&slim)? {
        contents.file(library.trim_start_matches('/'), Path::new(&library), 0o755)?;
    }
    if name == "lobby" {
        // What `helm test` runs; it needs no other library.
        let bots = archive.with_file_name("bellhop-bots");
        quietly(Command::new("strip").args(["--strip-debug", "-o"]).arg(&bots).arg(built.bin.join("bellhop-bots")))?;
        contents.file("bellhop-bots", &bots, 0o755)?;
    }
    match name {
        "lobby" => contents.directory("page", &built.page)?,
        "room" => GAMES
            .iter()
            .try_for_each(|game| contents.directory(&format!("bundles/{game}"), &built.bundles.join(game)))?,
        OWN => contents.directory(&format!("bundles/{OWN}"), &assemble::bundle(OWN)?.join(OWN))?,
        _ => {}
    }
    let reference = format!("bellhop.dev/{name}:{}", env!("CARGO_PKG_VERSION"));
    pack(archive, &reference, &format!("/{program}"), env, contents)
}

/// The shared libraries of a program, and its loader.
fn libraries(program: &Path) -> Result<Vec<String>> {
    let output = Command::new("ldd").arg(program).output().context("could not start ldd")?;
    ensure!(output.status.success(), "ldd cannot say what {} is linked to", program.display());
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.split_whitespace().filter(|word| word.starts_with('/')).map(str::to_owned).collect())
}

/// What the image's Dockerfile sets with ENV, in the stage of its name.
fn environment(name: &str) -> Result<Vec<String>> {
    let (file, from) = match name {
        OWN => (assemble::home(&crate::root(), OWN)?.join("Dockerfile"), "FROM scratch".to_owned()),
        _ => (crate::root().join("deploy/Dockerfile"), format!(" AS {name}")),
    };
    let dockerfile = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    let stage = dockerfile.lines().skip_while(|line| !line.ends_with(&from)).skip(1);
    let lines = stage.take_while(|line| !line.starts_with("FROM "));
    let env = lines.skip_while(|line| !line.starts_with("ENV "));
    let mut found = Vec::new();
    for line in env {
        found.extend(line.trim_start_matches("ENV ").trim_end_matches('\\').split_whitespace().map(str::to_owned));
        if !line.ends_with('\\') {
            break;
        }
    }
    Ok(found)
}

/// Whether the machine has what packing needs.
pub(super) fn tools() -> Result<()> {
    for tool in ["strip", "ldd"] {
        if Command::new(tool).arg("--version").output().is_err() {
            bail!("{tool} is missing: install binutils and libc-bin");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_of_a_stage_is_read() {
        for name in NAMES.into_iter().chain([OWN]) {
            let env = environment(name).expect("its Dockerfile is there");
            let set = |line: &String| line.contains('=') && !line.contains(['\\', ' ']);
            assert!(env.len() >= 3 && env.iter().all(set), "{env:?}");
        }
        assert!(environment("lobby").expect("it is there").contains(&"BELLHOP_DATA=/data".to_owned()));
    }
}
