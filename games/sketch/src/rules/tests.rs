use bellhop_game::{View as _, Wire as _};

use super::*;
use crate::limits::*;
use crate::mark::{HEIGHT, WIDTH};

const ANSWER: &str = r#"{"player1":["a1","a2","a3"],"player2":["b1","b2","b3"]}"#;

struct Table {
    game: Sketch,
    now_ms: u64,
    outcome: Option<Outcome>,
}

impl Table {
    fn new(seats: u16) -> Table {
        let mut table = Table { game: Sketch::start(&Config::default(), 7), now_ms: 0, outcome: None };
        // Whoever comes first: the seat decides.
        for seat in (0..seats).rev() {
            table.call(|game, cx| game.join(Seat(seat), &Who { name: String::new(), team: 0 }, cx));
        }
        table
    }

    /// Everybody is here and the prompts of the test's own are on.
    fn drawing(seats: u16) -> Table {
        let mut table = Table::new(seats);
        table.call(|game, cx| game.answer(PROMPTS, Some(ANSWER), cx));
        table.pass(0);
        assert_eq!(table.game.phase, Phase::Drawing);
        table
    }

    fn call<R>(&mut self, call: impl FnOnce(&mut Sketch, &mut Context<()>) -> R) -> R {
        let mut cx = Context::new(self.now_ms, 0);
        let answer = call(&mut self.game, &mut cx);
        self.outcome = self.outcome.take().or(cx.take_outcome());
        answer
    }

    /// Time passes until then.
    fn pass(&mut self, until_ms: u64) {
        while let Some(deadline) = self.game.deadline().filter(|&deadline| deadline <= until_ms) {
            self.now_ms = self.now_ms.max(deadline);
            self.call(|game, cx| game.timeout(cx));
            assert_ne!(self.game.deadline(), Some(deadline));
        }
        self.now_ms = until_ms;
    }

    fn command(&mut self, seat: u16, command: Command) -> Result<(), String> {
        self.call(|game, cx| game.command(Seat(seat), command, cx)).map_err(|illegal| illegal.to_string())
    }

    fn sheet(&self, seat: u16) -> Sheet {
        self.game.view(self.game.class_of(Seat(seat)))
    }
}

fn points(points: &[(i16, i16)]) -> Points {
    Points(points.iter().copied().map(Point::from).collect())
}

fn begin(at: &[(i16, i16)]) -> Command {
    Command::Begin { brush: Brush::default(), points: points(at) }
}

fn more(at: &[(i16, i16)]) -> Command {
    Command::More { points: points(at) }
}

#[test]
fn the_seat_decides_who_is_told_what() {
    let table = Table::drawing(4);
    for seat in 0..4 {
        assert_eq!(table.sheet(seat).prompts(), [if seat % 2 == 0 { "a1" } else { "b1" }]);
    }
}

#[test]
fn nobody_reads_the_prompts_of_others_before_the_end() {
    let mut table = Table::drawing(2);
    for (until_ms, step) in [(0, 1), (30_000, 2), (60_000, 3)] {
        table.pass(until_ms);
        for (seat, own, others) in [(0, 'a', 'b'), (1, 'b', 'a')] {
            let sheet = table.sheet(seat);
            assert_eq!(sheet.prompts(), (1..=step).map(|at| format!("{own}{at}")).collect::<Vec<_>>());
            // Not on the wire either, and nothing that is still to come.
            let bytes = sheet.to_bytes();
            let has = |text: &str| bytes_have(&bytes, text);
            assert!(has(&format!("{own}{step}")) && (1..=3).all(|at| !has(&format!("{others}{at}"))));
            assert!((step + 1..=3).all(|at| !has(&format!("{own}{at}"))));
        }
        assert_eq!(table.game.view(ViewClass::Spectator).prompts(), [""; 0]);
    }
    table.pass(90_000);
    for class in [ViewClass::Seat(Seat(0)), ViewClass::Seat(Seat(1)), ViewClass::Spectator] {
        let reveal = table.game.view(class).reveal().cloned().unwrap();
        assert_eq!((reveal.first.join(" "), reveal.second.join(" ")), ("a1 a2 a3".into(), "b1 b2 b3".into()));
    }
}

