//! `cargo xtask bench cluster`: what the release costs and how long it takes on the test cluster, beside bare pods of
//! the same image in the same run.

mod many;
mod watch;

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::layout::Layout;
use super::process::{self, wait_for};
use super::release::{NAMESPACE, PATIENCE, Release};
use super::trial::kubectl;
use crate::assemble::{cargo, target};
use crate::image;
use crate::steps::{quietly, step};
use watch::Watch;

/// Matches from which the 99th percentile is read.
const WARM_MATCHES: u32 = 200;
/// Starts from zero, of which the median is told.
const COLD_MATCHES: usize = 20;
/// Matches over which writes are counted.
const COUNTED_MATCHES: u32 = 100;
/// Rooms that are started at once.
const ROOMS: u32 = 30;
/// Rooms of a warm fleet: as many as it may have, for one match after the other makes it forecast more than it needs.
const WARM_ROOMS: u32 = 12;

/// One figure.
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
}

/// Where figures go.
type Out<'a> = &'a mut dyn FnMut(Figure);

/// A group of figures that are measured together.
struct Bench {
    name: &'static str,
    /// What follows its name in the names of its figures.
    figures: &'static [&'static str],
    about: &'static str,
    run: fn(&Release<'_>, Out<'_>) -> Result<()>,
}

const ALL: [Bench; 5] = [
    Bench {
        name: "cluster/play-to-frame-warm",
        figures: &["", "/p50"],
        about: "the ticket that completes a match to the first frame, in a warm room (p99 < 250 ms)",
        run: warm,
    },
    Bench {
        name: "cluster/play-to-frame-cold",
        figures: &["", "/bare-pod"],
        about: "the same from a fleet at zero, image present (p50 of 20 < 2,000 ms), beside a bare pod until it runs",
        run: cold,
    },
    Bench {
        name: "cluster/api-writes-per-match",
        figures: &[""],
        about: "writes to the Kubernetes API per match on a warm fleet, less those of an equal idle time (0)",
        run: writes,
    },
    Bench {
        name: "cluster/scale-0-30",
        figures: &["", "/bare-pods", "/ratio"],
        about: "30 rooms attached, beside 30 bare pods running (ratio at most 1.3)",
        run: scale,
    },
    Bench {
        name: "cluster/rooms-2000",
        figures: &["/attached-after", "/rss", "/plan", "/idle-requests"],
        about: "the lobby with 2,000 rooms in kwok's pods: rss < 200 MB, a plan < 10 ms, requests to the API while idle ~ 0",
        run: many::rooms,
    },
];

/// The processes that are measured when nothing happens.
const MEMORY: [(&str, &str); 2] = [("cluster/lobby-rss", "bellhop-lobby"), ("cluster/room-rss", "bellhop-room")];
/// The largest image's archive.
const IMAGE: &str = "cluster/image";
/// Players on one core of a gateway; needs no cluster.
const SOCKETS: &str = "cluster/gateway-sockets";

/// What follows the name of [`SOCKETS`] in the names of its figures.
const SOCKETS_FIGURES: [&str; 2] = ["", "/busy"];

/// Whether a figure's name is asked for by `name`, which may be the beginning of several.
fn is_under(full: &str, name: &str) -> bool {
    let name = name.trim_end_matches('/');
    full == name || full.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'))
}

/// Whether one of the figures that are measured together is asked for.
fn wants(name: Option<&str>, group: &str, figures: &[&str]) -> bool {
    name.is_none_or(|name| figures.iter().any(|figure| is_under(&format!("{group}{figure}"), name)))
}

/// Whether there is something of this name here.
pub(crate) fn is_here(name: &str) -> bool {
    let name = Some(name);
    ALL.iter().any(|bench| wants(name, bench.name, bench.figures))
        || MEMORY.iter().any(|(full, _)| wants(name, full, &[""]))
        || wants(name, IMAGE, &[""])
        || wants(name, SOCKETS, &SOCKETS_FIGURES)
}

