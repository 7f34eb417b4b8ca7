//! Rooms.Attach: one stream per room, from its hello to its end.

pub(crate) mod bundles;
pub(crate) mod journals;
pub(crate) mod replays;
mod translate;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bellhop_proto::tokens::Key;
use bellhop_proto::v1;
use bellhop_proto::v1::lobby_message::Kind as Down;
use bellhop_proto::v1::room_message::Kind as Up;
use bellhop_proto::v1::rooms_server::Rooms;
use futures_util::Stream;
use lobby_core::{Answer, Call, ClusterNews, Effect, Input, MatchId, Name, RoomId, RoomView, StreamId};
use subtle::ConstantTimeEq;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::{Request, Response, Status, Streaming, async_trait};
use tracing::{debug, info, warn};

use self::bundles::{Bundles, Collecting};
use self::journals::{Journals, Open};
use crate::cluster::kube::{Identity, ReviewError, is_fresh};
use crate::doors::desk::{bearer, only};
use crate::doors::fault::Fault;
use crate::drive::Core;
use crate::drive::inbox::Report;
use crate::drive::room::{ORDERS_WAITING, Order, RoomEnd};
use crate::keys::DataDir;
use crate::metrics::Metrics;

/// A room says hello within this after it opened its stream.
const HELLO_WITHIN: Duration = Duration::from_secs(5);
/// How often both sides say that they are there.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(1);
/// A stream without a word for so many of our heartbeats is dead, whatever TCP thinks of it. The core gave the room up before.
/// Beats, and not seconds: while this process stood still, nobody was silent.
const SILENT_BEATS: u32 = 15;
/// Longest address and names a room may say.
const MAX_TEXT: usize = 256;
/// Games that one room hosts, at most.
const MAX_GAMES: usize = 64;
/// A piece of a journal on its way to a room.
const PIECE_BYTES: usize = 32 << 10;
/// Messages to one room that wait for its connection.
const DOWN_WAITING: usize = 64;

/// The service.
#[derive(Clone)]
pub(crate) struct Attach {
    pub(crate) core: Core,
    pub(crate) data: Arc<DataDir>,
    /// Where rooms are pods.
    pub(crate) identity: Option<Arc<Identity>>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) bundles: Arc<Bundles>,
    pub(crate) journals: Arc<Journals>,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
}

type DownStream = Pin<Box<dyn Stream<Item = Result<v1::LobbyMessage, Status>> + Send>>;

#[async_trait]
impl Rooms for Attach {
    type AttachStream = DownStream;

    async fn attach(&self, request: Request<Streaming<v1::RoomMessage>>) -> Result<Response<DownStream>, Status> {
        let (metadata, _, mut up) = request.into_parts();
        let secret = bearer(metadata.as_ref()).map_err(Fault::status)?.to_owned();
        let hello = tokio::time::timeout(HELLO_WITHIN, up.message())
            .await
            .map_err(|_| Status::deadline_exceeded("the room did not say hello"))??
            .and_then(|message| message.kind);
        let Some(Up::Hello(hello)) = hello else {
            return Err(Status::failed_precondition("a room says hello first"));
        };
        let room = match &self.identity {
            Some(identity) => Some(self.prove_pod(identity, &hello, &secret).await?),
            None => self.prove(&hello, &secret).await?,
        };
        let key = Key::from_bytes(&hello.seat_key)
            .ok_or_else(|| Status::invalid_argument("the seat key must have 32 bytes"))?;
        check(&hello)?;
        let core_hello = translate::hello(room, &hello).map_err(Fault::status)?;

        let stream = self.core.next_stream();
        let (orders, orders_out) = mpsc::channel(ORDERS_WAITING);
        let bundles_of: Vec<(Name, String)> =
            hello.games.iter().map(|game| (game.name.as_str().into(), game.bundle.clone())).collect();
        let bundles = bundles_of.to_vec();
        let end = RoomEnd { orders, address: hello.address.clone(), key, bundles };
        let report = Report::Attach { stream, hello: Box::new(core_hello), end: Box::new(end) };
        self.core.report(report).await.map_err(|error| Fault::from(error).status())?;

        let (down, down_out) = mpsc::channel(DOWN_WAITING);
        let link = Link {
            core: self.core.clone(),
            stream,
            room: None,
            down,
            bundles: self.bundles.clone(),
            collecting: Collecting::new(self.bundles.wanted(&hello.games)),
            journals: self.journals.clone(),
            bundles_of,
            writing: None,
        };
        let stop = self.stop.clone();
        self.tasks.spawn(async move { link.run(up, orders_out, stop).await });
        Ok(Response::new(Box::pin(ReceiverStream::new(down_out))))
    }
}

