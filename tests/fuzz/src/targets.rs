//! The decoders.

use bellhop_game::Game;
use bellhop_maze::Maze;
use bellhop_proto::tokens::{Key, open_routing, open_seat, open_watch};
use bellhop_sketch::Sketch;
use bellhop_snake::Snake;
use bellhop_tanks::Tanks;
use bellhop_tictactoe::TicTacToe;
use bellhop_wire::{Reader, Said, StateBody, ToClient, ToServer, Watching, Wire};
use room_client::Client;
use room_core::{Audience, Claim, ConnId, MatchSpec, Playback, Room, SeatSpec, Time, WatchClaim};

use crate::Corpus;

/// Something that reads a stranger's bytes.
#[derive(Clone, Copy)]
pub struct Target {
    /// As cargo-fuzz calls it.
    pub name: &'static str,
    /// Takes any bytes and returns.
    pub run: fn(&[u8]),
    /// What it is begun with.
    pub corpus: fn() -> Corpus,
}

const fn game<G: Game>(name: &'static str) -> Target {
    Target { name, run: of_game::<G>, corpus: Corpus::of::<G> }
}

/// All of them.
pub const TARGETS: [Target; 8] = [
    Target { name: "frames", run: frames, corpus: all_frames },
    Target { name: "tokens", run: tokens, corpus: written_token },
    Target { name: "json", run: json, corpus: settings },
    game::<Snake>("snake"),
    game::<Tanks>("tanks"),
    game::<TicTacToe>("tictactoe"),
    game::<Maze>("maze"),
    game::<Sketch>("sketch"),
];

/// What a match of bots sends, and what only people say.
fn all_frames() -> Corpus {
    let mut corpus = Corpus::of::<Snake>();
    corpus.up.push(ToServer::Say { text: "well met".to_owned() }.encode());
    let (config, reason) = ("{}".to_owned(), "rude".to_owned());
    let watching = Watching {
        epoch: 1,
        rate_hz: 60,
        send_every: 3,
        config,
        delay_ms: 15_000,
        match_ms: 40,
        running: true,
        chat: true,
    };
    let said = Said { number: 1, seat: 0, text: "well met".to_owned() };
    let told = [
        ToClient::Watching(watching),
        ToClient::Said(said),
        ToClient::Unsaid { reason: reason.clone() },
        ToClient::Removed { seat: 1, reason },
    ];
    corpus.down.extend(told.iter().map(ToClient::encode));
    corpus
}

/// The frames of the game socket, both ways. What can be read can be written, and is read as the same.
fn frames(bytes: &[u8]) {
    if let Ok(message) = ToServer::decode(bytes) {
        assert_eq!(ToServer::decode(&message.encode()), Ok(message));
    }
    if let Ok(message) = ToClient::decode(bytes) {
        assert_eq!(ToClient::decode(&message.encode()), Ok(message.clone()));
    }
    let _none = StateBody::read(&mut Reader::new(bytes));
}

fn written_token() -> Corpus {
    let token = include_str!("../../../docs/vectors/tokens.txt").split("token: ").nth(1).unwrap_or_default();
    let token = token.lines().next().unwrap_or_default().as_bytes().to_vec();
    Corpus { up: vec![token], ..Corpus::default() }
}

/// The tokens that open seats.
fn tokens(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(key) = Key::from_bytes(&[7; 32]) {
        let opened =
            [open_seat(&key, &text, 0).is_ok(), open_watch(&key, &text, 0).is_ok(), open_routing(&key, &text).is_ok()];
        assert_eq!(opened, [false; 3], "forged: {text}");
    }
}

fn settings() -> Corpus {
    let texts = [
        r#"{"columns":20,"rows":14,"seconds":180,"send_hz":20}"#,
        r#"{"prompt_seconds":30,"wait_seconds":10}"#,
        r#"{"player1":["a house","a sun"],"player2":["a garden","a cloud"]}"#,
        r#"[[[[[[1e308,-1,null,true,"\u0000"]]]]]]"#,
    ];
    Corpus { up: texts.map(|text| text.as_bytes().to_vec()).to_vec(), ..Corpus::default() }
}

