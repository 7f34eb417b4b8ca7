//! What can be counted.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Reason {
    pub(crate) reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Answer {
    pub(crate) class: &'static str,
}

pub(crate) struct Metrics {
    registry: Registry,
    /// Open connections, game sockets included.
    pub(crate) connections: Gauge,
    /// Open game sockets, which are connections too.
    pub(crate) relays: Gauge,
    pub(crate) relays_opened: Counter,
    pub(crate) relayed_up: Counter<u64, AtomicU64>,
    pub(crate) relayed_down: Counter<u64, AtomicU64>,
    /// What was refused here, and why.
    pub(crate) refused: Family<Reason, Counter>,
    /// What the lobby answered.
    pub(crate) answers: Family<Answer, Counter>,
}

impl Metrics {
    /// `most_connections`: shown beside those that are open.
    pub(crate) fn new(most_connections: usize) -> Metrics {
        let mut registry = Registry::with_prefix("gateway");
        let metrics = Metrics {
            connections: Gauge::default(),
            relays: Gauge::default(),
            relays_opened: Counter::default(),
            relayed_up: Counter::default(),
            relayed_down: Counter::default(),
            refused: Family::default(),
            answers: Family::default(),
            registry: Registry::default(),
        };
        registry.register("connections", "Open connections, game sockets included", metrics.connections.clone());
        let limit = ConstGauge::new(i64::try_from(most_connections).unwrap_or(i64::MAX));
        registry.register("connections_limit", "Connections that may be open, game sockets included", limit);
        registry.register("game_sockets", "Open game sockets", metrics.relays.clone());
        registry.register("game_sockets_opened", "Game sockets opened since the start", metrics.relays_opened.clone());
        registry.register("relayed_up_bytes", "Bytes carried from players to rooms", metrics.relayed_up.clone());
        registry.register("relayed_down_bytes", "Bytes carried from rooms to players", metrics.relayed_down.clone());
        registry.register("refused", "Connections and requests refused by the gateway itself", metrics.refused.clone());
        registry.register("lobby_answers", "Answers of the lobby by class of status", metrics.answers.clone());
        Metrics { registry, ..metrics }
    }

    pub(crate) fn refuse(&self, reason: &'static str) {
        self.refused.get_or_create(&Reason { reason }).inc();
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a string cannot fail");
        text
    }
}
