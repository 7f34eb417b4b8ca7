//! What goes to the lobby.

use futures_util::StreamExt as _;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::support::{Lobby, Under, nobody, within};

#[tokio::test]
async fn requests_pass_with_who_asked() {
    let lobby = Lobby::start();
    let under = Under::start(lobby.address, &[]).await;
    let client = reqwest::Client::new();
    let asked =
        client.post(under.url("/echo?x=1")).header("x-forwarded-for", "6.6.6.6").header("x-forwarded-proto", "https");
    let answer = asked.header("connection", "x-secret").header("x-secret", "1").body("hello").send().await.unwrap();
    let text = answer.text().await.unwrap();
    assert!(text.contains("x-forwarded-for: 127.0.0.1\n"), "{text}");
    assert!(text.contains("x-forwarded-proto: http\n"), "{text}");
    assert!(text.contains(&format!("x-forwarded-host: {}\n", under.address)), "{text}");
    assert!(text.contains("body: 5") && !text.contains("x-secret"), "{text}");

    let trusting = Under::start(lobby.address, &["--trusted-proxy", "127.0.0.0/8"]).await;
    let asked =
        client.get(trusting.url("/echo")).header("x-forwarded-for", "6.6.6.6").header("x-forwarded-proto", "https");
    let text = asked.send().await.unwrap().text().await.unwrap();
    assert!(
        text.contains("x-forwarded-for: 6.6.6.6, 127.0.0.1\n") && text.contains("x-forwarded-proto: https\n"),
        "{text}"
    );
}

#[tokio::test]
async fn bodies_stream_and_events_are_not_held_back() {
    let lobby = Lobby::start();
    let under = Under::start(lobby.address, &[]).await;
    let big = vec![7_u8; 3 << 20];
    let text = reqwest::Client::new().put(under.url("/echo")).body(big).send().await.unwrap().text().await.unwrap();
    assert!(text.contains("body: 3145728"), "{text}");

    let mut events = reqwest::get(under.url("/events")).await.unwrap().bytes_stream();
    let first = within(events.next()).await.unwrap().unwrap();
    assert_eq!(&first[..], b"id: 1\ndata: first\n\n");
    drop(lobby);
    assert!(within(events.next()).await.is_none_or(|piece| piece.is_err()), "a dead lobby ends the stream");
}

#[tokio::test]
async fn grpc_passes_with_its_trailers_and_survives_a_new_lobby() {
    let lobby = Lobby::start();
    let at = lobby.address;
    let under = Under::start(at, &[]).await;
    let channel = Endpoint::from_shared(under.url("")).unwrap().connect().await.unwrap();
    let mut health = HealthClient::new(channel);
    let mut ask = async move |service: &str| health.check(HealthCheckRequest { service: service.into() }).await;
    assert_eq!(within(ask("")).await.unwrap().into_inner().status, 1);
    assert_eq!(within(ask("unknown")).await.unwrap_err().code(), tonic::Code::NotFound);

    drop(lobby);
    let status = within(async {
        loop {
            let status = ask("").await.unwrap_err();
            if status.metadata().contains_key("grpc-retry-pushback-ms") {
                return status;
            }
        }
    })
    .await;
    assert_eq!(status.code(), tonic::Code::Unavailable);
    assert!(!status.details().is_empty());

    let _again = Lobby::start_at(at);
    within(async { while ask("").await.is_err() {} }).await;
}

#[tokio::test]
async fn a_lobby_that_is_away_is_told_to_programs_and_to_people() {
    let under = Under::start(nobody().await, &[]).await;
    let answer = reqwest::get(under.url("/v1/queues")).await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "1");
    let problem: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(problem["type"], "urn:bellhop:problem:lobby-away");

    let client = reqwest::Client::new();
    let page = client.get(under.url("/")).header("accept", "text/html,*/*;q=0.8").send().await.unwrap();
    assert_eq!((page.status().as_u16(), page.headers()["cache-control"].as_bytes()), (503, &b"no-store"[..]));
    let text = page.text().await.unwrap();
    assert!(text.contains("Back in a moment") && text.contains("location.reload()"));
    assert_eq!(under.metric("gateway_refused_total{reason=\"lobby-away\"}").await, 2.0);
}

#[tokio::test]
async fn a_taken_port_is_one_clear_sentence() {
    let under = Under::start(nobody().await, &[]).await;
    let flags = ["gateway", "--listen", &under.address.to_string(), "--private-listen", "off"];
    let settings = bellhop_gateway::Settings::read(flags).unwrap();
    let error = bellhop_gateway::Gateway::bind(settings).await.err().unwrap().to_string();
    let expected = format!(
        "port {} is taken: stop what listens on {}, or choose another with --listen HOST:PORT",
        under.address.port(),
        under.address
    );
    assert_eq!(error, expected);
}

#[tokio::test]
async fn health_tells_the_truth() {
    let dir = tempfile::tempdir().unwrap();
    let key = bellhop_proto::tokens::Key::generate();
    let under = Under::start_in(dir, key.clone(), nobody().await, &[]).await;
    let ask = async |path: &str| {
        let answer = reqwest::get(format!("http://{}{path}", under.private)).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(ask("/livez").await.0, 200);
    assert_eq!(ask("/readyz").await, (503, "waiting for the key file\n".into()));
    std::fs::write(under.dir.path().join("gateway.key"), key.as_bytes()).unwrap();
    within(async { while ask("/readyz").await.0 != 200 {} }).await;
    assert!(ask("/metrics").await.1.contains("gateway_connections"));
    assert_eq!(ask("/else").await.0, 404);
    under.stop.cancel();
    within(under.running).await.unwrap().unwrap();
}