/// JSON from outside: a queue's settings for each game, and what a language model answers.
fn json(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    for entry in games() {
        let mut room = Room::new(&games(), 1);
        if room.host(Time(0), spec(entry.name, &text)).is_ok() {
            room.advance(Time(100_000));
            for question in 0..2 {
                room.answer(Time(200_000), 1, question, Some(&text));
            }
            room.advance(Time(300_000));
        }
    }
    drop(serde_json::from_slice::<serde_json::Value>(bytes));
}

fn games() -> [room_core::GameEntry; 5] {
    [
        room_core::game::<Snake>(),
        room_core::game::<Tanks>(),
        room_core::game::<TicTacToe>(),
        room_core::game::<Maze>(),
        room_core::game::<Sketch>(),
    ]
}

fn spec(game: &str, config_json: &str) -> MatchSpec {
    let seat = |seat| SeatSpec { seat, player: format!("p-{seat}"), name: String::new(), tag: String::new(), team: 0 };
    MatchSpec {
        match_id: "m-1".to_owned(),
        epoch: 1,
        game: game.to_owned(),
        config_json: config_json.to_owned(),
        seed: 3,
        seats: (0..2).map(seat).collect(),
        max_seats: 0,
        journal: Vec::new(),
        audience: Audience { most: 2, delay: std::time::Duration::ZERO },
        chat: true,
    }
}

/// A game's own forms: what its players send, what they are sent, and its journal.
fn of_game<G: Game>(bytes: &[u8]) {
    drop(whole::<G::Input>(bytes));
    drop(whole::<G::Command>(bytes));
    drop(whole::<G::View>(bytes));
    drop(whole::<G::Event>(bytes));
    let mut client = Client::<G>::new();
    client.hello();
    let _refused = client.receive(bytes, 1.0);
    seated::<G>(bytes);
    drop(room_core::replay(&[room_core::game::<G>()], bytes));
    let config = |text: &str| serde_json::from_str(text).map_err(|error| error.to_string());
    drop(Playback::<G>::open(bytes, config));
}

fn whole<T: Wire>(bytes: &[u8]) -> Option<T> {
    T::read(&mut Reader::new(bytes)).ok()
}

/// A room in which one player says this, and so does somebody who watches, and the other plays on.
fn seated<G: Game>(bytes: &[u8]) {
    let mut room = Room::new(&[room_core::game::<G>()], 1);
    room.host(Time(0), spec(G::NAME, "")).expect("a room hosts its game");
    let mut other = Client::<G>::new();
    for seat in 0..2 {
        let claim = Claim {
            epoch: 1,
            match_id: "m-1".to_owned(),
            player: format!("p-{seat}"),
            seat,
            nonce: u64::from(seat),
            resume: false,
        };
        let conn = ConnId(u64::from(seat));
        room.admit(Time(0), conn, &claim, &mut |_| String::new()).expect("a seat is free");
        room.receive(Time(1), conn, &other.hello());
    }
    let watch = WatchClaim { epoch: 1, match_id: "m-1".to_owned(), viewer: "w".to_owned(), nonce: 9 };
    room.watch(Time(0), ConnId(9), &watch).expect("a place is free");
    room.receive(Time(1), ConnId(9), &Client::<G>::new().hello());
    for at in 1..4 {
        room.receive(Time(at * 60_000), ConnId(9), bytes);
        room.receive(Time(at * 60_000), ConnId(0), bytes);
        room.advance(Time(at * 70_000));
    }
    while let Some(output) = room.poll() {
        if let room_core::Output::Send { conn: ConnId(1), frame } = output {
            other.receive(&frame.to_vec(), 1.0).expect("what the room says to others is sound");
        }
    }
}
