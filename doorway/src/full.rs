//! Connections too many.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

/// Connections too many that are told so at once; others are closed with as much as fits into their socket.
const AT_ONCE: usize = 64;

/// Who is turned away says first what he wants, within this.
const ASKS_WITHIN: Duration = Duration::from_millis(250);

/// All of turning somebody away.
const TOLD_WITHIN: Duration = Duration::from_secs(2);

/// What a process that holds as many connections as it may says to one more.
#[derive(Debug)]
pub struct Full {
    answer: Arc<[u8]>,
    at_once: Arc<Semaphore>,
}

impl Full {
    /// What happened, and what the player may do.
    pub fn new(detail: &str, hint: &str) -> Full {
        let problem = serde_json::json!({
            "type": "urn:bellhop:problem:full",
            "title": "Too many connections",
            "status": 503,
            "detail": detail,
            "hint": hint,
        })
        .to_string();
        let answer = format!(
            "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\n\
             content-type: application/problem+json\r\ncontent-length: {}\r\n\r\n{problem}",
            problem.len()
        );
        Full { answer: answer.into_bytes().into(), at_once: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Says it to somebody, in a task among `tasks`.
    pub fn turn_away(&self, stream: TcpStream, tasks: &TaskTracker) {
        match Arc::clone(&self.at_once).try_acquire_owned() {
            Ok(one_of_few) => {
                let answer = Arc::clone(&self.answer);
                tasks.spawn(async move {
                    // Who has left need not be told.
                    let _told = tokio::time::timeout(TOLD_WITHIN, tell(stream, &answer)).await;
                    drop(one_of_few);
                });
            }
            // A fresh socket has room for this; if not, closing says enough.
            Err(_) => drop(stream.try_write(&self.answer)),
        }
    }
}

/// Hears the question first and reads on after the answer: closing a socket with something unread takes back what was said.
async fn tell(mut stream: TcpStream, answer: &[u8]) -> std::io::Result<()> {
    let mut unread = [0; 2_048];
    // A question that does not come is answered all the same.
    let _asked = tokio::time::timeout(ASKS_WITHIN, stream.read(&mut unread)).await;
    stream.write_all(answer).await?;
    stream.shutdown().await?;
    while stream.read(&mut unread).await? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn who_is_turned_away_hears_all_of_it_whatever_he_says_or_does_not() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let at = listener.local_addr().expect("its address");
        let (full, tasks) = (Full::new("There are enough.", "Try again in a second."), TaskTracker::new());
        for said in [&b""[..], b"GET / HTTP/1.1\r\n\r\n", &[7; 5_000]] {
            let mut asks = TcpStream::connect(at).await.expect("it listens");
            full.turn_away(listener.accept().await.expect("a connection").0, &tasks);
            asks.write_all(said).await.expect("it is read");
            let mut answer = String::new();
            asks.read_to_string(&mut answer).await.expect("it is not reset");
            let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
            assert!(head.contains(&format!("content-length: {}", body.len())), "{answer}");
            let problem: serde_json::Value = serde_json::from_str(body).expect("a problem");
            assert_eq!((&problem["status"], &problem["detail"]), (&503.into(), &"There are enough.".into()));
        }
    }
}
