//! Matching, placing and seating as one pure state machine.
//!
//! [`Lobby`] decides; whoever owns it acts. Everything that happens is an [`Input`], everything decided is an
//! [`Event`] for the journal, everything to do is an [`Effect`], which leaves only after the events before it were
//! [`committed`](Lobby::committed). What was promised is [`State`], and [`State::apply`] alone changes it, so a journal replayed over
//! a snapshot gives the same promises again.

mod effect;
mod eta;
mod event;
pub mod fleet;
mod ids;
mod input;
mod lobby;
mod name;
mod party;
mod pool;
mod ratings;
mod settings;
mod state;
mod time;

pub use effect::{
    Answer, Effect, EtaView, FleetView, HostOrder, HostSeat, MatchSeatView, MatchState, MatchView, OpenGameView, Page,
    PlayerView, QueueView, Refusal, RoomState, RoomView, SeatView, TicketEvent, TicketState, TicketView, WatchView,
    WatchableView, Why,
};
pub use event::{
    Batch, Event, LostReason, MatchOutcome, Placement, RatingChange, RequeueReason, RoomEnd, Seating, TicketEnd,
};
pub use ids::{FleetId, IdMap, MatchId, ParseIdError, PlayerId, QueueId, RequestId, RoomId, StreamId, TicketId};
pub use input::{
    Call, ClusterNews, GameInfo, Health, Hello, Input, MatchReport, NewTicket, Presence, RoomNews, RoomReport, Running,
    SeatReport, SeatResult, SeenEvents,
};
pub use lobby::{Lobby, MAX_RECOVERIES, RECOVER_WITHIN};
pub use name::{IdempotencyKey, Name};
pub use party::{Member, Party, Rating};
pub use settings::{Audience, FleetSettings, Limits, QueueSettings, Settings, SettingsError, Shape, Timing, Window};
pub use state::{Match, MatchPhase, Room, Seat, SeatState, State, Ticket, TicketPhase};
pub use time::{Seq, Time};
