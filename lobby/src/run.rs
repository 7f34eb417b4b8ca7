//! From settings to open ports, and down again.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use bellhop_proto::v1::backend_server::BackendServer;
use bellhop_proto::v1::operations_server::OperationsServer;
use bellhop_proto::v1::rooms_server::RoomsServer;
use lobby_core::{Input, Lobby, MatchId};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic_health::server::HealthReporter;
use tracing::info;

use crate::cluster::{Kube, Processes, kube};
use crate::config::{self, Applied, Watch};
use crate::doors::backend::BackEnd;
use crate::doors::desk::Desk;
use crate::doors::grpc::Grpc;
use crate::doors::listener::{Listener, bind};
use crate::doors::origin::Origins;
use crate::doors::private::Private;
use crate::doors::public::Public;
use crate::doors::rest;
use crate::drive::inbox::Report;
use crate::drive::{self, Clock, ClusterOrder, Core, Parts};
use crate::journal;
use crate::keys::DataDir;
use crate::metrics::Metrics;
use crate::ops::{Operator, Ops};
use crate::players::Players;
use crate::rooms::Attach;
use crate::rooms::bundles::Bundles;
use crate::rooms::journals::Journals;
use crate::rooms::replays::{Keeper, Replays};
use crate::settings::{Cluster, Settings};

/// Orders for the cluster that may wait for its worker; more wait in the drive.
const ORDERS_WAITING: usize = 256;
/// Largest message of a room: a piece of a bundle, or a long match's events.
const ROOM_MESSAGE_BYTES: usize = 1 << 20;
/// File descriptors: the connections of both ports, journal, logs.
const FILES: u64 = 40_000;
/// How often what is only kept for a while is looked at.
const TIDY_EVERY: Duration = Duration::from_secs(60);

/// Runs the lobby until it is told to stop.
///
/// # Errors
/// One clear sentence for what can be put right; otherwise what went wrong, with its causes.
pub fn run(settings: Settings) -> Result<()> {
    raise_file_limit();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("doors")
        .build()
        .context("could not start the runtime")?
        .block_on(async {
            if settings.apply_definition { kube::apply_definition().await } else { serve(settings).await }
        })
}

/// A connection is a file descriptor, and the usual soft limit is 1,024: take what the system allows anyway.
fn raise_file_limit() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let wanted = hard.min(FILES);
        if soft < wanted
            && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, wanted, hard)
        {
            tracing::warn!(%error, soft, "could not raise the limit of open files");
        }
    }
}

/// Tasks that all must live: whoever ends first stops the rest.
struct Tasks {
    set: JoinSet<Result<()>>,
    stop: CancellationToken,
}

impl Tasks {
    fn spawn(&mut self, name: &'static str, task: impl Future<Output = Result<()>> + Send + 'static) {
        let guard = self.stop.clone().drop_guard();
        self.set.spawn(async move {
            let _guard = guard;
            task.await.context(name)
        });
    }

    /// A thread of its own, for what blocks.
    fn thread(&mut self, name: &'static str, work: impl FnOnce() -> Result<()> + Send + 'static) -> Result<()> {
        let (ended, end) = tokio::sync::oneshot::channel();
        std::thread::Builder::new()
            .name(name.into())
            .spawn(move || drop(ended.send(work())))
            .with_context(|| format!("could not start the thread {name}"))?;
        self.spawn(name, async move { end.await.unwrap_or_else(|_| Err(anyhow!("it panicked"))) });
        Ok(())
    }
}

