//! What is written can be read; what is not ours is refused without panic and without much memory.

use bellhop_wire::limits::MAX_EVENTS;
use bellhop_wire::{
    CloseCode, DecodeError, Ended, EndedSeat, Hello, Notice, Presence, Reader, RosterEntry, Said, StateBody, StateKind,
    StatePrefix, ToClient, ToServer, Watching, Welcome, Wire, Writer, wire,
};
use proptest::prelude::*;

wire! {
    #[derive(Debug, Clone, PartialEq)]
    struct Everything {
        flag: bool,
        byte: u8,
        short: u16,
        wide: u64,
        signed: i32,
        float: f32,
        text: String,
        list: Vec<Choice>,
        maybe: Option<(u32, bool)>,
        array: [u8; 3],
    }

    #[derive(Debug, Clone, PartialEq)]
    enum Choice {
        None,
        One { value: u32 },
        Two { left: bool, right: i64 },
    }
}

fn choice() -> impl Strategy<Value = Choice> {
    prop_oneof![
        Just(Choice::None),
        any::<u32>().prop_map(|value| Choice::One { value }),
        any::<(bool, i64)>().prop_map(|(left, right)| Choice::Two { left, right }),
    ]
}

prop_compose! {
    fn everything()(
        flag: bool, byte: u8, short: u16, wide: u64, signed: i32, float in prop::num::f32::NORMAL,
        text in ".{0,20}", list in prop::collection::vec(choice(), 0..9), maybe: Option<(u32, bool)>, array: [u8; 3],
    ) -> Everything {
        Everything { flag, byte, short, wide, signed, float, text, list, maybe, array }
    }
}

fn to_server() -> impl Strategy<Value = ToServer> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..50);
    prop_oneof![
        any::<(u64, Option<u64>)>().prop_map(|(schema, events_seen)| ToServer::Hello(Hello { schema, events_seen })),
        (1u32.., any::<u32>(), any::<u32>(), bytes()).prop_map(|(seq, frames, held_ms, payload)| ToServer::Input {
            seq,
            frames,
            held_ms,
            payload
        }),
        any::<(u32, u32)>().prop_map(|(frames, held_ms)| ToServer::Ack { frames, held_ms }),
        (any::<u64>(), bytes()).prop_map(|(id, payload)| ToServer::Command { id, payload }),
        any::<u64>().prop_map(|client_ms| ToServer::Ping { client_ms }),
        Just(ToServer::Leave),
        ".{0,200}".prop_map(|text| ToServer::Say { text }),
        any::<bool>().prop_map(|visible| ToServer::Visible { visible }),
        Just(ToServer::WantKeyframe),
    ]
}

fn presence() -> impl Strategy<Value = Presence> {
    prop::sample::select(vec![Presence::Reserved, Presence::Live, Presence::Dropped, Presence::Left])
}

fn to_client() -> impl Strategy<Value = ToClient> {
    let body = prop::collection::vec(any::<u8>(), 0..50);
    let notice = prop_oneof![
        any::<u64>().prop_map(|within_ms| Notice::Draining { within_ms }),
        Just(Notice::Paused),
        Just(Notice::Resumed),
        Just(Notice::Started),
    ];
    let entry = (any::<(u16, u16)>(), ".{0,9}", ".{0,4}", presence())
        .prop_map(|((seat, team), name, tag, presence)| RosterEntry { seat, name, tag, presence, team });
    let seat = any::<(u16, u32, i64)>().prop_map(|(seat, rank, score)| EndedSeat { seat, rank, score });
    prop_oneof![
        (any::<(u32, u32)>(), body).prop_map(|((inputs, commands), body)| ToClient::State {
            prefix: StatePrefix { inputs, commands, body: !body.is_empty() },
            body,
        }),
        (any::<(u16, u64, u32, u32, u64, u64, bool)>(), ".{0,40}", ".{0,40}").prop_map(
            |((seat, epoch, rate_hz, send_every, commands_done, match_ms, running), resume, config)| {
                let rates = (rate_hz, send_every);
                ToClient::Welcome(Welcome {
                    seat,
                    epoch,
                    rate_hz: rates.0,
                    send_every: rates.1,
                    resume,
                    config,
                    commands_done,
                    match_ms,
                    running,
                    chat: !running,
                })
            }
        ),
        (any::<(u64, u32, u32, u64, u64, bool)>(), ".{0,40}").prop_map(
            |((epoch, rate_hz, send_every, delay_ms, match_ms, running), config)| {
                let chat = !running;
                ToClient::Watching(Watching { epoch, rate_hz, send_every, config, delay_ms, match_ms, running, chat })
            }
        ),
        (any::<(u64, u16)>(), ".{0,40}").prop_map(|((number, seat), text)| ToClient::Said(Said { number, seat, text })),
        ".{0,40}".prop_map(|reason| ToClient::Unsaid { reason }),
        (any::<u16>(), ".{0,40}").prop_map(|(seat, reason)| ToClient::Removed { seat, reason }),
        prop::collection::vec(entry, 0..9).prop_map(ToClient::Roster),
        (any::<u64>(), ".{0,40}").prop_map(|(id, reason)| ToClient::Refused { id, reason }),
        (notice, any::<u64>()).prop_map(|(notice, match_ms)| ToClient::Notice { notice, match_ms }),
        (prop::collection::vec(seat, 0..9), ".{0,40}", any::<bool>())
            .prop_map(|(results, reason, rated)| ToClient::Ended(Ended { results, reason, rated })),
        any::<(u64, u64, bool)>().prop_map(|(client_ms, match_ms, running)| ToClient::Pong {
            client_ms,
            match_ms,
            running
        }),
    ]
}

