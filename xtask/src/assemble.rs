//! Builds the binaries, the games' bundles and the page.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::steps::{quietly, step};
use crate::{needs, root};

/// The games whose bundles travel with the room.
pub(crate) const GAMES: [&str; 5] = ["snake", "tanks", "tictactoe", "maze", "sketch"];

const WASM: &str = "wasm32-unknown-unknown";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Optimised binaries.
    #[arg(long)]
    release: bool,
}

/// Where everything lies that a stack is started from.
pub(crate) struct Built {
    /// Directory of the binaries.
    pub(crate) bin: PathBuf,
    /// The room's program.
    pub(crate) room: PathBuf,
    /// One directory per game.
    pub(crate) bundles: PathBuf,
    /// The page.
    pub(crate) page: PathBuf,
}

/// What browsers load.
pub(crate) struct Served {
    /// One directory per game.
    pub(crate) bundles: PathBuf,
    /// The page.
    pub(crate) page: PathBuf,
}

/// Cargo's target directory.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Builds what is missing.
///
/// # Errors
/// If a tool is missing or a build fails.
pub(crate) fn build(args: &Args) -> Result<Built> {
    build_all(args.release)
}

/// Builds what is missing: binaries, bundles, page.
pub(crate) fn build_all(release: bool) -> Result<Built> {
    needs::node_packages(&root())?;
    let bin = binaries(release)?;
    let Served { bundles, page } = for_browsers()?;
    Ok(Built { room: bin.join("bellhop-room"), bin, bundles, page })
}

/// The same for one game with a room of its own.
///
/// # Errors
/// If there is no such game, or a build fails.
pub(crate) fn build_game(game: &str, release: bool) -> Result<Built> {
    let root = root();
    home(&root, game)?;
    needs::node_packages(&root)?;
    let bin = binaries(release)?;
    let bundles = bundles(&root, &[game])?;
    Ok(Built { room: bin.join(format!("bellhop-{game}")), bin, bundles, page: page(&root)? })
}

/// Where a game's sources lie.
///
/// # Errors
/// If there is no such game.
pub(crate) fn home(root: &Path, game: &str) -> Result<PathBuf> {
    let places = ["games", "examples"].map(|part| root.join(part).join(game));
    let found = places.into_iter().find(|place| place.join("web").is_dir());
    found.with_context(|| format!("there is no game {game}: `cargo xtask new-game {game}` makes one"))
}

/// Builds what browsers load.
pub(crate) fn for_browsers() -> Result<Served> {
    let root = root();
    needs::node_packages(&root)?;
    Ok(Served { bundles: bundles(&root, &GAMES)?, page: page(&root)? })
}

/// Builds the page's part of one game.
///
/// # Errors
/// If there is no such game, or it does not build.
pub(crate) fn bundle(game: &str) -> Result<PathBuf> {
    needs::node_packages(&root())?;
    bundles(&root(), &[game])
}

/// Builds the four processes.
pub(crate) fn binaries(release: bool) -> Result<PathBuf> {
    step("building the lobby, the gateway, the room and the bots", || {
        // The whole workspace, and with examples, which it has none of: so what only the tests depend on has its say about
        // features too, and nothing is built twice.
        let mut cargo = cargo();
        cargo.args(["build", "--quiet", "--workspace", "--bins", "--examples"]);
        if release {
            cargo.arg("--release");
        }
        quietly(&mut cargo)
    })?;
    Ok(target().join(if release { "release" } else { "debug" }))
}

/// The cargo that runs us, for the repository, as somebody calls it who is not run by cargo: build scripts that ask for
/// what `cargo run` tells us (ring's does) would run again, and half of the dependencies be built twice in every run.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| TOLD_BY_CARGO.iter().any(|told| name.starts_with(told))) {
            cargo.env_remove(name);
        }
    }
    cargo.current_dir(root());
    cargo
}

/// How the names of the variables begin that cargo sets for the program it runs.
const TOLD_BY_CARGO: [&str; 5] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "OUT_DIR"];

fn bundles(root: &Path, games: &[&str]) -> Result<PathBuf> {
    needs::rust_target(WASM)?;
    let bundles = target().join("bundles");
    step("building the games for the browser", || {
        let mut cargo = cargo();
        cargo.args(["build", "--quiet", "--profile", "wasm", "--target", WASM, "--lib", "--features", "web"]);
        for game in games {
            cargo.args(["--package", &format!("bellhop-{game}")]);
        }
        quietly(&mut cargo)
    })?;
    for game in games {
        let wasm = target().join(WASM).join("wasm").join(format!("bellhop_{game}.wasm"));
        let source = home(root, game)?.join("web");
        let bundle = bundles.join(game);
        let shared = root.join("lobby/web/src");
        if up_to_date(&[&source, &wasm, &shared], &bundle)? {
            continue;
        }
        step(&format!("bundling {game}"), || {
            let fresh = bundles.join(format!(".{game}"));
            remove(&fresh)?;
            fs::create_dir_all(&fresh)?;
            let mut vite = Command::new("npx");
            vite.args(["--no-install", "vite", "build", "--logLevel", "warn", "--emptyOutDir", "--outDir"]);
            quietly(vite.arg(&fresh).current_dir(&source))?;
            bind(&wasm, &fresh)?;
            remove(&bundle)?;
            fs::rename(&fresh, &bundle).context("moving the bundle into place")
        })?;
    }
    Ok(bundles)
}

fn bind(wasm: &Path, out: &Path) -> Result<()> {
    Bindgen::new()
        .input_path(wasm)
        .out_name("client")
        .web(true)
        .and_then(|bindgen| {
            let bindgen = bindgen.typescript(false).remove_name_section(true).remove_producers_section(true);
            bindgen.generate(out)
        })
        .with_context(|| format!("making the browser's side of {}", wasm.display()))
}

fn page(root: &Path) -> Result<PathBuf> {
    let source = root.join("lobby/web");
    let page = target().join("page");
    let lock = root.join("package-lock.json");
    if !up_to_date(&[&source, &lock], &page)? {
        step("building the page", || {
            let mut vite = Command::new("npx");
            vite.args(["--no-install", "vite", "build", "--logLevel", "warn", "--emptyOutDir", "--outDir"]);
            quietly(vite.arg(&page).current_dir(&source))
        })?;
    }
    Ok(page)
}

/// Whether the directory `made` is newer than everything in `sources`.
fn up_to_date(sources: &[&Path], made: &Path) -> Result<bool> {
    let Ok(made) = fs::metadata(made).and_then(|meta| meta.modified()) else { return Ok(false) };
    for source in sources {
        if newest(source)? > made {
            return Ok(false);
        }
    }
    Ok(true)
}

/// When the newest file below `path` was written.
pub(crate) fn newest(path: &Path) -> Result<SystemTime> {
    let meta = fs::metadata(path).with_context(|| format!("looking at {}", path.display()))?;
    let mut newest = meta.modified()?;
    if meta.is_dir() {
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let name = entry.file_name();
            if name == "node_modules" || name == "dist" || name.to_string_lossy().starts_with('.') {
                continue;
            }
            newest = newest.max(self::newest(&entry.path())?);
        }
    }
    Ok(newest)
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => bail!("could not remove {}: {error}", path.display()),
    }
}
