//! Only what is new travels, and both sides hold the same log.

use bellhop_game::{Context, Game, Reader, Seat, View, ViewClass, Who, Wire, Writer};
use bellhop_sketch::{Brush, Command, Config, HEIGHT, Point, Points, Sheet, Sketch, WIDTH};
use proptest::prelude::*;

fn point() -> impl Strategy<Value = Point> {
    (-3..WIDTH + 3, -3..HEIGHT + 3).prop_map(Point::from)
}

fn points() -> impl Strategy<Value = Points> {
    (point(), prop::collection::vec((-20i16..20, -20i16..20), 0..12)).prop_map(|(first, steps)| {
        let mut at = first;
        let walked = steps.into_iter().map(|(x, y)| {
            at = Point { x: at.x + x, y: at.y + y };
            at
        });
        Points(std::iter::once(first).chain(walked).collect())
    })
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        3 => (points(), 0u32..0x1_00_00_01, 0u8..64)
            .prop_map(|(points, colour, radius)| Command::Begin { brush: Brush { colour, radius }, points }),
        8 => points().prop_map(|points| Command::More { points }),
        1 => (point(), 0u32..0x1_00_00_00).prop_map(|(at, colour)| Command::Fill { at, colour }),
        2 => Just(Command::Undo),
        1 => any::<bool>().prop_map(|done| Command::Done { done }),
    ]
}

type Try = (u16, Command, u64);

fn tries() -> impl Strategy<Value = Vec<Try>> {
    prop::collection::vec((0u16..2, command(), 0u64..900), 0..200)
}

/// A match in which these are tried, each so much later than the one before.
fn play(tries: &[Try], mut look: impl FnMut(&Sketch)) {
    let mut game = Sketch::start(&Config::default(), 5);
    look(&game);
    for seat in 0..2 {
        game.join(Seat(seat), &Who { name: String::new(), team: 0 }, &mut Context::new(0, 0));
    }
    game.answer(1, None, &mut Context::new(0, 0));
    let mut now_ms = 0;
    for (seat, command, later) in tries {
        now_ms += later;
        let mut cx = Context::new(now_ms, 0);
        while game.deadline().is_some_and(|deadline| deadline <= now_ms) {
            game.timeout(&mut cx);
        }
        let before = game.view(ViewClass::Shared);
        let answer = game.command(Seat(*seat), command.clone(), &mut cx);
        assert!(answer.is_ok() || before == game.view(ViewClass::Shared), "what is refused changes nothing");
        look(&game);
    }
}

fn sheets(tries: &[Try], class: ViewClass) -> Vec<Sheet> {
    let mut sheets = Vec::new();
    play(tries, |game| sheets.push(game.view(class)));
    sheets
}

proptest! {
    #[test]
    fn any_sheet_to_any_later_or_earlier_one(
        tries in tries(),
        pairs in prop::collection::vec(any::<(prop::sample::Index, prop::sample::Index)>(), 20),
    ) {
        let sheets = sheets(&tries, ViewClass::Seat(Seat(1)));
        for (base, now) in pairs {
            let (base, now) = (&sheets[base.index(sheets.len())], &sheets[now.index(sheets.len())]);
            // The other side read its base from bytes, and so shares nothing with ours.
            let mut sheet = Sheet::from_bytes(&base.to_bytes()).unwrap();
            prop_assert_eq!(&sheet, base);
            let mut to = Writer::new();
            now.diff(base, 1, &mut to);
            let bytes = to.finish();
            let mut from = Reader::new(&bytes);
            prop_assert_eq!(sheet.patch(1, &mut from), Ok(()));
            prop_assert_eq!(from.end(), Ok(()));
            prop_assert_eq!(&sheet, now);
            prop_assert_eq!(sheet.check(), now.check());
            prop_assert_eq!(sheet.since(0), now.since(0));
        }
    }

    /// Each view is what came before it and what `since` says is new: a page that follows has drawn all of it.
    #[test]
    fn a_page_that_follows_misses_nothing(tries in tries()) {
        let mut drawn = Vec::new();
        let mut entries = 0;
        for sheet in sheets(&tries, ViewClass::Shared) {
            drawn.extend(sheet.since(entries));
            entries = sheet.log().len();
            prop_assert_eq!(&drawn, &sheet.since(0));
        }
    }

    /// The same calls make the same match, also when it is written down and read again after each of them.
    #[test]
    fn played_again_it_is_the_same(tries in tries()) {
        let mut first = Vec::new();
        play(&tries, |game| first.push(serde_json::to_string(game).unwrap()));
        let mut at = 0;
        play(&tries, |game| {
            assert_eq!(serde_json::to_string(game).unwrap(), first[at]);
            let again: Sketch = serde_json::from_str(&first[at]).unwrap();
            assert_eq!(serde_json::to_string(&again).unwrap(), first[at]);
            at += 1;
        });
    }

    #[test]
    fn commands_come_through(command in command()) {
        prop_assert_eq!(Command::from_bytes(&command.to_bytes()).unwrap(), command);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        let _ = Command::from_bytes(&bytes);
        if let Ok(sheet) = Sheet::from_bytes(&bytes) {
            prop_assert!(sheet.log().len() as usize <= bytes.len() * 2);
        }
        let mut sheet = sheets(&[], ViewClass::Shared).pop().unwrap();
        let _ = sheet.patch(1, &mut Reader::new(&bytes));
        sheet.at(u64::MAX);
        let _ = serde_json::to_string(&sheet);
    }
}
