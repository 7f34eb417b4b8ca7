//! One player's connection to a match.

use std::collections::{BTreeMap, VecDeque};

use bellhop_game::{DecodeError, Game, Reader, Seat, View, Wire, Writer, schema};
use bellhop_wire::limits::{ACK_INTERVAL, MAX_SERVER_MESSAGE_BYTES, PING_INTERVAL};
use bellhop_wire::{
    Ended, Hello, Meant, Notice, RosterEntry, Said, StateBody, StateKind, StatePrefix, ToClient, ToServer, Watching,
    Welcome,
};

use crate::ahead::Ahead;
use crate::commands::Commands;
use crate::pace::Pace;
use crate::playout::Playout;

/// News kept when nobody fetches them; the oldest go first.
const MAX_NEWS: usize = 8 * 1024;

/// Inputs whose way is timed at once: those of several seconds.
const MAX_INPUTS_TIMED: usize = 512;

/// Who the player is, once the room said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seated {
    /// The seat.
    pub seat: Seat,
    /// Steps per second; 0: event-driven.
    pub rate_hz: u32,
    /// The game's configuration as JSON.
    pub config: String,
    /// Whether players may write to each other.
    pub chat: bool,
}

/// What who does not play watches, once the room said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Steps per second; 0: event-driven.
    pub rate_hz: u32,
    /// The game's configuration as JSON.
    pub config: String,
    /// How much later than the players it is seen, in milliseconds of the match.
    pub delay_ms: u64,
    /// How far the match is as it is seen, in milliseconds; 0: the picture is yet to come.
    pub match_ms: u64,
}

/// Something to tell the player.
#[derive(Debug, Clone, PartialEq)]
pub enum News<E> {
    /// The room let the player in; also after coming back.
    Welcome(Seated, Vec<RosterEntry>),
    /// The room lets somebody watch; also after coming back.
    Watching(Watched, Vec<RosterEntry>),
    /// Who is there.
    Roster(Vec<RosterEntry>),
    /// A game event.
    Event(E),
    /// The command was carried out.
    Accepted(u64),
    /// The command was against the rules.
    Refused(u64, String),
    /// Something about the match.
    Notice(Notice),
    /// A player wrote to all; each line is told once.
    Said(Said),
    /// What was written last was not passed on, and why.
    Unsaid(String),
    /// A player was taken out of the match, and why.
    Removed(u16, String),
    /// The match is over.
    Ended(Ended),
}

/// Who comes, until the roster that follows has come, too.
#[derive(Debug)]
enum Arrival {
    Player(Seated),
    Spectator(Watched),
}

/// How the connection does.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ClientStats {
    /// Smoothed round trip in milliseconds; 0 before the first.
    pub ping_ms: f64,
    /// How unevenly frames come, in milliseconds.
    pub jitter_ms: f64,
    /// How old the state is, in milliseconds.
    pub age_ms: f64,
    /// Steps since the match began.
    pub tick: u32,
    /// State frames received.
    pub frames: u64,
    /// Bytes received in all messages.
    pub bytes: u64,
    /// Bytes of state frames among them.
    pub state_bytes: u64,
    /// Inputs sent.
    pub inputs: u64,
    /// Bytes of the inputs sent.
    pub input_bytes: u64,
    /// Times our view was not the room's.
    pub desyncs: u64,
    /// Keyframes received.
    pub keyframes: u64,
    /// Inputs that the room said it took.
    pub inputs_taken: u64,
    /// How long it took to hear that the last of them was, in milliseconds.
    pub ack_ms: f64,
    /// How far the last state moved what is the player's own from where it was predicted, in points of the page; 0
    /// where the game is not played ahead.
    pub corrected: f64,
    /// How far what was left of such differences moved it in the last frame shown.
    pub faded: f64,
}

/// What lives as long as one connection.
#[derive(Debug, Default)]
struct Connection {
    welcomed: bool,
    /// The welcome waits for the roster that follows it.
    arriving: Option<Arrival>,
    has_state: bool,
    frames_unacked: u32,
    last_frame: f64,
    last_ack: Option<f64>,
    last_ping: Option<f64>,
    inputs_sent: u32,
    inputs_taken: u32,
    /// When those were sent that the room has not taken yet.
    inputs_at: VecDeque<f64>,
    /// Our view is not the room's: until the next keyframe, what comes is applied as well as it goes.
    desynced: bool,
    keyframe_asked: bool,
}

