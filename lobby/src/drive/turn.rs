//! The drive's turns: take in, decide, hand to the journal, carry out, sleep.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use arc_swap::ArcSwap;
use bellhop_proto::tokens::Key;
use lobby_core::{
    Answer, Call, Effect, Event, IdMap, Input, Lobby, PlayerId, RequestId, RoomId, Seq, Settings, StreamId,
    TicketEvent, TicketId,
};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use tracing::{debug, info, warn};

use super::feed::{Feeder, News};
use super::inbox::{Answered, Bell, Receivers, Reply, Report, Request};
use super::room::{Directory, Order, RoomEnd, Route};
use super::watchers::{Turn, Watchers};
use super::{Clock, ClusterOrder};
use crate::journal::Journal;
use crate::metrics::Metrics;

/// Requests taken in before the drive looks at anything else.
const REQUESTS_A_TURN: usize = 512;
/// Reports taken in before the drive looks at anything else.
const REPORTS_A_TURN: usize = 1_024;
/// Decisions that may wait for the journal before no more requests are taken in.
const DECISIONS_WAITING: usize = 16_384;
/// How often watched tickets are looked after.
const TICK: Duration = Duration::from_millis(100);
/// Turns in one tick, at most: beyond 20,000 waiting tickets each has its turn more seldom.
const TURNS_A_TICK: usize = 2_000;

/// What the drive is made of.
pub(crate) struct Parts {
    pub(crate) core: Lobby,
    pub(crate) clock: Clock,
    pub(crate) journal: Journal,
    pub(crate) metrics: Arc<Metrics>,
}

/// Who gets an answer.
enum Pending {
    Once(oneshot::Sender<Answered>),
    Play {
        by: PlayerId,
        feeder: Feeder,
    },
    Watch(Feeder),
    Status(TicketId),
    Change(oneshot::Sender<Answered>),
    /// The settings, to be shown to the doors, and then the answer to whoever changed them.
    Settings(Option<(oneshot::Sender<Answered>, Answered)>),
}

/// The owner of the core.
pub(crate) struct Drive {
    core: Lobby,
    clock: Clock,
    journal: Journal,
    metrics: Arc<Metrics>,
    gateways: Key,
    cluster: mpsc::Sender<ClusterOrder>,
    bell: Arc<Bell>,
    inbox: Receivers,
    directory: Arc<Directory>,
    settings: Arc<ArcSwap<Settings>>,
    open_games: watch::Sender<u64>,
    written: Arc<AtomicU64>,
    appending: bool,
    /// Where the append under way ends.
    append_upto: u64,
    requests: u64,
    pending: IdMap<u64, Pending>,
    watchers: Watchers,
    /// Streams that wait for a welcome.
    arriving: HashMap<StreamId, Box<RoomEnd>>,
    /// Attached rooms, by their newest stream.
    rooms: HashMap<RoomId, (StreamId, mpsc::Sender<Order>)>,
    /// Orders that the cluster's worker has had no place for yet.
    cluster_waits: VecDeque<ClusterOrder>,
    next_tick: Instant,
}

impl Drive {
    #[expect(clippy::too_many_arguments, reason = "called once, by the module that makes all of them")]
    pub(crate) fn new(
        parts: Parts,
        gateways: Key,
        cluster: mpsc::Sender<ClusterOrder>,
        bell: Arc<Bell>,
        inbox: Receivers,
        directory: Arc<Directory>,
        settings: Arc<ArcSwap<Settings>>,
        open_games: watch::Sender<u64>,
    ) -> Drive {
        Drive {
            core: parts.core,
            clock: parts.clock,
            written: parts.journal.written(),
            journal: parts.journal,
            metrics: parts.metrics,
            gateways,
            cluster,
            bell,
            inbox,
            directory,
            settings,
            open_games,
            appending: false,
            append_upto: 0,
            requests: 0,
            pending: IdMap::default(),
            watchers: Watchers::default(),
            arriving: HashMap::new(),
            rooms: HashMap::new(),
            cluster_waits: VecDeque::new(),
            next_tick: Instant::now(),
        }
    }

    /// Turns until the core is drained.
    ///
    /// # Errors
    /// If the journal has stopped.
    pub(crate) fn run(mut self) -> Result<()> {
        self.bell.belongs_to_this_thread();
        let bell = self.bell.clone();
        self.journal.on_written(move || bell.ring_loud());
        self.ask(Call::GetSettings, Pending::Settings(None));
        loop {
            let took = self.turn()?;
            if self.core.is_drained() && !self.appending && self.cluster_waits.is_empty() {
                info!("everything promised is written, the lobby may stop");
                return Ok(());
            }
            if !took {
                self.sleep();
            }
        }
    }

