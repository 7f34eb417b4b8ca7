//! Removes a cluster: the one that is up, or what is left of one whose `up` was killed. Works from what is there and
//! never from what should be, and touches only what bears the cluster's names.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::layout::{CGROUP, Layout, NAMESPACE};
use super::process::{self, cgroup_mounts, wait_for};
use crate::steps::quietly;

/// SIGKILL works at once, but a process in the middle of a disk write ends after it.
const GONE_WITHIN: Duration = Duration::from_secs(20);
/// Kernel settings that a kubelet changes for the whole machine.
const SETTINGS: [&str; 5] =
    ["vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys"];
/// Where `ip` keeps the names of network namespaces.
const NAMESPACES: &str = "/run/netns";
const KEPT_SETTINGS: &str = "kernel-settings";

/// Removes everything of the cluster.
pub(super) fn remove(layout: &Layout) -> Result<()> {
    let namespaces = namespaces();
    stop_processes(&namespaces)?;
    // The shims' sockets lie in a directory that all of the machine's shims share; these are named in their bundles.
    let sockets = shim_sockets(layout.state());
    unmount(layout.state())?;
    for namespace in &namespaces {
        if let Some(name) = namespace.file_name() {
            quietly(Command::new("ip").args(["netns", "delete"]).arg(name))?;
        }
    }
    remove_if_unused(NAMESPACES);
    remove_cgroups()?;
    for socket in sockets {
        let _gone_already = fs::remove_file(socket);
    }
    for directory in ["/run/containerd/s", "/run/containerd"] {
        let _used_by_others = fs::remove_dir(directory);
    }
    remove_log_links(layout.state());
    remove_cni_results(layout.state());
    restore_settings(layout)?;
    match fs::remove_dir_all(layout.state()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            bail!("could not remove {}: {error}", layout.state().display())
        }
        _ => Ok(()),
    }
}

/// Writes down the kernel settings that the kubelets will change, so that `remove` can put them back.
pub(super) fn keep_settings(layout: &Layout) -> Result<()> {
    let mut text = String::new();
    for name in SETTINGS {
        if let Ok(value) = fs::read_to_string(setting(name)) {
            text.push_str(&format!("{name} {}\n", value.trim()));
        }
    }
    fs::write(layout.file(KEPT_SETTINGS), text).context("keeping the kernel's settings")
}

fn restore_settings(layout: &Layout) -> Result<()> {
    let Ok(text) = fs::read_to_string(layout.file(KEPT_SETTINGS)) else { return Ok(()) };
    for (name, value) in text.lines().filter_map(|line| line.split_once(' ')) {
        if fs::read_to_string(setting(name)).is_ok_and(|now| now.trim() != value) {
            fs::write(setting(name), value).with_context(|| format!("setting {name} back to {value}"))?;
        }
    }
    Ok(())
}

fn setting(name: &str) -> PathBuf {
    Path::new("/proc/sys").join(name)
}

fn namespaces() -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(NAMESPACES) else { return Vec::new() };
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(NAMESPACE)))
        .collect()
}

/// Removes the directory of namespaces, which `ip` mounts on itself, unless somebody has one in it.
fn remove_if_unused(directory: &str) {
    if fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_none()) {
        let _not_mounted = Command::new("umount").arg(directory).stderr(Stdio::null()).status();
        let _still_in_use = fs::remove_dir(directory);
    }
}

fn stop_processes(namespaces: &[PathBuf]) -> Result<()> {
    // Again and again, because one that is about to die may have started another.
    let mut left = Vec::new();
    wait_for("the cluster's processes to end", GONE_WITHIN, || {
        left = process::owned(namespaces)?;
        for pid in &left {
            let _gone_already = kill(Pid::from_raw(*pid), Signal::SIGKILL);
        }
        Ok(left.is_empty())
    })
    .with_context(|| format!("processes {left:?} do not end"))
}

/// Unmounts what is mounted below `state`, the innermost first.
fn unmount(state: &Path) -> Result<()> {
    let inside = format!("{}/", state.display());
    let mounts = fs::read_to_string("/proc/self/mountinfo").context("reading the mounts")?;
    let mut points: Vec<_> = mounts
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .map(|point| point.replace("\\040", " "))
        .filter(|point| point.starts_with(&inside))
        .collect();
    points.reverse();
    for point in points {
        quietly(Command::new("umount").args(["--lazy", "--"]).arg(&point))?;
    }
    Ok(())
}

fn remove_cgroups() -> Result<()> {
    for hierarchy in cgroup_mounts()? {
        let ours = hierarchy.join(CGROUP);
        // The kernel lets a cgroup go a moment after its last process.
        wait_for(&format!("the end of {}", ours.display()), GONE_WITHIN, || Ok(remove_tree(&ours)))?;
    }
    Ok(())
}

/// Removes a tree of cgroups, whose files cannot be removed; whether it is gone.
fn remove_tree(cgroup: &Path) -> bool {
    if let Ok(entries) = fs::read_dir(cgroup) {
        for entry in entries.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                remove_tree(&entry.path());
            }
        }
    }
    let _not_empty_yet = fs::remove_dir(cgroup);
    !cgroup.exists()
}

fn shim_sockets(state: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let nodes = fs::read_dir(state).into_iter().flatten().flatten();
    for node in nodes {
        let bundles = node.path().join("containerd-state/io.containerd.runtime.v2.task/k8s.io");
        for bundle in fs::read_dir(bundles).into_iter().flatten().flatten() {
            let Ok(address) = fs::read_to_string(bundle.path().join("address")) else { continue };
            let Some(path) = address.trim().strip_prefix("unix://") else { continue };
            let path = PathBuf::from(path);
            if fs::symlink_metadata(&path).is_ok_and(|meta| meta.file_type().is_socket()) {
                found.push(path);
            }
        }
    }
    found
}

/// A kubelet links every container's log in a directory that it does not let anybody choose.
fn remove_log_links(state: &Path) {
    let directory = Path::new("/var/log/containers");
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if fs::read_link(entry.path()).is_ok_and(|target| target.starts_with(state)) {
            let _gone_already = fs::remove_file(entry.path());
        }
    }
    let _others_are_in_it = fs::remove_dir(directory);
}

/// The runtime notes what the CNI plugins answered in a directory that it does not let anybody choose either.
fn remove_cni_results(state: &Path) {
    let ours = format!("{}/", state.display());
    for entry in fs::read_dir("/var/lib/cni/results").into_iter().flatten().flatten() {
        if fs::read_to_string(entry.path()).is_ok_and(|text| text.contains(&ours)) {
            let _gone_already = fs::remove_file(entry.path());
        }
    }
}