/// Looks for text at every bit of a message.
fn bytes_have(bytes: &[u8], text: &str) -> bool {
    (0..8).any(|shift| {
        let shifted: Vec<u8> = bytes
            .windows(2)
            .map(|pair| (u16::from_le_bytes([pair[0], pair[1]]) >> shift) as u8)
            .chain(bytes.last().map(|last| last >> shift))
            .collect();
        shifted.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[test]
fn a_deadline_moves_from_prompt_to_prompt_and_ends_the_match() {
    let mut table = Table::drawing(2);
    assert_eq!(table.sheet(0).until_ms(), 30_000);
    table.pass(29_999);
    assert_eq!((table.sheet(0).step(), table.sheet(0).until_ms()), (0, 30_000));
    table.pass(30_000);
    assert_eq!((table.sheet(0).step(), table.sheet(0).until_ms()), (1, 60_000));
    table.pass(89_999);
    assert!(table.outcome.is_none());
    table.pass(90_000);
    let outcome = table.outcome.clone().unwrap();
    assert_eq!(outcome.standings.iter().map(|standing| standing.rank).collect::<Vec<_>>(), [1, 1]);
    assert!(!outcome.rated);
    assert_eq!(table.game.deadline(), None);
    assert_eq!(table.command(0, begin(&[(1, 1)])), Err("the picture is finished".into()));
}

#[test]
fn it_ends_when_all_who_are_here_say_that_they_are_done() {
    let mut table = Table::drawing(3);
    table.command(0, Command::Done { done: true }).unwrap();
    table.command(1, Command::Done { done: true }).unwrap();
    table.command(0, Command::Done { done: false }).unwrap();
    assert!(table.sheet(2).is_done(1) && !table.sheet(2).is_done(0));
    table.call(|game, cx| game.presence(Seat(2), Presence::Dropped, cx));
    table.command(0, Command::Done { done: true }).unwrap();
    assert!(table.outcome.is_none(), "who dropped may come back");
    table.call(|game, cx| game.presence(Seat(2), Presence::Left, cx));
    assert!(table.outcome.is_some());
}

#[test]
fn prompts_are_asked_for_once_and_waited_for_at_most_ten_seconds() {
    let mut table = Table { game: Sketch::start(&Config::default(), 7), now_ms: 0, outcome: None };
    let mut asked = 0;
    for seat in 0..4 {
        let mut cx = Context::new(0, 0);
        table.game.join(Seat(seat), &Who { name: String::new(), team: 0 }, &mut cx);
        asked += cx.take_asks().len();
    }
    assert_eq!(asked, 1);
    table.pass(9_999);
    assert_eq!(table.game.phase, Phase::Waiting);
    assert_eq!(table.command(0, begin(&[(1, 1)])), Err("the prompts are not there yet".into()));
    table.pass(10_000);
    assert_eq!(table.game.phase, Phase::Drawing);
    let told = table.sheet(0).prompts().to_vec();
    // Too late: nothing changes in mid-match.
    table.call(|game, cx| game.answer(PROMPTS, Some(ANSWER), cx));
    assert_eq!(table.sheet(0).prompts(), told);
}

#[test]
fn without_an_answer_a_built_in_pair_begins_at_once() {
    for answer in [None, Some("I am a teapot"), Some(r#"{"player1":[],"player2":[]}"#)] {
        let mut table = Table::new(2);
        table.call(|game, cx| game.answer(PROMPTS, answer, cx));
        table.pass(0);
        let (one, two) = (table.sheet(0), table.sheet(1));
        assert_eq!((one.phase(), one.prompts().len(), two.prompts().len()), (Phase::Drawing, 1, 1));
        assert_ne!(one.prompts(), two.prompts());
    }
}

#[test]
fn what_is_drawn_stands_in_one_log_for_all() {
    let mut table = Table::drawing(2);
    table.command(0, begin(&[(0, 0), (10, 10)])).unwrap();
    table.command(1, begin(&[(959, 719)])).unwrap();
    table.command(0, more(&[(20, 30)])).unwrap();
    table.command(1, Command::Fill { at: Point { x: 5, y: 6 }, colour: 0xffffff }).unwrap();
    table.command(0, Command::Undo).unwrap();
    let log = table.sheet(1).log().clone();
    assert_eq!(&log, table.sheet(0).log());
    assert_eq!(log.since(0).map(|entry| entry.seat).collect::<Vec<_>>(), [0, 1, 0, 1, 0]);
    assert_eq!(table.sheet(1).since(1), [1, 0, 0x00ff00, 12, 1, 959, 719, 0, 1, 1, 20, 30, 1, 2, 5, 6, 0xffffff, 0, 3]);
    assert!(table.sheet(1).since(99).is_empty());
}

#[test]
fn each_undoes_only_what_is_his() {
    let mut table = Table::drawing(2);
    table.command(0, begin(&[(1, 1)])).unwrap();
    assert_eq!(table.command(1, Command::Undo), Err("there is nothing of yours to undo".into()));
    table.command(0, Command::Undo).unwrap();
    assert_eq!(table.command(0, Command::Undo), Err("there is nothing of yours to undo".into()));
    assert_eq!(table.command(0, more(&[(2, 2)])), Err("begin a stroke first".into()));
}

#[test]
fn what_cannot_be_changes_nothing() {
    let mut table = Table::drawing(2);
    let wide = Brush { radius: MAX_RADIUS + 1, ..Brush::default() };
    let bright = Brush { colour: 0x1_00_00_00, ..Brush::default() };
    let spot = points(&[(1, 1)]);
    for (command, reason) in [
        (begin(&[(-1, 5)]), "outside the canvas"),
        (begin(&[(5, HEIGHT)]), "outside the canvas"),
        (begin(&[(1, 1), (WIDTH, 5), (1, 1)]), "outside the canvas"),
        (begin(&[(i16::MIN, i16::MAX)]), "outside the canvas"),
        (begin(&[]), "at least one point"),
        (more(&[(1, 1)]), "begin a stroke"),
        (Command::Begin { brush: wide, points: spot.clone() }, "no such brush"),
        (Command::Begin { brush: Brush { radius: 0, ..wide }, points: spot.clone() }, "no such brush"),
        (Command::Begin { brush: bright, points: spot }, "no such brush"),
        (Command::Fill { at: Point { x: 0, y: HEIGHT }, colour: 0 }, "outside the canvas"),
        (Command::Fill { at: Point { x: 0, y: 0 }, colour: u32::MAX }, "no such brush"),
    ] {
        let before = table.sheet(0);
        let answer = table.command(0, command.clone()).unwrap_err();
        assert!(answer.contains(reason), "{command:?}: {answer}");
        assert_eq!(table.sheet(0), before, "{command:?}");
    }
    assert!(table.command(7, begin(&[(1, 1)])).is_err());
}

/// A rude page draws as much as it can: it has an end, the others still draw, and who comes late gets all of it in one
/// message.
#[test]
fn strokes_by_the_thousand_have_an_end() {
    let mut table = Table::drawing(MAX_SEATS);
    let far = |at: usize| if at.is_multiple_of(2) { (0, 0) } else { (WIDTH - 1, HEIGHT - 1) };
    for seat in 0..MAX_SEATS {
        let mut refused = 0;
        for at in 0..20_000 {
            let command = match at % 4 {
                _ if at < MAX_MARKS as usize => {
                    let brush = Brush { colour: at as u32, radius: MAX_RADIUS };
                    Command::Begin { brush, points: points(&[far(at)]) }
                }
                0 => more(&[far(at), far(at + 1), far(at), far(at + 1), far(at)]),
                _ => more(&[far(at), far(at + 1), far(at)]),
            };
            refused += u32::from(table.command(seat, command).is_err());
        }
        assert!(refused > 0);
        let hand = table.sheet(0).log().hand(seat);
        assert!(hand.points <= MAX_POINTS && hand.marks <= MAX_MARKS && hand.entries <= MAX_ENTRIES, "{hand:?}");
        assert!(hand.points > MAX_POINTS * 9 / 10 || hand.entries == MAX_ENTRIES, "{hand:?}");
    }
    let keyframe = table.sheet(0).to_bytes();
    let most = bellhop_wire::limits::MAX_SERVER_MESSAGE_BYTES;
    assert!(keyframe.len() + 1_024 < most, "{} of {most} bytes", keyframe.len());
    assert_eq!(Sheet::from_bytes(&keyframe).unwrap(), table.sheet(0));
}

/// The whole state is plain data: what is written down and read again is the same match.
#[test]
fn the_state_survives_being_written_down() {
    let mut table = Table::drawing(2);
    for at in 0..200 {
        table.command(0, begin(&[(at, at)])).unwrap();
        table.command(1, Command::Fill { at: Point { x: at, y: 1 }, colour: at as u32 }).unwrap();
    }
    let mut again: Sketch = serde_json::from_str(&serde_json::to_string(&table.game).unwrap()).unwrap();
    for seat in 0..2 {
        assert_eq!(again.view(ViewClass::Seat(Seat(seat))), table.sheet(seat));
        assert_eq!(again.view(ViewClass::Seat(Seat(seat))).check(), table.sheet(seat).check());
    }
    let mut cx = Context::new(table.now_ms, 0);
    assert_eq!(again.command(Seat(0), Command::Undo, &mut cx), Ok(()));
}

#[test]
fn two_bots_draw_and_come_to_an_end() {
    let mut table = Table::drawing(2);
    let mut rng = Rng::new(1);
    let mut most = 0;
    while table.outcome.is_none() {
        let mut said = 0;
        for seat in 0..2 {
            for command in Sketch::bot(&table.sheet(seat), Seat(seat), &mut rng).commands {
                assert_eq!(table.command(seat, command), Ok(()));
                said += 1;
            }
        }
        most = most.max(table.sheet(0).log().len());
        assert!(table.now_ms < 100_000, "they are done before the last prompt is over");
        let now_ms = table.now_ms + if said == 0 { 1_000 } else { 50 };
        table.pass(now_ms);
    }
    assert!(most > 100, "{most}");
}
