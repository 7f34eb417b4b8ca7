//! What the API server tells of pods, line by line, with the moment in which it came.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::cluster::release::{NAMESPACE, PATIENCE, Release};
use crate::steps::Companion;

/// `kubectl get --watch`; ends when this is dropped.
pub(super) struct Watch {
    _kubectl: Companion,
    lines: mpsc::Receiver<(Instant, String)>,
}

impl Watch {
    /// Of the pods with these labels, each time what stands at this path.
    pub(super) fn start(release: &Release<'_>, labels: &str, path: &str) -> Result<Watch> {
        let mut kubectl = release.layout.kubectl();
        kubectl.args(["-n", NAMESPACE, "get", "pods", "-l", labels, "--watch-only", "-o"]);
        kubectl.arg(format!("jsonpath={path}{{\"\\n\"}}"));
        let kubectl = kubectl.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut kubectl = Companion(kubectl.context("could not start kubectl")?);
        let out = kubectl.0.stdout.take().context("its output is a pipe")?;
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if sender.send((Instant::now(), line)).is_err() {
                    return;
                }
            }
        });
        // It is a process that has to start; what is asked for must not be there before it looks.
        std::thread::sleep(LOOKS_AFTER);
        Ok(Watch { _kubectl: kubectl, lines })
    }

    /// The next line.
    pub(super) fn next(&self) -> Result<(Instant, String)> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Ok(line),
            Err(_) => bail!("the API server tells of no pod"),
        }
    }

    /// The next line, if it is there.
    pub(super) fn next_at_once(&self) -> Option<String> {
        self.lines.try_recv().ok().map(|(_, line)| line)
    }
}

/// kubectl takes a tenth of a second.
const LOOKS_AFTER: std::time::Duration = std::time::Duration::from_secs(1);
