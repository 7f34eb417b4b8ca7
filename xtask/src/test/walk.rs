//! docs/writing-a-game.md, walked to the letter: in a copy of the repository its commands are run, and what they make is
//! played, changed and played on in two windows of a browser.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::assemble::{cargo, target};
use crate::steps::{Companion, loudly, quietly, step};
use crate::{needs, root};

const GUIDE: &str = "docs/writing-a-game.md";
/// What the guide calls its game.
const NAME: &str = "pebbles";
/// Everything is built anew where nothing is there yet.
const BUILT_WITHIN: Duration = Duration::from_secs(30 * 60);
/// Two players who are still in a match are given five seconds; then all ends.
const STOPPED_WITHIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub(super) fn guide() -> Result<()> {
    needs::chromium()?;
    let root = root();
    needs::node_packages(&root)?;
    let copy = target().join("walked");
    step("a copy of the repository", || refresh(&root, &copy))?;
    let text = fs::read_to_string(copy.join(GUIDE)).context("reading the guide")?;
    let [begin, play, test] = ["cargo xtask new-game ", "cargo xtask play --game ", "cargo test -p bellhop-"]
        .map(|begins| command(&text, &format!("{begins}{NAME}")));
    let (begin, play, test) = (begin?, play?, test?);

    step(&begin, || quietly(&mut ours(&copy, &begin)?))?;
    let data = tempfile::tempdir().context("a directory for the game's data")?;
    let log = data.path().join("play.log");
    let port = four_ports()?;
    let mut running = ours(&copy, &play)?;
    running.args(["--port", &port.to_string(), "--data"]).arg(data.path());
    let running =
        running.stdin(Stdio::null()).stdout(File::create(&log)?).stderr(File::options().append(true).open(&log)?);
    let mut running = Running(Companion(running.spawn().context("starting the game")?));
    step(&play, || running.wait_for(&log, "Play at "))?;

    let artifacts = root.join("artifacts");
    fs::create_dir_all(&artifacts)?;
    let played = loudly(
        Command::new("npm")
            .args(["run", "--silent", "walk", "--workspace", "tests/e2e"])
            .current_dir(&root)
            .env("BASE_URL", format!("http://127.0.0.1:{port}"))
            .env("GAME_HOME", copy.join("games").join(NAME))
            .env("PLAY_LOG", &log)
            .env("CHROMIUM", needs::CHROMIUM)
            .env("ARTIFACTS", &artifacts),
    );
    if played.is_err() {
        let _kept = fs::copy(&log, artifacts.join("play.log"));
        eprintln!("screenshots and log: {}", artifacts.display());
    }
    played.and(running.stop())?;
    // Last: one package by itself has its dependencies with other features, and half of them are built anew.
    step(&test, || {
        let words: Vec<&str> = test.split_whitespace().skip(1).collect();
        quietly(cargo().args(words).arg("--quiet").current_dir(&copy).env("CARGO_TARGET_DIR", target()))
    })
}

/// The command of the guide that begins so, up to the end of its line or of its code.
fn command(guide: &str, begins: &str) -> Result<String> {
    let at = guide.find(begins).with_context(|| format!("{GUIDE} does not say `{begins}`"))?;
    Ok(guide[at..].split(['\n', '`', '#']).next().unwrap_or_default().trim().to_owned())
}

/// `cargo xtask …` as this very program, at work on the copy.
fn ours(copy: &Path, command: &str) -> Result<Command> {
    let words = command.strip_prefix("cargo xtask ").context("a command of this repository")?;
    let mut ours = Command::new(std::env::current_exe().context("finding this program")?);
    ours.args(words.split_whitespace()).current_dir(copy);
    ours.env("CARGO_MANIFEST_DIR", copy.join("xtask")).env("CARGO_TARGET_DIR", target());
    Ok(ours)
}

/// A `cargo xtask play` that ends with the test.
struct Running(Companion);

impl Running {
    fn wait_for(&mut self, log: &Path, line: &str) -> Result<()> {
        let until = Instant::now() + BUILT_WITHIN;
        loop {
            let said = fs::read_to_string(log).unwrap_or_default();
            if said.contains(line) {
                return Ok(());
            }
            if let Some(status) = self.0.0.try_wait()? {
                bail!("it ended ({status}):\n{said}");
            }
            ensure!(Instant::now() < until, "it did not say `{line}` within {} s:\n{said}", BUILT_WITHIN.as_secs());
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// As Ctrl-C does.
    fn stop(mut self) -> Result<()> {
        kill(Pid::from_raw(i32::try_from(self.0.0.id())?), Signal::SIGINT).context("interrupting the game")?;
        let until = Instant::now() + STOPPED_WITHIN;
        while Instant::now() < until {
            if let Some(status) = self.0.0.try_wait()? {
                ensure!(status.success(), "the game ended with {status}");
                return Ok(());
            }
            std::thread::sleep(LOOK_EVERY);
        }
        bail!("Ctrl-C did not end it within {} s", STOPPED_WITHIN.as_secs());
    }
}

/// Four free ports in a row, as `play` takes them: the first.
fn four_ports() -> Result<u16> {
    for _ in 0..100 {
        let first = TcpListener::bind("127.0.0.1:0").context("looking for a free port")?;
        let port = first.local_addr()?.port();
        let more: Option<Vec<u16>> = (1..4).map(|offset| port.checked_add(offset)).collect();
        if more.is_some_and(|more| more.into_iter().all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok())) {
            return Ok(port);
        }
    }
    bail!("no four free ports in a row");
}

/// Makes `copy` what `root` is, and leaves alone what is so already: cargo and npm go by the files' times.
fn refresh(root: &Path, copy: &Path) -> Result<()> {
    let mut git = Command::new("git");
    let listed = git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root).output();
    let listed = listed.context("asking git for the repository's files")?;
    ensure!(listed.status.success(), "git cannot list the repository's files");
    let game = copy.join("games").join(NAME);
    if game.exists() {
        fs::remove_dir_all(&game).context("removing the game of the last walk")?;
    }
    for file in String::from_utf8(listed.stdout)?.split_terminator('\0') {
        let (from, to) = (root.join(file), copy.join(file));
        // One that git knows and that was removed since, or a link.
        let Ok(meta) = fs::symlink_metadata(&from) else { continue };
        if !meta.is_file() {
            continue;
        }
        let text = fs::read(&from)?;
        if fs::read(&to).is_ok_and(|there| there == text) {
            continue;
        }
        fs::create_dir_all(to.parent().context("a file lies in a directory")?)?;
        fs::write(&to, text).with_context(|| format!("writing {}", to.display()))?;
        File::options().write(true).open(&to)?.set_modified(meta.modified()?)?;
    }
    let packages = copy.join("node_modules");
    if !packages.exists() {
        std::os::unix::fs::symlink(root.join("node_modules"), &packages).context("the page's packages")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_the_guides() {
        let guide = "```sh\ncargo xtask new-game pebbles\ncargo xtask play --game pebbles   # it\n```\nand `cargo test -p bellhop-pebbles`.";
        let said = |begins: &str| command(guide, begins).expect(begins);
        assert_eq!(said("cargo xtask new-game pebbles"), "cargo xtask new-game pebbles");
        assert_eq!(said("cargo xtask play"), "cargo xtask play --game pebbles");
        assert_eq!(said("cargo test -p"), "cargo test -p bellhop-pebbles");
        assert!(command(guide, "cargo xtask image").is_err());
    }
}
