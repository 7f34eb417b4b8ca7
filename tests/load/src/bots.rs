//! Bots: clients that come as guests, queue and play through the same doors as people.

pub mod crash;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bellhop_dots::Dots;
use bellhop_maze::Maze;
use bellhop_proto::tokens::{SUBPROTOCOL, TOKEN_PREFIX};
use bellhop_proto::v1::{Assignment, TicketEvent, ticket, ticket_event};
use bellhop_sketch::Sketch;
use bellhop_snake::Snake;
use bellhop_tanks::Tanks;
use bellhop_tictactoe::TicTacToe;
use futures_util::{SinkExt, StreamExt};
use room_client::{Bot, BotEntry, bot};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::doors::Guest;
use crate::record::{Record, Saw};

/// Wait before a call that found nobody is made again.
const AGAIN_AFTER: Duration = Duration::from_millis(100);
/// A room that is to be reached at its node is reached within this, or by a gateway.
const DIRECT_WITHIN: Duration = Duration::from_secs(2);
/// How often a bot looks whether something is due.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Longest a bot tries to get back to its seat.
const COME_BACK_WITHIN: Duration = Duration::from_secs(30);

/// Longest the lobby takes to hear of the end of a match that its players know of: a dead room is noticed in this time.
const RESULT_WITHIN: Duration = Duration::from_secs(10);

/// A game socket.
pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What a bot is to do.
#[derive(Clone)]
pub struct Plan {
    /// The queue it plays in.
    pub queue: String,
    /// Its name; empty: the lobby draws one.
    pub name: String,
    /// Decides its moves.
    pub seed: u64,
    /// How long it looks at each state, in milliseconds.
    pub reaction_ms: f64,
    /// Matches to play before it goes.
    pub matches: u32,
    /// Where it writes what it saw.
    pub record: Option<Arc<Record>>,
    /// Where it writes how evenly frames come.
    pub pulse: Option<Arc<Pulse>>,
}

/// How evenly frames come to many bots, and how soon they hear that an input was taken. In microseconds.
#[derive(Debug, Default)]
pub struct Pulse {
    /// Between two frames with a body.
    pub gaps: std::sync::Mutex<Vec<u32>>,
    /// From an input to the frame that acknowledges it.
    pub acks: std::sync::Mutex<Vec<u32>>,
    /// Bytes of all state frames.
    pub state_bytes: std::sync::atomic::AtomicU64,
}

impl Pulse {
    fn beat(&self, gap: Option<Duration>, ack_ms: Option<f64>) {
        if let (Some(gap), Ok(mut gaps)) = (gap, self.gaps.lock()) {
            gaps.push(u32::try_from(gap.as_micros()).unwrap_or(u32::MAX));
        }
        if let (Some(ack), Ok(mut acks)) = (ack_ms, self.acks.lock()) {
            acks.push((ack * 1e3) as u32);
        }
    }
}

/// The games bots can play: those that come with Bellhop, and the example of a team's own.
fn games() -> [BotEntry; 6] {
    [bot::<Snake>(), bot::<Tanks>(), bot::<TicTacToe>(), bot::<Maze>(), bot::<Sketch>(), bot::<Dots>()]
}

/// Whether bots play this game.
pub fn play(game: &str) -> bool {
    games().iter().any(|entry| entry.name == game)
}

/// The bot of an assignment's game.
///
/// # Errors
/// If no bot plays it.
pub fn entry_of(assignment: &Assignment) -> Result<BotEntry> {
    let entry = games().into_iter().find(|entry| entry.name == assignment.game);
    entry.with_context(|| format!("no bot plays {}", assignment.game))
}

/// What one socket brought, from its opening to its end.
#[derive(Default)]
struct Sat {
    /// The close code; 0: without one.
    code: u16,
    /// The longest wait between two frames of the live match.
    longest: Duration,
    /// When the first and the last of those frames came.
    lived: Option<(Instant, Instant)>,
}

/// A bot and what it has seen.
pub struct Life {
    guest: Guest,
    plan: Plan,
    begun: Instant,
    tickets: BTreeSet<String>,
    matches: BTreeSet<String>,
}