impl Attach {
    /// Who the room is: by its own secret where the lobby started it, otherwise by its fleet's token.
    async fn prove(&self, hello: &v1::Hello, secret: &str) -> Result<Option<RoomId>, Status> {
        let refused = || Status::unauthenticated("the secret is not this room's, nor the token of its fleet");
        let room: Option<RoomId> = match hello.room_id.as_str() {
            "" => None,
            text => Some(text.parse().map_err(|error| Fault::id("room_id", text, error).status())?),
        };
        let hash = blake3::hash(secret.as_bytes());
        if let Some(id) = room
            && let Some(known) = self.credential(id).await?
        {
            return if bool::from(known.ct_eq(hash.as_bytes())) { Ok(room) } else { Err(refused()) };
        }
        let fleet = hello.fleet.as_str();
        if !self.core.settings.load().fleets.iter().any(|known| *known.name == *fleet) {
            let text = format!("there is no fleet `{}`", fleet.chars().take(64).collect::<String>());
            return Err(Status::not_found(text));
        }
        let token = self.data.fleet_token(fleet).map_err(|error| Fault::internal(&error).status())?;
        let good = blake3::hash(token.as_bytes()).as_bytes().ct_eq(hash.as_bytes());
        if bool::from(good) { Ok(room) } else { Err(refused()) }
    }

    /// Who the room is, where rooms are pods: by the token that is bound to its pod. One that was proved before, and has
    /// not expired, is good without the API server, so that an outage of it keeps nobody from coming back.
    async fn prove_pod(&self, identity: &Identity, hello: &v1::Hello, token: &str) -> Result<RoomId, Status> {
        let text = hello.room_id.as_str();
        let room: RoomId = text.parse().map_err(|error| Fault::id("room_id", text, error).status())?;
        let Some(known) = self.view(room).await? else {
            self.metrics.room_refused("unknown-room");
            return Err(Status::not_found("this room was given up, or was never started by this lobby"));
        };
        let hash = *blake3::hash(token.as_bytes()).as_bytes();
        if known.credential.is_some_and(|known| bool::from(known.ct_eq(&hash))) && is_fresh(token) {
            identity.proved(room);
            return Ok(room);
        }
        if let Err(error) = identity.review(room, &hello.fleet, token).await {
            self.metrics.room_refused(error.word());
            warn!(%room, fleet = %known.fleet, %error, "room could not prove who it is");
            return Err(match error {
                ReviewError::Away(_) | ReviewError::Unknown => Status::unavailable(error.to_string()),
                ReviewError::NotGood(_) | ReviewError::NoPod | ReviewError::Another { .. } => {
                    Status::unauthenticated(error.to_string())
                }
            });
        }
        identity.proved(room);
        let news = ClusterNews::Credential { room, hash };
        let told = self.core.report(Report::Input(Input::Cluster(news))).await;
        told.map_err(|error| Fault::from(error).status())?;
        Ok(room)
    }

    async fn credential(&self, room: RoomId) -> Result<Option<[u8; 32]>, Status> {
        Ok(self.view(room).await?.and_then(|view| view.credential))
    }

    async fn view(&self, room: RoomId) -> Result<Option<RoomView>, Status> {
        let after = room.0.checked_sub(1).map(RoomId);
        let call = Call::ListRooms { fleet: None, after, limit: 1 };
        let answer = self.core.call(call).await.map_err(|error| Fault::from(error).status())?;
        let page = only!(answer, Answer::Rooms);
        Ok(page.items.into_iter().next().filter(|view| view.room == room))
    }
}

