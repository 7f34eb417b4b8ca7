//! One's own movement over a way of 150 ms there and back: it shows at once, and the room's answer hardly moves it.

use std::collections::VecDeque;

use bellhop_game::{Game, Rng, Seat};
use bellhop_maze::{Maze, Phase};
use room_client::Client;
use room_core::{Claim, ConnId, MatchSpec, Output, Room, SeatSpec, Time};

const SEATS: u16 = 3;
const ONE_WAY_MS: u64 = 75;
const SECONDS: u64 = 25;

struct Player {
    client: Client<Maze>,
    rng: Rng,
    up: VecDeque<(u64, Vec<u8>)>,
    down: VecDeque<(u64, Vec<u8>)>,
    shown: Option<(i32, i32)>,
    /// When it was told to go while it stood.
    told: Option<u64>,
}

#[test]
fn what_one_does_shows_at_once_and_stays_true() {
    let mut room = Room::new(&[room_core::game::<Maze>()], 1);
    let seat =
        |seat: u16| SeatSpec { seat, player: format!("p-{seat}"), name: String::new(), tag: String::new(), team: 0 };
    let spec = MatchSpec {
        match_id: "m".into(),
        epoch: 1,
        game: "maze".into(),
        config_json: String::new(),
        seed: 4,
        seats: (0..SEATS).map(seat).collect(),
        max_seats: SEATS,
        journal: Vec::new(),
        audience: room_core::Audience::default(),
        chat: false,
    };
    room.host(Time(0), spec).unwrap();
    let mut players: Vec<Player> = Vec::new();
    for seat in 0..SEATS {
        let nonce = u64::from(seat);
        let claim = Claim { epoch: 1, match_id: "m".into(), player: format!("p-{seat}"), seat, nonce, resume: false };
        room.admit(Time(0), ConnId(nonce), &claim, &mut |_| String::new()).unwrap();
        let mut client = Client::new();
        let up = VecDeque::from([(ONE_WAY_MS, client.hello())]);
        players.push(Player { client, rng: Rng::new(nonce), up, down: VecDeque::new(), shown: None, told: None });
    }
    let (mut corrected, mut reactions, mut longest) = (Vec::new(), Vec::new(), 0);
    for ms in 0..SECONDS * 1_000 {
        let (now, now_ms) = (Time(ms * 1_000), ms as f64);
        room.advance(now);
        for (at, player) in players.iter_mut().enumerate() {
            while let Some((_, message)) = player.up.pop_front_if(|(arrives, _)| *arrives <= ms) {
                room.receive(now, ConnId(at as u64), &message);
            }
        }
        while let Some(output) = room.poll() {
            if let Output::Send { conn, frame } = output {
                players[conn.0 as usize].down.push_back((ms + ONE_WAY_MS, frame.to_vec()));
            }
        }
        for (at, player) in players.iter_mut().enumerate() {
            while let Some((_, message)) = player.down.pop_front_if(|(arrives, _)| *arrives <= ms) {
                player.client.receive(&message, now_ms).unwrap();
                if ms > 8_000 {
                    corrected.push(player.client.stats(now_ms).corrected);
                }
            }
            if ms % 16 == at as u64 {
                let Some(shown) = player.client.view_at(now_ms) else { continue };
                let place = shown.body(at as u16).map(|body| (body.x, body.y));
                if let (Some(place), Some(before), true) = (place, player.shown, ms > 8_000) {
                    let went = (place.0 - before.0).abs() + (place.1 - before.1).abs();
                    // 17 units a step, and clocks may haste a little; who was caught comes back elsewhere.
                    longest = longest.max(if went < 360 { went } else { 0 });
                    if let Some(told) = player.told.filter(|_| went > 0) {
                        reactions.push(ms - told);
                        player.told = None;
                    }
                }
                player.shown = place;
                // Everybody stands still for the first tenth of each second.
                let stands = ms % 1_000 < 160;
                let Some(view) = player.client.view() else { continue };
                if stands {
                    player.client.set_input(None);
                    player.told = None;
                } else if let Some(way) = Maze::bot(view, Seat(at as u16), &mut player.rng).input {
                    let begins = ms % 1_000 < 200 && shown.phase == Phase::Hunt;
                    player.told = player.told.or((begins && way.is_some()).then_some(ms));
                    player.client.set_input(way);
                }
            }
            for message in player.client.outgoing(now_ms) {
                player.up.push_back((ms + ONE_WAY_MS, message));
            }
        }
    }
    corrected.sort_by(f64::total_cmp);
    let p99 = corrected[corrected.len() * 99 / 100];
    reactions.sort_unstable();
    println!(
        "p99 {p99} px of {}, median reaction {:?} ms of {}, longest step {longest}",
        corrected.len(),
        reactions.get(reactions.len() / 2),
        reactions.len()
    );
    assert!(p99 <= 2.0, "the room moved the own body by {p99} px");
    assert!(reactions.len() > 10 && reactions[reactions.len() / 2] <= 50, "{reactions:?}");
    assert!(longest <= 60, "the own body jumped by {longest} units in a frame");
}
