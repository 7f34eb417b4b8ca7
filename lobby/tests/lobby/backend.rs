//! A team's own back end: players for its users, tickets for them, and the results of their matches.

use bellhop_proto::v1;
use bellhop_proto::v1::backend_client::BackendClient;
use bellhop_proto::v1::players_client::PlayersClient;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};

use crate::support::{DUEL, Lobby, Player, Room, SOON, ticket, with, within};

struct Team {
    doors: BackendClient<Channel>,
    token: String,
}

impl Team {
    async fn of(lobby: &Lobby) -> Team {
        let (_, token) = lobby.operations().await;
        Team { doors: BackendClient::new(lobby.private_channel().await), token }
    }

    async fn mint(&mut self, user: &str, name: &str) -> Result<v1::Session, Status> {
        let request = v1::MintPlayerRequest { user_id: user.into(), name: name.into() };
        Ok(self.doors.mint_player(with(&self.token, request)).await?.into_inner())
    }

    async fn ticket_for(&mut self, user: &str, key: &str) -> Result<v1::Ticket, Status> {
        let request = v1::CreateTicketForRequest { user_id: user.into(), ticket: Some(ticket("duel", key)) };
        Ok(self.doors.create_ticket_for(with(&self.token, request)).await?.into_inner())
    }

    async fn follow(&mut self, after: u64) -> Result<Streaming<v1::FollowResultsResponse>, Status> {
        let request = with(&self.token, v1::FollowResultsRequest { after });
        Ok(self.doors.follow_results(request).await?.into_inner())
    }
}

/// Two users of the team play a match; its id.
async fn a_match(team: &mut Team, room: &mut Room) -> String {
    for user in ["user/1", "user/2"] {
        team.mint(user, "").await.unwrap();
        team.ticket_for(user, "").await.unwrap();
    }
    room.host().await;
    room.report(v1::seat_report::Presence::Live).await;
    room.finish().await.match_id
}

async fn next(feed: &mut Streaming<v1::FollowResultsResponse>) -> v1::FollowResultsResponse {
    let told = tokio::time::timeout(SOON, feed.message()).await.expect("in time");
    told.expect("the feed goes on").expect("the feed has not ended")
}

fn id_of(told: &v1::FollowResultsResponse) -> &str {
    &told.r#match.as_ref().expect("a match").id
}

#[tokio::test]
async fn a_user_is_always_the_same_player() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let mut team = Team::of(&lobby).await;
    let first = team.mint("user/1", "Ada").await.unwrap();
    let id = first.player.clone().unwrap().id;
    let other = team.mint("user/2", "Ada").await.unwrap();
    assert_ne!(id, other.player.unwrap().id);

    // Also where many ask at once for somebody new.
    let asked: Vec<_> = (0..20)
        .map(|_| {
            let mut team = Team { doors: team.doors.clone(), token: team.token.clone() };
            tokio::spawn(async move { team.mint("user/3", "").await.unwrap().player.unwrap().id })
        })
        .collect();
    let mut ids = Vec::new();
    for asked in asked {
        ids.push(asked.await.unwrap());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "one user, one player: {ids:?}");

    let data = lobby.kill();
    let lobby = Lobby::start(&data, DUEL, &[]);
    let mut team = Team::of(&lobby).await;
    let again = team.mint("user/1", "").await.unwrap();
    assert_ne!(first.token, again.token, "each bearer is a new one");
    assert_eq!(again.player.clone().unwrap().id, id);
    assert_eq!(again.player.unwrap().name, "Ada", "an empty name leaves his");
    assert_eq!(team.mint("user/1", "Countess").await.unwrap().player.unwrap().name, "Countess");
    let mut players = PlayersClient::new(lobby.channel().await);
    for token in [&first.token, &again.token] {
        let me = players.get_me(with(token, v1::GetMeRequest {})).await.unwrap().into_inner();
        assert_eq!((&me.id, me.name.as_str()), (&id, "Countess"), "both bearers are this player");
    }
    for _ in 0..14 {
        team.mint("user/1", "").await.unwrap();
    }
    let ended = players.get_me(with(&first.token, v1::GetMeRequest {})).await.unwrap_err();
    assert_eq!(ended.code(), Code::Unauthenticated, "the newest 16 bearers are good, and this is the 17th");
    players.get_me(with(&again.token, v1::GetMeRequest {})).await.expect("the 16th");
}

