//! The golden vectors of docs/protocol.md: what is written there is what is sent.

use bellhop_wire::{
    Ended, EndedSeat, Hello, Notice, Presence, RosterEntry, Said, StateBody, StateKind, StatePrefix, ToClient,
    ToServer, Watching, Welcome, Writer,
};

fn line(name: &str, bytes: &[u8]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{name}: {hex}\n")
}

fn check(file: &str, lines: &[String]) {
    let path = format!("{}/../../docs/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let vectors: String =
        written.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    assert_eq!(vectors, lines.concat(), "docs/vectors/{file} is not what is sent");
}

#[test]
fn values() {
    let value = |name: &str, write: &dyn Fn(&mut Writer)| {
        let mut to = Writer::new();
        write(&mut to);
        line(name, &to.finish())
    };
    let lines = [
        value("bits(3) 5, bits(3) 1", &|to| {
            to.bits(5, 3);
            to.bits(1, 3);
        }),
        value("bool true, below(3) 2", &|to| {
            to.bool(true);
            to.below(2, 3);
        }),
        value("varint 0", &|to| to.varint(0)),
        value("varint 15", &|to| to.varint(15)),
        value("varint 300", &|to| to.varint(300)),
        value("signed -3", &|to| to.signed(-3)),
        value("fixed64 0x0123456789abcdef", &|to| to.fixed64(0x0123_4567_89ab_cdef)),
        value("text \"hé\"", &|to| to.text("hé")),
    ];
    check("values.txt", &lines);
}

#[test]
fn messages_from_the_player() {
    let messages = [
        (
            "Hello schema 0x0123456789abcdef",
            ToServer::Hello(Hello { schema: 0x0123_4567_89ab_cdef, events_seen: None }),
        ),
        ("Hello schema 1, events_seen 7", ToServer::Hello(Hello { schema: 1, events_seen: Some(7) })),
        (
            "Input frames 2, held_ms 17, payload 03",
            ToServer::Input { seq: 1, frames: 2, held_ms: 17, payload: vec![3] },
        ),
        ("Ack frames 4, held_ms 0", ToServer::Ack { frames: 4, held_ms: 0 }),
        ("Command id 1, payload 10", ToServer::Command { id: 1, payload: vec![0x10] }),
        ("Ping client_ms 123456", ToServer::Ping { client_ms: 123_456 }),
        ("Leave", ToServer::Leave),
        ("Say text gg", ToServer::Say { text: "gg".into() }),
        ("Visible false", ToServer::Visible { visible: false }),
        ("WantKeyframe", ToServer::WantKeyframe),
    ];
    for (name, message) in &messages {
        assert_eq!(ToServer::decode(&message.encode()).as_ref(), Ok(message), "{name}");
    }
    check("from-the-player.txt", &messages.map(|(name, message)| line(name, &message.encode())));
}

#[test]
fn messages_from_the_room() {
    let welcome = Welcome {
        seat: 1,
        epoch: 12,
        rate_hz: 0,
        send_every: 1,
        resume: "r".into(),
        config: "{}".into(),
        commands_done: 0,
        match_ms: 0,
        running: false,
        chat: true,
    };
    let watching = Watching {
        epoch: 12,
        rate_hz: 60,
        send_every: 3,
        config: "{}".into(),
        delay_ms: 15_000,
        match_ms: 40,
        running: true,
        chat: false,
    };
    let player = RosterEntry { seat: 1, name: "ann".into(), tag: "7".into(), presence: Presence::Live, team: 0 };
    let ended = Ended {
        results: vec![EndedSeat { seat: 1, rank: 1, score: 1 }, EndedSeat { seat: 0, rank: 2, score: -1 }],
        reason: "over".into(),
        rated: true,
    };
    let state = |inputs, commands, body: &[u8]| ToClient::State {
        prefix: StatePrefix { inputs, commands, body: !body.is_empty() },
        body: body.to_vec(),
    };
    let body = |kind, check, events| {
        let mut to = Writer::new();
        StateBody { kind, check, events }.write(&mut to);
        to.finish()
    };
    let messages = [
        ("State one command", state(0, 1, &[])),
        (
            "State two inputs, body of a change over one step",
            state(2, 0, &body(StateKind::Delta { ticks: 1 }, None, 0)),
        ),
        (
            "State body of a change over 3 steps, check 0xbeef",
            state(0, 0, &body(StateKind::Delta { ticks: 3 }, Some(0xbeef), 0)),
        ),
        ("State body of two events alone", state(0, 0, &body(StateKind::None, None, 2))),
        (
            "State body of everything at step 60 after 5 events",
            state(0, 0, &body(StateKind::Keyframe { tick: 60, events_before: 5 }, None, 0)),
        ),
        ("Welcome seat 1, epoch 12, rate_hz 0, send_every 1, resume r, config {}, chat", ToClient::Welcome(welcome)),
        ("Roster seat 1, name ann, tag 7, live, team 0", ToClient::Roster(vec![player])),
        ("Refused id 3, reason no", ToClient::Refused { id: 3, reason: "no".into() }),
        (
            "Notice draining within 5000, at 40",
            ToClient::Notice { notice: Notice::Draining { within_ms: 5_000 }, match_ms: 40 },
        ),
        ("Notice started, at 0", ToClient::Notice { notice: Notice::Started, match_ms: 0 }),
        ("Ended seat 1 rank 1 score 1, seat 0 rank 2 score -1, reason over, rated", ToClient::Ended(ended)),
        (
            "Pong client_ms 123456, match_ms 50, running",
            ToClient::Pong { client_ms: 123_456, match_ms: 50, running: true },
        ),
        (
            "Watching epoch 12, rate_hz 60, send_every 3, config {}, delay_ms 15000, match_ms 40, running, no chat",
            ToClient::Watching(watching),
        ),
        ("Said number 4, seat 1, text gg", ToClient::Said(Said { number: 4, seat: 1, text: "gg".into() })),
        ("Unsaid reason slower", ToClient::Unsaid { reason: "slower".into() }),
        ("Removed seat 1, reason rude", ToClient::Removed { seat: 1, reason: "rude".into() }),
    ];
    for (name, message) in &messages {
        assert_eq!(ToClient::decode(&message.encode()).as_ref(), Ok(message), "{name}");
    }
    check("from-the-room.txt", &messages.map(|(name, message)| line(name, &message.encode())));
}
