//! What a spectator is sent, frame by frame: everything, but not before it is of no use to a player.

#![expect(clippy::unwrap_used, reason = "a test's own helpers")]

use std::time::Duration;

use bellhop_game::{Game, Rng, Seat};
use bellhop_maze::{Config, Maze, Phase, Sight};
use bellhop_wire::{StateKind, ToClient, limits::MAX_SERVER_MESSAGE_BYTES};
use room_client::Client;
use room_core::{Audience, Claim, ConnId, MatchSpec, Output, Playback, Room, SeatSpec, Time, WatchClaim};

const SEATS: u16 = 4;
const WATCHER: ConnId = ConnId(99);

/// A match of bots with a spectator from its first moment on; each frame that he was sent, with when. The queue asks for
/// no delay at all.
fn overheard(seconds: u64) -> (Vec<(u64, Vec<u8>)>, Vec<u8>) {
    let mut room = Room::new(&[room_core::game::<Maze>()], 1);
    let seat = |seat: u16| SeatSpec {
        seat,
        player: format!("p-{seat}"),
        name: format!("p{seat}"),
        tag: String::new(),
        team: 0,
    };
    let spec = MatchSpec {
        match_id: "m".into(),
        epoch: 1,
        game: "maze".into(),
        config_json: serde_json::to_string(&Config::default()).unwrap(),
        seed: 11,
        seats: (0..SEATS).map(seat).collect(),
        max_seats: SEATS,
        journal: Vec::new(),
        audience: Audience { most: 1, delay: Duration::ZERO },
        chat: false,
    };
    room.host(Time(0), spec).unwrap();
    let mut clients: Vec<Client<Maze>> = (0..SEATS).map(|_| Client::new()).collect();
    for seat in 0..SEATS {
        let (player, nonce) = (format!("p-{seat}"), u64::from(seat));
        let claim = Claim { epoch: 1, match_id: "m".into(), player, seat, nonce, resume: false };
        room.admit(Time(0), ConnId(nonce), &claim, &mut |_| String::new()).unwrap();
        room.receive(Time(0), ConnId(nonce), &clients[usize::from(seat)].hello());
    }
    room.watch(Time(0), WATCHER, &WatchClaim { epoch: 1, match_id: "m".into(), viewer: "w".into(), nonce: 1 }).unwrap();
    let mut watcher = Client::<Maze>::new();
    room.receive(Time(0), WATCHER, &watcher.hello());
    let (mut sent, mut journal, mut rng) = (Vec::new(), Vec::new(), Rng::new(3));
    for step in 0..seconds * 60 {
        let now = Time(step * 1_000_000 / 60);
        let now_ms = now.0 as f64 / 1_000.0;
        room.advance(now);
        for (at, client) in clients.iter_mut().enumerate() {
            if let Some(input) = client.view().and_then(|view| Maze::bot(view, Seat(at as u16), &mut rng).input) {
                client.set_input(input);
            }
            for message in client.outgoing(now_ms) {
                room.receive(now, ConnId(at as u64), &message);
            }
        }
        for message in watcher.outgoing(now_ms) {
            room.receive(now, WATCHER, &message);
        }
        while let Some(output) = room.poll() {
            match output {
                Output::Send { conn: WATCHER, frame } => {
                    assert!(frame.len() < MAX_SERVER_MESSAGE_BYTES);
                    watcher.receive(&frame.to_vec(), now_ms).unwrap();
                    sent.push((now.0 / 1_000, frame.to_vec()));
                }
                Output::Send { conn, frame } => clients[conn.0 as usize].receive(&frame.to_vec(), now_ms).unwrap(),
                Output::Journal(piece) => journal.extend(piece),
                Output::Close { .. } | Output::SeatsChanged | Output::Ask { .. } | Output::Result(_) => {}
            }
        }
    }
    assert_eq!(watcher.stats(0.0).desyncs, 0);
    (sent, journal)
}

#[test]
fn nothing_secret_is_sent_to_a_spectator_before_its_time() {
    let delay_ms = u64::from(Maze::WATCH_DELAY_SECONDS) * 1_000;
    assert!(delay_ms >= 10_000, "long enough that nobody is where he was seen");
    let (sent, journal) = overheard(40);
    let config = |text: &str| serde_json::from_str(text).map_err(|error| error.to_string());
    let mut playback = Playback::<Maze>::open(&journal, config).unwrap();

    // Each frame again, one by one, through a client of its own: what it holds after it is what it was told by then.
    let mut client = Client::<Maze>::new();
    client.hello();
    let (mut states, mut secrets, mut last) = (0, 0, None);
    for (at_ms, frame) in &sent {
        let ToClient::State { prefix, body } = ToClient::decode(frame).unwrap() else {
            client.receive(frame, *at_ms as f64).unwrap();
            assert!(client.view().is_none() || client.tick() > 0, "only states show anything");
            continue;
        };
        assert!(prefix.body && *at_ms >= delay_ms, "a state {at_ms} ms into the match");
        let header = bellhop_wire::StateBody::read(&mut bellhop_game::Reader::new(&body)).unwrap();
        assert!(states > 0 || matches!(header.kind, StateKind::Keyframe { .. }));
        client.receive(frame, *at_ms as f64).unwrap();
        let told_ms = u64::from(client.tick()) * 1_000 / 60;
        assert!(told_ms + delay_ms <= at_ms + 20, "step {} at {at_ms} ms", client.tick());
        // And it is exactly what a spectator was to see then.
        let view: Sight = client.view().unwrap().clone();
        states += 1;
        if client.tick() == 0 {
            continue; // players still came
        }
        playback.seek((u64::from(client.tick()) * 1_000).div_ceil(60));
        assert_eq!(view, playback.view(None), "step {}", client.tick());
        assert!(view.own.is_none());
        secrets += usize::from(view.phase == Phase::Hunt && !view.bodies.is_empty() && !view.sparks.is_empty());
        last = Some(view);
    }
    assert!(states > 300, "{states} pictures in 25 s");
    assert!(secrets > 100, "the test saw what is secret to players, only later: {secrets}");
    // A player's own frames are not touched by who watches: what he cannot see is still not in them.
    assert!(last.is_some_and(|view| view != playback.view(Some(0))));
}
