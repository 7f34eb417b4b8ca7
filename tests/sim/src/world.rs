//! The world around both cores: a false network, a false cluster, a false journal, players; one thread, one seed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use lobby_core::{
    Answer, Batch, ClusterNews, Effect, Event, FleetSettings, HostOrder, Input, Lobby, MatchId, MatchPhase, PlayerId,
    Presence, QueueSettings, Refusal, RequestId, RoomEnd, RoomId, RoomNews, SeatReport, SeatState, Settings, Shape,
    State, StreamId, TicketEvent, TicketId, Time, Window,
};

use crate::checks::Promises;
use crate::dice::Dice;
use crate::player::Player;
use crate::room::{Piece, Process, Said};

/// Players of a world: enough for several matches at once, few enough for thousands of worlds.
const PLAYERS: u64 = 14;
/// A room and the lobby agree on the seats this long after their stream was opened, or a seat changed.
const AGREE_WITHIN: Duration = Duration::from_millis(2_500);
/// A room breaks its stream when the lobby is silent for so long.
const LOBBY_SILENT: Duration = Duration::from_secs(5);
/// What a lobby takes for a stall at the latest: that it is called so much later than before.
const SURELY_A_STALL: Duration = Duration::from_millis(2_001);
/// What a message takes, in milliseconds.
const DELAY: (u64, u64) = (1, 60);

/// Something that will happen.
pub(crate) enum Happening {
    /// A call reaches the lobby, if it is up.
    Call(Box<Input>),
    /// A room tries to open its stream.
    Attach(RoomId),
    /// A message of a room, over a link that still stood when it was sent.
    Up(RoomId, u64, StreamId, Box<RoomNews>),
    /// A message for a room, likewise; with the journal of a match that is to go on in it.
    Down(RoomId, u64, Box<Effect>, Vec<u8>),
    /// A piece of a match's journal, likewise.
    Piece(RoomId, u64, Piece),
    /// A room hears that so much of its journal is kept.
    Kept(RoomId, u64, u64, u64),
    /// The lobby learns that a stream broke.
    LobbyLost(RoomId, StreamId),
    /// A room learns that its stream broke.
    RoomLost(RoomId, u64),
    /// A player hears an answer.
    Answer(PlayerId, RequestId, Box<Result<Box<Answer>, Refusal>>),
    /// A player hears an event of his ticket.
    Notice(PlayerId, TicketId, u64, TicketEvent),
    /// The journal has what was handed to it.
    Committed(u64),
    /// A process has started, or not.
    Started(RoomId, bool),
    /// A room's heartbeat.
    Beat(RoomId),
    /// A player does something.
    Acts(usize),
    /// The lobby dies.
    Crash,
    /// It comes back.
    Resume,
    /// It stood still, and goes on: it looks at its clock before it hears anything.
    Wakes,
    /// A room has not heard of the lobby for too long, over a link that stood when that began.
    GivesUp(RoomId, u64),
    /// Something goes wrong with a room, or a stream.
    Trouble,
}

impl Happening {
    /// What a lobby that stands still reads when it goes on.
    fn is_for_the_lobby(&self) -> bool {
        match self {
            Self::Call(_) | Self::Up(..) | Self::Piece(..) | Self::LobbyLost(..) | Self::Committed(_) => true,
            Self::Attach(_)
            | Self::Down(..)
            | Self::Kept(..)
            | Self::RoomLost(..)
            | Self::Answer(..)
            | Self::Notice(..)
            | Self::Started(..)
            | Self::Beat(_)
            | Self::Acts(_)
            | Self::Crash
            | Self::Resume
            | Self::Wakes
            | Self::GivesUp(..)
            | Self::Trouble => false,
        }
    }
}

/// A stream's two ends and what is under way.
#[derive(Default)]
struct Link {
    /// Grows with every break: what was sent before is lost.
    generation: u64,
    /// Messages keep their order within a stream.
    last_up: Time,
    last_down: Time,
    /// The lobby's end.
    stream: Option<StreamId>,
}

