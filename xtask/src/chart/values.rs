//! Values that the chart is tried with.

use anyhow::Result;

use super::expected;
use super::rendered::Rendered;

/// Values, and what has to come of them.
pub(super) struct Good {
    pub(super) called: &'static str,
    pub(super) values: &'static str,
    pub(super) expected: fn(&Rendered) -> Result<()>,
}

/// Values that make sense.
pub(super) const GOOD: [Good; 4] = [
    Good { called: "defaults", values: "{}", expected: expected::by_default },
    Good { called: "all on", values: ALL_ON, expected: expected::all_on },
    Good { called: "all off", values: ALL_OFF, expected: expected::all_off },
    Good { called: "digests", values: DIGESTS, expected: expected::digests },
];

/// Everything that is off by default.
const ALL_ON: &str = "
image: { tag: v1, pullSecrets: [registry] }
gateway: { trustedProxies: [10.0.0.0/8], service: { type: LoadBalancer, annotations: { a: b } }, podAnnotations: { a: b } }
lobby:
  publicUrl: https://play.example.org
  volume: { storageClass: fast, keep: false }
  replays: { url: s3://bucket/replays, days: 2, secret: store }
fleets:
  - { name: small, games: [snake, tictactoe], minReady: 1, maxRooms: 4, hostPorts: { first: 7000, last: 7003 }, model: { url: http://models.models/v1, name: m, keySecret: model, caConfigMap: cas, port: 8000, to: [{ namespaceSelector: { matchLabels: { name: models } } }] } }
  - { name: own, games: [chess], maxRooms: 9, image: registry.example.org/chess:2, drainWithinSeconds: 60, model: { url: 'https://[fd00::1]:8443/v1' }, nodeSelector: { kind: rooms }, autoscaling: { minReplicas: 2, maxReplicas: 9 } }
queues:
  - { name: snake, game: snake, min_players: 2, max_players: 8, start_after_seconds: 3, window: { anybody: true } }
  - { name: chess, game: chess, fleet: own, teams: 2, team_size: 1, config: { board: { side: 8 }, colours: [white, black] } }
settings: { limits: { rooms: 100 }, timing: { lease_seconds: 12.5 } }
ingress: { enabled: true, className: x, hosts: [play.example.org], tls: [{ secretName: t, hosts: [play.example.org] }] }
httpRoute: { enabled: true, parentRefs: [{ name: public, namespace: infra }], hostnames: [play.example.org] }
networkPolicy: { metricsFrom: [{ namespaceSelector: { matchLabels: { name: monitoring } } }], operatorsFrom: [{ podSelector: { matchLabels: { app: neighbour } } }] }
podDisruptionBudget: { rooms: true }
serviceMonitor: { enabled: true, labels: { release: prometheus } }
prometheusRule: { enabled: true, labels: { release: prometheus } }
dashboard: { enabled: true }
test: { queue: chess }
";

/// Everything that can be switched off.
const ALL_OFF: &str = "
gateway: { replicas: 1 }
lobby: { volume: { existingClaim: mine } }
keys: { existingSecret: mine }
networkPolicy: { enabled: false }
podDisruptionBudget: { gateway: false }
";

/// Images that cannot change under their name.
const DIGESTS: &str = "
image: { registry: registry.example.org/bellhop }
gateway: { digest: sha256:1111111111111111111111111111111111111111111111111111111111111111 }
lobby: { digest: sha256:2222222222222222222222222222222222222222222222222222222222222222 }
";

/// Values that make no sense, and a part of what Helm has to say to them.
pub(super) const BAD: &[(&str, &str)] = &[
    ("gateway: { replicas: 0 }", "minimum: got 0, want 1"),
    ("gateway: { replica: 3 }", "additional properties 'replica' not allowed"),
    ("gatway: {}", "additional properties 'gatway' not allowed"),
    ("lobby: { replicas: 2 }", "additional properties 'replicas' not allowed"),
    ("lobby: { publicUrl: play.example.org }", "does not match pattern"),
    ("lobby: { replays: { url: ftp://bucket } }", "does not match pattern"),
    ("lobby: { replays: { days: 0 } }", "minimum"),
    ("lobby: { digest: latest }", "does not match pattern"),
    ("fleets: [{ name: a, games: [snake], rooms: 1 }]", "additional properties 'rooms' not allowed"),
    (
        "fleets: [{ name: a, games: [snake], minReady: 3, maxRooms: 2 }]",
        "minReady 3, which is more than its maxRooms 2",
    ),
    ("fleets: []", "minItems: got 0, want 1"),
    ("fleets: [{ name: a, games: [] }]", "minItems: got 0, want 1"),
    ("fleets: [{ name: A, games: [snake] }]", "does not match pattern"),
    ("fleets: [{ name: a, games: [snake] }, { name: a, games: [tictactoe] }]", "two fleets have the name \"a\""),
    (
        "fleets: [{ name: a, games: [snake], autoscaling: { minReplicas: 3, maxReplicas: 2 } }]",
        "minReplicas 3, which is more than its maxReplicas 2",
    ),
    (
        "fleets: [{ name: a, games: [snake], hostPorts: { first: 7001, last: 7000 } }]",
        "hostPorts.first 7001, which is more than its last 7000",
    ),
    ("fleets: [{ name: a, games: [snake], hostPorts: { first: 80, last: 90 } }]", "minimum: got 80, want 1,024"),
    ("fleets: [{ name: a, games: [snake], hostPorts: { first: 7000 } }]", "last"),
    ("fleets: [{ name: a, games: [sketch], model: { url: api.example.com } }]", "does not match pattern"),
    ("fleets: [{ name: a, games: [sketch], model: { key: secret } }]", "additional properties 'key' not allowed"),
    ("podDisruptionBudget: { room: true }", "additional properties 'room' not allowed"),
    ("queues: [{ name: q, game: snake, colour: red }]", "additional properties 'colour' not allowed"),
    ("queues: [{ name: q, game: snake, max_players: 0 }]", "minimum: got 0, want 1"),
    ("queues: [{ name: q, game: chess }]", "plays \"chess\", which no fleet hosts"),
    ("queues: [{ name: q, game: snake, fleet: other }]", "names the fleet \"other\", which is not in fleets"),
    ("queues: [{ name: q, game: snake }, { name: q, game: tictactoe }]", "two queues have the name \"q\""),
    (
        "queues: [{ name: q, game: snake, min_players: 4, max_players: 3 }]",
        "min_players 4, which is more than its max_players 3",
    ),
    ("ingress: { enabled: true }", "hosts is empty"),
    ("httpRoute: { enabled: true }", "parentRefs names no gateway"),
];
