//! The cluster's long-lived processes: started, remembered, found again, killed.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::layout::{CGROUP, Layout, namespace_file};

/// How often a state is looked at that is being waited for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A process of the cluster, as it was started.
pub(super) struct Component {
    /// Where it belongs and what it is: `n1/kubelet`.
    pub(super) name: String,
    pub(super) pid: i32,
    /// In clock ticks since boot: with the pid, an identity that no other process gets.
    born: u64,
    namespace: String,
    argv: Vec<String>,
}

impl Component {
    pub(super) fn is_alive(&self) -> bool {
        birth(self.pid) == Some(self.born)
    }

    /// The last line of its log.
    pub(super) fn last_words(&self, layout: &Layout) -> String {
        let text = fs::read_to_string(log(layout, &self.name)).unwrap_or_default();
        text.lines().last().unwrap_or("it said nothing").to_owned()
    }
}

/// Starts `argv` in a namespace, in a session of its own, and remembers it.
pub(super) fn start(layout: &Layout, name: &str, namespace: &str, argv: &[String]) -> Result<()> {
    let log = File::options().create(true).append(true).open(log(layout, name))?;
    // The shell puts itself into the cluster's cgroup before it becomes the program: so nothing that the
    // program starts is ever outside of it.
    let child = Command::new("setsid")
        .args(["sh", "-c", r#"echo $$ > "$1" && shift && exec nsenter "$@""#, "sh"])
        .arg(cgroup_of_processes()?.join("cgroup.procs"))
        .arg(format!("--net={}", namespace_file(namespace).display()))
        .arg("--")
        .args(argv)
        .env("PATH", layout.path())
        .current_dir(layout.state())
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("could not start {name}"))?;
    let pid = i32::try_from(child.id()).context("a pid fits")?;
    let born = birth(pid).with_context(|| format!("{name} ended at once"))?;
    let record = format!("{pid} {born}\n{namespace}\n{}\n", argv.join("\n"));
    fs::write(layout.file("components").join(name.replace('/', ":")), record)?;
    Ok(())
}

fn log(layout: &Layout, name: &str) -> PathBuf {
    layout.logs().join(format!("{}.log", name.replace('/', "-")))
}

/// All that were started, by name.
pub(super) fn all(layout: &Layout) -> Result<Vec<Component>> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(layout.file("components")) else { return Ok(found) };
    for entry in entries {
        let entry = entry?;
        let text = fs::read_to_string(entry.path())?;
        let mut lines = text.lines().map(str::to_owned);
        let numbers = lines.next().unwrap_or_default();
        let (Some((pid, born)), Some(namespace)) = (numbers.split_once(' '), lines.next()) else { continue };
        found.push(Component {
            name: entry.file_name().to_string_lossy().replace(':', "/"),
            pid: pid.parse()?,
            born: born.parse()?,
            namespace,
            argv: lines.collect(),
        });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn named(layout: &Layout, name: &str) -> Result<Component> {
    let all = all(layout)?;
    let names: Vec<_> = all.iter().map(|component| component.name.clone()).collect();
    match all.into_iter().find(|component| component.name == name) {
        Some(component) => Ok(component),
        None if names.is_empty() => bail!("no cluster is up: start one with `cargo xtask cluster up`"),
        None => bail!("there is no component `{name}`: there are {}", names.join(", ")),
    }
}

/// SIGKILL, and wait until it is gone.
pub(super) fn kill(layout: &Layout, name: &str) -> Result<()> {
    let component = named(layout, name)?;
    if component.is_alive() {
        let _gone_already = nix::sys::signal::kill(Pid::from_raw(component.pid), Signal::SIGKILL);
    }
    wait_for(&format!("the end of {name}"), Duration::from_secs(10), || Ok(!component.is_alive()))
}

/// The same command line once more.
pub(super) fn start_again(layout: &Layout, name: &str) -> Result<()> {
    let component = named(layout, name)?;
    if component.is_alive() {
        bail!("{name} runs already, with pid {}", component.pid);
    }
    start(layout, name, &component.namespace, &component.argv)
}

/// The same command line once more, if it has ended.
pub(super) fn start_if_dead(layout: &Layout, name: &str) -> Result<()> {
    if named(layout, name)?.is_alive() { Ok(()) } else { start_again(layout, name) }
}

/// Waits for a state, with a deadline.
pub(super) fn wait_for(what: &str, within: Duration, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    let until = Instant::now() + within;
    loop {
        if is_so()? {
            return Ok(());
        }
        if Instant::now() > until {
            bail!("waited {} s in vain for {what}", within.as_secs());
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// When a living process was started; nothing for one that is gone or only waits to be reaped. One whose first thread
/// has ended lives until the others have: they hold its sockets.
fn birth(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let after_name = stat.rsplit_once(") ")?.1;
    let mut fields = after_name.split(' ');
    let state = fields.next()?;
    if state == "X" || (state == "Z" && fs::read_dir(format!("/proc/{pid}/task")).ok()?.count() <= 1) {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// The processes that are the cluster's: below its cgroup, or in one of its network namespaces. Never this one or
/// one that it descends from.
pub(super) fn owned(namespaces: &[PathBuf]) -> Result<Vec<i32>> {
    let ours: Vec<_> =
        namespaces.iter().filter_map(|path| fs::metadata(path).ok()).map(|m| (m.dev(), m.ino())).collect();
    let spared = ancestors();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Ok(entry) = entry else { continue };
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        if spared.contains(&pid) || birth(pid).is_none() {
            continue;
        }
        let in_cgroup = fs::read_to_string(entry.path().join("cgroup")).is_ok_and(|text| text.lines().any(is_ours));
        let in_namespace =
            fs::metadata(entry.path().join("ns/net")).is_ok_and(|meta| ours.contains(&(meta.dev(), meta.ino())));
        if in_cgroup || in_namespace {
            found.push(pid);
        }
    }
    Ok(found)
}

/// Whether a line of /proc/PID/cgroup names the cluster's cgroup.
fn is_ours(line: &str) -> bool {
    line.splitn(3, ':').nth(2).is_some_and(|path| path.trim_start_matches('/').split('/').next() == Some(CGROUP))
}

fn ancestors() -> Vec<i32> {
    let mut line = vec![std::process::id().cast_signed()];
    while let Some(pid) = line.last().copied().filter(|pid| *pid > 0) {
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { break };
        let parent = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse().ok());
        line.push(parent.unwrap_or(0));
    }
    line
}

/// Where cgroups with controllers are mounted, one path per hierarchy.
pub(super) fn cgroup_hierarchies() -> Result<Vec<PathBuf>> {
    let mut found = cgroup_mounts()?;
    // Beside the hierarchies of version 1 there may be one of version 2, which then has no controllers.
    found.retain(|path| is_cgroup_v2() || !path.join("cgroup.controllers").exists());
    if found.is_empty() {
        bail!("no cgroup hierarchy is mounted below /sys/fs/cgroup");
    }
    Ok(found)
}

/// Where cgroups are mounted.
pub(super) fn cgroup_mounts() -> Result<Vec<PathBuf>> {
    let root = Path::new("/sys/fs/cgroup");
    if is_cgroup_v2() {
        return Ok(vec![root.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(root).context("cgroups are not mounted at /sys/fs/cgroup")? {
        let path = entry?.path();
        // Links such as `cpu` lead to `cpu,cpuacct`, which comes by itself.
        if !path.is_symlink() && path.join("cgroup.procs").exists() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

pub(super) fn is_cgroup_v2() -> bool {
    Path::new("/sys/fs/cgroup/cgroup.controllers").exists()
}

/// The cgroup of the cluster's own processes, beside those of its pods. It is there to tell whose they are, so under
/// version 1 one hierarchy is enough.
pub(super) fn cgroup_of_processes() -> Result<PathBuf> {
    let all = cgroup_hierarchies()?;
    let hierarchy = all.iter().find(|path| path.ends_with("pids")).or(all.first()).context("a cgroup hierarchy")?;
    let path = hierarchy.join(CGROUP).join("processes");
    fs::create_dir_all(&path).with_context(|| format!("making {}", path.display()))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cgroup_tells_whose_a_process_is() {
        for (line, ours) in [
            ("8:pids:/bellhop-cluster/processes", true),
            ("3:cpuset:/bellhop-cluster/n1/kubepods/besteffort/pod1", true),
            ("0::/bellhop-cluster", true),
            ("0::/", false),
            ("1:name=systemd:/bellhop-cluster-of-somebody-else", false),
            ("1:name=systemd:/user.slice/bellhop-cluster", false),
        ] {
            assert_eq!(is_ours(line), ours, "{line}");
        }
    }

    #[test]
    fn this_process_and_its_parents_are_spared() {
        let line = ancestors();
        assert_eq!(line.first().copied(), i32::try_from(std::process::id()).ok());
        assert!(line.contains(&std::os::unix::process::parent_id().cast_signed()), "{line:?}");
    }

    #[test]
    fn a_living_process_has_a_birth_and_a_gone_one_has_none() {
        let mut child = Command::new("sleep").arg("60").spawn().expect("sleep is everywhere");
        let pid = i32::try_from(child.id()).expect("a pid fits");
        assert!(birth(pid).is_some());
        child.kill().expect("it is ours");
        wait_for("its end", Duration::from_secs(10), || Ok(birth(pid).is_none())).expect("it was killed");
        child.wait().expect("it ended");
    }

    #[test]
    fn a_process_whose_first_thread_has_ended_lives_until_the_others_have() {
        let script = "import ctypes, threading, time\n\
                      threading.Thread(target=time.sleep, args=(60,)).start()\n\
                      ctypes.CDLL(None).pthread_exit(None)";
        let mut child = Command::new("python3").args(["-c", script]).spawn().expect("python3 is everywhere");
        let pid = i32::try_from(child.id()).expect("a pid fits");
        let is_zombie = || Ok(fs::read_to_string(format!("/proc/{pid}/stat"))?.contains(") Z "));
        wait_for("the end of its first thread", Duration::from_secs(10), is_zombie).expect("it ends by itself");
        assert!(birth(pid).is_some());
        child.kill().expect("it is ours");
        wait_for("its end", Duration::from_secs(10), || Ok(birth(pid).is_none())).expect("it was killed");
        child.wait().expect("it ended");
    }
}
