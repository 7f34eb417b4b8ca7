//! Five hundred worlds.

use bellhop_sim::{World, logged, play, run};

fn seeds(from: u64) {
    for seed in from..from + 125 {
        let result = std::panic::catch_unwind(|| run(seed).map(drop));
        match result {
            Ok(Ok(())) => {}
            Ok(Err(broken)) => panic!("{broken}"),
            Err(_) => panic!("seed {seed}: an assertion of the core; replay it: {}", bellhop_sim::replay(seed)),
        }
    }
}

#[test]
fn seeds_0_to_124() {
    seeds(0);
}

#[test]
fn seeds_125_to_249() {
    seeds(125);
}

#[test]
fn seeds_250_to_374() {
    seeds(250);
}

#[test]
fn seeds_375_to_499() {
    seeds(375);
}

#[test]
fn the_same_seed_gives_the_same_log_byte_for_byte() {
    for seed in [3, 77, 1_234_567] {
        let (first, second) = (logged(seed), logged(seed));
        assert!(first.0.len() > 10_000, "much happens");
        assert!(first == second, "seed {seed} gave two logs");
    }
}

#[test]
fn matches_do_go_on_in_other_rooms() {
    let recovered: u32 = (0..20).map(|seed| run(seed).map(|world| world.recovered).unwrap_or_default()).sum();
    assert!(recovered >= 20, "only {recovered} matches went on");
}

#[test]
fn lobbies_do_stand_still() {
    let stalls: u32 = (0..20).map(|seed| run(seed).map(|world| world.stalls).unwrap_or_default()).sum();
    assert!(stalls >= 20, "only {stalls} times");
}

#[test]
fn a_match_that_two_rooms_go_on_with_is_seen() {
    let broken = (0..20).find_map(|seed| {
        let mut world = World::new(seed);
        world.hands_down_twice = true;
        play(&mut world).err()
    });
    assert!(broken.as_ref().is_some_and(|broken| broken.contains("both by placement")), "{broken:?}");
}

/// The seed of BELLHOP_SEED, with its log's end if it fails.
#[test]
fn one_seed() {
    let seed = std::env::var("BELLHOP_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let (log, result) = logged(seed);
    if let Err(broken) = result {
        let lines: Vec<&str> = log.lines().collect();
        println!("{}", lines[lines.len().saturating_sub(400)..].join("\n"));
        panic!("{broken}");
    }
}

/// The lobby died while a match moved to another room, and the next one was refused there: nobody looked at its time.
#[test]
fn a_match_that_a_new_lobby_finds_no_room_for_does_not_wait_for_ever() {
    let (_, result) = logged(12_667);
    assert_eq!(result, Ok(()));
}
