//! The chart on the cluster: installed, played on by bots and in a browser, scaled, its lobby replaced under running
//! matches, upgraded, uninstalled.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::faults::{Crowd, judged};
use super::layout::Layout;
use super::process::wait_for;
use super::release_images;
use super::theirs::Forwarded;
use super::tools::{Tool, installed};
use super::trial::{ask, ask_over, kubectl};
use super::{autoscaler, faults, games, native, node, readme, troubles};
use crate::assemble;
use crate::steps::{beside, loudly, quietly, step, together};
use crate::{needs, root};

/// A second name of the same images, so that there is something to upgrade to.
pub(super) const OTHER_TAG: &str = "next";
/// Where it is installed.
pub(super) const NAMESPACE: &str = "games";
const RELEASE: &str = "game";
const LOBBY: &str = "game-bellhop-lobby-0";
/// Of one release, all at once, on a machine that compiles at the same time.
pub(super) const INSTALLED_WITHIN: Duration = Duration::from_secs(180);
/// A pod that starts, a match of two bots, a status that is written every 10 s: each takes some seconds.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);
/// Ended matches that show that play goes on: more than there are rooms, so that rooms took another one.
pub(super) const MATCHES: u64 = 6;

/// Everything that is built before a cluster is needed.
///
/// # Errors
/// If a tool is missing or a build fails.
pub(super) fn build() -> Result<Vec<std::path::PathBuf>> {
    release_images::tools()?;
    needs::chromium()?;
    installed(Tool::Helm)?;
    let built = assemble::build_all(false)?;
    step("packing the images", || release_images::pack_all(&built))
}

/// Installs the chart with these images, and plays on it.
///
/// # Errors
/// If something is not as it should be.
pub(super) fn try_it(layout: &Layout, images: &[std::path::PathBuf]) -> Result<()> {
    let release = Release { layout, registry: None };
    release.load(images)?;
    readme::installs(&release)?;
    step("its values are changed: a fleet at zero, one with an autoscaler, one with a team's own game", || {
        let with_own = [format!("fleets[2]={OWN_FLEET}"), format!("queues[{}]={OWN_QUEUE}", QUEUES)];
        let values = [vec![autoscaler::SCALED.to_owned()], with_own.to_vec(), games::values(3, QUEUES + 1)].concat();
        release.helm(&values.iter().flat_map(|value| ["--set-json", value]).collect::<Vec<_>>())
    })?;
    step("the rooms go that are not needed any more", || release.gets_empty())?;
    let gateway = release.get("service/game-bellhop-gateway", "{.spec.clusterIP}")?;
    let url = format!("http://{gateway}");
    step("the lobby reads the new queues", || release.knows_queue(&gateway, "dots"))?;
    // Each in fleets of its own.
    together(vec![
        Box::new(|| from_zero(&release, &gateway)),
        Box::new(|| beside("an autoscaler leads a fleet up and down", || autoscaler::leads(&release))),
        Box::new(|| troubles::try_them(&release)),
        Box::new(|| {
            beside("two bots play a team's own game, in a room from its own image", || release.bots_play("dots"))
        }),
        Box::new(|| games::survive(&release, &url)),
    ])?;
    {
        // No socket may close: of what carries them, nothing is replaced.
        let load = ["--queue=tictactoe", "--queue=runs", "--players=2"];
        let mut players = Crowd::start(layout, "quiet", &url, &load)?;
        step("bots play in the rooms there are; the API hears of no match", || release.plays_without_writes())?;
        step("the fleet's status shows who plays", || release.shows_players())?;
        step("the lobby is replaced while they play", || release.lobby_is_replaced())?;
        step("upgrading the release, which keeps what was scaled", || {
            let native = [format!("fleets[2]={}", native::FLEET), format!("queues[{QUEUES}]={}", native::QUEUE)];
            let mut values =
                vec!["--set", "settings.timing.lease_seconds=31", "--set", "podDisruptionBudget.rooms=true"];
            values.extend(["--set-json", autoscaler::LEFT, "--set-json", &native[0], "--set-json", &native[1]]);
            release.helm(&values)?;
            release.shows("{.spec.replicas}", "3")?;
            autoscaler::has_left(&release)?;
            release.knows_queue(&gateway, "native")?;
            release.matches_end(MATCHES)
        })?;
        step("native clients play at a node; while they do, their room's eviction is refused", || {
            native::plays(&release, &url)
        })?;
        step("`kubectl scale` down under playing rooms, which the status tells", || release.scales_down())?;
        judged(&mut players)?;
    }
    readme::operates(&release)?;
    step("a quota that is used up is told", || troubles::quota(&release))?;
    release.scale(0)?;
    step("who is not needed goes", || release.gets_empty())?;
    step("uninstalling leaves the definition, the journal and the keys, and no pod", || release.uninstall())
}