fn check(hello: &v1::Hello) -> Result<(), Status> {
    let texts = [&hello.address, &hello.fleet, &hello.version];
    let games = hello.games.iter().flat_map(|game| [&game.name, &game.bundle]);
    if texts.into_iter().chain(games).any(|text| text.len() > MAX_TEXT) || hello.games.len() > MAX_GAMES {
        return Err(Status::invalid_argument(format!(
            "a hello has texts of at most {MAX_TEXT} bytes and at most {MAX_GAMES} games"
        )));
    }
    let port = hello.address.rsplit_once(':').and_then(|(host, port)| (!host.is_empty()).then(|| port.parse::<u16>()));
    match port {
        Some(Ok(1..)) => Ok(()),
        Some(Ok(0) | Err(_)) | None => Err(Status::invalid_argument("the address must be host:port")),
    }
}

/// One room's stream.
struct Link {
    core: Core,
    stream: StreamId,
    /// Once it was welcomed.
    room: Option<RoomId>,
    down: mpsc::Sender<Result<v1::LobbyMessage, Status>>,
    bundles: Arc<Bundles>,
    collecting: Collecting,
    journals: Arc<Journals>,
    /// The bundles of its games.
    bundles_of: Vec<(Name, String)>,
    /// The journal of the match whose pieces come.
    writing: Option<Open>,
}