/// Measures what is asked for. Where a cluster is needed and none is up, one is brought up for it.
///
/// # Errors
/// If something cannot be had or measured.
pub(crate) fn run(name: Option<&str>, out: Out<'_>) -> Result<()> {
    let wanted = |full: &str| name.is_none_or(|name| is_under(full, name));
    // What is measured together is told apart.
    let out: Out<'_> = &mut |figure: Figure| {
        if wanted(&figure.name) {
            out(figure);
        }
    };
    step("building the clients", || {
        let mut build = cargo();
        build.args(["build", "--quiet", "--release", "--package", "bellhop-load", "--package", "bellhop-gateway"]);
        quietly(&mut build)
    })?;
    if wants(name, SOCKETS, &SOCKETS_FIGURES) {
        let (players, busy) = gateway_sockets()?;
        out(Figure { name: SOCKETS.into(), value: players, unit: "players" });
        out(Figure { name: format!("{SOCKETS}/busy"), value: busy, unit: "cores" });
    }
    let benches: Vec<_> = ALL.iter().filter(|bench| wants(name, bench.name, bench.figures)).collect();
    let measures_memory = MEMORY.iter().any(|(name, _)| wanted(name));
    if benches.is_empty() && !measures_memory && !wanted(IMAGE) {
        return Ok(());
    }
    super::may_run()?;
    let layout = Layout::of_this_machine();
    let _mine = super::only_one(&layout.user_lock(), "whoever uses the cluster to be done with it")?;
    let made = image::build(&image::ALL, env!("CARGO_PKG_VERSION"), image::PROFILE, false)?;
    if wanted(IMAGE) {
        let largest = made.iter().map(|image| image.bytes).max().unwrap_or(0);
        out(Figure { name: IMAGE.into(), value: largest as f64 / 1e6, unit: "MB" });
    }
    if benches.is_empty() && !measures_memory {
        return Ok(());
    }
    let was_up = layout.kubeconfig().exists();
    if !was_up {
        super::up(&layout, super::NODES)?;
    }
    let measured = made.iter().try_for_each(|image| super::load(&image.archive)).and_then(|()| {
        let release = Release { layout: &layout, registry: None };
        let measured = may_have(&release, WARM_ROOMS).and_then(|()| {
            if measures_memory {
                memory(&release, out)?;
            }
            benches.iter().try_for_each(|bench| {
                eprintln!("{}: {}", bench.name, bench.about);
                (bench.run)(&release, out).with_context(|| bench.name)
            })
        });
        // A cluster of its own goes as a whole.
        let removed = if was_up { release.uninstall().and_then(|()| release.forget()) } else { Ok(()) };
        measured.and(removed)
    });
    let down = if was_up { Ok(()) } else { super::down(&layout) };
    measured.and(down)
}

/// Players on one core of a gateway, and how much of it is taken then.
fn gateway_sockets() -> Result<(f64, f64)> {
    let mut command = std::process::Command::new(target().join("release/bellhop-load"));
    let output = command.arg("gateway-sockets").stderr(Stdio::inherit()).output().context("starting bellhop-load")?;
    ensure!(output.status.success(), "the players did not get through");
    let text = String::from_utf8(output.stdout)?;
    let (players, busy) = text.trim().split_once(' ').context("it says two numbers")?;
    Ok((players.parse()?, busy.parse()?))
}

fn url(release: &Release<'_>) -> Result<String> {
    Ok(format!("http://{}", release.get("service/game-bellhop-gateway", "{.spec.clusterIP}")?))
}

/// Two clients that meet again and again: each time in milliseconds.
fn play_to_frame(release: &Release<'_>, matches: u32) -> Result<Vec<f64>> {
    let program = target().join("release/bellhop-load");
    let mut load = release.layout.inside(&program.display().to_string());
    load.args(["play-to-frame", "--url", &url(release)?, "--queue", "pairs", "--matches", &matches.to_string()]);
    let output = load.stderr(Stdio::inherit()).output().context("could not start the clients")?;
    ensure!(output.status.success(), "the clients did not get through");
    let text = String::from_utf8(output.stdout)?;
    let mut took = text.lines().map(str::parse).collect::<Result<Vec<f64>, _>>().context("reading what they say")?;
    took.sort_by(f64::total_cmp);
    Ok(took)
}

