//! The README's commands for those who have a cluster, run as they are written.

use std::fs;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use super::process::wait_for;
use super::release::{INSTALLED_WITHIN, PATIENCE, Release};
use crate::root;
use crate::steps::{Companion, quietly, step};

/// What the port that the README forwards is called there.
const PAGE: &str = "http://localhost:8080";
/// More would be nothing that somebody types.
const PLATFORM_COMMANDS_AT_MOST: usize = 3;
/// What stands in the README where whoever reads it has a name of his own.
const NODE: &str = "NODE";

/// From an empty cluster to two people who play, and `helm test`. The release stays.
///
/// # Errors
/// If a command fails, or they cannot play.
pub(super) fn installs(release: &Release<'_>) -> Result<()> {
    let text = section("For platform teams")?;
    let block =
        text.split_once("```sh\n").and_then(|(_, rest)| rest.split_once("```")).context("its first commands")?;
    let commands: Vec<&str> = block.0.lines().filter(|line| !line.trim().is_empty()).collect();
    ensure!(commands.len() <= PLATFORM_COMMANDS_AT_MOST, "it takes {} commands until people play", commands.len());
    let (last, first) = commands.split_last().context("a command")?;
    for command in first {
        let images = if command.starts_with("helm install ") { release.images() } else { Vec::new() };
        let command = [vec![(*command).to_owned()], images].concat().join(" ");
        step(&format!("`{command}`"), || quietly(&mut shell(release, &command)))?;
    }
    {
        let _forwarded = forward(release, last)?;
        step(&format!("`{last}`: two windows play"), || release.browser_plays(PAGE))?;
    }
    let test = spans(&text).find(|span| span.starts_with("helm test")).context("`helm test` in the README")?;
    step(&format!("`{test}`"), || quietly(&mut shell(release, test)))
}

/// What operators do to it. Waits until all of it has come to an end.
///
/// # Errors
/// If a command fails.
pub(super) fn operates(release: &Release<'_>) -> Result<()> {
    let text = section("For operators")?;
    let node = release.get("pod/game-bellhop-lobby-0", "{.spec.nodeName}")?;
    let mut tried = 0;
    for row in text.lines().filter(|line| line.starts_with("| ")) {
        for command in spans(row).filter(|span| is_whole(span)) {
            let command = command.replace(NODE, &node);
            step(&format!("`{command}`"), || quietly(&mut shell(release, &command)))?;
            tried += 1;
        }
    }
    ensure!(tried >= 5, "the README shows operators only {tried} commands");
    release.kubectl(&["uncordon", &node])?;
    let within = format!("--timeout={}s", INSTALLED_WITHIN.as_secs());
    release.kubectl(&["rollout", "status", "statefulset/game-bellhop-lobby", &within])?;
    release.kubectl(&["rollout", "status", "deployment/game-bellhop-gateway", &within])?;
    Ok(())
}

/// The text between a heading and the next one.
fn section(heading: &str) -> Result<String> {
    let readme = fs::read_to_string(root().join("README.md"))?;
    let text = readme.split_once(&format!("## {heading}\n")).map(|(_, rest)| rest);
    let text = text.with_context(|| format!("the README has no section `{heading}`"))?;
    Ok(text.split("\n## ").next().unwrap_or_default().to_owned())
}

/// What stands in backquotes.
fn spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// A command that can be run, and not only named.
fn is_whole(span: &str) -> bool {
    ["kubectl ", "helm "].iter().any(|tool| span.starts_with(tool)) && span.split(' ').count() > 2
}

/// As somebody types it who is in the repository and reaches the cluster.
fn shell(release: &Release<'_>, command: &str) -> std::process::Command {
    let mut shell = release.layout.inside("sh");
    shell.args(["-c", &format!("exec {command}")]).current_dir(root());
    shell
}

/// Forwards the port of the page, by this command.
fn forward(release: &Release<'_>, command: &str) -> Result<Companion> {
    let mut kubectl = shell(release, command);
    let forwarded = Companion(kubectl.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?);
    let address = PAGE.trim_start_matches("http://").replace("localhost", "127.0.0.1").parse()?;
    wait_for(&format!("`{command}` to listen"), PATIENCE, || Ok(release.layout.connect(address).is_ok()))?;
    Ok(forwarded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_has_commands_to_try() {
        let platform = section("For platform teams").expect("it is there");
        assert!(spans(&platform).any(|span| span.starts_with("helm test")), "{platform}");
        let operators = section("For operators").expect("it is there");
        assert!(spans(&operators).filter(|span| is_whole(span)).count() >= 5, "{operators}");
    }
}
