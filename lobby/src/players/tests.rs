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