#[tokio::test]
async fn what_a_back_end_gets_wrong_is_told_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let mut team = Team::of(&lobby).await;
    for (bad, why) in [
        ("", "1 to 128 bytes, this one has 0"),
        (&*"x".repeat(129), "this one has 129"),
        ("a\nb", "no control characters"),
        (" user", "no blanks at its ends"),
    ] {
        let refused = team.mint(bad, "").await.unwrap_err();
        assert_eq!((refused.code(), refused.message().contains(why)), (Code::InvalidArgument, true), "{refused}");
        assert_eq!(team.ticket_for(bad, "").await.unwrap_err().code(), Code::InvalidArgument, "{bad}");
    }
    team.mint(&"é".repeat(64), "").await.expect("128 bytes");
    assert_eq!(team.mint("user/1", "a\nb").await.unwrap_err().code(), Code::InvalidArgument);
    let refused = team.ticket_for("user/1", "").await.unwrap_err();
    assert_eq!((refused.code(), refused.message().contains("call MintPlayer first")), (Code::NotFound, true));
    let nothing = v1::CreateTicketForRequest { user_id: "user/1".into(), ticket: None };
    let refused = team.doors.create_ticket_for(with(&team.token, nothing)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");

    let refused = team.follow(7).await.unwrap_err();
    assert_eq!((refused.code(), refused.message().contains("after 0")), (Code::OutOfRange, true), "{refused}");
    let mut feeds = Vec::new();
    for _ in 0..32 {
        feeds.push(team.follow(0).await.unwrap());
    }
    let refused = team.follow(0).await.unwrap_err();
    assert_eq!((refused.code(), refused.message().contains("end one")), (Code::ResourceExhausted, true), "{refused}");
    drop(feeds);
    within("a place among the followers", async || team.follow(0).await.ok()).await;

    let mut stranger = Team { doors: team.doors.clone(), token: Player::arrive(&lobby, "Eve").await.token };
    assert_eq!(stranger.mint("user/1", "").await.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(stranger.ticket_for("user/1", "").await.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(stranger.follow(0).await.unwrap_err().code(), Code::PermissionDenied);
    let public = BackendClient::new(lobby.channel().await);
    let refused = Team { doors: public, token: team.token }.mint("user/1", "").await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented, "it is not on the players' port: {refused}");
}

#[tokio::test]
async fn a_ticket_for_a_user_is_his() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let mut team = Team::of(&lobby).await;
    let session = team.mint("user/1", "Ada").await.unwrap();
    let first = team.ticket_for("user/1", "once").await.unwrap();
    assert_eq!(team.ticket_for("user/1", "once").await.unwrap().id, first.id, "the same call again");
    let refused = team.ticket_for("user/1", "").await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "one live ticket per player: {refused}");

    let mut ada = Player::arrive(&lobby, "").await;
    ada.token = session.token;
    let mut events = ada.watch(&first.id, 0).await.unwrap();
    let mut room = Room::attach(&lobby).await;
    team.mint("user/2", "").await.unwrap();
    team.ticket_for("user/2", "").await.unwrap();
    let host = room.host().await;
    assert_eq!(events.assigned().await.match_id, host.match_id);
    assert!(host.seats.iter().any(|seat| seat.player_id == session.player.as_ref().unwrap().id));
}

#[tokio::test]
async fn each_result_comes_once_also_across_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let mut team = Team::of(&lobby).await;
    let mut room = Room::attach(&lobby).await;
    let mut feed = team.follow(0).await.unwrap();
    let first = a_match(&mut team, &mut room).await;
    let first_told = next(&mut feed).await;
    let told = first_told.r#match.clone().unwrap();
    assert_eq!((told.id.as_str(), told.state()), (first.as_str(), v1::r#match::State::Ended));
    for (seat, user) in told.seats.iter().zip(&first_told.user_ids) {
        let minted = team.mint(user, "").await.unwrap().player.unwrap().id;
        assert_eq!(seat.player_id, minted, "the back end is told whose result it is");
    }
    let second = a_match(&mut team, &mut room).await;
    let told = next(&mut feed).await;
    assert_eq!(id_of(&told), second);
    assert!(told.number > first_told.number);

    let data = lobby.kill();
    assert_eq!(feed.message().await.unwrap_err().code(), Code::Unknown, "who followed knows that it broke");
    let lobby = Lobby::start(&data, DUEL, &[]);
    let mut team = Team::of(&lobby).await;
    let mut room = Room::attach(&lobby).await;
    let mut feed = team.follow(first_told.number).await.unwrap();
    assert_eq!(id_of(&next(&mut feed).await), second, "from where the back end had come to");
    let third = a_match(&mut team, &mut room).await;
    assert_eq!(id_of(&next(&mut feed).await), third, "and then what comes");
    let mut all = team.follow(0).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(id_of(&next(&mut all).await).to_owned());
    }
    assert_eq!(seen, [first, second, third]);

    // A guest is nobody's user.
    let mut guest = Player::arrive(&lobby, "Guest").await;
    guest.ticket("duel", "").await.unwrap();
    team.ticket_for("user/1", "").await.unwrap();
    room.host().await;
    room.report(v1::seat_report::Presence::Live).await;
    room.finish().await;
    let mut users = next(&mut feed).await.user_ids;
    users.sort();
    assert_eq!(users, ["", "user/1"]);
}

#[tokio::test]
async fn a_lobby_that_stops_says_so_to_who_follows() {
    let dir = tempfile::tempdir().unwrap();
    let lobby = Lobby::start(dir.path(), DUEL, &[]);
    let mut team = Team::of(&lobby).await;
    let mut feed = team.follow(0).await.unwrap();
    let (mut ops, token) = lobby.operations().await;
    ops.stop_lobby(with(&token, v1::StopLobbyRequest::default())).await.unwrap();
    let told = tokio::time::timeout(SOON, feed.message()).await.expect("in time").unwrap_err();
    assert_eq!(told.code(), Code::Unavailable, "{told}");
    assert_eq!(lobby.ended().await, Some(0));
}