async fn serve(settings: Settings) -> Result<()> {
    let said = match &settings.config {
        Some(path) => config::read(path)?,
        None => config::defaults(),
    };
    let command = room_command(&settings)?;
    let replays = match &settings.replays {
        Some(url) => Some(Arc::new(Replays::open(url).with_context(|| format!("--replays {url}"))?)),
        None => None,
    };
    let public_socket = bind(settings.listen, "--listen").await?;
    let private_socket = bind(settings.private_listen, "--private-listen").await?;
    let data = Arc::new(DataDir::open(&settings.data)?);
    let gateways = data.gateway_key()?;
    let operator = data.operator_token()?;
    let metrics = Arc::new(Metrics::default());
    let pods = match (settings.cluster, settings.attach_url.clone()) {
        (Cluster::Kubernetes, Some(url)) => Some(Kube::connect(url, metrics.clone()).await?),
        (Cluster::Kubernetes | Cluster::Processes, _) => None,
    };
    let identity = pods.as_ref().map(Kube::identity);
    // Pods prove themselves by their own tokens.
    if identity.is_none() {
        for fleet in &said.fleets {
            data.fleet_token(&fleet.name)?;
        }
    }
    let (players, players_writer) = Players::open(&data.path("players.redb"))?;
    let mut tasks = Tasks { set: JoinSet::new(), stop: CancellationToken::new() };
    let stop = tasks.stop.clone();
    tasks.thread("players", move || Ok(players_writer.run()?))?;

    let (recovered, journal, writer) = {
        let (data, players, metrics) = (data.clone(), players.clone(), metrics.clone());
        tokio::task::spawn_blocking(move || journal::open(&data, players, metrics)).await??
    };
    let clock = Clock::new(recovered.epoch_ms, recovered.newest);
    let applied = Applied::new(data.path("settings.applied"));
    let mut core = if recovered.is_new {
        let core = Lobby::new(recovered.seed, clock.now(), said.clone()).context("the settings are refused")?;
        applied.store(&said)?;
        core
    } else {
        Lobby::resume(recovered.state, clock.now())
    };
    if command.is_none() && pods.is_none() {
        core.start_no_rooms();
    }
    let live: Vec<MatchId> = core.state().matches().filter(|game| !game.is_over()).map(|game| game.id).collect();
    let follower = writer.follower(Duration::from_secs(settings.snapshot_seconds.max(1)));
    let (follower_stop, follower_stopped) = channel();
    tasks.thread("snapshots", move || follower.run(&follower_stopped))?;
    tasks.thread("journal", move || Ok(writer.run()?))?;

    let (orders, orders_out) = mpsc::channel(ORDERS_WAITING);
    let parts = Parts { core, clock, journal, metrics: metrics.clone() };
    let (drive, core) = drive::new(parts, gateways, orders);
    tasks.thread("drive", move || drive.run())?;

    // The drive has had its first turn when it answers this.
    core.call(lobby_core::Call::GetSettings).await.context("the core does not answer")?;
    applied.put_in_force(&core, &said).await?;
    let bundles = Arc::new(Bundles::new(data.path("bundles")));
    let journals = Arc::new(Journals::new(data.path("matches"), settings.keep_replays(), replays.is_some()));
    if let Some(replays) = replays.clone() {
        let keeper = Keeper { replays, journals: journals.clone(), core: core.clone(), metrics: metrics.clone() };
        tasks.spawn("replays", keeper.run(stop.clone()));
    }
    // Before anything is heard of a room: a match whose room died while no lobby ran goes on as well.
    for match_id in live.into_iter().filter(|match_id| journals.has(*match_id)) {
        let report = Report::Input(Input::Journal { match_id, there: true });
        core.report(report).await.context("the core does not listen")?;
    }
    match (pods, command) {
        (Some(pods), _) => tasks.spawn("cluster", pods.run(core.clone(), orders_out, stop.clone())),
        (None, Some(command)) => {
            let lobby = format!("http://{}", reachable(private_socket.local_addr()?));
            let (bundles, config) = (settings.bundles.clone(), settings.config.clone());
            let processes = Processes { command, lobby, bundles, config, data: data.clone() };
            tasks.spawn("cluster", processes.run(core.clone(), orders_out, stop.clone()));
        }
        (None, None) => tasks.spawn("cluster", ignore(orders_out, stop.clone())),
    }
    if let Some(file) = settings.config.clone() {
        let tokens = identity.is_none().then(|| data.clone());
        tasks.spawn("settings", Watch { file, applied, core: core.clone(), tokens }.run(stop.clone()));
    }

    let (health, health_service) = tonic_health::server::health_reporter();
    let desk = Arc::new(Desk::new(core.clone(), players, journals.clone(), replays, metrics.clone()));
    let origins =
        Arc::new(Origins { trusted: settings.trusted_proxies.clone(), public_url: settings.public_url.clone() });
    let public = Public::new(
        origins.clone(),
        Grpc(desk.clone()),
        tonic::service::Routes::new(health_service.clone()).add_service(reflection(&PUBLIC)?),
        rest::router(desk.clone(), settings.page.clone(), bundles.clone()),
    );
    let head_within = Duration::from_secs(settings.head_seconds);
    let trusts = Arc::new(move |peer| origins.trusts(peer));
    let listener = Listener {
        socket: public_socket,
        serve: public,
        trusts,
        metrics: metrics.clone(),
        head_within,
        drain: settings.drain(),
    };
    let public_address = listener.socket.local_addr()?;
    tasks.spawn("public port", listener.run(stop.clone()));

    let attach = Attach {
        core: core.clone(),
        data,
        identity,
        metrics: metrics.clone(),
        bundles,
        journals,
        tasks: TaskTracker::new(),
        stop: stop.clone(),
    };
    let rooms = RoomsServer::new(attach).max_decoding_message_size(ROOM_MESSAGE_BYTES);
    let operator = Operator::new(&operator);
    let grpc = tonic::service::Routes::new(health_service)
        .add_service(reflection(&PRIVATE)?)
        .add_service(rooms)
        .add_service(OperationsServer::new(Ops::new(core.clone(), operator.clone())))
        .add_service(BackendServer::new(BackEnd::new(operator, desk.clone(), stop.clone())));
    let private = Private::new(grpc, core.clone(), metrics.clone());
    let listener = Listener {
        socket: private_socket,
        serve: private,
        trusts: Arc::new(|_| true),
        metrics,
        head_within,
        drain: settings.drain(),
    };
    let private_address = listener.socket.local_addr()?;
    tasks.spawn("private port", listener.run(stop.clone()));
    tasks.spawn("health", keep_health(health, core.clone(), stop.clone()));
    tasks.spawn("tidy", tidy(desk, stop.clone()));
    tasks.spawn("signals", signals(core, stop.clone()));
    info!(public = %public_address, private = %private_address, "lobby is ready");

    finish(tasks, settings.drain(), follower_stop).await
}

