//! What strangers write from docs/protocol.md alone: a player's client and a room, both in Python, against the real lobby.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bellhop_load::bots::{Life, Plan};
use bellhop_load::doors;
use bellhop_load::local::{Local, programs};
use bellhop_proto::v1::operations_client::OperationsClient;
use bellhop_proto::v1::{DrainRoomRequest, ListRoomsRequest, ListRoomsResponse};
use bellhop_tictactoe::TicTacToe;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio_util::sync::CancellationToken;
use tonic::Request;

/// Everything here comes within this, or not at all.
const SOON: Duration = Duration::from_secs(30);

/// One queue whose rooms are ours, and one whose rooms come by themselves.
const CONFIG: &str = r#"
[[fleet]]
name = "ours"
games = ["tictactoe"]
min_ready = 1
max_rooms = 1

[[fleet]]
name = "theirs"
games = ["tictactoe"]
min_ready = 0
max_rooms = 0

[[queue]]
name = "ours"
game = "tictactoe"
fleet = "ours"
window = { anybody = true }

[[queue]]
name = "theirs"
game = "tictactoe"
fleet = "theirs"
window = { anybody = true }
"#;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The schema as the vectors say it, which is all that a stranger has.
fn written_schema() -> Result<String> {
    let schemas = fs::read_to_string(format!("{ROOT}/docs/vectors/schemas.txt"))?;
    let of_the_game = schemas.lines().find_map(|line| line.strip_prefix("tictactoe: "));
    of_the_game.map(str::to_owned).context("docs/vectors/schemas.txt names tictactoe")
}

/// One of the programs in tests/foreign.
fn python(program: &str) -> Result<Command> {
    let place = programs()?.join("../python/bin/python");
    ensure!(place.exists(), "{} is not there: run this by `cargo xtask test --tier unit`", place.display());
    let mut command = Command::new(place);
    command.arg(format!("{ROOT}/tests/foreign/{program}")).env("PYTHONPATH", format!("{ROOT}/proto"));
    command.env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    Ok(command)
}

/// What a Python player says of its match.
async fn play(url: &str, queue: &str, schema: &str, more: &[&str]) -> Result<Value> {
    let output = python("player.py")?.args([url, queue, schema]).args(more).stderr(Stdio::piped()).output();
    let output = tokio::time::timeout(SOON, output).await.context("the player is done in time")??;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Whoever begins takes the first free cells and has a column or a diagonal with the seventh mark.
fn check(players: &[Value; 2]) -> Result<()> {
    for player in players {
        let (room, lobby) = (&player["room"], &player["lobby"]);
        let winner = &room["seats"][0];
        ensure!(winner[1] == 1 && winner[2] == 1 && room["seats"][1][1] == 2, "{player}");
        ensure!(lobby["state"] == "ended", "{player}");
        let winner = winner[0].as_u64().context("a seat's number")?.to_string();
        ensure!(lobby["ranks"][winner] == 1, "the lobby was told what the players were: {player}");
    }
    ensure!(players[0]["seat"] != players[1]["seat"] && players[0]["room"] == players[1]["room"], "{players:?}");
    Ok(())
}

#[test]
fn the_schema_in_the_vectors_is_the_games() {
    let schema = format!("{:016x}", bellhop_game::schema::<TicTacToe>());
    assert_eq!(written_schema().expect("the vectors"), schema, "docs/vectors/schemas.txt is stale");
}

#[tokio::test]
async fn a_players_client_in_python_plays_in_our_room() -> Result<()> {
    let local = Local::started(CONFIG).await?;
    let (url, schema) = (local.gateway_url(), written_schema()?);
    let (ann, bob) =
        tokio::join!(play(&url, "ours", &schema, &["--lose-connection"]), play(&url, "ours", &schema, &[]));
    check(&[ann?, bob?])
}

/// The Python room, and what it prints.
struct Stranger {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Stranger {
    fn start(local: &Local, schema: &str) -> Result<Stranger> {
        let lobby = local.private_url().replace("http://", "");
        let token = PathBuf::from(local.data()).join("keys/fleet-theirs.token");
        let mut child = python("room.py")?.args([&lobby, "theirs"]).arg(token).arg(schema).spawn()?;
        let lines = BufReader::new(child.stdout.take().context("its stdout is a pipe")?).lines();
        Ok(Stranger { child, lines })
    }

    async fn says(&mut self, what: &str) -> Result<()> {
        let line = tokio::time::timeout(SOON, self.lines.next_line()).await.context("the room says something")??;
        ensure!(line.as_ref().is_some_and(|line| line.starts_with(what)), "{what}: {line:?}");
        Ok(())
    }
}

#[tokio::test]
async fn a_room_in_python_hosts_matches_for_python_and_for_our_own_clients() -> Result<()> {
    let local = Local::started(CONFIG).await?;
    let (url, schema) = (local.gateway_url(), written_schema()?);
    let mut room = Stranger::start(&local, &schema)?;
    let (ann, bob) =
        tokio::join!(play(&url, "theirs", &schema, &["--lose-connection"]), play(&url, "theirs", &schema, &[]));
    check(&[ann?, bob?])?;
    room.says("host m-").await?;
    room.says("acknowledged m-").await?;

    // The same room again, for clients that are built from the game's own crate.
    let bots = [1, 2].map(|seed| {
        let (channel, queue) = (doors::channel(&url), "theirs".to_owned());
        let plan = Plan { queue, name: String::new(), seed, reaction_ms: 0.0, matches: 1, record: None, pulse: None };
        async move {
            let mut life = Life::begin(channel?, plan).await?;
            life.live(&CancellationToken::new()).await?;
            life.ended_matches().await
        }
    });
    let [one, two] = bots;
    let (one, two) = tokio::time::timeout(SOON, async { tokio::join!(one, two) }).await?;
    let (one, two) = (one?, two?);
    ensure!(one.len() == 1 && one == two, "{one:?} {two:?}");
    room.says("host m-").await?;
    room.says("acknowledged m-").await?;

    // And it goes when it is drained.
    let token = fs::read_to_string(local.data().join("keys/operator.token"))?;
    let bearer = format!("Bearer {}", token.trim());
    let mut operations = OperationsClient::new(doors::channel(&local.private_url())?);
    let mut asked = Request::new(ListRoomsRequest { fleet: "theirs".to_owned(), ..ListRoomsRequest::default() });
    asked.metadata_mut().insert("authorization", bearer.parse()?);
    let ListRoomsResponse { rooms, .. } = operations.list_rooms(asked).await?.into_inner();
    ensure!(rooms.len() == 1 && rooms[0].healthy, "{rooms:?}");
    let mut drain = Request::new(DrainRoomRequest { room_id: rooms[0].id.clone(), within_seconds: 5 });
    drain.metadata_mut().insert("authorization", bearer.parse()?);
    operations.drain_room(drain).await?;
    let status = tokio::time::timeout(SOON, room.child.wait()).await.context("the drained room leaves")??;
    ensure!(status.success(), "{status}");
    Ok(())
}
