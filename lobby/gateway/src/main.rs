//! The public port: carries game sockets to rooms and everything else to the lobby.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use bellhop_gateway::{Gateway, Settings};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

// musl's own allocator is slow; glibc's takes half the memory of this one in an idle gateway.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let settings = match Settings::read(std::env::args_os()) {
        Ok(settings) => settings,
        Err(message) => message.exit(),
    };
    start_log(&settings);
    raise_file_limit();
    accept_signals();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "could not start the runtime");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: Settings) -> anyhow::Result<()> {
    // First of all: whoever reads that it is open may stop it right away.
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let lobby = settings.lobby.clone();
    let gateway = Gateway::bind(settings).await?;
    tracing::info!(address = %gateway.address(), %lobby, "the gateway is open");
    let stop = CancellationToken::new();
    let mut asked = async move || {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    };
    let running = gateway.run(stop.clone());
    tokio::pin!(running);
    tokio::select! {
        ended = &mut running => return ended,
        () = asked() => stop.cancel(),
    }
    tokio::select! {
        ended = &mut running => ended,
        () = asked() => {
            tracing::warn!("asked twice: stopping at once");
            Ok(())
        }
    }
}

fn start_log(settings: &Settings) {
    let filter = EnvFilter::try_new(&settings.log).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if settings.log_format == "json" {
        log.json().init();
    } else {
        log.with_ansi(std::io::stderr().is_terminal()).init();
    }
}

/// Whoever started us may have blocked signals for itself; a child inherits that, and would never hear of a stop.
fn accept_signals() {
    if let Err(error) = nix::sys::signal::SigSet::all().thread_unblock() {
        tracing::warn!(%error, "could not unblock the signals");
    }
}

/// A game socket takes two file descriptors; the default of 1,024 would end at 500 players.
fn raise_file_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
    {
        tracing::warn!(%error, soft, "could not raise the limit of open files");
    }
}
