//! The stream to the lobby: says what runs here, and hears what should.
//!
//! It reconciles. What the room is stands on the board; a new stream is told all of it, an old one what is new. A
//! result is said again on every stream, and every second, until the lobby acknowledged it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use bellhop_proto::v1::rooms_client::RoomsClient;
use bellhop_proto::v1::{self, LobbyMessage, RoomMessage, lobby_message, room_message};
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataValue;
use tonic::transport::Endpoint;
use tonic::{Request, Streaming};

use crate::board::{Ending, MAX_JOURNAL_BYTES, State};
use crate::owner::{LEAVING, ToMatch};
use crate::{Identity, Shared, translate};

/// Between two reports when nothing happens.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// A lobby sends a heartbeat every second; one that is silent for this long is taken for gone.
const SILENT_AFTER: Duration = Duration::from_secs(5);

/// For connecting, for the first answer, and for the stream to take a message.
const PATIENCE: Duration = Duration::from_secs(3);

/// For the lobby to end the stream once we have.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The first pause before another try, doubled each time up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// Messages on their way to the stream; a chunk of a bundle is the largest.
const OUTGOING: usize = 8;

/// A piece of a bundle.
const CHUNK_BYTES: usize = 32 * 1024;

/// A result that no lobby wanted for this long keeps no room alive.
const RESULT_KEPT: Duration = Duration::from_secs(60 * 60);

