//! Steps that show what they wait for.

use std::io::{IsTerminal, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

/// How much of a failed command's output is shown, in bytes from its end.
const SHOWN_OUTPUT: usize = 16 * 1024;

/// A process that runs beside what is done, and is killed when this is dropped.
pub(crate) struct Companion(pub(crate) Child);

impl Drop for Companion {
    fn drop(&mut self) {
        let _gone_already = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Runs `work` under a line that says what is being waited for, and for how long.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let started = Instant::now();
    let terminal = std::io::stderr().is_terminal();
    let bar = if terminal { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    if terminal {
        let style = ProgressStyle::with_template("{spinner} {msg} {elapsed:.dim}").context("the template is valid")?;
        bar.set_style(style);
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
    } else {
        eprintln!("- {what}");
    }
    let outcome = work();
    bar.finish_and_clear();
    let seconds = started.elapsed().as_secs_f32();
    match &outcome {
        Ok(_) if terminal => eprintln!("✓ {what} ({seconds:.1} s)"),
        Ok(_) if seconds >= 2.0 => eprintln!("  done in {seconds:.1} s"),
        Ok(_) => {}
        Err(_) => eprintln!("✗ {what} ({seconds:.1} s)"),
    }
    outcome
}

/// The same for work that goes on beside other work: only its end is told.
pub(crate) fn beside<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let started = Instant::now();
    let outcome = work().with_context(|| what.to_owned());
    let sign = if outcome.is_ok() { "✓" } else { "✗" };
    eprintln!("{sign} {what} ({:.1} s)", started.elapsed().as_secs_f32());
    outcome
}

/// Does all of this at the same time. The first error, if there is one, after all have ended.
pub(crate) fn together(work: Vec<Box<dyn FnOnce() -> Result<()> + Send + '_>>) -> Result<()> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = work.into_iter().map(|work| scope.spawn(work)).collect();
        let ended: Vec<_> = threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        ended.into_iter().try_for_each(|ended| ended.map_err(|_| anyhow::anyhow!("a thread panicked"))?)
    })
}

/// Runs a command quietly; its output is shown only when it fails.
///
/// # Errors
/// If it cannot be started or ends with anything but success.
pub(crate) fn quietly(command: &mut Command) -> Result<()> {
    let name = describe(command);
    let mut output = tempfile::tempfile().context("a file for the command's output")?;
    let status = command
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?)
        .status()
        .with_context(|| format!("could not start `{name}`"))?;
    if status.success() {
        return Ok(());
    }
    let mut text = String::new();
    std::io::Seek::rewind(&mut output)?;
    let mut bytes = Vec::new();
    output.read_to_end(&mut bytes)?;
    text.push_str(&String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(SHOWN_OUTPUT)..]));
    eprintln!("{text}");
    bail!("`{name}` failed ({status})")
}

/// Runs a command whose output is the point.
///
/// # Errors
/// If it cannot be started or ends with anything but success.
pub(crate) fn loudly(command: &mut Command) -> Result<()> {
    let name = describe(command);
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("could not start `{name}`"))?;
    if !status.success() {
        bail!("`{name}` failed ({status})");
    }
    Ok(())
}

fn describe(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}