fn body() -> impl Strategy<Value = StateBody> {
    let kind = prop_oneof![
        Just(StateKind::None),
        any::<u32>().prop_map(|ticks| StateKind::Delta { ticks }),
        any::<(u32, u64)>().prop_map(|(tick, events_before)| StateKind::Keyframe { tick, events_before }),
    ];
    (kind, any::<Option<u16>>(), 0..=MAX_EVENTS).prop_map(|(kind, check, events)| StateBody { kind, check, events })
}

proptest! {
    #[test]
    fn values_come_back(value in everything()) {
        prop_assert_eq!(Everything::from_bytes(&value.to_bytes()), Ok(value));
    }

    #[test]
    fn messages_of_clients_come_back(message in to_server()) {
        prop_assert_eq!(ToServer::decode(&message.encode()), Ok(message));
    }

    #[test]
    fn messages_of_rooms_come_back(message in to_client()) {
        prop_assert_eq!(ToClient::decode(&message.encode()), Ok(message));
    }

    #[test]
    fn the_short_form_of_a_prefix_is_the_same(inputs in 0u32..3, commands in 0u32..3, body: bool) {
        let prefix = StatePrefix { inputs, commands, body };
        prop_assert_eq!(prefix.as_byte().map(|byte| vec![byte]).unwrap_or(prefix.encode()), prefix.encode());
    }

    #[test]
    fn bodies_come_back(body in body()) {
        let mut to = Writer::new();
        body.write(&mut to);
        let bytes = to.finish();
        prop_assert_eq!(StateBody::read(&mut Reader::new(&bytes)), Ok(body));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        let _ = ToServer::decode(&bytes);
        let _ = ToClient::decode(&bytes);
        let _ = StateBody::read(&mut Reader::new(&bytes));
        let _ = Everything::from_bytes(&bytes);
        if let Ok(list) = Vec::<Choice>::from_bytes(&bytes) {
            prop_assert!(list.len() <= 8 * bytes.len());
        }
    }

    /// A bit that flips on the way is a message, too, or an error; never a panic.
    #[test]
    fn changed_messages_never_panic(message in to_client(), at: prop::sample::Index, bit in 0u8..8) {
        let mut bytes = message.encode();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let _ = ToClient::decode(&bytes);
    }

    #[test]
    fn numbers_come_back(values in prop::collection::vec(any::<i64>(), 0..20), shift in 0u32..64) {
        let mut to = Writer::new();
        for &value in &values {
            to.signed(value >> shift);
            to.varint((value as u64) >> shift);
        }
        let bytes = to.finish();
        let mut from = Reader::new(&bytes);
        for &value in &values {
            prop_assert_eq!(from.signed(), Ok(value >> shift));
            prop_assert_eq!(from.varint(), Ok((value as u64) >> shift));
        }
        prop_assert_eq!(from.end(), Ok(()));
    }
}

#[test]
fn a_length_that_lies_allocates_nothing() {
    let mut to = Writer::new();
    to.varint(u64::MAX);
    let bytes = to.finish();
    assert_eq!(Vec::<u8>::from_bytes(&bytes), Err(DecodeError::TooLong));
    assert_eq!(String::from_bytes(&bytes), Err(DecodeError::TooLong));
    let mut to = Writer::new();
    to.varint(10_000);
    assert_eq!(Vec::<u8>::from_bytes(&to.finish()), Err(DecodeError::Short));
}

#[test]
fn what_is_no_number_is_refused() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!(f32::from_bytes(&bad.to_bits().to_le_bytes()), Err(DecodeError::Range));
    }
}

#[test]
fn frequent_messages_are_short() {
    let len = |message: ToServer| message.encode().len();
    assert_eq!(len(ToServer::Ack { frames: 1, held_ms: 3 }), 2);
    assert_eq!(len(ToServer::Input { seq: 1, frames: 1, held_ms: 12, payload: vec![0] }), 4);
    let prefix = |inputs, commands| StatePrefix { inputs, commands, body: true }.encode().len();
    assert_eq!((prefix(0, 0), prefix(1, 0), prefix(1, 1), prefix(3, 0)), (1, 1, 1, 2));
}

#[test]
fn every_shape_has_its_own_schema() {
    let all = [Everything::SCHEMA, Choice::SCHEMA, u8::SCHEMA, Vec::<u8>::SCHEMA, Option::<u8>::SCHEMA, u16::SCHEMA];
    for (at, schema) in all.iter().enumerate() {
        assert!(!all[..at].contains(schema));
    }
}

#[test]
fn close_codes_are_what_they_are() {
    let codes: Vec<u16> = CloseCode::ALL.map(CloseCode::code).to_vec();
    assert_eq!(codes, [1000, 4000, 4001, 4002, 4003, 4004, 4005, 4006, 4007, 4008, 4009, 4010, 4011]);
    assert!(CloseCode::ALL.iter().all(|&close| CloseCode::from_code(close.code()) == Some(close)));
    assert_eq!(CloseCode::from_code(1001), None);
}
