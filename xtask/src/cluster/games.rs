//! Each of the games on the cluster, in a fleet of its own: its room is killed in the middle of a match, which goes on in
//! another pod, and the other one is drained while the match is in it.

use anyhow::Result;

use super::faults::{Crowd, judged};
use super::process::wait_for;
use super::release::{PATIENCE, Release};
use super::rooms;
use crate::steps::{beside, together};

/// A game, and what makes a match of two bots last some seconds, and not minutes.
struct Game {
    name: &'static str,
    config: &'static str,
    /// How long a bot looks before it acts, in milliseconds.
    reaction_ms: &'static str,
}

const ALL: [Game; 5] = [
    Game { name: "snake", config: r#"{"target":6}"#, reaction_ms: "0" },
    Game { name: "tanks", config: r#"{"seconds":8}"#, reaction_ms: "0" },
    Game { name: "tictactoe", config: "{}", reaction_ms: "800" },
    Game { name: "maze", config: r#"{"rounds":1,"seconds":8}"#, reaction_ms: "0" },
    Game { name: "sketch", config: r#"{"prompt_seconds":2}"#, reaction_ms: "0" },
];

/// What Helm is told beyond so many fleets and queues: a fleet and a queue for each, both by the game's name.
pub(super) fn values(fleets: usize, queues: usize) -> Vec<String> {
    let of = |(index, Game { name, config, .. }): (usize, &Game)| {
        let (fleet, queue) = (fleets + index, queues + index);
        [
            format!(
                r#"fleets[{fleet}]={{"name":"{name}","games":["{name}"],"minReady":1,"maxRooms":4,
                "scaleDownAfterSeconds":5,"drainWithinSeconds":60}}"#
            ),
            format!(
                r#"queues[{queue}]={{"name":"five-{name}","game":"{name}","fleet":"{name}","min_players":2,
                "max_players":2,"config":{config}}}"#
            ),
        ]
    };
    ALL.iter().enumerate().flat_map(of).collect()
}

/// Plays all of them at the same time. What is left is an empty room of each.
///
/// # Errors
/// If a match is lost, does not move, or a room does not go in order.
pub(super) fn survive(release: &Release<'_>, url: &str) -> Result<()> {
    together(
        ALL.iter()
            .map(|game| -> Box<dyn FnOnce() -> Result<()> + Send> {
                let what = format!("a match of {} outlives its room, and the drain of the next", game.name);
                Box::new(move || beside(&what, || survives(release, url, game)))
            })
            .collect(),
    )?;
    // Nothing of it comes later, when others count what is written.
    wait_for("all but one room of each game to go", PATIENCE, || {
        let names = ALL.map(|game| game.name).join(",");
        let selector = format!("bellhop.dev/fleet in ({names})");
        let running = ["get", "pods", "-l", &selector, "--field-selector=status.phase=Running", "-o", "name"];
        Ok(release.kubectl(&running)?.lines().count() == ALL.len())
    })
}

fn survives(release: &Release<'_>, url: &str, game: &Game) -> Result<()> {
    let name = game.name;
    let queue = format!("--queue=five-{name}");
    // One match moves: the one whose room is killed. The one in the room that is drained ends there.
    let load = [&queue, "--players=2", "--reaction-ms", game.reaction_ms, "--sockets-may-close", "--moved=1"];
    let mut players = Crowd::start(release.layout, name, url, &load)?;
    let first = rooms::in_mid_match(name, "")?;
    first.kill()?;
    let second = rooms::in_mid_match(name, &first.id)?;
    release.kubectl(&["delete", "pod", &second.pod(), "--wait=false"])?;
    rooms::goes(release, &second)?;
    judged(&mut players)
}
