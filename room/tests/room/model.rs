//! Prompts from a language model, over a real socket: one that answers, and every kind that does not.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bellhop_sketch::{Phase, Sketch};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::lobby::FalseLobby;
use crate::support::{Player, Under};

const KEY: &str = "sk-this-must-never-be-seen";
const PROMPTS: &str = r#"{"player1":["a moon","a cat","a boat"],"player2":["the sea","a rod","a fish"]}"#;

/// How the service behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Manner {
    Good,
    /// In a fence, with a word before it.
    Chatty,
    /// Answers after so many milliseconds.
    After(u64),
    /// Takes the request and says nothing.
    Silent,
    /// A byte now and then, for ever.
    Drip,
    /// As much as it can, for ever.
    Endless,
    /// Promises more than anybody wants.
    Huge,
    /// A head that does not end.
    EndlessHead,
    /// An error that repeats the key.
    Rude,
    /// Sends the caller elsewhere.
    Redirect,
    NotHttp,
    Closes,
    Html,
    /// A completion whose text is no scene.
    Refuses,
    /// A completion in another form.
    OtherForm,
}

/// A service and what it was asked.
struct Service {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Service {
    async fn start(manner: Manner) -> Service {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&requests);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let noted = Arc::clone(&noted);
                tokio::spawn(async move { drop(answer(stream, manner, &noted).await) });
            }
        });
        Service { url, requests, serving }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// Reads one request whole, then does as it does.
async fn answer(mut stream: TcpStream, manner: Manner, noted: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut request = Vec::new();
    let whole = |request: &[u8]| {
        let text = String::from_utf8_lossy(request).into_owned();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok())?;
        (body.len() >= length).then_some(text)
    };
    let text = loop {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
        if let Some(text) = whole(&request) {
            break text;
        }
    };
    noted.lock().unwrap().push(text);
    let completion = |words: &str| json!({ "choices": [{ "message": { "content": words } }] }).to_string();
    let (status, body) = match manner {
        Manner::Good => ("200 OK", completion(PROMPTS)),
        Manner::Chatty => ("200 OK", completion(&format!("Of course!\n```json\n{PROMPTS}\n```"))),
        Manner::After(wait_ms) => {
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            ("200 OK", completion(PROMPTS))
        }
        Manner::Silent => return std::future::pending().await,
        Manner::Drip => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await?;
            loop {
                stream.write_all(b"1\r\n \r\n").await?;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Manner::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await?;
            let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
            loop {
                stream.write_all(chunk.as_bytes()).await?;
            }
        }
        Manner::Huge => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n").await?;
            loop {
                stream.write_all(&[b' '; 4096]).await?;
            }
        }
        Manner::EndlessHead => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n").await?;
            loop {
                stream.write_all(b"x-more: and more and more and more\r\n").await?;
            }
        }
        Manner::Rude => ("500 Internal Server Error", format!("bad key {KEY}")),
        Manner::Redirect => ("302 Found\r\nlocation: http://127.0.0.1:1/", String::new()),
        Manner::NotHttp => {
            stream.write_all(b"220 mail.example ESMTP\r\n").await?;
            return Ok(());
        }
        Manner::Closes => return Ok(()),
        Manner::Html => ("200 OK", "<html><body>It works!</body></html>".to_owned()),
        Manner::Refuses => ("200 OK", completion("I cannot draw, and I would rather not say what you should.")),
        Manner::OtherForm => ("200 OK", json!({ "player1": ["a"], "player2": ["b"] }).to_string()),
    };
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await
}

/// A match whose prompts come from a service of this manner: what each seat was told first, and the count of a metric.
async fn drawn(manner: Manner, metric: &str) -> ([String; 2], Service, Under, Duration) {
    let service = Service::start(manner).await;
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key");
    std::fs::write(&key, format!("{KEY}\n")).unwrap();
    let flags = ["--model-url", &service.url, "--model-name", "tester", "--model-key-file", key.to_str().unwrap()];
    let flags = [&flags[..], &["--model-timeout-seconds", "1"]].concat();
    let lobby = FalseLobby::start().await;
    let under = Under::start(&lobby, &flags).await;
    let mut line = lobby.line().await;
    assert_eq!(line.host(1, "sketch", "", 2).await, Ok(1));
    let begun = Instant::now();
    // The second seat comes first: the seat decides who is told what.
    let mut bob = Player::<Sketch>::join(under.address, &line.token(&lobby, 1, 1)).await;
    let mut ann = Player::<Sketch>::join(under.address, &line.token(&lobby, 1, 0)).await;
    let drawing = |player: &Player<Sketch>| player.client.view().is_some_and(|view| view.phase() == Phase::Drawing);
    ann.until(drawing).await;
    bob.until(drawing).await;
    let took = begun.elapsed();
    under.until_metric(metric, |count| count == 1.0).await;
    let told = [&ann, &bob].map(|player| player.client.view().unwrap().prompts()[0].clone());
    assert_eq!(service.requests().len(), 1, "asked once per match");
    let metrics = under.get("/metrics").await.1;
    assert!(!metrics.contains(KEY));
    (told, service, under, took)
}