/// A fleet at zero gets its first room and is scaled up; somebody lies about a room, and somebody deletes one.
fn from_zero(release: &Release<'_>, gateway: &str) -> Result<()> {
    beside("the page comes through the gateway, and there is no room", || {
        let page = ask(gateway, 80, "/")?;
        ensure!(page.to_lowercase().contains("<!doctype html"), "the gateway serves {page:.200}");
        let rooms = release.rooms()?;
        ensure!(rooms.is_empty(), "a fleet at zero has the rooms {rooms:?}");
        Ok(())
    })?;
    beside("two bots press Play; the fleet at zero gets a room for them", || {
        release.bots_play("tictactoe")?;
        ensure!(!release.rooms()?.is_empty(), "they played, and there is no room");
        Ok(())
    })?;
    beside("`kubectl scale` up", || release.scales_up())?;
    beside("a pod that lies about its room does not get in", || troubles::lies(release))?;
    beside("a pod that somebody deletes by hand is told, and its room is replaced", || release.loses_a_pod())
}

/// Installs the chart, and breaks everything under load, each so many times.
///
/// # Errors
/// Every promise that was broken.
pub(super) fn break_it(layout: &Layout, images: &[std::path::PathBuf], rounds: u32) -> Result<()> {
    let release = Release { layout, registry: None };
    release.load(images)?;
    step("installing the chart", || release.helm(&["--create-namespace"]))?;
    let url = format!("http://{}", release.get("service/game-bellhop-gateway", "{.spec.clusterIP}")?);
    release.scale(3)?;
    faults::under_load(&release, &url, rounds)?;
    step("uninstalling", || release.uninstall())
}

/// The release, as it is looked at and changed.
pub(super) struct Release<'a> {
    pub(super) layout: &'a Layout,
    /// Where its images are, if not where the chart says.
    pub(super) registry: Option<&'a str>,
}

