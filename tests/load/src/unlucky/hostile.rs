//! `room/hostile`: clients that mean harm, one kind after the other, and how much less evenly the others' frames come.
//!
//! Before and after each kind there is a time without it, and it is held against both. Who means harm has a thread that
//! the kernel lets run when nobody else wants to: what is measured is what the room does with them, not what they cost the
//! machine.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bellhop_wire::{Hello, ToServer};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::{all_are_here, seat_the_others};
use crate::bench::{Bench, Report};
use crate::fanout::clients::{Socket, dial};
use crate::fanout::game::Fan;
use crate::stage::{Gaps, Player, Stage, p99_ms};

/// The benchmark.
pub const BENCH: Bench = Bench {
    name: "room/hostile",
    about: "% by which the p99 of 30 players' frame gaps grows beside the worst kind of hostile client (< 10)",
    run,
};

/// Players who only play.
const OTHERS: u16 = 30;
/// Seats that mean harm.
const HOSTILE: u16 = 10;
/// Each kind, and each time without.
const MEASURED: Duration = Duration::from_secs(5);
/// Before the first.
const WARM_UP: Duration = Duration::from_secs(3);
/// Sockets that one client opens.
const SOCKETS: usize = 1_000;
/// The others' kernel takes a moment before it opens one more; a client that is turned away tries again after this.
const AGAIN_AFTER: Duration = Duration::from_millis(20);

/// A kind of harm: what it is called, and what one client of it does until it is stopped.
#[derive(Debug, Clone, Copy)]
enum Kind {
    NeverReads,
    ReadsAByteASecond,
    HalfFrames,
    ThousandSockets,
    ComesAndGoes,
    TooManyInputs,
}

const KINDS: [(&str, Kind); 6] = [
    ("never-reads", Kind::NeverReads),
    ("byte-a-second", Kind::ReadsAByteASecond),
    ("half-frames", Kind::HalfFrames),
    ("1000-sockets", Kind::ThousandSockets),
    ("comes-and-goes", Kind::ComesAndGoes),
    ("too-many-inputs", Kind::TooManyInputs),
];

fn run(report: &mut Report<'_>) -> Result<()> {
    raise_file_limit()?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure(report))
}

/// Both ends of a thousand sockets more than there are.
fn raise_file_limit() -> Result<()> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).context("raising the limit of open files")
}

async fn measure(report: &mut Report<'_>) -> Result<()> {
    let stage = Stage::open(OTHERS + HOSTILE).await?;
    let gaps = Arc::new(Gaps::default());
    let mut others = seat_the_others(&stage, usize::from(HOSTILE), &gaps).await?;
    // They take their seats as anybody would; what they do with them comes later.
    let mut tokens = Vec::new();
    for token in &stage.tokens[usize::from(OTHERS)..] {
        let mut player = Player::<Fan>::join(stage.door, token).await?;
        player.frame().await?;
        tokens.push(player.client.resume_token().context("a resume token")?.to_owned());
    }
    let tokens = Arc::new(std::sync::Mutex::new(tokens));
    tokio::time::sleep(WARM_UP).await;
    let measured = async || {
        drop(gaps.take());
        tokio::time::sleep(MEASURED).await;
        p99_ms(&mut gaps.take())
    };
    let mut quiet = measured().await?;
    let mut worst = f64::MIN;
    for (name, kind) in KINDS {
        let stop = CancellationToken::new();
        let harm = std::thread::Builder::new().name("harm".into()).spawn({
            let (stop, door, tokens) = (stop.clone(), stage.door, Arc::clone(&tokens));
            move || do_harm(kind, door, &tokens, &stop)
        })?;
        let beside = measured().await?;
        stop.cancel();
        harm.join().map_err(|_| anyhow::anyhow!("{name}: who means harm failed"))??;
        all_are_here(&mut others).with_context(|| format!("beside {name}"))?;
        let after = measured().await?;
        let grown = (beside / f64::midpoint(quiet, after) - 1.0) * 100.0;
        report.further(name, grown, "%");
        worst = worst.max(grown);
        quiet = after;
    }
    report.headline(worst, "%");
    report.further("gap-p99", quiet, "ms");
    report.further("overruns", stage.count("room_overruns_total").await?, "");
    Ok(())
}

type Tokens = Arc<std::sync::Mutex<Vec<String>>>;

fn do_harm(kind: Kind, door: SocketAddr, tokens: &Tokens, stop: &CancellationToken) -> Result<()> {
    // On Linux this is of one thread.
    rustix::process::setpriority_process(None, 19).context("stepping back behind the others")?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut clients = tokio::task::JoinSet::new();
        for seat in 0..usize::from(HOSTILE) {
            let tokens = Arc::clone(tokens);
            clients.spawn(async move {
                loop {
                    // What such a client is told does not matter to it.
                    let _told = harm_once(kind, door, seat, &tokens).await;
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
            });
        }
        stop.cancelled().await;
        clients.abort_all();
        Ok(())
    })
}

/// Takes the seat again, and notes what opens it next time.
async fn sit(door: SocketAddr, seat: usize, tokens: &Tokens) -> Result<Socket> {
    let lock = || tokens.lock().map_err(|_| anyhow::anyhow!("another one failed"));
    let token = lock()?[seat].clone();
    let mut socket = dial(door, &token).await?;
    let hello = Hello { schema: bellhop_game::schema::<Fan>(), events_seen: None };
    socket.send(Message::binary(ToServer::Hello(hello).encode())).await?;
    let mut client = room_client::Client::<Fan>::new();
    while client.resume_token().is_none() {
        let message = socket.next().await.context("the room closed")??;
        client.receive(&message.into_data(), 0.0)?;
    }
    lock()?[seat] = client.resume_token().context("a resume token")?.to_owned();
    Ok(socket)
}

async fn harm_once(kind: Kind, door: SocketAddr, seat: usize, tokens: &Tokens) -> Result<()> {
    match kind {
        Kind::NeverReads => {
            let _unread = sit(door, seat, tokens).await?;
            std::future::pending().await
        }
        Kind::ReadsAByteASecond => {
            let mut socket = sit(door, seat, tokens).await?;
            let stream = socket.get_mut().stream();
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                stream.read_u8().await?;
            }
        }
        Kind::HalfFrames => {
            let mut socket = sit(door, seat, tokens).await?;
            // The beginning of a masked frame of 4 KiB, and of what is in it a byte now and then.
            let stream = socket.get_mut().stream();
            stream.write_all(&[0x82, 0xfe, 0x10, 0]).await?;
            loop {
                stream.write_all(&[7]).await?;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        Kind::ThousandSockets => {
            let mut sockets = Vec::new();
            for _ in 0..SOCKETS / usize::from(HOSTILE) {
                let mut stream = TcpStream::connect(door).await?;
                stream.write_all(b"GET /rooms/r-1 HTTP/1.1\r\n").await?;
                sockets.push(stream);
            }
            std::future::pending().await
        }
        Kind::ComesAndGoes => {
            drop(sit(door, seat, tokens).await?);
            Ok(())
        }
        Kind::TooManyInputs => {
            let mut socket = sit(door, seat, tokens).await?;
            let input = ToServer::Input { seq: 1, frames: 0, held_ms: 0, payload: Vec::new() }.encode();
            loop {
                socket.send(Message::binary(input.clone())).await?;
            }
        }
    }
}