/// The world.
pub struct World {
    pub(crate) dice: Dice,
    pub(crate) now: Time,
    /// The lobby, while it lives.
    pub(crate) lobby: Option<Lobby>,
    /// What is written: a state with the journal's events applied.
    written: State,
    /// What was handed to the journal, in order.
    handed: Vec<Batch>,
    life: u64,
    /// It dies with the next decision.
    armed: bool,
    /// It stands still until then: what reaches it is read when it goes on.
    stands: Time,
    agenda: BTreeMap<(Time, u64), Happening>,
    order: u64,
    pub(crate) processes: BTreeMap<RoomId, Process>,
    links: BTreeMap<RoomId, Link>,
    pub(crate) players: Vec<Player>,
    pub(crate) requests: u64,
    pub(crate) askers: BTreeMap<RequestId, PlayerId>,
    streams: u64,
    pub(crate) healed: bool,
    pub(crate) promises: Promises,
    /// What happened, if somebody wants to read it.
    pub log: Option<String>,
    /// Steps made.
    pub steps: u64,
    seed: u64,
    /// Rooms whose seats are not those of the ledger: on which stream, since when.
    strife: BTreeMap<RoomId, (u64, Time)>,
    /// The journals of matches, as they lie beside the lobby's own.
    journals: BTreeMap<MatchId, Vec<u8>>,
    /// Matches that a second room took up.
    pub recovered: u32,
    /// Times that the lobby stood still, and must have noticed.
    pub stalls: u32,
    /// Something that a world does wrong on purpose: a second room is asked to go on with each match, too.
    pub hands_down_twice: bool,
}

pub(crate) fn settings() -> Settings {
    let duel = QueueSettings {
        window: Window::ANYBODY,
        open_games: true,
        ..QueueSettings::new("duel", "tictactoe", Shape::Free { min: 2, max: 2 })
    };
    let rated = QueueSettings {
        window: Window { start: Some(50.0), step: 100.0, ..Window::default() },
        ..QueueSettings::new("rated", "tictactoe", Shape::Free { min: 2, max: 2 })
    };
    let crowd = QueueSettings {
        window: Window::ANYBODY,
        late_join: true,
        start_after: Duration::from_secs(2),
        ..QueueSettings::new("crowd", "snake", Shape::Free { min: 2, max: 4 })
    };
    let fleet = FleetSettings {
        min_ready: 1,
        max_rooms: 6,
        start_timeout: Duration::from_secs(5),
        scale_down_after: Duration::from_secs(10),
        breaker_failures: 10,
        breaker_window: Duration::from_secs(10),
        ..FleetSettings::new("default", &["snake", "tictactoe"])
    };
    let mut settings = Settings { queues: vec![duel, rated, crowd], fleets: vec![fleet], ..Settings::default() };
    settings.limits.requeues = 100;
    settings
}