impl Release<'_> {
    /// Puts the images into the nodes, each under two names.
    fn load(&self, images: &[std::path::PathBuf]) -> Result<()> {
        images.iter().try_for_each(|image| super::load(image))?;
        // The example of a team's own is not upgraded.
        release_images::NAMES.iter().try_for_each(|name| {
            let name = |tag: &str| format!("bellhop.dev/{name}:{tag}");
            node::tag_everywhere(self.layout, &name(env!("CARGO_PKG_VERSION")), &name(OTHER_TAG))
        })
    }

    pub(super) fn helm(&self, more: &[&str]) -> Result<()> {
        let mut helm = self.layout.inside("helm");
        helm.args(["upgrade", RELEASE, "--install", "--namespace", NAMESPACE, "--wait"]);
        for values in VALUES {
            helm.args(["--set-json", values]);
        }
        helm.args(more).args(self.images());
        helm.arg(format!("--timeout={}s", INSTALLED_WITHIN.as_secs()));
        quietly(helm.arg(root().join("helm/bellhop")))
    }

    /// What Helm is told about images.
    pub(super) fn images(&self) -> Vec<String> {
        self.registry.map_or_else(Vec::new, |registry| vec!["--set".to_owned(), format!("image.registry={registry}")])
    }

    pub(super) fn roll_back(&self) -> Result<()> {
        let mut helm = self.layout.inside("helm");
        helm.args(["rollback", RELEASE, "--namespace", NAMESPACE, "--wait"]);
        quietly(helm.arg(format!("--timeout={}s", INSTALLED_WITHIN.as_secs())))
    }

    pub(super) fn kubectl(&self, args: &[&str]) -> Result<String> {
        let mut all = vec!["-n", NAMESPACE];
        all.extend(args);
        kubectl(self.layout, &all, None)
    }

    pub(super) fn get(&self, what: &str, path: &str) -> Result<String> {
        self.kubectl(&["get", what, "-o", &format!("jsonpath={path}")])
    }

    /// The pods of the rooms that are played in, by name.
    pub(super) fn rooms(&self) -> Result<BTreeSet<String>> {
        self.rooms_of("default")
    }

    /// The pods of a fleet's rooms, without crashed ones, which are only kept for their logs.
    pub(super) fn rooms_of(&self, fleet: &str) -> Result<BTreeSet<String>> {
        let (selector, there) = (format!("bellhop.dev/fleet={fleet}"), "--field-selector=status.phase!=Failed");
        let names = self.kubectl(&["get", "pods", "-l", &selector, there, "-o", "name"])?;
        Ok(names.lines().map(str::to_owned).collect())
    }

    pub(super) fn scale(&self, replicas: u32) -> Result<()> {
        self.kubectl(&["scale", "roomfleet/default", &format!("--replicas={replicas}")]).map(drop)
    }

    /// To three rooms, which are there then.
    pub(super) fn scales_up(&self) -> Result<()> {
        self.scale(3)?;
        self.has_three_rooms()
    }

    fn has_three_rooms(&self) -> Result<()> {
        self.shows("{.status.ready} {.status.replicas} {.status.desired}", "3 3 3")
    }

    /// One of the three, by somebody's hand; then there are three again.
    pub(super) fn loses_a_pod(&self) -> Result<()> {
        troubles::deleted_by_hand(self)?;
        self.has_three_rooms()
    }

    /// Below the number of rooms that are played in: their matches go on.
    pub(super) fn scales_down(&self) -> Result<()> {
        self.scale(1)?;
        self.shows(r#"{.status.conditions[?(@.type=="Scaled")].reason}"#, "MatchesGoOn")?;
        self.scale(0)?;
        self.matches_end(MATCHES)?;
        self.nothing_lost()
    }

    /// Waits until it has no room.
    pub(super) fn gets_empty(&self) -> Result<()> {
        wait_for("the fleet to be at zero", PATIENCE, || Ok(self.rooms()?.is_empty()))
    }

    /// Waits until the fleet is as said.
    pub(super) fn shows(&self, path: &str, expected: &str) -> Result<()> {
        self.shows_of("default", path, expected)
    }

    /// The same of another fleet.
    pub(super) fn shows_of(&self, fleet: &str, path: &str, expected: &str) -> Result<()> {
        let mut seen = String::new();
        let waited = wait_for(&format!("{path} of the fleet {fleet} to be {expected}"), PATIENCE, || {
            seen = self.get(&format!("roomfleet/{fleet}"), path)?;
            Ok(seen == expected)
        });
        waited.with_context(|| format!("it is {seen}"))
    }

    /// Waits until the lobby has read a queue that the release was given: the kubelet brings it, and takes its time.
    fn knows_queue(&self, gateway: &str, queue: &str) -> Result<()> {
        wait_for(&format!("the queue {queue}"), PATIENCE, || {
            Ok(ask(gateway, 80, "/v1/queues").is_ok_and(|queues| queues.contains(&format!(r#""{queue}""#))))
        })
    }

    /// Two bots play one match in a queue, to its end.
    fn bots_play(&self, queue: &str) -> Result<()> {
        self.bots_play_at(&format!("http://{}", self.get("service/game-bellhop-gateway", "{.spec.clusterIP}")?), queue)
    }

    /// The same by this way to the gateway.
    pub(super) fn bots_play_at(&self, url: &str, queue: &str) -> Result<()> {
        let bots = assemble::target().join("debug/bellhop-bots");
        quietly(self.layout.inside(&bots.display().to_string()).args(["--url", url, "--queue", queue]))
    }

    pub(super) fn browser_plays(&self, url: &str) -> Result<()> {
        let artifacts = root().join("artifacts");
        let mut node = self.layout.inside("node");
        // Of its tests the first: a whole match, with a reload.
        node.args(["--test", "--test-name-pattern=two windows play", "specs/tictactoe.test.js"])
            .current_dir(root().join("tests/e2e"));
        node.env("BASE_URL", url).env("CHROMIUM", needs::CHROMIUM).env("ARTIFACTS", &artifacts);
        loudly(&mut node)?;
        ensure!(!self.rooms()?.is_empty(), "they played, and there is no room");
        Ok(())
    }

    /// Matches begin and end in pods that were there, and nobody writes a pod.
    fn plays_without_writes(&self) -> Result<()> {
        self.matches_end(1)?;
        let (rooms, writes) = (self.rooms()?, self.pod_writes()?);
        self.matches_end(MATCHES)?;
        let (rooms_after, writes_after) = (self.rooms()?, self.pod_writes()?);
        ensure!(rooms == rooms_after, "the rooms were {rooms:?} and are {rooms_after:?}");
        ensure!(writes == writes_after, "pods were written {} times", writes_after - writes);
        Ok(())
    }

    /// Writes to pods that the API server has counted.
    fn pod_writes(&self) -> Result<u64> {
        self.writes_to(&["pods"])
    }

    /// Writes to all that belongs to a release.
    pub(super) fn writes(&self) -> Result<u64> {
        self.writes_to(&["pods", "roomfleets", "configmaps", "leases", "events"])
    }

    fn writes_to(&self, resources: &[&str]) -> Result<u64> {
        let metrics = kubectl(self.layout, &["get", "--raw", "/metrics"], None)?;
        let counted = metrics.lines().filter(|line| {
            line.starts_with("apiserver_request_total{")
                && resources.iter().any(|resource| line.contains(&format!("resource=\"{resource}\"")))
                && ["POST", "PUT", "PATCH", "DELETE"].iter().any(|verb| line.contains(&format!("verb=\"{verb}\"")))
        });
        Ok(counted.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum::<f64>() as u64)
    }

    pub(super) fn shows_players(&self) -> Result<()> {
        let mut table = String::new();
        let waited = wait_for("the fleet's table to show four players", PATIENCE, || {
            table = self.kubectl(&["get", "roomfleet", "default"])?;
            let mut lines = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
            let (head, row) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
            let players = head.iter().position(|column| *column == "PLAYERS").and_then(|at| row.get(at));
            Ok(players.is_some_and(|players| ["2", "3", "4"].contains(players)))
        });
        waited.with_context(|| table)
    }

    /// The gateways' and the rooms' pods stay, the new lobby has what the old one knew, and matches go on ending.
    pub(super) fn lobby_is_replaced(&self) -> Result<()> {
        let others = || {
            let selector = "app.kubernetes.io/component in (gateway,room)";
            let columns =
                "jsonpath={range .items[*]}{.metadata.uid} {.status.containerStatuses[*].restartCount}{\"\\n\"}{end}";
            // Without crashed ones, which are only kept for their logs.
            self.kubectl(&["get", "pods", "--field-selector=status.phase=Running", "-l", selector, "-o", columns])
        };
        let before = others()?;
        self.kubectl(&["delete", "pod", LOBBY, "--wait=true"])?;
        let within = format!("--timeout={}s", INSTALLED_WITHIN.as_secs());
        self.kubectl(&["rollout", "status", "statefulset/game-bellhop-lobby", &within])?;
        // Its counters begin anew.
        self.matches_end(MATCHES)?;
        let after = others()?;
        ensure!(before == after, "gateways or rooms did not outlive the lobby:\n{before}\nbefore, and then\n{after}");
        self.nothing_lost()
    }

    fn nothing_lost(&self) -> Result<()> {
        let lost = self.metrics()?.lines().filter(|line| line.starts_with("lobby_matches_lost_total{")).count();
        ensure!(lost == 0, "matches were lost");
        Ok(())
    }

    pub(super) fn metrics(&self) -> Result<String> {
        if self.layout.is_theirs() {
            let forwarded = Forwarded::start(self, &format!("pod/{LOBBY}"), 8082)?;
            return ask_over(self.layout.connect(forwarded.at)?, "/metrics");
        }
        ask(&self.get(&format!("pod/{LOBBY}"), "{.status.podIP}")?, 8082, "/metrics")
    }

    /// Waits until the lobby has counted so many ends of matches, beyond those it has counted now.
    pub(super) fn matches_end(&self, count: u64) -> Result<()> {
        // Nothing while the lobby is away; and its counters begin anew with it.
        let ended = || -> Option<u64> {
            let metrics = self.metrics().ok()?;
            let line = metrics.lines().find_map(|line| line.strip_prefix("lobby_matches_ended_total "));
            line.unwrap_or("0").trim().parse().ok()
        };
        let mut before = None;
        wait_for(&format!("{count} matches to end"), PATIENCE, || {
            let Some(now) = ended() else { return Ok(false) };
            let before = before.get_or_insert(now);
            *before = now.min(*before);
            Ok(now >= *before + count)
        })
    }

    pub(super) fn uninstall(&self) -> Result<()> {
        quietly(self.layout.inside("helm").args(["uninstall", RELEASE, "--namespace", NAMESPACE, "--wait"]))?;
        self.get("pvc/game-bellhop-journal", "{.status.phase}")?;
        self.get("secret/game-bellhop-keys", "{.type}")?;
        kubectl(self.layout, &["get", "crd", "roomfleets.bellhop.dev"], None)?;
        wait_for("the rooms to go", PATIENCE, || {
            Ok(self.kubectl(&["get", "pods", "-l", "bellhop.dev/room", "-o", "name"])?.is_empty())
        })
    }

    /// Removes what uninstalling leaves.
    pub(super) fn forget(&self) -> Result<()> {
        kubectl(self.layout, &["delete", "namespace", NAMESPACE, "--wait=true"], None)?;
        kubectl(self.layout, &["delete", "crd", "roomfleets.bellhop.dev"], None).map(drop)
    }
}

/// At zero until somebody plays.
const VALUES: [&str; 2] = [
    r#"fleets=[{"name":"default","games":["snake","maze","tictactoe"],"minReady":0,"maxRooms":12,
    "scaleDownAfterSeconds":5,"drainWithinSeconds":30}]"#,
    // In the last one nobody ever meets anybody.
    r#"queues=[{"name":"snake","game":"snake","fleet":"default","title":"Snake","min_players":2,"max_players":8,"late_join":true},
    {"name":"tictactoe","game":"tictactoe","fleet":"default","title":"Tic-tac-toe","min_players":2,"max_players":2,"open_games":true},
    {"name":"pairs","game":"snake","fleet":"default","min_players":2,"max_players":2},
    {"name":"runs","game":"maze","fleet":"default","min_players":2,"max_players":2,"config":{"rounds":1,"seconds":5}},
    {"name":"patience","game":"snake","fleet":"default","min_players":64,"max_players":64}]"#,
];
/// How many queues these are.
const QUEUES: usize = 5;
/// A team's own game, in a room from its own image.
const OWN_FLEET: &str = concat!(
    r#"{"name":"dots","games":["dots"],"minReady":0,"maxRooms":2,"image":"bellhop.dev/dots:"#,
    env!("CARGO_PKG_VERSION"),
    r#""}"#
);
const OWN_QUEUE: &str = r#"{"name":"dots","game":"dots","fleet":"dots","min_players":2,"max_players":2}"#;