#[tokio::test]
async fn prompts_come_from_the_model_and_the_seat_decides_who_gets_which() {
    for manner in [Manner::Good, Manner::Chatty, Manner::After(300)] {
        let (told, service, ..) = drawn(manner, "room_questions_total{reason=\"answered\"}").await;
        assert_eq!(told, ["a moon", "the sea"], "{manner:?}");
        let request = service.requests().remove(0);
        assert!(request.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{request}");
        assert!(request.contains(&format!("authorization: Bearer {KEY}\r\n")), "{request}");
        assert!(request.contains(r#""model":"tester""#) && request.contains("player1"), "{request}");
    }
}

#[tokio::test]
async fn whatever_else_it_does_the_match_begins_with_built_in_prompts() {
    for (manner, reason) in [
        (Manner::Silent, "slow"),
        (Manner::Drip, "slow"),
        (Manner::Endless, "too_long"),
        (Manner::Huge, "too_long"),
        (Manner::EndlessHead, "http"),
        (Manner::Rude, "status"),
        (Manner::Redirect, "status"),
        (Manner::NotHttp, "http"),
        (Manner::Closes, "http"),
        (Manner::Html, "form"),
        (Manner::OtherForm, "form"),
        // An answer to us, and none to the rules.
        (Manner::Refuses, "answered"),
    ] {
        let metric = format!("room_questions_total{{reason=\"{reason}\"}}");
        let (told, _service, _under, took) = drawn(manner, &metric).await;
        assert!(told[0] != told[1] && told.iter().all(|prompt| prompt.len() > 10), "{manner:?}: {told:?}");
        assert!(took < Duration::from_secs(5), "{manner:?} held the match up for {took:?}");
    }
}

/// The match waits as long as it said, not as long as the service may take.
#[tokio::test]
async fn the_match_waits_only_so_long() {
    let service = Service::start(Manner::Silent).await;
    let lobby = FalseLobby::start().await;
    let under = Under::start(&lobby, &["--model-url", &service.url, "--model-timeout-seconds", "60"]).await;
    let mut line = lobby.line().await;
    assert_eq!(line.host(1, "sketch", r#"{"wait_seconds":1}"#, 2).await, Ok(1));
    let mut ann = Player::<Sketch>::join(under.address, &line.token(&lobby, 1, 0)).await;
    let mut bob = Player::<Sketch>::join(under.address, &line.token(&lobby, 1, 1)).await;
    ann.until(|ann| ann.client.view().is_some_and(|view| view.phase() == Phase::Waiting)).await;
    bob.until(|bob| bob.client.view().is_some_and(|view| view.phase() == Phase::Drawing)).await;
    ann.until(|ann| ann.client.view().is_some_and(|view| view.phase() == Phase::Drawing)).await;
    let left = ann.client.leave();
    ann.send(left).await;
}

/// Nothing is set up: nobody is asked, and nobody waits.
#[tokio::test]
async fn without_a_model_the_match_begins_at_once() {
    let (lobby, under, line) = Under::hosting("sketch", "", 2).await;
    let mut ann = Player::<Sketch>::join(under.address, &line.token(&lobby, 1, 0)).await;
    let mut bob = Player::<Sketch>::join(under.address, &line.token(&lobby, 1, 1)).await;
    let begun = Instant::now();
    for player in [&mut ann, &mut bob] {
        player.until(|player| player.client.view().is_some_and(|view| view.phase() == Phase::Drawing)).await;
    }
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_wrong_address_is_said_before_the_room_opens() {
    let lobby = FalseLobby::start().await;
    for url in ["ftp://example.org/v1", "example.org", "https://"] {
        let error = Under::try_start(&lobby, &["--model-url", url]).await.err().map(|error| format!("{error:#}"));
        assert!(error.as_ref().is_some_and(|error| error.contains("--model-url")), "{url}: {error:?}");
    }
    Under::try_start(&lobby, &["--model-url", "https://example.org/v1"]).await.expect("authorities are built in");
    let flags = ["--model-url", "https://example.org/v1", "--model-ca-file", "/nowhere.pem"];
    let error = Under::try_start(&lobby, &flags).await.err().map(|error| format!("{error:#}"));
    assert!(error.as_ref().is_some_and(|error| error.contains("--model-ca-file")), "{error:?}");
}