impl World {
    /// A world from a seed.
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let now = Time::from_secs(1);
        let mut key = [0; 32];
        key[..8].copy_from_slice(&dice.word().to_le_bytes());
        let lobby = Lobby::new(key, now, settings()).expect("the settings hold together");
        let queues = ["duel", "rated", "crowd", "crowd"];
        let players = (1..=PLAYERS)
            .map(|id| Player::new(id, 1_000.0 + dice.below(1_000) as f32, queues[dice.below(4) as usize]))
            .collect();
        let mut world = Self {
            dice,
            now,
            lobby: Some(lobby),
            written: State::new(key),
            handed: Vec::new(),
            life: 0,
            armed: false,
            stands: Time::ZERO,
            agenda: BTreeMap::new(),
            order: 0,
            processes: BTreeMap::new(),
            links: BTreeMap::new(),
            players,
            requests: 0,
            askers: BTreeMap::new(),
            streams: 0,
            healed: false,
            promises: Promises::default(),
            log: None,
            steps: 0,
            seed,
            strife: BTreeMap::new(),
            journals: BTreeMap::new(),
            recovered: 0,
            stalls: 0,
            hands_down_twice: false,
        };
        world.make_parties();
        for index in 0..world.players.len() {
            let after = world.dice.millis(0, 3_000);
            world.later(after, Happening::Acts(index));
        }
        let (crash, trouble) = (world.dice.millis(500, 15_000), world.dice.millis(500, 3_000));
        world.later(crash, Happening::Crash);
        world.later(trouble, Happening::Trouble);
        world.flush();
        world
    }

    /// Lets time pass.
    ///
    /// # Errors
    /// The invariant that did not hold.
    pub fn run(&mut self, duration: Duration) -> Result<(), String> {
        let end = self.now + duration;
        loop {
            let agenda = self.agenda.first_key_value().map_or(Time::MAX, |(&(at, _), _)| at);
            let lobby = self.lobby.as_ref().map_or(Time::MAX, |lobby| lobby.deadline().max(self.stands));
            let room = self.processes.values().map(|room| (room.deadline(), room.id)).min();
            let next = agenda.min(lobby).min(room.map_or(Time::MAX, |(at, _)| at));
            if next > end {
                self.now = end;
                return Ok(());
            }
            self.now = self.now.max(next);
            self.steps += 1;
            if agenda == next {
                let Some(((_, order), happening)) = self.agenda.pop_first() else { continue };
                if self.stands > self.now && happening.is_for_the_lobby() {
                    self.agenda.insert((self.stands, order), happening); // in its order
                    continue;
                }
                self.happen(happening).map_err(|broken| self.broken(&broken))?;
            } else if let Some((at, id)) = room
                && at == next
            {
                if let Some(process) = self.processes.get_mut(&id) {
                    process.advance(self.now);
                }
                self.room_says(id);
            } else if let Some(lobby) = &mut self.lobby {
                lobby.advance(self.now);
                self.flush();
            }
            if let Some(lobby) = &self.lobby {
                let held = self.promises.check(lobby.state(), &self.players);
                let held = match self.stands > self.now {
                    true => held,
                    false => held.and_then(|()| Promises::placements_end(lobby, self.now)),
                };
                let held = held.and_then(|()| self.one_room_per_placement());
                held.map_err(|broken| self.broken(&broken))?;
            }
        }
    }

    /// From now on nothing goes wrong, and nobody begins anything new.
    pub fn heal(&mut self) {
        self.healed = true;
        for process in self.processes.values_mut() {
            // Who hangs goes on when he would have: what waits for that keeps its order.
            process.lies = false;
        }
        for player in &mut self.players {
            player.away = Time::ZERO;
        }
        if self.lobby.is_none() {
            self.later(Duration::from_millis(100), Happening::Resume);
        }
    }

    /// Everybody ended seated, cancelled or told why; who still waits has nobody to play with.
    ///
    /// # Errors
    /// Who was left out.
    pub fn assert_everyone_was_served_or_told_why(&self) -> Result<(), String> {
        let Some(lobby) = &self.lobby else { return Err(self.broken("the lobby did not come back")) };
        self.promises.all_told(lobby.state(), &self.players).map_err(|broken| self.broken(&broken))
    }

    fn broken(&self, what: &str) -> String {
        format!("seed {} at {}: {what}\nreplay it: {}", self.seed, self.now, crate::replay(self.seed))
    }

    pub(crate) fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(log) = &mut self.log {
            let _written = writeln!(log, "{} {}", self.now, line());
        }
    }

    pub(crate) fn later(&mut self, after: Duration, happening: Happening) {
        self.order += 1;
        self.agenda.insert((self.now + after, self.order), happening);
    }

    pub(crate) fn delay(&mut self) -> Duration {
        self.dice.millis(DELAY.0, DELAY.1)
    }

    fn happen(&mut self, happening: Happening) -> Result<(), String> {
        match happening {
            Happening::Call(input) => self.input(*input),
            Happening::Attach(room) => self.attach(room),
            Happening::Up(room, generation, stream, news) => {
                if self.links.get(&room).is_some_and(|link| link.generation == generation) {
                    self.input(Input::Room { stream, room, news: *news });
                }
            }
            Happening::Down(room, generation, effect, journal) => {
                if self.links.get(&room).is_some_and(|link| link.generation == generation) {
                    self.at_room(room, *effect, journal);
                }
            }
            Happening::Piece(room, generation, piece) => {
                if self.links.get(&room).is_some_and(|link| link.generation == generation) {
                    self.keep(room, generation, &piece);
                }
            }
            Happening::Kept(room, generation, epoch, bytes) => {
                let current = self.links.get(&room).is_some_and(|link| link.generation == generation);
                if current && let Some(process) = self.processes.get_mut(&room) {
                    process.journal_kept(self.now, epoch, bytes);
                    self.room_says(room);
                }
            }
            Happening::LobbyLost(room, stream) => self.input(Input::Detached { stream, room }),
            Happening::RoomLost(room, generation) => {
                let current = self.links.get(&room).is_some_and(|link| link.generation == generation);
                if current && let Some(process) = self.processes.get_mut(&room) {
                    process.open = false;
                    process.stream = None;
                    self.later(Duration::from_millis(50), Happening::Attach(room));
                }
            }
            Happening::Answer(player, request, answer) => self.answered(player, request, *answer)?,
            Happening::Notice(player, ticket, number, event) => self.noticed(player, ticket, number, &event)?,
            Happening::Committed(life) => {
                if life == self.life {
                    self.commit();
                }
            }
            Happening::Started(room, well) => self.started(room, well),
            Happening::Beat(room) => {
                self.beat(room);
                self.room_and_ledger_agree(room)?;
            }
            Happening::Acts(index) => self.act(index),
            Happening::Crash => self.crash(),
            Happening::Resume => self.resume()?,
            // The one it was waking for died meanwhile.
            Happening::Wakes if self.stands > self.now => {}
            Happening::Wakes => {
                self.strife.clear(); // it could not agree with anybody
                if let Some(lobby) = &mut self.lobby {
                    lobby.advance(self.now);
                    self.flush();
                }
            }
            Happening::GivesUp(room, generation) => {
                let stands = self.stands > self.now;
                if stands && self.links.get(&room).is_some_and(|link| link.generation == generation) {
                    self.note(|| format!("{room} gives the lobby up"));
                    self.break_link(room, true);
                }
            }
            Happening::Trouble => self.trouble(),
        }
        Ok(())
    }

    pub(crate) fn input(&mut self, input: Input) {
        if self.stands > self.now {
            return self.later(self.stands.since(self.now), Happening::Call(Box::new(input)));
        }
        self.note(|| format!("lobby < {input:?}"));
        if let Some(lobby) = &mut self.lobby {
            lobby.handle(self.now, input);
            self.flush();
        }
    }

    /// What the lobby decided goes to the journal; what it may say goes out.
    fn flush(&mut self) {
        let Some(lobby) = &mut self.lobby else { return };
        let batch = lobby.take_events();
        let effects: Vec<Effect> = std::iter::from_fn(|| lobby.poll()).collect();
        if let Some(batch) = batch {
            self.note(|| format!("journal < {:?}", batch.events));
            self.handed.push(batch);
            let (after, life) = (self.dice.millis(0, 30), self.life);
            self.later(after, Happening::Committed(life));
        }
        for effect in effects {
            self.note(|| format!("lobby > {effect:?}"));
            self.carry_out(effect);
        }
        self.crash_if_armed();
    }

    /// It dies while something is on its way to the journal, or just after.
    fn crash_if_armed(&mut self) {
        if self.armed && !self.handed.is_empty() {
            self.armed = false;
            let after = self.dice.millis(0, 8);
            self.later(after, Happening::Crash);
        }
    }

    /// The journal has written all it was handed.
    fn commit(&mut self) {
        let handed = std::mem::take(&mut self.handed);
        let Some(last) = handed.last().map(Batch::last) else { return };
        handed.iter().for_each(|batch| self.write(batch));
        if let Some(lobby) = &mut self.lobby {
            lobby.committed(last);
        }
        self.flush();
    }

    fn write(&mut self, batch: &Batch) {
        for event in &batch.events {
            self.promises.decided(event);
            if let Event::MatchEnded(outcome) = event
                && self.written.match_(outcome.match_id).and_then(lobby_core::Match::place).map(|(_, epoch)| epoch)
                    != Some(outcome.epoch)
            {
                self.promises.wrong_results.push(outcome.match_id);
            }
            self.written.apply(event);
            if let Event::MatchEnded(outcome) = event {
                self.promises.results.push(outcome.match_id);
            }
        }
    }

    fn crash(&mut self) {
        if self.healed || self.lobby.is_none() {
            return;
        }
        if self.handed.is_empty() && !self.dice.once_in(3) {
            self.armed = true; // rather in the middle of a decision
            return;
        }
        // What was handed to the journal may be written or not; what follows the first that is not, is not.
        let handed = std::mem::take(&mut self.handed);
        let kept = self.dice.below(handed.len() as u64 + 1) as usize;
        handed[..kept].iter().for_each(|batch| self.write(batch));
        self.note(|| format!("the lobby dies; {kept} of {} batches were written", handed.len()));
        self.lobby = None;
        (self.stands, self.promises.woke) = (Time::ZERO, Time::ZERO);
        self.life += 1;
        self.askers.clear();
        let rooms: Vec<RoomId> = self.links.keys().copied().collect();
        rooms.into_iter().for_each(|room| self.break_link(room, false));
        let after = self.dice.millis(50, 4_000);
        self.later(after, Happening::Resume);
    }

    fn resume(&mut self) -> Result<(), String> {
        if self.lobby.is_some() {
            return Ok(());
        }
        let bytes = postcard::to_stdvec(&self.written).expect("a state can be written");
        let state: State = postcard::from_bytes(&bytes).expect("and read");
        if postcard::to_stdvec(&state).expect("and written") != bytes {
            return Err("a restored state is not the one that was written".to_owned());
        }
        self.note(|| "the lobby is back".to_owned());
        self.promises.restarted(&state)?;
        self.lobby = Some(Lobby::resume(state, self.now));
        self.flush();
        for match_id in self.journals.keys().copied().collect::<Vec<_>>() {
            self.input(Input::Journal { match_id, there: true });
        }
        let after = self.dice.millis(1_000, 25_000);
        self.later(after, Happening::Crash);
        Ok(())
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Answer { request, answer } => {
                if let Ok(answer) = &answer
                    && let Answer::Ticket(view) = &**answer
                {
                    self.promises.promised(view.ticket); // it may be heard
                }
                let Some(player) = self.askers.remove(&request) else { return };
                let after = self.delay();
                if self.healed || !self.dice.once_in(20) {
                    self.later(after, Happening::Answer(player, request, Box::new(answer)));
                }
            }
            Effect::Notify { ticket, number, event } => {
                self.promises.told(ticket, number, &event);
                let players: Vec<PlayerId> = self
                    .players
                    .iter()
                    .filter(|player| player.ticket == Some(ticket))
                    .map(|player| player.id)
                    .collect();
                for player in players {
                    let after = self.delay();
                    if self.healed || !self.dice.once_in(10) {
                        self.later(after, Happening::Notice(player, ticket, number, event.clone()));
                    }
                }
            }
            Effect::OpenGamesChanged { .. } => {}
            Effect::Welcome { stream, room } => {
                self.links.entry(room).or_default().stream = Some(stream);
                self.down(room, Effect::Welcome { stream, room });
            }
            Effect::RefuseStream { stream, .. } => {
                let room = self.links.iter().find(|(_, link)| link.stream == Some(stream)).map(|(&room, _)| room);
                if let Some(room) = room {
                    self.break_link(room, false);
                }
            }
            Effect::Host { room, order } if order.recovers => self.hand_down(room, order),
            Effect::Host { room, .. }
            | Effect::AddSeats { room, .. }
            | Effect::ReleaseSeats { room, .. }
            | Effect::CallOff { room, .. }
            | Effect::KickSeats { room, .. }
            | Effect::DrainRoom { room, .. }
            | Effect::StopRoom { room, .. }
            | Effect::AckResult { room, .. } => self.down(room, effect),
            Effect::StartRoom { room, .. } => {
                self.input(Input::Cluster(ClusterNews::Credential { room, hash: [1; 32] }));
                let well = self.healed || !self.dice.once_in(8);
                let after = self.dice.millis(100, 1_500);
                self.later(after, Happening::Started(room, well));
            }
            Effect::KillRoom { room } => self.end_process(room, None),
        }
    }

    /// A room is to go on with a match: with its journal, if that is there.
    fn hand_down(&mut self, room: RoomId, order: Box<HostOrder>) {
        let match_id = order.match_id;
        if !self.healed && self.dice.once_in(10) {
            self.journals.remove(&match_id); // a disk that lost it
        }
        let Some(journal) = self.journals.get(&match_id).cloned() else {
            let missing = Input::Journal { match_id, there: false };
            return self.later(Duration::ZERO, Happening::Call(Box::new(missing)));
        };
        let other = self.processes.keys().copied().find(|other| *other != room);
        if let Some(other) = other.filter(|_| self.hands_down_twice) {
            self.down_with(other, Effect::Host { room: other, order: order.clone() }, journal.clone());
        }
        self.down_with(room, Effect::Host { room, order }, journal);
    }

    /// The lobby takes a piece of a journal of the room that has the match, and says what it has.
    fn keep(&mut self, room: RoomId, generation: u64, piece: &Piece) {
        let Some(game) = self.lobby.as_ref().and_then(|lobby| lobby.state().match_(piece.match_id)) else { return };
        let had = |phase| matches!(phase, MatchPhase::Orphaned { room: last, epoch, .. } if (last, epoch) == (room, piece.epoch));
        // A room whose stream never broke may still write what its match was like when it was given up.
        if game.place() != Some((room, piece.epoch)) && !had(game.phase) {
            return;
        }
        let journal = self.journals.entry(piece.match_id).or_default();
        if piece.offset > journal.len() {
            return;
        }
        let end = piece.offset + piece.data.len();
        journal.resize(journal.len().max(end), 0);
        journal[piece.offset..end].copy_from_slice(&piece.data);
        let after = self.delay();
        self.later(after, Happening::Kept(room, generation, piece.epoch, end as u64));
        self.input(Input::Journal { match_id: piece.match_id, there: true });
    }

    /// No two rooms run a match by the same placement.
    fn one_room_per_placement(&self) -> Result<(), String> {
        let mut seen = BTreeMap::new();
        for process in self.processes.values() {
            let room_core::Status::Playing { match_id, epoch, .. } = process.core.status() else { continue };
            if let Some(other) = seen.insert((match_id.clone(), epoch), process.id) {
                return Err(format!("{match_id} runs in {other} and in {}, both by placement {epoch}", process.id));
            }
        }
        Ok(())
    }

    fn piece_up(&mut self, room: RoomId, piece: Piece) {
        let delay = self.delay();
        if self.processes.get(&room).is_none_or(|process| process.stream.is_none()) {
            return;
        }
        let Some(link) = self.links.get_mut(&room) else { return };
        link.last_up = link.last_up.max(self.now + delay);
        let (generation, after) = (link.generation, link.last_up.since(self.now));
        self.later(after, Happening::Piece(room, generation, piece));
    }

    fn down(&mut self, room: RoomId, effect: Effect) {
        self.down_with(room, effect, Vec::new());
    }

    fn down_with(&mut self, room: RoomId, effect: Effect, journal: Vec<u8>) {
        let delay = self.delay();
        let twice = !self.healed && self.dice.once_in(30);
        let Some(link) = self.links.get_mut(&room) else { return };
        if link.stream.is_none() {
            return;
        }
        link.last_down = link.last_down.max(self.now + delay);
        let (generation, after) = (link.generation, link.last_down.since(self.now));
        if twice {
            self.later(after, Happening::Down(room, generation, Box::new(effect.clone()), journal.clone()));
        }
        self.later(after, Happening::Down(room, generation, Box::new(effect), journal));
    }

    pub(crate) fn up(&mut self, room: RoomId, news: RoomNews) {
        let delay = self.delay();
        let twice = !self.healed && self.dice.once_in(30);
        let Some(stream) = self.processes.get(&room).and_then(|process| process.stream) else { return };
        let Some(link) = self.links.get_mut(&room) else { return };
        link.last_up = link.last_up.max(self.now + delay);
        let (generation, after) = (link.generation, link.last_up.since(self.now));
        if twice {
            self.later(after, Happening::Up(room, generation, stream, Box::new(news.clone())));
        }
        self.later(after, Happening::Up(room, generation, stream, Box::new(news)));
    }

    /// A stream breaks. Both ends learn it in their own time; what was under way is lost.
    fn break_link(&mut self, room: RoomId, lobby_hears: bool) {
        let Some(link) = self.links.get_mut(&room) else { return };
        link.generation += 1;
        let (stream, generation) = (link.stream.take(), link.generation);
        let (one, other) = (self.dice.millis(1, 2_000), self.dice.millis(1, 2_000));
        if let (Some(stream), true) = (stream, lobby_hears) {
            self.later(one, Happening::LobbyLost(room, stream));
        }
        self.later(other, Happening::RoomLost(room, generation));
    }

    fn attach(&mut self, id: RoomId) {
        let up = self.lobby.is_some() && self.stands <= self.now;
        let Some(process) = self.processes.get_mut(&id) else { return };
        if process.open {
            return;
        }
        if process.hung > self.now || !up {
            process.tries += 1;
            let again = Duration::from_millis((50 << process.tries.min(4)).min(1_000));
            return self.later(again, Happening::Attach(id));
        }
        process.tries = 0;
        process.open = true;
        let hello = Box::new(process.hello());
        self.streams += 1;
        let stream = StreamId(self.streams);
        let link = self.links.entry(id).or_default();
        link.generation += 1;
        link.stream = Some(stream);
        self.input(Input::Attach { stream, hello });
    }

    fn started(&mut self, id: RoomId, well: bool) {
        if self.processes.contains_key(&id) {
            return;
        }
        if !well {
            let detail = "it could not be started".into();
            return self.input(Input::Cluster(ClusterNews::Exited { room: id, how: RoomEnd::NotStarted, detail }));
        }
        let lies = !self.healed && self.dice.once_in(4);
        self.note(|| format!("{id} starts{}", if lies { ", a liar" } else { "" }));
        self.processes.insert(id, Process::new(id, lies));
        self.attach(id);
        self.later(Duration::from_secs(1), Happening::Beat(id));
    }

    /// Neighbours who like the same crowd queue together now and then.
    fn make_parties(&mut self) {
        for pair in self.players.chunks_exact_mut(2) {
            if let [one, other] = pair
                && (one.queue, other.queue) == ("crowd", "crowd")
            {
                one.mate = Some(other.id);
            }
        }
    }

    /// While a stream stands, room and lobby come to agree on who has a seat, whatever was lost with the one before.
    fn room_and_ledger_agree(&mut self, id: RoomId) -> Result<(), String> {
        let listens = self.stands <= self.now;
        let stands = |link: &&Link| listens && link.stream.is_some();
        let (Some(lobby), Some(process), Some(link)) =
            (&self.lobby, self.processes.get(&id), self.links.get(&id).filter(stands))
        else {
            self.strife.remove(&id);
            return Ok(());
        };
        let running = process.running().filter(|_| process.hung <= self.now);
        let game = running.as_ref().and_then(|running| lobby.state().match_(running.match_id));
        let (Some(running), Some(game)) = (running, game) else {
            self.strife.remove(&id);
            return Ok(());
        };
        let hosts = game.place() == Some((id, running.epoch)) && matches!(game.phase, MatchPhase::Playing { .. });
        let in_room = |seat: &lobby_core::Seat| {
            let same = |report: &&SeatReport| report.seat == seat.seat && report.player == seat.player;
            running.seats.iter().find(same).is_some_and(|report| report.presence != Presence::Left)
        };
        let in_ledger = |report: &SeatReport| {
            let same = |seat: &&lobby_core::Seat| seat.seat == report.seat && seat.player == report.player;
            game.seats.iter().filter(same).any(|seat| seat.state != SeatState::Left)
        };
        let given = |seat: &&lobby_core::Seat| matches!(seat.state, SeatState::Held | SeatState::Taken);
        let agree = game.seats.iter().filter(given).all(in_room)
            && running.seats.iter().filter(|report| report.presence != Presence::Left).all(in_ledger);
        if agree || !hosts {
            self.strife.remove(&id);
            return Ok(());
        }
        let since = self.strife.entry(id).or_insert((link.generation, self.now));
        if since.0 != link.generation {
            *since = (link.generation, self.now);
        }
        if self.now.since(since.1) > AGREE_WITHIN {
            let (seats, ledger) = (running.seats, &game.seats);
            return Err(self.broken(&format!("{id} has {seats:?}, and the ledger of {} {ledger:?}", game.id)));
        }
        Ok(())
    }

    fn beat(&mut self, id: RoomId) {
        let now = self.now;
        let Some(process) = self.processes.get_mut(&id) else { return };
        if process.is_done() && process.hung <= now {
            return self.end_process(id, Some(RoomEnd::Exited));
        }
        if process.hung <= now {
            let report = process.report(&mut self.dice);
            let results = process.results.clone();
            self.up(id, report);
            for result in results {
                self.up(id, RoomNews::Result(Box::new(result)));
            }
        }
        self.later(Duration::from_secs(1), Happening::Beat(id));
    }

    /// A process is no more. The cluster says so, if it has something to say.
    pub(crate) fn end_process(&mut self, id: RoomId, how: Option<RoomEnd>) {
        self.note(|| format!("{id} ends: {how:?}"));
        if self.processes.remove(&id).is_none() {
            return;
        }
        self.break_link(id, true);
        for player in &mut self.players {
            player.room_ended(id);
        }
        if let Some(how) = how {
            let (after, detail) = (self.dice.millis(1, 500), "".into());
            self.later(after, Happening::Call(Box::new(Input::Cluster(ClusterNews::Exited { room: id, how, detail }))));
        }
    }

    fn trouble(&mut self) {
        if self.healed {
            return;
        }
        let count = self.processes.len() as u64;
        let chosen = self.dice.below(count) as usize;
        if self.dice.once_in(8) {
            self.stand_still();
        }
        let kind = self.dice.below(6);
        if let Some(&id) = self.processes.keys().nth(chosen) {
            match kind {
                0 => self.end_process(id, Some(RoomEnd::Crashed)),
                1 | 2 => {
                    let until = self.now + self.dice.millis(500, 12_000);
                    self.note(|| format!("{id} hangs until {until}"));
                    if let Some(process) = self.processes.get_mut(&id) {
                        // What waits for its end keeps its order: a stream never reorders.
                        process.hung = process.hung.max(until);
                    }
                }
                3 | 4 => {
                    self.note(|| format!("the stream of {id} breaks"));
                    self.break_link(id, true);
                }
                _ => {
                    self.requests += 1;
                    let call = lobby_core::Call::DrainRoom { room: id, within: Some(Duration::from_secs(5)) };
                    self.input(Input::Request { request: RequestId(self.requests), call });
                }
            }
        }
        let after = self.dice.millis(500, 6_000);
        self.later(after, Happening::Trouble);
    }

    /// The lobby stands still, for less than a room may be silent, or for longer than all wait for it.
    fn stand_still(&mut self) {
        if self.lobby.is_none() || self.stands > self.now {
            return;
        }
        let most = if self.dice.once_in(3) { 20_000 } else { 6_000 };
        let stop = self.dice.millis(500, most);
        self.stands = self.now + stop;
        self.note(|| format!("the lobby stands still for {} ms", stop.as_millis()));
        self.agenda.insert((self.stands, 0), Happening::Wakes);
        if stop >= SURELY_A_STALL {
            self.stalls += 1;
            self.promises.woke = self.stands;
        }
        let links: Vec<(RoomId, u64)> = self.links.iter().map(|(&room, link)| (room, link.generation)).collect();
        for (room, generation) in links.into_iter().filter(|_| stop > LOBBY_SILENT) {
            self.later(LOBBY_SILENT, Happening::GivesUp(room, generation));
        }
    }

    /// A message of the lobby reaches a room.
    fn at_room(&mut self, id: RoomId, effect: Effect, journal: Vec<u8>) {
        let now = self.now;
        let Some(process) = self.processes.get_mut(&id) else { return };
        if process.hung > now {
            // It is read when the process goes on.
            let (after, generation) = (process.hung.since(now), self.links.get(&id).map_or(0, |link| link.generation));
            return self.later(after, Happening::Down(id, generation, Box::new(effect), journal));
        }
        match effect {
            Effect::Welcome { stream, .. } => {
                process.stream = Some(stream);
                let (report, results) = (process.report(&mut self.dice), process.results.clone());
                if let Some(piece) = process.whole_journal() {
                    self.piece_up(id, piece);
                }
                self.up(id, report);
                for result in results {
                    self.up(id, RoomNews::Result(Box::new(result)));
                }
            }
            Effect::Host { order, .. } => {
                let goes_on = !journal.is_empty();
                let news = process.host(now, &order, journal);
                self.recovered += u32::from(goes_on && matches!(news, RoomNews::HostAccepted { .. }));
                self.room_says(id); // its journal before its answer
                return self.up(id, news);
            }
            Effect::AddSeats { epoch, seats, .. } => process.add_seats(now, epoch, &seats),
            Effect::ReleaseSeats { epoch, seats, .. } => process.release_seats(now, epoch, &seats),
            Effect::CallOff { epoch, .. } => process.call_off(now, epoch),
            Effect::KickSeats { epoch, seats, .. } => process.release_seats(now, epoch, &seats),
            Effect::DrainRoom { within, .. } => process.drain(now, within),
            Effect::StopRoom { .. } => return self.end_process(id, Some(RoomEnd::Exited)),
            Effect::AckResult { match_id, epoch, .. } => {
                process.results.retain(|result| (result.match_id, result.epoch) != (match_id, epoch));
            }
            Effect::Answer { .. }
            | Effect::Notify { .. }
            | Effect::OpenGamesChanged { .. }
            | Effect::RefuseStream { .. }
            | Effect::StartRoom { .. }
            | Effect::KillRoom { .. } => {}
        }
        self.room_says(id);
    }

    /// What a room's core has to say goes on its way.
    pub(crate) fn room_says(&mut self, id: RoomId) {
        let Some(process) = self.processes.get_mut(&id) else { return };
        for said in process.outputs(&mut self.dice) {
            match said {
                Said::News(news) => self.up(id, news),
                Said::Piece(piece) => self.piece_up(id, piece),
                Said::Closed(conn) => {
                    for player in &mut self.players {
                        player.socket_closed(id, conn);
                    }
                }
            }
        }
    }
}