/// One player's connection to a match, over as many sockets as it takes.
pub struct Client<G: Game> {
    connection: Connection,
    seated: Option<Seated>,
    watched: Option<Watched>,
    /// The newest line that was told, and of which epoch it is.
    heard: (u64, u64),
    resume: Option<String>,
    roster: BTreeMap<u16, RosterEntry>,
    view: Option<G::View>,
    playout: Playout<G::View>,
    ahead: Ahead<G>,
    /// The step the last input was for.
    meant_last: Option<u32>,
    tick: u32,
    events_told: Option<u64>,
    news: VecDeque<News<G::Event>>,
    input: Option<G::Input>,
    input_is_new: bool,
    commands: Commands,
    pace: Pace,
    visible: bool,
    visible_is_new: bool,
    ended: Option<Ended>,
    stats: ClientStats,
}

impl<G: Game> Default for Client<G> {
    fn default() -> Client<G> {
        Client::new()
    }
}

impl<G: Game> Client<G> {
    /// Before the first connection.
    pub fn new() -> Client<G> {
        Client {
            connection: Connection::default(),
            seated: None,
            watched: None,
            heard: (0, 0),
            resume: None,
            roster: BTreeMap::new(),
            view: None,
            playout: Playout::new(),
            ahead: Ahead::new(),
            meant_last: None,
            tick: 0,
            events_told: None,
            news: VecDeque::new(),
            input: None,
            input_is_new: false,
            commands: Commands::default(),
            pace: Pace::default(),
            visible: true,
            visible_is_new: false,
            ended: None,
            stats: ClientStats::default(),
        }
    }

    /// A socket opened: the message to send first. Whatever the last socket still said is forgotten.
    pub fn hello(&mut self) -> Vec<u8> {
        self.connection = Connection::default();
        self.pace.reset();
        ToServer::Hello(Hello { schema: schema::<G>(), events_seen: self.events_told }).encode()
    }

    /// A message came.
    ///
    /// # Errors
    /// When it is no message of a room that runs this game; the socket should be closed and opened again.
    pub fn receive(&mut self, bytes: &[u8], now_ms: f64) -> Result<(), DecodeError> {
        if bytes.len() > MAX_SERVER_MESSAGE_BYTES {
            return Err(DecodeError::TooLong);
        }
        self.stats.bytes += bytes.len() as u64;
        match ToClient::decode(bytes)? {
            ToClient::State { prefix, body } => {
                self.stats.state_bytes += bytes.len() as u64;
                self.state(prefix, &body, now_ms)?;
            }
            ToClient::Welcome(welcome) => self.welcome(welcome, now_ms),
            ToClient::Roster(entries) => {
                for entry in entries {
                    self.roster.insert(entry.seat, entry);
                }
                let players = self.roster.values().cloned().collect();
                let news = match self.connection.arriving.take() {
                    Some(Arrival::Player(seated)) => News::Welcome(seated, players),
                    Some(Arrival::Spectator(watched)) => News::Watching(watched, players),
                    None => News::Roster(players),
                };
                self.tell(news);
            }
            ToClient::Refused { id, reason } => {
                if let Some(id) = self.commands.refused(id) {
                    self.tell(News::Refused(id, reason));
                }
            }
            ToClient::Notice { notice, match_ms } => {
                match notice {
                    Notice::Draining { .. } => {}
                    Notice::Paused => self.pace.clock(now_ms, match_ms, false, None),
                    Notice::Resumed | Notice::Started => {
                        self.pace.clock(now_ms, match_ms, true, None);
                        self.playout.reset();
                        self.ahead.reset();
                    }
                }
                self.tell(News::Notice(notice));
            }
            ToClient::Ended(ended) => {
                self.ended = Some(ended.clone());
                self.tell(News::Ended(ended));
            }
            ToClient::Pong { client_ms, match_ms, running } => {
                let round_trip = (now_ms.floor() - client_ms as f64).max(0.0);
                self.pace.clock(now_ms, match_ms, running, Some(round_trip));
            }
            ToClient::Watching(watching) => self.watching(watching, now_ms),
            ToClient::Said(said) => {
                if said.number > self.heard.1 {
                    self.heard.1 = said.number;
                    self.tell(News::Said(said));
                }
            }
            ToClient::Unsaid { reason } => self.tell(News::Unsaid(reason)),
            ToClient::Removed { seat, reason } => self.tell(News::Removed(seat, reason)),
        }
        Ok(())
    }