/// Stays attached until the match thread has ended and its last result is delivered, or nobody wants this room.
pub(crate) async fn stay(shared: Arc<Shared>) {
    let leave_after = Duration::from_secs(shared.settings.leave_after_seconds);
    let mut last_attached = Instant::now();
    let mut pause = FIRST_PAUSE;
    let mut told = false;
    loop {
        match session(&shared).await {
            Ok(()) => return,
            Err(Broken { error, attached }) => {
                if attached {
                    // Until now, as far as anybody knows who may have stood still since the lobby was last heard of.
                    last_attached = Instant::now();
                    pause = FIRST_PAUSE;
                    told = false;
                }
                // Once per outage: it is tried again every second.
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(error = format!("{error:#}"), "not attached to a lobby; trying again");
                }
            }
        }
        let unwanted = {
            let state = shared.board.read();
            if state.ended.is_some() && state.results.is_empty() {
                return;
            }
            let waits = state.results.iter().any(|(since, _)| since.elapsed() < RESULT_KEPT);
            last_attached.elapsed() >= leave_after && state.running.is_none() && !waits
        };
        if unwanted {
            tracing::info!("empty and unattached: leaving");
            shared.board.end(Ending::Unwanted);
            return;
        }
        tokio::time::sleep(jittered(pause)).await;
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

/// Between half of it and all of it, so that the rooms of a fleet do not come back in step.
fn jittered(pause: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or_default();
    pause.mul_f64(0.5 + f64::from(random) / f64::from(u32::MAX) / 2.0)
}

struct Broken {
    error: anyhow::Error,
    /// The lobby had taken us.
    attached: bool,
}

/// One stream, from Hello to its end. `Ok` when there is nothing left to say.
async fn session(shared: &Arc<Shared>) -> Result<(), Broken> {
    let before = |error| Broken { error, attached: false };
    let (to_lobby, mut from_lobby) = connect(shared).await.map_err(before)?;
    let mut stream = Stream {
        shared,
        to_lobby,
        sequence: 0,
        seen: Default::default(),
        sent: BTreeMap::new(),
        written: BTreeMap::new(),
        bundles: JoinSet::new(),
        handed: (0, Vec::new()),
        welcomed: false,
    };
    let ran = stream.run(&mut from_lobby).await;
    if ran.is_ok() {
        // The last words must arrive: our side ends here, and then the lobby's.
        drop(stream);
        let ended = async { while let Ok(Some(_)) = from_lobby.message().await {} };
        drop(tokio::time::timeout(LAST_WORDS, ended).await);
        return Ok(());
    }
    ran.map_err(|error| Broken { error, attached: stream.welcomed })
}

async fn connect(shared: &Shared) -> anyhow::Result<(mpsc::Sender<RoomMessage>, Streaming<LobbyMessage>)> {
    let endpoint = Endpoint::from_shared(shared.settings.lobby.clone())
        .with_context(|| format!("the lobby's address {} is none", shared.settings.lobby))?
        .connect_timeout(PATIENCE)
        .tcp_nodelay(true)
        .initial_stream_window_size(64 * 1024)
        .initial_connection_window_size(64 * 1024)
        .http2_keep_alive_interval(SILENT_AFTER)
        .keep_alive_timeout(SILENT_AFTER);
    let channel = endpoint.connect().await.context("connecting")?;
    let (to_lobby, outgoing) = mpsc::channel(OUTGOING);
    to_lobby.send(message(room_message::Kind::Hello(hello(shared)))).await.context("saying hello")?;
    let mut request = Request::new(ReceiverStream::new(outgoing));
    let bearer = MetadataValue::try_from(format!("Bearer {}", shared.proof.bearer()?))
        .map_err(|_| anyhow::anyhow!("the secret has characters that no header can have"))?;
    request.metadata_mut().insert("authorization", bearer);
    let mut client = RoomsClient::new(channel);
    let answer = tokio::time::timeout(PATIENCE, client.attach(request)).await.context("no answer in time")?;
    Ok((to_lobby, answer.context("attaching")?.into_inner()))
}

fn message(kind: room_message::Kind) -> RoomMessage {
    RoomMessage { kind: Some(kind) }
}

fn hello(shared: &Shared) -> v1::Hello {
    let state = shared.board.read();
    v1::Hello {
        room_id: shared.identity().room,
        fleet: shared.settings.fleet.clone(),
        address: shared.address.clone(),
        seat_key: shared.key.as_bytes().to_vec(),
        games: shared.games.iter().map(|entry| translate::game(entry, &shared.bundles)).collect(),
        running: state.running.as_ref().map(translate::running),
        draining: state.draining,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

struct Stream<'a> {
    shared: &'a Arc<Shared>,
    to_lobby: mpsc::Sender<RoomMessage>,
    sequence: u64,
    /// How many events of which match each class of viewers was told on this stream.
    seen: (u64, BTreeMap<String, usize>),
    /// Results sent on this stream, by epoch, and when last.
    sent: BTreeMap<u64, Instant>,
    /// Bytes of journals sent on this stream, by epoch.
    written: BTreeMap<u64, usize>,
    bundles: JoinSet<()>,
    /// The journal of a match that is to go on here, and its epoch; its Host follows.
    handed: (u64, Vec<u8>),
    /// The lobby took us.
    welcomed: bool,
}

impl Stream<'_> {
    async fn run(&mut self, from_lobby: &mut Streaming<LobbyMessage>) -> anyhow::Result<()> {
        let mut clock = tokio::time::interval(REPORT_EVERY);
        clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut last = Instant::now();
        loop {
            tokio::select! {
                biased;
                heard = from_lobby.message() => {
                    let Some(heard) = heard.context("the stream broke")? else { bail!("the lobby ended the stream") };
                    last = Instant::now();
                    if let Some(kind) = heard.kind {
                        self.obey(kind).await?;
                    }
                }
                () = self.shared.board.changed.notified() => self.tell().await?,
                () = self.shared.board.journaled.notified() => {
                    if self.welcomed {
                        self.send_journals().await?;
                    }
                }
                _ = clock.tick() => self.tell().await?,
                Some(_) = self.bundles.join_next() => {}
            }
            if last.elapsed() >= SILENT_AFTER {
                bail!("the lobby is silent");
            }
            let done = {
                let state = self.shared.board.read();
                state.ended.is_some() && state.results.is_empty()
            };
            if done {
                return Ok(());
            }
        }
    }

    /// Says what is new. Before the welcome nobody listens.
    async fn tell(&mut self) -> anyhow::Result<()> {
        if !self.welcomed {
            return Ok(());
        }
        let (state, answers) = {
            let mut board = self.shared.board.read();
            (board.said(), std::mem::take(&mut board.answers))
        };
        // A match that was taken is one that can go on elsewhere: its journal begins before the answer.
        self.send_journals().await?;
        for answer in answers {
            self.send(translate::answer(answer)).await?;
        }
        for (_, result) in &state.results {
            let again = self.sent.get(&result.epoch).is_none_or(|at| at.elapsed() >= REPORT_EVERY);
            if again {
                self.sent.insert(result.epoch, Instant::now());
                self.send(translate::result(result)).await?;
            }
        }
        self.sequence += 1;
        let news = self.unseen(&state);
        self.send(translate::report(self.sequence, &state, news)).await
    }

    /// What happened in the match and was not told on this stream.
    fn unseen(&mut self, state: &State) -> Vec<v1::SeenEvents> {
        let Some(running) = &state.running else { return Vec::new() };
        if self.seen.0 != running.epoch {
            self.seen = (running.epoch, BTreeMap::new());
        }
        let mut news = Vec::new();
        for seen in &running.history {
            let viewers = translate::viewers(seen.class);
            let from = self.seen.1.entry(viewers.clone()).or_default();
            let said = translate::seen(viewers, seen, *from);
            *from += said.events_json.len();
            if !said.events_json.is_empty() {
                news.push(said);
            }
        }
        news
    }

    /// Sends what is new of the journals: before the result of their match.
    async fn send_journals(&mut self) -> anyhow::Result<()> {
        loop {
            let next = {
                let board = self.shared.board.read();
                let new = board.journals.iter().find_map(|journal| {
                    let from = self.written.get(&journal.epoch).copied().unwrap_or_default();
                    let rest = journal.bytes.get(from..).filter(|rest| !rest.is_empty())?;
                    let data = rest[..rest.len().min(CHUNK_BYTES)].to_vec();
                    let (match_id, epoch, offset) = (journal.match_id.clone(), journal.epoch, from as u64);
                    Some(v1::JournalChunk { match_id, epoch, offset, data, acknowledge: journal.acknowledge })
                });
                let live = |epoch: &u64| board.journals.iter().any(|journal| journal.epoch == *epoch);
                self.written.retain(|epoch, _| live(epoch));
                new
            };
            let Some(chunk) = next else { return Ok(()) };
            self.written.insert(chunk.epoch, chunk.offset as usize + chunk.data.len());
            self.send(room_message::Kind::JournalChunk(chunk)).await?;
        }
    }

    async fn send(&self, kind: room_message::Kind) -> anyhow::Result<()> {
        self.to_lobby
            .send_timeout(message(kind), PATIENCE)
            .await
            .map_err(|_| anyhow::anyhow!("the lobby takes nothing"))
    }

    async fn obey(&mut self, kind: lobby_message::Kind) -> anyhow::Result<()> {
        match kind {
            lobby_message::Kind::Welcome(welcome) => {
                tracing::info!(room = welcome.room_id, fleet = self.shared.settings.fleet, "attached");
                self.shared.metrics.attached.inc();
                self.shared.identify(Identity { room: welcome.room_id, routing: welcome.routing });
                self.welcomed = true;
                self.tell().await
            }
            lobby_message::Kind::Host(host) => {
                let (match_id, epoch) = (host.match_id.clone(), host.epoch);
                let journal = self.take_handed(epoch);
                let whole = journal.len() as u64 == host.journal_bytes;
                let refused = match translate::spec(host, journal) {
                    Some(_) if !whole => "its journal did not come whole",
                    Some(spec) => {
                        if self.pass(ToMatch::Host(Box::new(spec))) {
                            return Ok(());
                        }
                        LEAVING
                    }
                    None => "a seat's number is out of range",
                };
                let refused = v1::HostRefused { match_id, epoch, reason: refused.to_owned() };
                self.send(room_message::Kind::HostRefused(refused)).await
            }
            lobby_message::Kind::AddSeats(add) => {
                let Some(seats) = translate::seats(add.seats) else {
                    bail!("the lobby adds seats whose numbers are out of range")
                };
                self.pass(ToMatch::AddSeats { epoch: add.epoch, seats });
                Ok(())
            }
            lobby_message::Kind::ReleaseSeats(release) => {
                let seats = release.seats.into_iter().filter_map(translate::seat_number).collect();
                self.pass(ToMatch::ReleaseSeats { epoch: release.epoch, seats });
                Ok(())
            }
            lobby_message::Kind::KickSeats(kick) => {
                let seats = kick.seats.into_iter().filter_map(translate::seat_number).collect();
                self.pass(ToMatch::Kick { epoch: kick.epoch, seats, reason: kick.reason });
                Ok(())
            }
            lobby_message::Kind::CallOff(off) => {
                self.pass(ToMatch::CallOff { epoch: off.epoch, reason: off.reason });
                Ok(())
            }
            lobby_message::Kind::JournalPiece(piece) => {
                if self.handed.0 != piece.epoch {
                    self.handed = (piece.epoch, Vec::new());
                }
                if self.handed.1.len() + piece.data.len() > MAX_JOURNAL_BYTES {
                    bail!("the lobby hands down a journal longer than {MAX_JOURNAL_BYTES} bytes");
                }
                self.handed.1.extend_from_slice(&piece.data);
                Ok(())
            }
            lobby_message::Kind::JournalKept(kept) => {
                self.pass(ToMatch::JournalKept { epoch: kept.epoch, bytes: kept.bytes });
                Ok(())
            }
            lobby_message::Kind::Drain(drain) => {
                self.pass(ToMatch::Drain { within: Duration::from_millis(u64::from(drain.within_ms)) });
                Ok(())
            }
            lobby_message::Kind::Stop(stop) => {
                self.pass(ToMatch::Stop { reason: stop.reason });
                Ok(())
            }
            lobby_message::Kind::ResultAck(ack) => self.acknowledged(&ack).await,
            lobby_message::Kind::WantBundle(want) => {
                self.send_bundle(want.hash);
                Ok(())
            }
            lobby_message::Kind::Heartbeat(_) => Ok(()),
        }
    }

    /// What was handed down for this placement.
    fn take_handed(&mut self, epoch: u64) -> Vec<u8> {
        let (of, journal) = std::mem::take(&mut self.handed);
        if of == epoch { journal } else { Vec::new() }
    }

    /// Hands it to the match thread; false when there is none any more.
    fn pass(&self, item: ToMatch) -> bool {
        self.shared.inbox.push(item, true).is_ok()
    }

    /// The lobby has a result; the room is free for the next match once it has them all.
    async fn acknowledged(&mut self, ack: &v1::ResultAck) -> anyhow::Result<()> {
        self.sent.remove(&ack.epoch);
        let ready = {
            let mut state = self.shared.board.read();
            let before = state.results.len();
            state.results.retain(|(_, result)| result.epoch != ack.epoch || result.match_id != ack.match_id);
            // It went before the result.
            state.journals.retain(|journal| journal.epoch != ack.epoch || journal.match_id != ack.match_id);
            state.results.len() < before && state.results.is_empty() && state.running.is_none() && !state.draining
        };
        if ready { self.send(room_message::Kind::Ready(v1::Ready {})).await } else { Ok(()) }
    }

    /// Sends a bundle beside everything else, piece by piece.
    fn send_bundle(&mut self, hash: String) {
        let shared = Arc::clone(self.shared);
        let to_lobby = self.to_lobby.clone();
        // One at a time: the next is wanted again if it is still missing.
        if !self.bundles.is_empty() {
            return;
        }
        self.bundles.spawn(async move {
            let found = shared.bundles.iter().find(|bundle| bundle.hash == hash).map(|bundle| bundle.archive());
            let archive = match found {
                Some(Ok(archive)) => Bytes::from(archive),
                Some(Err(error)) => return tracing::warn!(error = format!("{error:#}"), "cannot send a bundle"),
                None => return tracing::warn!(hash, "the lobby wants a bundle that is not here"),
            };
            let pieces = archive.len().div_ceil(CHUNK_BYTES).max(1);
            for piece in 0..pieces {
                let offset = piece * CHUNK_BYTES;
                let data = archive.slice(offset..archive.len().min(offset + CHUNK_BYTES));
                let last = piece + 1 == pieces;
                let chunk = v1::BundleChunk { hash: hash.clone(), offset: offset as u64, data, last };
                if to_lobby.send(message(room_message::Kind::BundleChunk(chunk))).await.is_err() {
                    return;
                }
            }
        });
    }
}
