//! What the commands need on a machine, installed only where it is missing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::steps::{quietly, step};

/// Oldest Node.js that builds the page: what Vite 8 asks for.
const NODE_MAJOR: u32 = 20;

/// Where Debian puts Chromium.
pub(crate) const CHROMIUM: &str = "/usr/bin/chromium";

/// The Rust target with this name.
///
/// # Errors
/// If rustup does not have it and cannot get it.
pub(crate) fn rust_target(name: &str) -> Result<()> {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().context("could not run rustc")?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&sysroot.stdout).trim());
    if sysroot.join("lib/rustlib").join(name).is_dir() {
        return Ok(());
    }
    step(&format!("adding the Rust target {name}"), || {
        quietly(Command::new("rustup").args(["target", "add", name])).with_context(|| {
            format!("the target {name} is missing: install rustup, or your distribution's package for it")
        })
    })
}

/// Node.js and the page's packages, as package-lock.json names them.
///
/// # Errors
/// If Node.js is missing or too old, or npm fails.
pub(crate) fn node_packages(root: &Path) -> Result<()> {
    let version = Command::new("node").arg("--version").stderr(Stdio::null()).output();
    let Ok(version) = version else {
        bail!("Node.js is missing: the page is built with it. Install Node.js {NODE_MAJOR} or newer, then try again.");
    };
    let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    let major: u32 = version.trim_start_matches('v').split('.').next().and_then(|text| text.parse().ok()).unwrap_or(0);
    if major < NODE_MAJOR {
        bail!("Node.js {version} is too old: the page is built with Node.js {NODE_MAJOR} or newer.");
    }
    let lock = root.join("package-lock.json");
    let installed = root.join("node_modules/.package-lock.json");
    let fresh = matches!((modified(&lock), modified(&installed)), (Some(lock), Some(done)) if done >= lock);
    if fresh {
        return Ok(());
    }
    step("installing the page's packages", || {
        quietly(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(root))
    })
}

/// The spelling checker, of this version, so that everybody's finds the same.
const TYPOS: &str = "typos==1.52.0";

/// The program that checks spelling: the one there is, or Python's package of it in a place of our own.
///
/// # Errors
/// If it is missing and cannot be installed.
pub(crate) fn typos() -> Result<PathBuf> {
    if is_there("typos") {
        return Ok("typos".into());
    }
    let place = crate::assemble::target().join("typos");
    let program = place.join("bin/typos");
    if !program.exists() {
        debian_package("python3-venv", Path::new("/usr/share/doc/python3-venv"))?;
        step("installing the spelling checker", || {
            quietly(Command::new("python3").args(["-m", "venv"]).arg(&place))?;
            quietly(Command::new(place.join("bin/pip")).args(["install", "--quiet", TYPOS]))
        })?;
    }
    Ok(program)
}

/// What runs the benchmarks that count instructions; its version is the library's.
const GUNGRAUN: &str = "0.20.0";

/// The program that runs the benchmarks that count instructions, in a place of our own.
///
/// # Errors
/// If it is missing and cannot be built.
pub(crate) fn gungraun_runner() -> Result<PathBuf> {
    let place = crate::assemble::target().join(format!("gungraun-{GUNGRAUN}"));
    let program = place.join("bin/gungraun-runner");
    if !program.exists() {
        step("building what counts instructions", || {
            let mut install = crate::assemble::cargo();
            install.args(["install", "--quiet", "--locked", "gungraun-runner", "--version", GUNGRAUN, "--root"]);
            quietly(install.arg(&place))
        })?;
    }
    Ok(program)
}

/// Python with the packages that the programs in tests/foreign ask for, in a place of our own beside the built programs,
/// where their tests look for it.
///
/// # Errors
/// If it is missing and cannot be installed.
pub(crate) fn python(root: &Path) -> Result<()> {
    let wanted = root.join("tests/foreign/requirements.txt");
    let place = crate::assemble::target().join("python");
    let has = place.join("requirements.txt");
    if std::fs::read(&wanted)? == std::fs::read(&has).unwrap_or_default() {
        return Ok(());
    }
    debian_package("python3-venv", Path::new("/usr/share/doc/python3-venv"))?;
    step("installing Python's gRPC and WebSockets", || {
        quietly(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&place))?;
        quietly(Command::new(place.join("bin/pip")).args(["install", "--quiet", "--requirement"]).arg(&wanted))?;
        // Last, so that a half is no whole.
        std::fs::copy(&wanted, &has).map(drop).context("noting what is installed")
    })
}

/// A real Chromium.
///
/// # Errors
/// If it is missing and Debian's package cannot be installed.
pub(crate) fn chromium() -> Result<()> {
    debian_package("chromium", Path::new(CHROMIUM))
}

fn debian_package(package: &str, program: &Path) -> Result<()> {
    debian_packages(&[(package, &program.to_string_lossy())])
}

/// Debian's packages whose programs (a path, or a name to be found in the usual places) are missing.
///
/// # Errors
/// If one is missing and cannot be installed.
pub(crate) fn debian_packages(wanted: &[(&str, &str)]) -> Result<()> {
    let missing: Vec<_> =
        wanted.iter().filter(|(_, program)| !is_there(program)).map(|(package, _)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages = missing.join(" ");
    if !nix::unistd::geteuid().is_root() {
        bail!("{packages} is missing: run `apt-get install {packages}` as root, then try again");
    }
    if !is_there("apt-get") {
        bail!("{packages} is missing, and this is no Debian: install what your distribution calls so, then try again");
    }
    step(&format!("installing Debian's {packages}"), || {
        quietly(Command::new("apt-get").args(["update", "-qq"]))?;
        quietly(
            Command::new("apt-get")
                .args(["install", "-y", "-qq", "--no-install-recommends"])
                .args(&missing)
                .env("DEBIAN_FRONTEND", "noninteractive"),
        )
    })
}

fn is_there(program: &str) -> bool {
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        .iter()
        .any(|directory| Path::new(directory).join(program).exists())
}

fn modified(path: &Path) -> Option<std::time::SystemTime> {
    std::fs::metadata(path).and_then(|meta| meta.modified()).ok()
}