    /// The lines of another room count from 1 again.
    fn hears(&mut self, epoch: u64) {
        if self.heard.0 != epoch {
            self.heard = (epoch, 0);
        }
    }

    fn watching(&mut self, watching: Watching, now_ms: f64) {
        let Watching { epoch, rate_hz, config, delay_ms, match_ms, running, .. } = watching;
        self.hears(epoch);
        let watched = Watched { rate_hz, config, delay_ms, match_ms };
        self.connection.welcomed = true;
        self.connection.arriving = Some(Arrival::Spectator(watched.clone()));
        (self.seated, self.watched) = (None, Some(watched));
        self.roster.clear();
        self.playout.reset();
        self.ahead.reset();
        self.pace.clock(now_ms, match_ms, running, None);
        self.visible_is_new = !self.visible;
    }

    fn welcome(&mut self, welcome: Welcome, now_ms: f64) {
        self.hears(welcome.epoch);
        let (rate_hz, config, chat) = (welcome.rate_hz, welcome.config, welcome.chat);
        let seated = Seated { seat: Seat(welcome.seat), rate_hz, config, chat };
        self.connection.welcomed = true;
        self.connection.arriving = Some(Arrival::Player(seated.clone()));
        self.seated = Some(seated);
        self.resume = Some(welcome.resume);
        self.roster.clear();
        self.playout.reset();
        self.ahead.reset();
        self.meant_last = None;
        self.pace.clock(now_ms, welcome.match_ms, welcome.running, None);
        // The room let go of what was held on the old connection, and knows nothing of a hidden page.
        self.input_is_new = self.input.is_some() && !G::EVERY_INPUT_COUNTS;
        self.visible_is_new = !self.visible;
        for id in self.commands.welcome(welcome.commands_done) {
            self.tell(News::Accepted(id));
        }
    }

    fn state(&mut self, prefix: StatePrefix, body: &[u8], now_ms: f64) -> Result<(), DecodeError> {
        self.connection.inputs_taken = self.connection.inputs_taken.saturating_add(prefix.inputs);
        let taken = self.connection.inputs_at.len().min(prefix.inputs as usize);
        if let Some(at) = self.connection.inputs_at.drain(..taken).next_back() {
            self.stats.ack_ms = now_ms - at;
        }
        self.stats.inputs_taken += taken as u64;
        if prefix.body {
            self.connection.frames_unacked = self.connection.frames_unacked.saturating_add(1);
            self.connection.last_frame = now_ms;
            self.stats.frames += 1;
            self.body(body)?;
            let watched = self.watched.as_ref().map_or(0, |watched| watched.rate_hz);
            let rate_hz = self.seated.as_ref().map_or(watched, |seated| seated.rate_hz);
            self.pace.frame(now_ms, self.tick, rate_hz);
            if let (true, Some(view), Some(seated)) = (G::REPLAYS, &self.view, &self.seated) {
                self.ahead.steps.came(now_ms, self.tick, rate_hz);
                let rewind = G::REWIND_MS * rate_hz / 1_000;
                self.ahead.came(self.tick, view, self.connection.inputs_taken, rewind, seated.seat);
            } else if let (true, Some(view)) = (G::REPLAYS, &self.view) {
                self.ahead.steps.came(now_ms, self.tick, rate_hz);
                self.ahead.seen(self.tick, view);
            } else if let (Some(view), true) = (&self.view, rate_hz > 0) {
                self.playout.came(now_ms, self.tick, 1_000.0 / f64::from(rate_hz), view.clone());
            }
        }
        for id in self.commands.dealt_with(prefix.commands) {
            self.tell(News::Accepted(id));
        }
        Ok(())
    }

