//! What can be counted.

use bellhop_wire::CloseCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::Registry;

use crate::board::State;
use crate::pace::rss_bytes;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

/// Counted by the shell; what the core counts is read from it.
#[derive(Default)]
pub(crate) struct Metrics {
    refused: Family<Reason, Counter>,
    closed: Family<Reason, Counter>,
    questions: Family<Reason, Counter>,
    /// The match thread had more to do than it can hold.
    pub(crate) inbox_full: Counter,
    /// Open connections, those in the middle of their handshake included.
    pub(crate) connections: Gauge,
    /// Streams to the lobby that were opened.
    pub(crate) attached: Counter,
}

impl Metrics {
    /// A request or connection was refused before it was a game socket.
    pub(crate) fn refuse(&self, reason: &'static str) {
        self.refused.get_or_create(&Reason { reason }).inc();
    }

    /// A question was put to the language model, and this came of it.
    pub(crate) fn asked(&self, reason: &'static str) {
        self.questions.get_or_create(&Reason { reason }).inc();
    }

    /// A game socket was closed by the room.
    pub(crate) fn close(&self, code: CloseCode) {
        self.closed.get_or_create(&Reason { reason: code.kind() }).inc();
    }

    /// `most_connections`: shown beside those that are open.
    pub(crate) fn text(&self, state: &State, most_connections: usize) -> String {
        let mut registry = Registry::with_prefix("room");
        registry.register("refused", "Connections and requests refused", self.refused.clone());
        registry.register("sockets_closed", "Game sockets closed by the room, by reason", self.closed.clone());
        registry.register("questions", "Questions of games, by what came of them", self.questions.clone());
        registry.register("inbox_full", "Times a socket waited for the match thread", self.inbox_full.clone());
        registry.register("connections", "Open connections", self.connections.clone());
        let limit = ConstGauge::new(i64::try_from(most_connections).unwrap_or(i64::MAX));
        registry.register("connections_limit", "Connections that may be open", limit);
        registry.register("attached", "Streams to the lobby opened", self.attached.clone());
        let stats = &state.stats;
        for (name, help, value) in [
            ("steps", "Steps made", stats.steps),
            ("overruns", "Steps dropped because more than the catch-up limit was missing", stats.overruns),
            ("frames", "Messages sent", stats.frames),
            ("sent_bytes", "Bytes of messages sent", stats.bytes),
            ("bodies", "State bodies encoded", stats.bodies),
            ("keyframes", "Keyframes sent", stats.keyframes),
            ("skipped", "Frames not sent because the client was behind", stats.skipped),
            ("recovered", "Clients that were behind and came back", stats.recovered),
            ("desyncs", "Clients that said their view was not the room's", stats.desyncs),
            ("inputs", "Inputs taken", stats.inputs),
            ("inputs_refused", "Inputs the game refused", stats.inputs_refused),
            ("commands", "Commands taken", stats.commands),
            ("commands_refused", "Commands against the rules", stats.commands_refused),
            ("spectator_frames", "Messages sent to spectators, which are among all", stats.spectator_frames),
            ("spectator_bytes", "Their bytes", stats.spectator_bytes),
            ("lines", "Lines that players wrote and all were told", stats.lines),
            ("lines_refused", "Lines of players that were not passed on", stats.lines_refused),
            ("violations", "Sockets closed for a violation", stats.violations),
        ] {
            registry.register(name, help, ConstCounter::new(value));
        }
        let seconds = |duration: std::time::Duration| duration.as_secs_f64();
        for (name, help, value) in [
            ("sockets", "Open game sockets", f64::from(stats.sockets)),
            ("spectators", "Those who watch the match and do not play", f64::from(stats.spectators)),
            ("rate_hertz", "Steps made in the last second", f64::from(state.pace.rate_hz)),
            ("lateness_p50_seconds", "How late steps began in the last second, median", seconds(state.pace.late_p50)),
            ("lateness_p99_seconds", "The same, 99th percentile", seconds(state.pace.late_p99)),
            ("resident_memory_bytes", "Memory of this process", rss_bytes() as f64),
            ("playing", "Whether a match is here", f64::from(u8::from(state.running.is_some()))),
            ("draining", "Whether it takes no new match", f64::from(u8::from(state.draining))),
        ] {
            registry.register(name, help, ConstGauge::<f64>::new(value));
        }
        let seats = Family::<Reason, Gauge<i64>>::default();
        for seat in state.running.iter().flat_map(|running| &running.seats) {
            let reason = match seat.presence {
                bellhop_wire::Presence::Reserved => "reserved",
                bellhop_wire::Presence::Live => "live",
                bellhop_wire::Presence::Dropped => "dropped",
                bellhop_wire::Presence::Left => "left",
            };
            seats.get_or_create(&Reason { reason }).inc();
        }
        registry.register("seats", "Seats by presence", seats);
        let mut text = String::new();
        encode(&mut text, &registry).expect("writing to a string cannot fail");
        text
    }
}