impl Link {
    async fn run(
        mut self,
        mut up: Streaming<v1::RoomMessage>,
        mut orders: mpsc::Receiver<Order>,
        stop: CancellationToken,
    ) {
        let mut beat = tokio::time::interval(HEARTBEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut silent = 0;
        let why = loop {
            let goes_on = tokio::select! {
                () = stop.cancelled() => break "the lobby stops",
                order = orders.recv() => match order {
                    Some(order) => self.obey(order).await,
                    None => break "a newer stream took over, or this one did not read",
                },
                message = up.message() => match message {
                    Ok(Some(message)) => {
                        silent = 0;
                        self.hear(message).await
                    }
                    Ok(None) => break "the room closed it",
                    Err(status) => {
                        debug!(%status, "room's stream broke");
                        break "it broke";
                    }
                },
                _ = beat.tick() => {
                    silent += 1;
                    if silent > SILENT_BEATS {
                        break "the room was silent";
                    }
                    self.say(Down::Heartbeat(v1::Heartbeat {})).await
                }
            };
            if !goes_on {
                break "it was ended";
            }
        };
        if let Some(room) = self.room {
            info!(%room, why, "room's stream ended");
            let detached = Input::Detached { stream: self.stream, room };
            let _stopping = self.core.report(Report::Input(detached)).await;
        }
    }

    async fn say(&self, kind: Down) -> bool {
        self.down.send(Ok(v1::LobbyMessage { kind: Some(kind) })).await.is_ok()
    }

    async fn obey(&mut self, order: Order) -> bool {
        match order {
            Order::Welcome(room, route) => {
                self.room = Some(room);
                info!(%room, address = route.address, "room is attached");
                let welcome = v1::Welcome {
                    room_id: room.to_string(),
                    heartbeat_ms: HEARTBEAT.as_millis() as u32,
                    routing: route.routing.clone(),
                };
                self.say(Down::Welcome(welcome)).await && self.want_next_bundle().await
            }
            Order::Refused(refusal) => {
                warn!(%refusal, "room is refused");
                let _gone = self.down.send(Err(Fault::from(refusal).status())).await;
                false
            }
            Order::Effect(effect) => {
                let goes_on = if let Effect::Host { order, .. } = &*effect {
                    order.recovers.then_some((order.match_id, order.epoch))
                } else {
                    None
                };
                match (translate::order(*effect), goes_on) {
                    (Some(Down::Host(host)), Some((match_id, epoch))) => self.hand_down(host, match_id, epoch).await,
                    (Some(kind), _) => self.say(kind).await,
                    (None, _) => true,
                }
            }
        }
    }

    /// A room is to go on with a match: its journal first.
    async fn hand_down(&mut self, mut host: v1::Host, match_id: MatchId, epoch: u64) -> bool {
        let journals = self.journals.clone();
        let taken = tokio::task::spawn_blocking(move || journals.take_over(match_id)).await;
        let journal = match taken.map_err(io::Error::other).flatten() {
            Ok(Some(journal)) => journal,
            Ok(None) => return self.report_journal(match_id, false).await,
            Err(error) => {
                warn!(%match_id, %error, "the journal of a match that is to go on cannot be read");
                return self.report_journal(match_id, false).await;
            }
        };
        info!(room = ?self.room, %match_id, epoch, bytes = journal.len(), "a match goes on in another room");
        host.journal_bytes = journal.len() as u64;
        for piece in journal.chunks(PIECE_BYTES) {
            let piece = v1::JournalPiece { match_id: match_id.to_string(), epoch, data: piece.to_vec() };
            if !self.say(Down::JournalPiece(piece)).await {
                return false;
            }
        }
        self.say(Down::Host(host)).await
    }

    async fn report_journal(&self, match_id: MatchId, there: bool) -> bool {
        self.core.report(Report::Input(Input::Journal { match_id, there })).await.is_ok()
    }

    async fn hear(&mut self, message: v1::RoomMessage) -> bool {
        let Some(kind) = message.kind else { return true };
        let news = match kind {
            Up::BundleChunk(chunk) => return self.take_chunk(chunk).await,
            Up::JournalChunk(chunk) => {
                if let Err(error) = self.write_journal(chunk).await {
                    warn!(room = ?self.room, %error, "a piece of a match's journal is refused");
                    self.writing = None;
                }
                return true;
            }
            Up::Hello(_) => {
                let again = Status::failed_precondition("a room says hello once per stream");
                let _gone = self.down.send(Err(again)).await;
                return false;
            }
            said @ (Up::HostAccepted(_) | Up::HostRefused(_) | Up::Report(_) | Up::Result(_) | Up::Ready(_)) => {
                translate::news(said)
            }
        };
        let news = match news {
            Ok(news) => news,
            Err(fault) => {
                let _gone = self.down.send(Err(fault.status())).await;
                return false;
            }
        };
        // Before the welcome a room has nothing to say.
        let Some(room) = self.room else { return true };
        let input = Input::Room { stream: self.stream, room, news };
        self.core.report(Report::Input(input)).await.is_ok()
    }

    /// Writes a piece of a match's journal. A room writes only those of its own matches.
    async fn write_journal(&mut self, chunk: v1::JournalChunk) -> anyhow::Result<()> {
        let match_id: MatchId = chunk.match_id.parse()?;
        let (epoch, bytes) = (chunk.epoch, chunk.offset + chunk.data.len() as u64);
        if self.writing.as_ref().is_none_or(|open| (open.match_id, open.epoch) != (match_id, epoch)) {
            let answer = self.core.call(Call::GetMatch { match_id }).await?;
            let Answer::Match(game) = answer else { anyhow::bail!("the core does not know {match_id}") };
            let here = self.room.is_some() && game.room == self.room;
            // After its end there is no placement, and the last pieces may still come.
            anyhow::ensure!(here && game.epoch.is_none_or(|now| now == epoch), "{match_id} is not in this room");
            let bundle = self.bundles_of.iter().find(|(name, _)| *name == game.game).map(|(_, hash)| hash.clone());
            self.writing = Some(self.journals.clone().open(match_id, epoch, bundle.unwrap_or_default()).await?);
            self.report_journal(match_id, true).await;
        }
        if let Some(open) = &mut self.writing {
            open.write(chunk.offset, chunk.data).await?;
        }
        if chunk.acknowledge {
            self.say(Down::JournalKept(v1::JournalKept { match_id: chunk.match_id, epoch, bytes })).await;
        }
        Ok(())
    }

    async fn want_next_bundle(&mut self) -> bool {
        match self.collecting.next_wanted() {
            Some(hash) => self.say(Down::WantBundle(v1::WantBundle { hash })).await,
            None => true,
        }
    }

    async fn take_chunk(&mut self, chunk: v1::BundleChunk) -> bool {
        match self.collecting.take(chunk) {
            Ok(None) => true,
            Ok(Some((hash, archive))) => {
                match self.bundles.clone().store(hash.clone(), archive).await {
                    Ok(()) => info!(hash, "bundle is stored"),
                    Err(error) => warn!(hash, %error, "bundle is refused"),
                }
                self.want_next_bundle().await
            }
            Err(error) => {
                warn!(%error, "bundle is refused");
                self.want_next_bundle().await
            }
        }
    }
}