    fn body(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let mut from = Reader::new(bytes);
        let header = StateBody::read(&mut from)?;
        match header.kind {
            StateKind::None => {}
            StateKind::Keyframe { tick, events_before } => {
                self.view = Some(G::View::read(&mut from)?);
                self.tick = tick;
                self.events_told = Some(events_before);
                self.connection.has_state = true;
                self.connection.desynced = false;
                self.connection.keyframe_asked = false;
                self.stats.keyframes += 1;
            }
            StateKind::Delta { ticks } => {
                let view = self.view.as_mut().filter(|_| self.connection.has_state);
                let patched = view.ok_or(DecodeError::Range)?.patch(ticks, &mut from);
                self.tick = self.tick.wrapping_add(ticks);
                if patched.is_err() && self.connection.desynced {
                    return Ok(());
                }
                patched?;
            }
        }
        if let (Some(check), Some(view)) = (header.check, &self.view)
            && view.check() != check
        {
            self.stats.desyncs += u64::from(!self.connection.desynced);
            self.connection.desynced = true;
        }
        for _ in 0..header.events {
            let event = G::Event::read(&mut from)?;
            self.events_told = self.events_told.map(|told| told + 1);
            self.tell(News::Event(event));
        }
        from.end()
    }

    fn tell(&mut self, news: News<G::Event>) {
        if self.news.len() == MAX_NEWS {
            self.news.pop_front();
        }
        self.news.push_back(news);
    }

    /// What there is to tell, oldest first.
    pub fn news(&mut self) -> Vec<News<G::Event>> {
        self.news.drain(..).collect()
    }

    /// Messages that are due: inputs, commands, acknowledgements, pings. To be asked often.
    pub fn outgoing(&mut self, now_ms: f64) -> Vec<Vec<u8>> {
        let mut messages = Vec::new();
        if !self.connection.welcomed || self.ended.is_some() {
            return messages;
        }
        if std::mem::take(&mut self.visible_is_new) {
            messages.push(ToServer::Visible { visible: self.visible }.encode());
        }
        for (id, payload) in self.commands.take_unsent() {
            messages.push(ToServer::Command { id, payload }.encode());
        }
        let held_ms = (now_ms - self.connection.last_frame).max(0.0) as u32;
        let frames = self.connection.frames_unacked;
        let mut acknowledged = false;
        self.pass(now_ms);
        let meant = self.ahead.steps.meant();
        // Where inputs are for steps, one for each step is enough: a screen may be quicker than the game.
        let may_send = !G::REPLAYS || self.meant_last.is_none_or(|last| last < meant.0);
        if let (true, true, Some(input)) = (self.input_is_new, may_send, &self.input) {
            let mut to = Writer::new();
            if G::REPLAYS {
                self.meant_last = Some(meant.0);
                Meant { at: meant.0, behind: meant.1 }.write(&mut to);
                self.ahead.sent(meant.0, self.connection.inputs_sent + 1, input.clone());
            }
            input.write(&mut to);
            let payload = to.finish();
            let message = ToServer::Input { seq: 1, frames, held_ms, payload }.encode();
            self.input_is_new = false;
            self.connection.inputs_sent += 1;
            if self.connection.inputs_at.len() == MAX_INPUTS_TIMED {
                self.connection.inputs_at.pop_front();
            }
            self.connection.inputs_at.push_back(now_ms);
            self.stats.inputs += 1;
            self.stats.input_bytes += message.len() as u64;
            messages.push(message);
            acknowledged = true;
        } else if frames > 0 && due(self.connection.last_ack, now_ms, ACK_INTERVAL) {
            messages.push(ToServer::Ack { frames, held_ms }.encode());
            acknowledged = true;
        }
        if acknowledged {
            self.connection.frames_unacked = 0;
            self.connection.last_ack = Some(now_ms);
        }
        if self.connection.desynced && !self.connection.keyframe_asked {
            self.connection.keyframe_asked = true;
            messages.push(ToServer::WantKeyframe.encode());
        }
        if due(self.connection.last_ping, now_ms, PING_INTERVAL) {
            self.connection.last_ping = Some(now_ms);
            messages.push(ToServer::Ping { client_ms: now_ms.max(0.0) as u64 }.encode());
        }
        messages
    }

