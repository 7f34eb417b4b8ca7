//! The images as `deploy/compose.yaml` starts them, with podman from Debian: two bots play a match through the one port.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::image::{self, ALL, Image};
use crate::steps::{loudly, quietly, step};
use crate::{needs, root};

/// The project's name: its containers, network and volumes begin with it, and nobody else's do.
const PROJECT: &str = "bellhop-trial";
/// What is tried is what is shipped.
const PROFILE: &str = image::PROFILE;
/// Limits of a container: podman's own are above what a machine that is itself a container may set.
const MOST_FILES: u64 = 20_000;
const MOST_PROCESSES: u64 = 4_096;
/// A room and its match need some seconds.
const PLAYED_WITHIN: &str = "--within-seconds=120";
/// Over soonest.
const QUEUE: &str = "--queue=tictactoe";

/// Builds the images twice, starts them, plays, and removes everything again.
///
/// # Errors
/// If an image is another the second time, or no match is played to its end.
pub(crate) fn try_out() -> Result<()> {
    needs::debian_packages(&[
        ("podman", "podman"),
        ("podman-compose", "podman-compose"),
        ("runc", "runc"),
        ("netavark", "/usr/lib/podman/netavark"),
        ("aardvark-dns", "/usr/lib/podman/aardvark-dns"),
    ])?;
    let images = [ALL.as_slice(), &[Image::Nim]].concat();
    let tag = env!("CARGO_PKG_VERSION");
    let made = image::build(&images, tag, PROFILE, true)?;
    let podman = Podman::with_a_store_of_its_own()?;
    step("loading the images into podman", || {
        made.iter()
            .try_for_each(|image| quietly(podman.command("podman").args(["load", "--input"]).arg(&image.archive)))
    })?;
    let port = TcpListener::bind("127.0.0.1:0").context("looking for a free port")?.local_addr()?.port();
    let _up = Up::start(&podman, port)?;
    let played = step("two bots play a match through the port", || {
        let mut bots = Command::new(image::programs(PROFILE).join("bellhop-bots"));
        quietly(bots.arg(format!("--url=http://127.0.0.1:{port}")).args([PLAYED_WITHIN, QUEUE]))
    });
    if played.is_err() {
        podman.show_logs();
    }
    played?;
    step("a room with a team's own game starts", || {
        let reference = made.last().map(|image| image.reference.as_str()).context("the example's image")?;
        quietly(podman.command("podman").args(["run", "--rm", "--network=none", reference, "--help"]))
    })
}

/// podman with images and settings that are not this machine's.
struct Podman {
    place: PathBuf,
    _removed: tempfile::TempDir,
}

impl Podman {
    fn with_a_store_of_its_own() -> Result<Podman> {
        let place = tempfile::tempdir()?;
        let path = place.path();
        let storage = format!(
            "[storage]\ndriver = \"overlay\"\ngraphroot = \"{0}/store\"\nrunroot = \"{0}/run\"\n",
            path.display()
        );
        fs::write(path.join("storage.conf"), storage)?;
        // runc works under both versions of cgroups, and no limit may be above this machine's own.
        let (_, files) = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE)?;
        let files = files.min(MOST_FILES);
        let settings = format!(
            "[containers]\ndefault_ulimits = [\"nofile={files}:{files}\", \"nproc={MOST_PROCESSES}:{MOST_PROCESSES}\"]\n\
             log_driver = \"k8s-file\"\n\
             [engine]\nruntime = \"runc\"\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n\
             static_dir = \"{0}/static\"\nvolume_path = \"{0}/volumes\"\n\
             [network]\nnetwork_backend = \"netavark\"\nnetwork_config_dir = \"{0}/networks\"\n",
            path.display()
        );
        fs::write(path.join("containers.conf"), settings)?;
        Ok(Podman { place: path.to_owned(), _removed: place })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("CONTAINERS_STORAGE_CONF", self.place.join("storage.conf"))
            .env("CONTAINERS_CONF", self.place.join("containers.conf"));
        command
    }

    fn compose(&self, port: u16) -> Command {
        let mut compose = self.command("podman-compose");
        compose
            .args(["--project-name", PROJECT, "--file"])
            .arg(root().join("deploy/compose.yaml"))
            .env("LISTEN", format!("127.0.0.1:{port}"))
            .env("ROOMS", "2");
        compose
    }

    /// What every container had to say.
    fn show_logs(&self) {
        let names = self.command("podman").args(["ps", "--all", "--format", "{{.Names}}"]).output();
        for name in String::from_utf8_lossy(&names.map(|output| output.stdout).unwrap_or_default()).lines() {
            eprintln!("--- {name}");
            let _shown_as_far_as_it_goes = loudly(self.command("podman").args(["logs", "--tail", "30", name]));
        }
    }
}

/// What compose started; gone when this is dropped.
struct Up<'a> {
    podman: &'a Podman,
    port: u16,
}

impl<'a> Up<'a> {
    fn start(podman: &'a Podman, port: u16) -> Result<Up<'a>> {
        let example = root().join("deploy/.env.example");
        ensure!(Path::new(&example).exists(), "{} is missing", example.display());
        let up = Up { podman, port };
        step("starting deploy/compose.yaml", || quietly(podman.compose(port).args(["up", "--detach"])))?;
        Ok(up)
    }
}

impl Drop for Up<'_> {
    fn drop(&mut self) {
        let removed = step("removing it again", || {
            quietly(self.podman.compose(self.port).args(["down", "--volumes", "--timeout", "1"]))
        });
        if let Err(error) = removed {
            eprintln!("containers named {PROJECT}_… may be left: {error:#}");
        }
    }
}