impl Life {
    /// Comes in as a guest, as soon as the lobby answers.
    ///
    /// # Errors
    /// If the lobby refuses.
    pub async fn begin(channel: Channel, plan: Plan) -> Result<Life> {
        let guest = loop {
            match Guest::arrive(channel.clone(), &plan.name).await {
                Ok(guest) => break guest,
                Err(status) => wait_if_away(&status).await.context("coming in")?,
            }
        };
        let (tickets, matches) = (BTreeSet::new(), BTreeSet::new());
        Ok(Life { guest, plan, begun: Instant::now(), tickets, matches })
    }

    /// Plays as many matches as planned, or until told to stop: then it finishes the one it is in, or cancels.
    ///
    /// # Errors
    /// If the lobby or a room does what they should not.
    pub async fn live(&mut self, stop: &CancellationToken) -> Result<()> {
        for round in 0..self.plan.matches {
            if stop.is_cancelled() {
                break;
            }
            let ticket = self.ask(round).await?;
            let mut after = 0;
            // Once more with the same ticket, if the match was lost with its room.
            while let Some(assignment) = self.wait(&ticket, &mut after, stop).await? {
                if self.play(assignment).await? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Asks the lobby what became of every ticket and match, and writes it down.
    ///
    /// # Errors
    /// If the lobby cannot be asked.
    pub async fn settle(&mut self) -> Result<()> {
        for ticket in self.tickets.clone() {
            let state = loop {
                match self.guest.ticket(&ticket).await {
                    Ok(found) => break state_word(found.state()).to_owned(),
                    Err(status) if status.code() == Code::NotFound => break "unknown".to_owned(),
                    Err(status) => wait_if_away(&status).await.context("looking a ticket up")?,
                }
            };
            self.saw(Saw::Final { ticket, state });
        }
        let begun = Instant::now();
        for match_id in self.matches.clone() {
            let (state, seats) = loop {
                match self.guest.look_at(&match_id).await {
                    // The room has yet to tell the lobby.
                    Ok(found) if match_word(found.state()) == "playing" && begun.elapsed() < RESULT_WITHIN => {
                        tokio::time::sleep(LOOK_EVERY).await;
                    }
                    Ok(found) => {
                        let seats =
                            found.seats.iter().map(|seat| (seat.seat, seat.player_id.clone(), seat.rank)).collect();
                        break (match_word(found.state()).to_owned(), seats);
                    }
                    Err(status) if status.code() == Code::NotFound => break ("unknown".to_owned(), Vec::new()),
                    Err(status) => wait_if_away(&status).await.context("looking a match up")?,
                }
            };
            self.saw(Saw::Match { match_id, state, seats });
        }
        Ok(())
    }

    /// Those of its matches that ended with a result. Asked again while the room has not told the lobby yet.
    ///
    /// # Errors
    /// If the lobby cannot be asked.
    pub async fn ended_matches(&mut self) -> Result<Vec<String>> {
        let begun = Instant::now();
        let mut ended = Vec::new();
        for match_id in self.matches.clone() {
            loop {
                match self.guest.look_at(&match_id).await.map(|found| match_word(found.state())) {
                    Ok("ended") => break ended.push(match_id),
                    Ok("playing") if begun.elapsed() < RESULT_WITHIN => tokio::time::sleep(LOOK_EVERY).await,
                    Ok(_) => break,
                    Err(status) => wait_if_away(&status).await.context("looking a match up")?,
                }
            }
        }
        Ok(ended)
    }

    fn saw(&self, saw: Saw) {
        if let Some(record) = &self.plan.record {
            record.line(&self.guest.id, saw);
        }
    }

    fn now_ms(&self) -> f64 {
        self.begun.elapsed().as_secs_f64() * 1e3
    }

    /// Creates the ticket of this round.
    ///
    /// # Errors
    /// If the lobby refuses.
    pub async fn ask(&mut self, round: u32) -> Result<String> {
        let key = format!("{}-{round}", self.plan.seed);
        let begun = Instant::now();
        let ticket = loop {
            match self.guest.create(&self.plan.queue, &key).await {
                Ok(ticket) => break ticket.id,
                // The room told us of the end of our last match before it told the lobby.
                Err(status) if status.code() == Code::FailedPrecondition && begun.elapsed() < RESULT_WITHIN => {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                Err(status) => wait_if_away(&status).await.context("creating a ticket")?,
            }
        };
        self.tickets.insert(ticket.clone());
        self.saw(Saw::Ticket { ticket: ticket.clone() });
        Ok(ticket)
    }

    /// Waits for a ticket's seat, takes it, and leaves again after the first frame.
    ///
    /// # Errors
    /// If there is no seat, or no frame.
    pub async fn first_frame(&mut self, ticket: &str, stop: &CancellationToken) -> Result<()> {
        let assignment = self.wait(ticket, &mut 0, stop).await?.context("the wait was stopped")?;
        let mut player = entry_of(&assignment)?.start(self.plan.seed, self.plan.reaction_ms);
        let mut socket = open(&assignment).await?;
        socket.send(Message::binary(player.hello())).await?;
        while player.stats(self.now_ms()).frames == 0 {
            match socket.next().await.context("the room closed before its first frame")?? {
                Message::Binary(bytes) => player.receive(&bytes, self.now_ms())?,
                Message::Close(frame) => bail!("the room closed before its first frame: {frame:?}"),
                Message::Text(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
        socket.send(Message::binary(player.leave())).await?;
        while let Some(Ok(message)) = socket.next().await {
            if message.is_close() {
                break;
            }
        }
        Ok(())
    }

    /// Waits for a ticket's seat, from the event after number `after`. `None`: told to stop before there was one, or the
    /// ticket's match ended while its player was away.
    async fn wait(&mut self, ticket: &str, after: &mut u64, stop: &CancellationToken) -> Result<Option<Assignment>> {
        let seated_before = *after > 0;
        let mut cancelling = false;
        loop {
            let mut events = match self.guest.watch(ticket, *after).await {
                Ok(events) => events,
                Err(status) => {
                    wait_if_away(&status).await.context("watching a ticket")?;
                    continue;
                }
            };
            loop {
                tokio::select! {
                    () = stop.cancelled(), if !cancelling => {
                        cancelling = true;
                        if self.cancel(ticket).await? {
                            return Ok(None);
                        }
                    }
                    event = events.message() => match event {
                        Ok(Some(event)) => {
                            if let Some(told) = self.event(ticket, after, seated_before, event) {
                                return told;
                            }
                        }
                        Ok(None) => break,
                        Err(status) => {
                            wait_if_away(&status).await.context("watching a ticket")?;
                            break;
                        }
                    },
                }
            }
        }
    }

    /// Cancels a ticket. `false`: it had been matched already.
    async fn cancel(&mut self, ticket: &str) -> Result<bool> {
        let answer = loop {
            match self.guest.cancel(ticket).await {
                Ok(answer) => break answer,
                Err(status) => wait_if_away(&status).await.context("cancelling a ticket")?,
            }
        };
        let outcome = answer.outcome().as_str_name().trim_start_matches("OUTCOME_").to_lowercase();
        let cancelled = outcome == "cancelled";
        self.saw(Saw::Cancel { ticket: ticket.to_owned(), outcome, match_id: answer.match_id });
        Ok(cancelled)
    }

    /// Takes an event in. What it leads to, if it ends the wait.
    fn event(
        &mut self,
        ticket: &str,
        after: &mut u64,
        seated_before: bool,
        event: TicketEvent,
    ) -> Option<Result<Option<Assignment>>> {
        let (kind, match_id) = match event.kind.as_ref()? {
            ticket_event::Kind::Status(_) => return None,
            ticket_event::Kind::Queued(_) => ("queued", String::new()),
            ticket_event::Kind::Matched(matched) => ("matched", matched.match_id.clone()),
            ticket_event::Kind::Assigned(assigned) => ("assigned", assigned.match_id.clone()),
            ticket_event::Kind::Connected(connected) => ("connected", connected.match_id.clone()),
            ticket_event::Kind::Requeued(_) => ("requeued", String::new()),
            ticket_event::Kind::Ended(ended) => ("ended", ended.match_id.clone()),
        };
        *after = event.number;
        let (ticket, kind) = (ticket.to_owned(), kind.to_owned());
        self.saw(Saw::Event { ticket, number: event.number, kind, match_id });
        match event.kind? {
            ticket_event::Kind::Assigned(assigned) => Some(Ok(Some(assigned))),
            ticket_event::Kind::Ended(ended) if ended.state() == ticket::State::Cancelled => Some(Ok(None)),
            ticket_event::Kind::Ended(_) if seated_before => Some(Ok(None)),
            ticket_event::Kind::Ended(ended) => Some(Err(anyhow::anyhow!("the ticket ended: {}", ended.reason))),
            ticket_event::Kind::Status(_)
            | ticket_event::Kind::Queued(_)
            | ticket_event::Kind::Matched(_)
            | ticket_event::Kind::Connected(_)
            | ticket_event::Kind::Requeued(_) => None,
        }
    }

    /// Plays a match. Whether it was seen to end.
    async fn play(&mut self, assignment: Assignment) -> Result<bool> {
        let mut player = entry_of(&assignment)?.start(self.plan.seed, self.plan.reaction_ms);
        let match_id = assignment.match_id.clone();
        self.matches.insert(match_id.clone());
        let mut way = assignment;
        let mut lost = None;
        loop {
            if let Ok(mut socket) = open(&way).await {
                let seat = u16::try_from(way.seat).context("a seat's number fits")?;
                self.saw(Saw::Seated { match_id: match_id.clone(), seat });
                let Sat { code, longest, lived } = self.sit(&mut socket, player.as_mut()).await?;
                let ended = player.ended().is_some();
                let longest_us = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
                self.saw(Saw::Gap { match_id: match_id.clone(), longest_us });
                if let (Some((from, until)), Some(record)) = (lived, &self.plan.record) {
                    let (from_us, until_us) = (record.moment(from), record.moment(until));
                    let (match_id, room) = (match_id.clone(), way.room_id.clone());
                    self.saw(Saw::Lived { match_id, room, from_us, until_us });
                }
                if ended {
                    self.saw(Saw::Ended { match_id: match_id.clone() });
                }
                self.saw(Saw::Closed { match_id: match_id.clone(), code, ended });
                if ended {
                    return Ok(true);
                }
                lost = Some(Instant::now());
            }
            if lost.get_or_insert_with(Instant::now).elapsed() > COME_BACK_WITHIN {
                bail!("could not come back to {match_id}");
            }
            if let Some(token) = player.resume_token() {
                token.clone_into(&mut way.token);
            }
            match self.guest.seat(&match_id).await {
                Ok(fresh) => way = fresh,
                Err(status) if status.code() == Code::NotFound || status.code() == Code::FailedPrecondition => {
                    self.ended_meanwhile(match_id).await?;
                    return Ok(false);
                }
                Err(status) => wait_if_away(&status).await.context("asking for the way back")?,
            }
        }
    }

    /// A room that dies with its last word on its way has told the lobby of the end, and not its players.
    async fn ended_meanwhile(&mut self, match_id: String) -> Result<()> {
        loop {
            match self.guest.look_at(&match_id).await {
                Ok(found) => {
                    if match_word(found.state()) == "ended" {
                        self.saw(Saw::Ended { match_id });
                    }
                    return Ok(());
                }
                Err(status) if status.code() == Code::NotFound => return Ok(()),
                Err(status) => wait_if_away(&status).await.context("asking how a match ended")?,
            }
        }
    }

    /// Plays on one socket until it closes.
    async fn sit(&self, socket: &mut Socket, player: &mut dyn Bot) -> Result<Sat> {
        let mut look = tokio::time::interval(LOOK_EVERY);
        let mut sat = Sat::default();
        let stats = player.stats(self.now_ms());
        let (mut frames, mut taken, mut bytes_seen) = (stats.frames, stats.inputs_taken, stats.state_bytes);
        if socket.send(Message::binary(player.hello())).await.is_err() {
            return Ok(sat);
        }
        loop {
            tokio::select! {
                message = socket.next() => match message {
                    Some(Ok(Message::Binary(bytes))) => {
                        let now = Instant::now();
                        let now_ms = self.now_ms();
                        player.receive(&bytes, now_ms).context("the room sent what is no message")?;
                        let seen = player.stats(now_ms).frames;
                        if seen != frames && player.ended().is_none() {
                            frames = seen;
                            let gap = sat.lived.map(|(_, before)| now - before);
                            sat.lived = Some((sat.lived.map_or(now, |(first, _)| first), now));
                            sat.longest = sat.longest.max(gap.unwrap_or_default());
                            if let Some(pulse) = &self.plan.pulse {
                                let stats = player.stats(now_ms);
                                let fresh = stats.inputs_taken != std::mem::replace(&mut taken, stats.inputs_taken);
                                pulse.beat(gap, fresh.then_some(stats.ack_ms));
                                let more = stats.state_bytes - std::mem::replace(&mut bytes_seen, stats.state_bytes);
                                pulse.state_bytes.fetch_add(more, std::sync::atomic::Ordering::Relaxed);
                            }
                        }
                    }
                    Some(Ok(Message::Close(frame))) => {
                        sat.code = frame.map_or(0, |frame| frame.code.into());
                        return Ok(sat);
                    }
                    Some(Ok(Message::Text(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                    Some(Err(_)) | None => return Ok(sat),
                },
                _ = look.tick() => {}
            }
            for message in player.outgoing(self.now_ms()) {
                // What cannot be sent shows at the next read.
                let _closed = socket.send(Message::binary(message)).await;
            }
        }
    }
}

/// Opens the game socket: at the room itself where it is reached so, otherwise by a gateway.
///
/// # Errors
/// If nobody is there, or the token opens nothing.
pub async fn open(way: &Assignment) -> Result<Socket, tungstenite::Error> {
    if !way.direct_url.is_empty()
        && let Ok(Ok(socket)) = tokio::time::timeout(DIRECT_WITHIN, open_at(&way.direct_url, way)).await
    {
        return Ok(socket);
    }
    open_at(&way.url, way).await
}

async fn open_at(url: &str, way: &Assignment) -> Result<Socket, tungstenite::Error> {
    let mut request = url.into_client_request()?;
    let protocols = format!("{SUBPROTOCOL}, {TOKEN_PREFIX}{}", way.token);
    let protocols = protocols.parse().map_err(|_| tungstenite::Error::Utf8("the token is no header value".into()))?;
    request.headers_mut().insert("sec-websocket-protocol", protocols);
    Ok(tokio_tungstenite::connect_async_with_config(request, None, true).await?.0)
}

/// Waits a little if the lobby is away or busy.
///
/// # Errors
/// Anything else is an error.
async fn wait_if_away(status: &Status) -> Result<()> {
    match status.code() {
        Code::Unavailable
        | Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Unknown
        | Code::Internal
        | Code::ResourceExhausted => {
            tokio::time::sleep(AGAIN_AFTER).await;
            Ok(())
        }
        Code::Ok
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::DataLoss
        | Code::Unauthenticated => bail!("{}: {}", status.code(), status.message()),
    }
}

fn state_word(state: ticket::State) -> &'static str {
    match state {
        ticket::State::Unspecified => "unknown",
        ticket::State::Queued => "queued",
        ticket::State::Placing => "placing",
        ticket::State::Assigned => "assigned",
        ticket::State::Connected => "connected",
        ticket::State::Cancelled => "cancelled",
        ticket::State::Expired => "expired",
        ticket::State::Failed => "failed",
        ticket::State::Done => "done",
    }
}

fn match_word(state: bellhop_proto::v1::r#match::State) -> &'static str {
    use bellhop_proto::v1::r#match::State;
    match state {
        State::Unspecified => "unknown",
        State::Placing => "placing",
        State::Playing => "playing",
        State::Ended => "ended",
        State::Lost => "lost",
    }
}