fn quantile(sorted: &[f64], part: f64) -> f64 {
    sorted.get(((sorted.len() as f64 * part) as usize).min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

fn warm_up(release: &Release<'_>) -> Result<()> {
    may_have(release, WARM_ROOMS)?;
    release.scale(WARM_ROOMS)?;
    release.shows("{.status.ready}", &WARM_ROOMS.to_string())
}

/// Changes how many rooms the fleet may have.
fn may_have(release: &Release<'_>, rooms: u32) -> Result<()> {
    release.helm(&["--create-namespace", "--set", &format!("fleets[0].maxRooms={rooms}")])
}

fn warm(release: &Release<'_>, out: Out<'_>) -> Result<()> {
    warm_up(release)?;
    let took = play_to_frame(release, WARM_MATCHES)?;
    let name = "cluster/play-to-frame-warm";
    out(Figure { name: name.into(), value: quantile(&took, 0.99), unit: "ms" });
    out(Figure { name: format!("{name}/p50"), value: quantile(&took, 0.5), unit: "ms" });
    Ok(())
}

fn cold(release: &Release<'_>, out: Out<'_>) -> Result<()> {
    release.scale(0)?;
    let (mut took, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..COLD_MATCHES {
        wait_for("the fleet to be at zero", PATIENCE, || Ok(release.rooms()?.is_empty()))?;
        took.extend(play_to_frame(release, 1)?);
        bare.push(bare_pod(release)?);
    }
    took.sort_by(f64::total_cmp);
    bare.sort_by(f64::total_cmp);
    let name = "cluster/play-to-frame-cold";
    out(Figure { name: name.into(), value: quantile(&took, 0.5), unit: "ms" });
    out(Figure { name: format!("{name}/bare-pod"), value: quantile(&bare, 0.5), unit: "ms" });
    Ok(())
}

fn writes(release: &Release<'_>, out: Out<'_>) -> Result<()> {
    warm_up(release)?;
    // What scaling up has written is written.
    wait_for("the fleet's status to settle", PATIENCE, || {
        let before = release.writes()?;
        std::thread::sleep(Duration::from_secs(11));
        Ok(release.writes()? - before < 12)
    })?;
    let (before, begun) = (release.writes()?, Instant::now());
    play_to_frame(release, COUNTED_MATCHES)?;
    let (during, took) = (release.writes()? - before, begun.elapsed());
    let before = release.writes()?;
    std::thread::sleep(took);
    let idle = release.writes()? - before;
    let value = during.saturating_sub(idle) as f64 / f64::from(COUNTED_MATCHES);
    out(Figure { name: "cluster/api-writes-per-match".into(), value, unit: "writes" });
    Ok(())
}

fn scale(release: &Release<'_>, out: Out<'_>) -> Result<()> {
    may_have(release, ROOMS)?;
    release.scale(0)?;
    wait_for("the fleet to be at zero", PATIENCE, || Ok(release.rooms()?.is_empty()))?;
    let begun = Instant::now();
    release.scale(ROOMS)?;
    let ready = format!("lobby_fleet_rooms{{fleet=\"default\",state=\"ready\"}} {ROOMS}");
    wait_for("30 rooms to be attached", PATIENCE, || Ok(release.metrics()?.contains(&ready)))?;
    let rooms = begun.elapsed().as_secs_f64();
    release.scale(0)?;
    wait_for("the fleet to be at zero", PATIENCE, || Ok(release.rooms()?.is_empty()))?;
    let bare = bare_pods(release)?;
    let name = "cluster/scale-0-30";
    out(Figure { name: name.into(), value: rooms, unit: "s" });
    out(Figure { name: format!("{name}/bare-pods"), value: bare, unit: "s" });
    out(Figure { name: format!("{name}/ratio"), value: rooms / bare, unit: "" });
    Ok(())
}

/// What the processes hold when nothing happens.
fn memory(release: &Release<'_>, out: Out<'_>) -> Result<()> {
    release.scale(1)?;
    release.shows("{.status.ready} {.status.replicas}", "1 1")?;
    for (name, program) in MEMORY {
        out(Figure { name: name.into(), value: resident_megabytes(program)?, unit: "MB" });
    }
    Ok(())
}

/// What a process of this name in the cluster holds: the largest, if there are several.
fn resident_megabytes(program: &str) -> Result<f64> {
    let mut largest: f64 = f64::NAN;
    for pid in process::owned(&[])? {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
        if read("comm").trim() != program {
            continue;
        }
        let status = read("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
        largest = kilobytes.map_or(largest, |kilobytes| largest.max(kilobytes * 1024.0 / 1e6));
    }
    ensure!(largest.is_finite(), "no {program} runs in the cluster");
    Ok(largest)
}

/// A pod of the rooms' image that nobody manages.
fn bare(kind: &str, name: &str) -> String {
    let image = concat!("bellhop.dev/room:", env!("CARGO_PKG_VERSION"));
    let pod = format!(
        "{{automountServiceAccountToken: false, terminationGracePeriodSeconds: 1, \
         securityContext: {{runAsNonRoot: true, seccompProfile: {{type: RuntimeDefault}}}}, \
         containers: [{{name: room, image: {image}, env: [{{name: BELLHOP_ROOM_TOKEN_FILE, value: /etc/hostname}}, \
         {{name: BELLHOP_ROOM_ADVERTISE, value: \"127.0.0.1:7777\"}}], \
         securityContext: {{allowPrivilegeEscalation: false, capabilities: {{drop: [ALL]}}}}}}]}}"
    );
    match kind {
        "Pod" => {
            format!("{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, labels: {{bare: pod}}}}, spec: {pod}}}")
        }
        _ => format!(
            "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: {name}}}, spec: {{replicas: {ROOMS}, \
             selector: {{matchLabels: {{bare: pod}}}}, template: {{metadata: {{labels: {{bare: pod}}}}, spec: {pod}}}}}}}"
        ),
    }
}

/// From creation to Running, in milliseconds.
fn bare_pod(release: &Release<'_>) -> Result<f64> {
    let manifest = bare("Pod", "bare");
    let phases = Watch::start(release, "bare=pod", "{.metadata.name} {.status.phase}")?;
    kubectl(release.layout, &["-n", NAMESPACE, "create", "-f", "-"], Some(&manifest))?;
    let (created, _) = phases.next()?;
    let running = loop {
        let (at, line) = phases.next()?;
        if line.ends_with("Running") {
            break at;
        }
    };
    kubectl(release.layout, &["-n", NAMESPACE, "delete", "pod", "bare", "--now"], None)?;
    Ok((running - created).as_secs_f64() * 1e3)
}

/// 30 of them, in seconds.
fn bare_pods(release: &Release<'_>) -> Result<f64> {
    let manifest = bare("Deployment", "bare");
    let begun = Instant::now();
    kubectl(release.layout, &["-n", NAMESPACE, "create", "-f", "-"], Some(&manifest))?;
    wait_for("30 bare pods to run", PATIENCE, || {
        Ok(release.get("deployment/bare", "{.status.readyReplicas}")? == ROOMS.to_string())
    })?;
    let took = begun.elapsed().as_secs_f64();
    kubectl(release.layout, &["-n", NAMESPACE, "delete", "deployment", "bare", "--wait=true"], None)?;
    Ok(took)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_figure_is_asked_for_by_its_own_name() {
        for name in
            ["cluster", "cluster/scale-0-30", "cluster/scale-0-30/ratio", "cluster/rooms-2000/rss", "cluster/image"]
        {
            assert!(is_here(name), "{name}");
        }
        for name in ["lobby", "cluster/scale", "cluster/scale-0-30/rss", "cluster/image/x"] {
            assert!(!is_here(name), "{name}");
        }
        let wanted: Vec<_> =
            ALL.iter().filter(|bench| wants(Some("cluster/rooms-2000/plan"), bench.name, bench.figures)).collect();
        assert_eq!(wanted.iter().map(|bench| bench.name).collect::<Vec<_>>(), ["cluster/rooms-2000"]);
    }
}