/// Waits for the first to end, then for the rest.
async fn finish(mut tasks: Tasks, drain: Duration, follower: std::sync::mpsc::Sender<()>) -> Result<()> {
    tasks.stop.cancelled().await;
    drop(follower);
    let mut first = Ok(());
    let rest = async {
        while let Some(ended) = tasks.set.join_next().await {
            let ended = ended.unwrap_or_else(|error| Err(anyhow!(error)));
            if first.is_ok() {
                first = ended;
            }
        }
    };
    // Some tasks wait for others to let go; the drain time of the ports is inside.
    if tokio::time::timeout(drain + Duration::from_secs(2), rest).await.is_err() {
        info!("not everything ended in the drain time");
    }
    first
}

/// Where the room's program is; `None`: no rooms are started here.
fn room_command(settings: &Settings) -> Result<Option<PathBuf>> {
    if !settings.start_rooms || settings.cluster == Cluster::Kubernetes {
        return Ok(None);
    }
    let command = match &settings.room_command {
        Some(command) => command.clone(),
        None => std::env::current_exe().context("could not find this program")?.with_file_name("bellhop-room"),
    };
    if command.is_file() {
        return Ok(Some(command));
    }
    Err(anyhow!(
        "there is no room program at {}: build it, name another one with --room-command, or use --start-rooms false",
        command.display()
    ))
}

/// The address under which processes of this machine reach a port.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Rooms come by themselves: there is nobody to start them.
async fn ignore(mut orders: mpsc::Receiver<ClusterOrder>, stop: CancellationToken) -> Result<()> {
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            order = orders.recv() => tracing::debug!(?order, "rooms are not started here"),
        }
    }
}

/// The services of each port, as reflection lists them.
const PUBLIC: [&str; 3] = ["bellhop.v1.Players", "bellhop.v1.Matchmaking", "grpc.health.v1.Health"];
const PRIVATE: [&str; 4] = ["bellhop.v1.Rooms", "bellhop.v1.Operations", "bellhop.v1.Backend", "grpc.health.v1.Health"];

/// Describes these services, and itself.
fn reflection(
    services: &[&str],
) -> Result<tonic_reflection::server::v1::ServerReflectionServer<impl tonic_reflection::server::v1::ServerReflection>> {
    let builder = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(bellhop_proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
    let builder = services.iter().fold(builder, |builder, service| builder.with_service_name(*service));
    builder.build_v1().context("could not describe the services")
}

/// gRPC health says what the core says.
async fn keep_health(health: HealthReporter, core: Core, stop: CancellationToken) -> Result<()> {
    use bellhop_proto::v1::matchmaking_server::MatchmakingServer;
    use bellhop_proto::v1::players_server::PlayersServer;
    let mut look = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = look.tick() => {}
        }
        let answers = core.call(lobby_core::Call::GetSettings).await.is_ok() && !core.is_draining();
        let status =
            if answers { tonic_health::ServingStatus::Serving } else { tonic_health::ServingStatus::NotServing };
        health.set_service_status("", status).await;
        health.set_service_status(<MatchmakingServer<Grpc> as tonic::server::NamedService>::NAME, status).await;
        health.set_service_status(<PlayersServer<Grpc> as tonic::server::NamedService>::NAME, status).await;
        health.set_service_status(<RoomsServer<Attach> as tonic::server::NamedService>::NAME, status).await;
    }
    health.set_service_status("", tonic_health::ServingStatus::NotServing).await;
    Ok(())
}

async fn tidy(desk: Arc<Desk>, stop: CancellationToken) -> Result<()> {
    let mut every = tokio::time::interval(TIDY_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = every.tick() => desk.tidy().await,
        }
    }
}

/// A signal to end is told to the core, which ends the drive when everything promised is written.
async fn signals(core: Core, stop: CancellationToken) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = stop.cancelled() => return Ok(()),
    }
    info!("told to stop; rooms go on");
    core.drain(false, Duration::ZERO).await?;
    stop.cancelled().await;
    Ok(())
}
