//! What the cluster is made of, built from Go modules into a cache outside of the repository, and what it needs
//! from Debian.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use sha2::{Digest, Sha256};

use crate::needs;
use crate::steps::{quietly, step};

/// Where Debian puts the CNI plugins.
const CNI: &str = "/usr/lib/cni/bridge";

/// What is built for every cluster.
pub(super) struct Built {
    /// Directory with the binary `kubernetes`: every component and kubectl.
    pub(super) kubernetes: PathBuf,
    /// Directory with the binary `coredns`.
    pub(super) coredns: PathBuf,
    /// Directory with the binaries `pause`, `probe` and `figures`.
    pub(super) pods: PathBuf,
}

/// A tool of the tests, built only when it is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Tool {
    /// Helm 4.
    Helm,
    /// Helm 3, which many still have.
    Helm3,
    /// Checks manifests against schemas.
    Kubeconform,
    /// Nodes and pods that only claim to be there.
    Kwok,
}

impl Tool {
    fn module(self) -> (&'static str, &'static str) {
        match self {
            Tool::Helm => ("helm.sh/helm/v4/cmd/helm", "v4.3.1"),
            Tool::Helm3 => ("helm.sh/helm/v3/cmd/helm", "v3.22.0"),
            Tool::Kubeconform => ("github.com/yannh/kubeconform/cmd/kubeconform", "v0.8.0"),
            Tool::Kwok => ("sigs.k8s.io/kwok/cmd/kwok", "v0.8.0"),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Tool::Helm => "helm",
            Tool::Helm3 => "helm3",
            Tool::Kubeconform => "kubeconform",
            Tool::Kwok => "kwok",
        }
    }

    /// Its name and version.
    pub(crate) fn describe(self) -> String {
        format!("{} {}", self.name(), self.module().1)
    }
}

/// Builds what every cluster is made of, where the cache does not have it.
///
/// # Errors
/// If Go is missing or too old, or a build fails.
pub(super) fn build_cluster() -> Result<Built> {
    let source = crate::root().join("deploy/testcluster");
    let kubernetes = source.join("kubernetes");
    let version = required_version(&kubernetes, "k8s.io/kubernetes")?;
    let (major, minor) = version.trim_start_matches('v').split_once('.').context("a version has a minor part")?;
    let minor = minor.split('.').next().unwrap_or_default();
    let stamp = "k8s.io/component-base/version";
    let flags = format!(
        "-s -w -X {stamp}.gitVersion={version} -X {stamp}.gitMajor={major} -X {stamp}.gitMinor={minor} \
         -X {stamp}.gitTreeState=clean"
    );
    Ok(Built {
        kubernetes: build(&format!("Kubernetes {version} (some minutes, once per machine)"), &kubernetes, &flags)?,
        coredns: build("CoreDNS (a minute or two, once per machine)", &source.join("coredns"), "-s -w")?,
        pods: build("the programs of the cluster's own pods", &source.join("pods"), "-s -w")?,
    })
}

/// The path of a tool, built if the cache does not have it.
///
/// # Errors
/// If Go is missing or too old, or the build fails.
pub(crate) fn installed(tool: Tool) -> Result<PathBuf> {
    let (module, version) = tool.module();
    let link = bin_dir().join(tool.name());
    let dir = cache()?.join("tools").join(format!("{}-{version}", tool.name()));
    let program = dir.join(module.rsplit('/').next().unwrap_or(module));
    if !program.exists() {
        go_is_there("1.25")?;
        let fresh = dir.with_extension("new");
        step(&format!("building {} {version} (a minute or two, once per machine)", tool.name()), || {
            let mut go = go();
            go.args(["install", "-trimpath", "-ldflags=-s -w"]).arg(format!("{module}@{version}"));
            quietly(go.env("GOBIN", &fresh))
        })?;
        move_into_place(&fresh, &dir)?;
    }
    fs::create_dir_all(bin_dir())?;
    let fresh = link.with_extension("new");
    let _not_there = fs::remove_file(&fresh);
    std::os::unix::fs::symlink(&program, &fresh)?;
    fs::rename(&fresh, &link)?;
    Ok(program)
}

/// Where the module lies that the test cluster's Kubernetes is built from.
pub(crate) fn module_directory(module: &str) -> Result<PathBuf> {
    let source = crate::root().join("deploy/testcluster/kubernetes");
    let version = required_version(&source, module)?;
    downloaded(&format!("{module}@{version}"))
}

/// Where a Go module lies, `PATH@VERSION`, downloaded if need be.
pub(crate) fn downloaded(module: &str) -> Result<PathBuf> {
    go_is_there("1.25")?;
    let output =
        go().args(["mod", "download", "-json", module]).current_dir("/").output().context("could not start go")?;
    let answer: serde_json::Value =
        serde_json::from_slice(&output.stdout).with_context(|| format!("downloading {module}"))?;
    match answer["Dir"].as_str() {
        Some(path) => Ok(path.into()),
        None => bail!("could not download {module}: {}", answer["Error"].as_str().unwrap_or("go does not say why")),
    }
}