    /// Does what is there to do. False: there was nothing to take in.
    fn turn(&mut self) -> Result<bool> {
        self.hear_journal();
        self.carry_out();
        let mut took = 0;
        while took < REPORTS_A_TURN {
            let Ok(report) = self.inbox.reports.try_recv() else { break };
            self.hear(report);
            took += 1;
        }
        let backlog = self.core.state().applied().0.saturating_sub(self.append_upto) as usize;
        if !self.appending || backlog < DECISIONS_WAITING {
            for _ in 0..REQUESTS_A_TURN {
                let Ok(request) = self.inbox.requests.try_recv() else { break };
                self.take_request(request);
                took += 1;
            }
        }
        let now = self.clock.now();
        if self.core.deadline() <= now {
            self.core.advance(now);
        }
        if Instant::now() >= self.next_tick {
            self.tick();
        }
        self.append()?;
        self.carry_out();
        Ok(took > 0)
    }

    fn sleep(&mut self) {
        let until_tick = self.next_tick.saturating_duration_since(Instant::now());
        let until_deadline = self.core.deadline().since(self.clock.now());
        let at_most = until_tick.min(until_deadline);
        if at_most.is_zero() {
            return;
        }
        let (inbox, written, upto) = (&self.inbox, &self.written, self.append_upto);
        let appending = self.appending;
        self.bell.sleep(appending, at_most, || {
            if appending {
                return written.load(Ordering::Acquire) >= upto;
            }
            !inbox.requests.is_empty() || !inbox.reports.is_empty()
        });
    }

    fn hear_journal(&mut self) {
        let written = self.written.load(Ordering::Acquire);
        if self.appending && written >= self.append_upto {
            self.appending = false;
            self.core.committed(Seq(written));
        }
    }

    /// One append at a time: what is decided while it is written goes into the next one.
    fn append(&mut self) -> Result<()> {
        if self.appending {
            return Ok(());
        }
        let Some(batch) = self.core.take_events() else { return Ok(()) };
        for event in &batch.events {
            self.metrics.count_event(event);
            if let Event::RoomGone { room, .. } = event {
                self.directory.remove(*room);
            }
        }
        self.append_upto = batch.last().0;
        self.appending = true;
        if !self.journal.append(self.clock.now(), batch) {
            bail!("the journal has stopped");
        }
        Ok(())
    }

    fn hear(&mut self, report: Report) {
        let now = self.clock.now();
        match report {
            Report::Input(input) => {
                if let Input::Detached { stream, room } = &input {
                    self.arriving.remove(stream);
                    if self.rooms.get(room).is_some_and(|(newest, _)| newest == stream) {
                        self.rooms.remove(room);
                    }
                }
                self.core.handle(now, input);
            }
            Report::Attach { stream, hello, end } => {
                self.arriving.insert(stream, end);
                self.core.handle(now, Input::Attach { stream, hello });
            }
            Report::Stuck { stream, room } => {
                warn!(%room, "room does not read its orders, its stream is closed");
                self.hear(Report::Input(Input::Detached { stream, room }));
            }
        }
    }

    fn take_request(&mut self, request: Request) {
        let Request { call, reply } = request;
        let pending = match (reply, &call) {
            (Reply::Once(sender), Call::SetSettings(_) | Call::SetQueue(_) | Call::SetFleet(_)) => {
                Pending::Change(sender)
            }
            (Reply::Once(sender), _) => Pending::Once(sender),
            (Reply::Watch(feeder), _) => Pending::Watch(feeder),
            (Reply::Play(feeder), Call::CreateTicket(ticket) | Call::JoinOpenGame { joiner: ticket, .. }) => {
                match ticket.party.first() {
                    Some(member) => Pending::Play { by: member.player, feeder },
                    None => return,
                }
            }
            (Reply::Play(_), _) => return,
        };
        self.ask(call, pending);
    }

    fn ask(&mut self, call: Call, pending: Pending) {
        self.requests += 1;
        self.pending.insert(self.requests, pending);
        let request = RequestId(self.requests);
        self.core.handle(self.clock.now(), Input::Request { request, call });
    }

    fn carry_out(&mut self) {
        while let Some(effect) = self.core.poll() {
            self.carry_out_one(effect);
        }
        while let Some(order) = self.cluster_waits.pop_front() {
            if let Err(TrySendError::Full(order)) = self.cluster.try_send(order) {
                self.cluster_waits.push_front(order);
                break;
            }
        }
    }

