//! `lobby/assignments`: players assigned per second, through the lobby's own doors.
//!
//! One ticket and one watch stream per player through gRPC, false rooms on real Attach streams that confirm and end
//! each match, every assignment with its join token, the journal on with fsync, the load on the same cores.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tonic::transport::Channel;

use crate::bench::{Bench, Report};
use crate::doors::channel;
use crate::false_room::FalseRoom;
use crate::local::Local;
use crate::open_loop::Crowd;

/// The benchmark.
pub const BENCH: Bench = Bench {
    name: "lobby/assignments",
    about: "players assigned per second, durable, load on the same cores (>= 20000/s; p50 < 5 ms, p99 < 50 ms at half; overload >= 0.8)",
    run,
};

/// False rooms: more than can be busy at once at the highest rate.
const ROOMS: usize = 1_024;
/// Connections of the players, as a gateway would hold them.
const CONNECTIONS: usize = 16;
/// Guests who come again and again.
const GUESTS: usize = 60_000;
/// The first rate offered, and by how much it grows while the lobby keeps up.
const FIRST_RATE: f64 = 4_000.0;
const GROWTH: f64 = 1.25;
/// Served share of the offered at which the lobby no longer keeps up.
const KEEPS_UP: f64 = 0.97;
/// How long each rate is offered.
const RUN: Duration = Duration::from_secs(5);

/// One queue of one-on-one matches that accepts anybody, one fleet of rooms that attach by themselves.
const CONFIG: &str = r#"
[[fleet]]
name = "bench"
games = ["duel"]
min_ready = 0
max_rooms = 0

[[queue]]
name = "duel"
game = "duel"
fleet = "bench"
min_players = 2
max_players = 2
rated = false
"#;

fn run(report: &mut Report<'_>) -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(measure(report))
}

async fn measure(report: &mut Report<'_>) -> Result<()> {
    let mut lobby = Local::new(CONFIG)?;
    lobby.start_lobby()?;
    lobby.ready().await?;
    let token = fs::read_to_string(lobby.data().join("keys/fleet-bench.token")).context("the fleet's token")?;
    let mut rooms = tokio::task::JoinSet::new();
    let streams: Vec<Channel> = (0..CONNECTIONS).map(|_| channel(&lobby.private_url())).collect::<Result<_>>()?;
    for number in 0..ROOMS {
        let private = &streams[number % CONNECTIONS];
        let (room, token) = (String::new(), token.clone());
        let room = FalseRoom { room, fleet: "bench".into(), token, game: "duel".into(), max_seats: 2 };
        rooms.spawn(room.run(private.clone()));
    }
    let mut crowd = Crowd::gather(&lobby.public_url(), CONNECTIONS, GUESTS, "duel").await?;

    let mut rate = FIRST_RATE;
    let mut peak: f64 = 0.0;
    loop {
        let run = crowd.come(rate, RUN).await?;
        eprintln!(
            "  offered {rate:>6.0}/s: served {:>6.0}/s, refused {}, failed {}, p50 {:.1} ms, p99 {:.1} ms",
            run.served,
            run.refused,
            run.failed,
            run.wait.value_at_quantile(0.5) as f64 / 1e3,
            run.wait.value_at_quantile(0.99) as f64 / 1e3,
        );
        run.told.iter().for_each(|(told, times)| eprintln!("    {times} times: {told}"));
        peak = peak.max(run.served);
        if run.served < rate * KEEPS_UP {
            break;
        }
        rate *= GROWTH;
    }
    let half = crowd.come(peak / 2.0, RUN).await?;
    let twice = crowd.come(peak * 2.0, RUN).await?;
    for (name, run) in [("half", &half), ("twice", &twice)] {
        eprintln!("  {name} the peak: served {:.0}/s, refused {}, failed {}", run.served, run.refused, run.failed);
        run.told.iter().for_each(|(told, times)| eprintln!("    {times} times: {told}"));
    }
    if let Some(ended) = rooms.try_join_next() {
        ended??;
        bail!("a false room ended during the run");
    }
    report.headline(peak, "players/s");
    report.further("p50", half.wait.value_at_quantile(0.5) as f64 / 1e3, "ms");
    report.further("p99", half.wait.value_at_quantile(0.99) as f64 / 1e3, "ms");
    report.further("overload", twice.served / peak, "ratio");
    report.further("overload-refused", twice.refused as f64, "players");
    report.further("overload-untold", twice.failed as f64, "players");
    Ok(())
}
