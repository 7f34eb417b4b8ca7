use std::net::Ipv4Addr;

use lobby_core::{RatingChange, SeatResult};

use super::*;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Players with their writer running.
struct Open {
    players: Arc<Players>,
    writer: std::thread::JoinHandle<()>,
}

impl Open {
    fn at(dir: &Path) -> Open {
        let (players, writer) = Players::open(&dir.join("players.redb")).unwrap();
        Open { players, writer: std::thread::spawn(move || writer.run().unwrap()) }
    }

    /// Waits until the writer is through and has let go of the file.
    fn close(self) {
        drop(self.players);
        self.writer.join().unwrap();
    }
}

impl std::ops::Deref for Open {
    type Target = Players;

    fn deref(&self) -> &Players {
        &self.players
    }
}

fn outcome(player: PlayerId, match_id: u64, value: f32) -> Event {
    let after = Rating { value, matches: 1, ..Rating::default() };
    Event::MatchEnded(Box::new(MatchOutcome {
        match_id: MatchId(match_id),
        epoch: 1,
        at: lobby_core::Time(5),
        queue: "duel".into(),
        game: "chess".into(),
        seats: vec![SeatResult { seat: 0, player, rank: 1, score: 3 }],
        changes: vec![RatingChange { player, before: Rating::default(), after }],
        duration: Duration::from_secs(1),
        reason: "over".into(),
        events_json: vec!["{}".into()],
    }))
}

#[tokio::test]
async fn a_guest_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let players = Open::at(dir.path());
    let (token, person) = players.create_guest(" Ada ").await.unwrap();
    assert_eq!(&*person.name, "Ada");
    assert_eq!(players.authenticate(&token).unwrap(), person.id);
    for bad in ["", "x", &token[1..], &"A".repeat(43)] {
        assert!(matches!(players.authenticate(bad), Err(PlayerError::UnknownBearer)), "{bad}");
    }
    players.close();

    let players = Open::at(dir.path());
    assert_eq!(players.authenticate(&token).unwrap(), person.id);
    assert_eq!(players.person(person.id).unwrap(), Some(person));
    players.log_out(&token).await.unwrap();
    assert!(players.authenticate(&token).is_err());
}

#[tokio::test]
async fn passwords_open_the_player_and_nobody_elses() {
    let dir = tempfile::tempdir().unwrap();
    let players = Open::at(dir.path());
    let (_, ada) = players.create_guest("Ada").await.unwrap();
    let ada = players.set_password(ada.id, "correct horse", "", HERE).await.unwrap();
    let (token, again) = players.log_in(&ada.login.to_uppercase(), "correct horse", HERE).await.unwrap();
    assert_eq!((again.id, players.authenticate(&token).unwrap()), (ada.id, ada.id));

    let wrong = players.log_in(&ada.login, "wrong horse", HERE).await.unwrap_err().to_string();
    let unknown = players.log_in("Nobody#0000", "wrong horse", HERE).await.unwrap_err().to_string();
    assert_eq!(wrong, unknown);

    let refused = players.set_password(ada.id, "another horse", "guess horse", HERE).await;
    assert!(matches!(refused, Err(PlayerError::WrongOldPassword)));
    players.set_name(ada.id, "Countess").await.unwrap();
    let renamed = players.set_password(ada.id, "another horse", "correct horse", HERE).await.unwrap();
    assert!(renamed.login.starts_with("Countess#"), "{}", renamed.login);
    assert!(players.log_in(&ada.login, "another horse", HERE).await.is_err());
    players.log_in(&renamed.login, "another horse", HERE).await.unwrap();
}

#[tokio::test]
async fn a_match_counts_at_once_and_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let players = Open::at(dir.path());
    let (_, ada) = players.create_guest("Ada").await.unwrap();
    let chess = Name::from("chess");
    assert_eq!(players.rating(ada.id, &chess).unwrap(), Rating::default());
    players.follow(1, vec![outcome(ada.id, 7, 1512.0)]);
    assert_eq!(players.rating(ada.id, &chess).unwrap().value, 1512.0);
    assert_eq!(players.outcome(MatchId(7)).unwrap().unwrap().seats[0].score, 3);
    // Whatever is waited for comes after what was handed in before.
    players.create_guest("Bob").await.unwrap();
    assert_eq!(players.followed(), 2);
    players.close();

    let players = Open::at(dir.path());
    assert_eq!(players.followed(), 2);
    assert_eq!(players.ratings(ada.id, &[chess, "snake".into()]).unwrap().len(), 1);
    assert_eq!(players.outcome(MatchId(7)).unwrap().unwrap().reason.as_str(), "over");
    assert!(players.outcome(MatchId(8)).unwrap().is_none());
}

#[tokio::test]
async fn sessions_nobody_uses_go() {
    let dir = tempfile::tempdir().unwrap();
    let players = Open::at(dir.path());
    let (token, ada) = players.create_guest("Ada").await.unwrap();
    let hash = token_hash(&token).unwrap();
    let old = SessionRow { player: ada.id, used_ms: unix_ms() - 31 * 86_400_000 };
    players.write(vec![Change::Session(hash, old)]).await.unwrap();
    players.sessions.remove(&hash);
    assert!(matches!(players.authenticate(&token), Err(PlayerError::UnknownBearer)));
    players.tidy().unwrap();
    players.create_guest("Bob").await.unwrap();
    assert_eq!(players.store.session(&hash).unwrap(), None);
}

#[test]
fn results_that_are_kept_no_more_are_known_to_be_gone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("players.redb");
    let mut store = Store::open(&path).unwrap();
    store.keeps = 3;
    let ended = |number: u64| {
        let Event::MatchEnded(outcome) = outcome(PlayerId(number), 100 + number, 1_500.0) else { unreachable!() };
        store.apply(&[Change::Outcome(number, Arc::from(outcome)), Change::Followed(number + 1)]).unwrap();
    };
    let seen = |after, at_most| {
        let results = store.results(after, at_most).unwrap();
        let numbers: Vec<u64> = results.found.iter().map(|found| found.number).collect();
        (numbers, results.newest_forgotten, results.next)
    };
    assert_eq!(seen(0, 9), (vec![], 0, 0));
    for number in [10, 20, 30] {
        ended(number);
    }
    assert_eq!(seen(0, 2), (vec![10, 20], 0, 31));
    assert_eq!(seen(20, 9), (vec![30], 0, 31));
    for number in [40, 50] {
        ended(number);
    }
    assert_eq!(seen(10, 9), (vec![30, 40, 50], 20, 51), "20 is missed by who has seen 10, and he can tell");
    assert_eq!(seen(20, 9), (vec![30, 40, 50], 20, 51), "who has seen 20 misses nothing");

    let row = store::UserRow { player: PlayerId(50), sessions: Vec::new() };
    store.apply(&[Change::User("ada".into(), row)]).unwrap();
    let users: Vec<String> = store.results(30, 9).unwrap().found.into_iter().flat_map(|found| found.users).collect();
    assert_eq!(users, ["", "ada"]);
}