    fn carry_out_one(&mut self, effect: Effect) {
        match effect {
            Effect::Answer { request, answer } => self.answer(request, answer),
            Effect::Notify { ticket, number, event } => {
                let created = self.watchers.notify(ticket, number, &event);
                if let (TicketEvent::Assigned { .. }, Some(created)) = (&event, created) {
                    self.metrics.ticket_wait.observe(self.clock.now().since(created).as_secs_f64());
                }
            }
            Effect::OpenGamesChanged { queue } => {
                debug!(%queue, "open games changed");
                self.open_games.send_modify(|version| *version += 1);
            }
            Effect::Welcome { stream, room } => {
                if let Some(end) = self.arriving.remove(&stream) {
                    let route = Arc::new(Route::new(&self.gateways, room, &end));
                    self.directory.insert(room, route.clone());
                    self.rooms.insert(room, (stream, end.orders));
                    self.order_room(room, Order::Welcome(room, route));
                }
            }
            Effect::RefuseStream { stream, refusal } => {
                if let Some(end) = self.arriving.remove(&stream) {
                    let _gone = end.orders.try_send(Order::Refused(refusal));
                } else if let Some(room) = self.rooms.iter().find(|(_, (s, _))| *s == stream).map(|(room, _)| *room) {
                    self.order_room(room, Order::Refused(refusal));
                    self.rooms.remove(&room);
                }
            }
            Effect::Host { room, .. }
            | Effect::AddSeats { room, .. }
            | Effect::ReleaseSeats { room, .. }
            | Effect::CallOff { room, .. }
            | Effect::KickSeats { room, .. }
            | Effect::DrainRoom { room, .. }
            | Effect::StopRoom { room, .. }
            | Effect::AckResult { room, .. } => self.order_room(room, Order::Effect(Box::new(effect))),
            // Carried out from here, in order; rooms are limited, and so are these orders.
            Effect::StartRoom { room, fleet } => self.cluster_waits.push_back(ClusterOrder::Start { room, fleet }),
            Effect::KillRoom { room } => self.cluster_waits.push_back(ClusterOrder::Kill { room }),
        }
    }

    fn answer(&mut self, request: RequestId, answer: Answered) {
        let Some(pending) = self.pending.remove(&request.0) else { return };
        match (pending, answer) {
            (Pending::Once(sender), answer) => drop(sender.send(answer)),
            (Pending::Change(sender), answer) => {
                self.ask(Call::GetSettings, Pending::Settings(Some((sender, answer))));
            }
            (Pending::Settings(changed), answer) => {
                if let Ok(Answer::Settings(settings)) = answer.map(|answer| *answer) {
                    self.settings.store(Arc::new(settings));
                }
                if let Some((sender, answer)) = changed {
                    let _caller_left = sender.send(answer);
                }
            }
            (Pending::Play { by, feeder }, Ok(answer)) => {
                if let Answer::Ticket(ticket) = *answer {
                    let call = Call::WatchTicket { ticket: ticket.ticket, by, after: 0 };
                    self.ask(call, Pending::Watch(feeder));
                }
            }
            (Pending::Watch(feeder), Ok(answer)) => {
                if let Answer::Watching { events, ticket, why } = *answer {
                    let id = ticket.ticket;
                    if self.watchers.add(ticket, events, feeder)
                        && let Some(why) = why
                    {
                        self.watchers.status(id, &why);
                    }
                }
            }
            (Pending::Status(ticket), Ok(answer)) => {
                if let Answer::Why(Some(why)) = *answer {
                    self.watchers.status(ticket, &why);
                }
            }
            (Pending::Play { feeder, .. } | Pending::Watch(feeder), Err(refusal)) => {
                let _caller_left = feeder.tell(News::Refused(refusal));
            }
            (Pending::Status(_), Err(_)) => {}
        }
    }

    fn order_room(&mut self, room: RoomId, order: Order) {
        // A room that is not attached is asked again by the core when it is.
        let Some((stream, orders)) = self.rooms.get(&room) else { return };
        if let Err(error) = orders.try_send(order) {
            let stream = *stream;
            match error {
                TrySendError::Full(_) => self.hear(Report::Stuck { stream, room }),
                TrySendError::Closed(_) => debug!(%room, "order for a stream that has just ended"),
            }
        }
    }

    /// Renews the leases of watched tickets and tells their watchers how the wait goes.
    fn tick(&mut self) {
        self.next_tick = Instant::now() + TICK;
        self.watchers.tick();
        for _ in 0..TURNS_A_TICK {
            let Some(Turn { ticket, waiting, renew }) = self.watchers.next_turn() else { break };
            if renew {
                self.core.handle(self.clock.now(), Input::Renew { ticket });
            }
            if waiting {
                self.ask(Call::WhyWaiting { ticket }, Pending::Status(ticket));
            }
        }
        self.metrics.watched.set(self.watchers.len() as i64);
    }
}