/// Where the tools that were asked for can be found by name.
pub(super) fn bin_dir() -> PathBuf {
    cache().unwrap_or_else(|_| PathBuf::from("/nonexistent")).join("bin")
}

/// What the nodes need from Debian, installed only where it is missing.
///
/// # Errors
/// If something is missing and cannot be installed.
pub(super) fn debian_packages() -> Result<()> {
    needs::debian_packages(&[
        ("iproute2", "ip"),
        ("procps", "sysctl"),
        ("containerd", "containerd"),
        ("runc", "runc"),
        ("containernetworking-plugins", CNI),
        ("iptables", "iptables"),
        ("conntrack", "conntrack"),
    ])
}

/// Builds the main packages of a module into the cache. The directory's name is a hash of all that goes in.
fn build(what: &str, source: &Path, linker_flags: &str) -> Result<PathBuf> {
    let go_version = go_is_there(&required_version(source, "go")?)?;
    let mut hash = Sha256::new();
    hash.update(format!("{go_version}\n{linker_flags}\n"));
    hash_directory(source, source, &mut hash)?;
    let hash = hex(&hash.finalize());
    let name = source.file_name().context("a module has a name")?.to_string_lossy().into_owned();
    let dir = cache()?.join("built").join(format!("{name}-{}", &hash[..16]));
    if dir.is_dir() {
        return Ok(dir);
    }
    let fresh = dir.with_extension("new");
    step(&format!("building {what}"), || {
        let _not_there = fs::remove_dir_all(&fresh);
        fs::create_dir_all(&fresh)?;
        let mut go = go();
        go.args(["build", "-mod=readonly", "-trimpath"]).arg(format!("-ldflags={linker_flags}"));
        quietly(go.arg("-o").arg(format!("{}/", fresh.display())).arg("./...").current_dir(source))
    })?;
    move_into_place(&fresh, &dir)?;
    Ok(dir)
}

/// Go without what the machine may have set for other work; niced, because it takes every core.
fn go() -> Command {
    let mut go = Command::new("nice");
    go.args(["-n", "10", "go"]).env("CGO_ENABLED", "0").env("GOFLAGS", "-buildvcs=false").env("GOWORK", "off");
    go
}

/// Go's version, if it is at least `least`.
fn go_is_there(least: &str) -> Result<String> {
    let asked = Command::new("go").args(["env", "GOVERSION"]).stderr(Stdio::null()).current_dir("/").output();
    let Ok(asked) = asked else {
        bail!("Go is missing: the test cluster is built with it. Install Go {least} or newer, then try again.");
    };
    let version = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
    if numbers(version.trim_start_matches("go")) < numbers(least) {
        bail!("{version} is too old: the test cluster is built with Go {least} or newer.");
    }
    Ok(version)
}

fn numbers(version: &str) -> (u32, u32) {
    let mut parts = version.split(['.', '-', ' ']).map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

/// What follows `name` in a module's go.mod.
fn required_version(module: &Path, name: &str) -> Result<String> {
    let path = module.join("go.mod");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    text.lines()
        .find_map(|line| line.trim().trim_start_matches("require ").strip_prefix(name)?.strip_prefix(' '))
        .map(|version| version.trim().to_owned())
        .with_context(|| format!("{} does not name {name}", path.display()))
}

/// Outside of the repository, so that a clean tree does not build Kubernetes again.
fn cache() -> Result<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .filter(|path| Path::new(path).is_absolute())
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
        .context("neither XDG_CACHE_HOME nor HOME is set: the builds of the test cluster need a place")?;
    Ok(base.join("bellhop"))
}

fn move_into_place(fresh: &Path, dir: &Path) -> Result<()> {
    let _not_there = fs::remove_dir_all(dir);
    fs::rename(fresh, dir).with_context(|| format!("moving {} into place", dir.display()))
}

fn hash_directory(base: &Path, dir: &Path, hash: &mut Sha256) -> Result<()> {
    let mut entries = fs::read_dir(dir)?.collect::<std::io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            hash_directory(base, &path, hash)?;
        } else {
            let bytes = fs::read(&path)?;
            hash.update(format!("{} {}\n", path.strip_prefix(base)?.display(), bytes.len()));
            hash.update(bytes);
        }
    }
    Ok(())
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        assert!(numbers("1.9.1") < numbers("1.26"));
        assert!(numbers("1.26.8") >= numbers("1.26"));
    }

    #[test]
    fn the_versions_stand_in_the_modules() {
        let source = crate::root().join("deploy/testcluster");
        for (module, name) in
            [("kubernetes", "k8s.io/kubernetes"), ("kubernetes", "go"), ("coredns", "github.com/coredns/coredns")]
        {
            let version = required_version(&source.join(module), name).expect("it is named");
            assert!(version.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit()), "{name} {version}");
        }
    }
}