    /// The clocks go on.
    fn pass(&mut self, now_ms: f64) {
        if G::REPLAYS && self.pace.is_running() {
            self.ahead.steps.pass(now_ms, self.pace.ping_ms);
        }
    }

    /// From now on the player holds this. Sent when it is another one than before, or the game counts every one.
    pub fn set_input(&mut self, input: G::Input) {
        if G::EVERY_INPUT_COUNTS || self.input.as_ref() != Some(&input) {
            self.input = Some(input);
            self.input_is_new = true;
        }
    }

    /// Sends a command; its number, by which the answer calls it.
    pub fn command(&mut self, command: &G::Command) -> u64 {
        let mut to = Writer::new();
        command.write(&mut to);
        self.commands.give(to.finish())
    }

    /// Whether a command has no answer yet.
    pub fn is_commanding(&self) -> bool {
        self.commands.is_waiting()
    }

    /// What the room sent last.
    pub fn view(&self) -> Option<&G::View> {
        self.view.as_ref()
    }

    /// What to show now: the last state whose time has come, with clocks run on and the player's own inputs that are
    /// on their way. Where a game is played ahead ([`Game::REPLAYS`]): the player himself as far ahead as the room will
    /// hear of him, the others between two states.
    pub fn view_at(&mut self, now_ms: f64) -> Option<G::View> {
        if G::REPLAYS {
            self.pass(now_ms);
            let running = self.pace.is_running();
            let shown = match &self.seated {
                Some(seated) => self.ahead.show(now_ms, running, seated.seat),
                None => self.ahead.look_on(running),
            };
            return shown.or_else(|| self.view.clone());
        }
        let mut view = self.playout.shown(now_ms).or(self.view.as_ref())?.clone();
        view.at(self.pace.match_ms(now_ms));
        let on_its_way = self.connection.inputs_taken < self.connection.inputs_sent || self.input_is_new;
        if let (true, Some(input), Some(seated)) = (on_its_way, &self.input, &self.seated) {
            G::predict(&mut view, seated.seat, input);
        }
        Some(view)
    }

    /// Who the player is.
    pub fn seated(&self) -> Option<&Seated> {
        self.seated.as_ref()
    }

    /// Who is there.
    pub fn roster(&self) -> impl Iterator<Item = &RosterEntry> {
        self.roster.values()
    }

    /// Steps since the match began, as of the last state.
    pub fn tick(&self) -> u32 {
        self.tick
    }

    /// How the match ended.
    pub fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref()
    }

    /// Opens the seat again after a broken connection.
    pub fn resume_token(&self) -> Option<&str> {
        self.resume.as_deref()
    }

    /// What who does not play watches.
    pub fn watched(&self) -> Option<&Watched> {
        self.watched.as_ref()
    }

    /// The message that writes a line to all.
    pub fn say(&self, text: &str) -> Vec<u8> {
        ToServer::Say { text: text.to_owned() }.encode()
    }

    /// The message that gives the seat up.
    pub fn leave(&self) -> Vec<u8> {
        ToServer::Leave.encode()
    }

    /// Whether anybody looks. A hidden page is sent no state, only events.
    pub fn set_visible(&mut self, visible: bool) {
        if self.visible != visible {
            self.visible = visible;
            self.visible_is_new = true;
        }
    }

    /// How the connection does.
    pub fn stats(&self, now_ms: f64) -> ClientStats {
        ClientStats {
            ping_ms: self.pace.ping_ms.unwrap_or_default(),
            jitter_ms: self.pace.jitter_ms,
            age_ms: self.pace.age_ms(now_ms),
            tick: self.tick,
            corrected: f64::from(self.ahead.corrected),
            faded: f64::from(self.ahead.faded),
            ..self.stats
        }
    }
}

fn due(last: Option<f64>, now_ms: f64, every: std::time::Duration) -> bool {
    last.is_none_or(|last| now_ms - last >= every.as_secs_f64() * 1_000.0)
}
