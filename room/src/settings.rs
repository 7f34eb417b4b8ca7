//! The only reader of flags and environment.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _, UdpSocket};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{ArgGroup, Parser};

/// Longest secret or token that is read.
const MAX_SECRET_BYTES: u64 = 4 * 1024;

/// A game room: hosts one match at a time for the lobby it is attached to.
#[derive(Debug, Clone, Parser)]
#[command(name = "bellhop-room", version)]
#[command(group(ArgGroup::new("proof").required(true).args(["secret_stdin", "token_file"])))]
pub struct Settings {
    /// The lobby's private port.
    #[arg(long, env = "BELLHOP_ROOM_LOBBY", default_value = "http://127.0.0.1:8082")]
    pub lobby: String,

    /// The fleet this room belongs to.
    #[arg(long, env = "BELLHOP_ROOM_FLEET", default_value = "default")]
    pub fleet: String,

    /// The room's id, where the lobby gave one; otherwise it is given one when it attaches.
    #[arg(long, env = "BELLHOP_ROOM_ID", default_value = "")]
    pub room: String,

    /// Where game sockets come in.
    #[arg(long, env = "BELLHOP_ROOM_BIND", default_value = "127.0.0.1:0")]
    pub bind: SocketAddr,

    /// Under which host:port gateways reach it, where that is not the address it is bound to. Bound to all addresses
    /// and without this, it is the one from which this machine reaches the lobby.
    #[arg(long, env = "BELLHOP_ROOM_ADVERTISE")]
    pub advertise: Option<String>,

    /// The page bundles of its games: a directory for each game's name.
    #[arg(long, env = "BELLHOP_ROOM_BUNDLES")]
    pub bundles: Option<PathBuf>,

    /// Reads the secret that proves who this room is from the first line of standard input.
    #[arg(long)]
    pub secret_stdin: bool,

    /// Reads the fleet's token from this file, again before each try to attach.
    #[arg(long, env = "BELLHOP_ROOM_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,

    /// Health and metrics, if wanted.
    #[arg(long, env = "BELLHOP_ROOM_PRIVATE_LISTEN")]
    pub private_listen: Option<SocketAddr>,

    /// Open sockets in all; a match has at most 256 seats.
    #[arg(long, env = "BELLHOP_ROOM_MAX_SOCKETS", default_value_t = 1_024)]
    pub max_sockets: usize,

    /// Milliseconds for a whole request head.
    #[arg(long, env = "BELLHOP_ROOM_HEADER_TIMEOUT_MS", default_value_t = 5_000)]
    pub header_timeout_ms: u64,

    /// A language model that games may ask: the address of any OpenAI-compatible endpoint, as in
    /// `https://HOST/v1`. Without it a game that asks goes on without an answer.
    #[arg(long, env = "BELLHOP_ROOM_MODEL_URL")]
    pub model_url: Option<String>,

    /// The model's name, as the endpoint calls it.
    #[arg(long, env = "BELLHOP_ROOM_MODEL_NAME", default_value = "default")]
    pub model_name: String,

    /// Reads the endpoint's key from this file, again before each question.
    #[arg(long, env = "BELLHOP_ROOM_MODEL_KEY_FILE")]
    pub model_key_file: Option<PathBuf>,

    /// The certificates by which an endpoint with https is believed, as PEM. Without it, those of the authorities that
    /// browsers believe, which are built in.
    #[arg(long, env = "BELLHOP_ROOM_MODEL_CA_FILE")]
    pub model_ca_file: Option<PathBuf>,

    /// Seconds after which a question has no answer, at most 60.
    #[arg(long, env = "BELLHOP_ROOM_MODEL_TIMEOUT_SECONDS", default_value_t = 9)]
    pub model_timeout_seconds: u64,

    /// Seconds that a running match gets to finish after SIGTERM.
    #[arg(long, env = "BELLHOP_ROOM_DRAIN_SECONDS", default_value_t = 30)]
    pub drain_seconds: u64,

    /// Seconds after which an empty room that no lobby wants leaves by itself.
    #[arg(long, env = "BELLHOP_ROOM_LEAVE_AFTER_SECONDS", default_value_t = 60)]
    pub leave_after_seconds: u64,

    /// Whether the room takes another match after one has ended, or leaves so that each match gets a fresh process.
    #[arg(long, env = "BELLHOP_ROOM_RECYCLE", value_enum, default_value_t = Recycle::Always)]
    pub recycle: Recycle,

    /// What becomes of a match that this room takes over and whose game its own rules play otherwise.
    #[arg(long, env = "BELLHOP_ROOM_CHANGED_RULES", value_enum, default_value_t = Changed::Refuse)]
    pub changed_rules: Changed,

    /// Form of the log.
    #[arg(long, env = "BELLHOP_ROOM_LOG_FORMAT", default_value = "human", value_parser = ["human", "json"])]
    pub log_format: String,

    /// What is logged: a level, or `tracing` directives.
    #[arg(long, env = "BELLHOP_ROOM_LOG", default_value = "info")]
    pub log: String,
}

/// What becomes of a room when its match has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Recycle {
    /// It is ready for the next one.
    Always,
    /// It leaves.
    Never,
}

/// What becomes of a match that other rules began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Changed {
    /// It is not taken up; its players go back into their queue.
    Refuse,
    /// It goes on as it would have come with these rules: for who works on them while he plays.
    Accept,
}

impl From<Changed> for room_core::ChangedRules {
    fn from(changed: Changed) -> room_core::ChangedRules {
        match changed {
            Changed::Refuse => room_core::ChangedRules::Refuse,
            Changed::Accept => room_core::ChangedRules::Accept,
        }
    }
}

/// Proves to the lobby who this room is.
#[derive(Clone)]
pub enum Proof {
    /// Passed by the lobby to the process it started.
    Secret(String),
    /// The fleet's token, in a file that may be renewed.
    File(PathBuf),
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Proof::Secret(_) => "Secret(..)",
            Proof::File(_) => "File(..)",
        })
    }
}

impl Proof {
    /// What goes after `Bearer `.
    ///
    /// # Errors
    /// When the file cannot be read or holds no token.
    pub fn bearer(&self) -> anyhow::Result<String> {
        match self {
            Proof::Secret(secret) => Ok(secret.clone()),
            Proof::File(path) => {
                let token = std::fs::read_to_string(path)
                    .with_context(|| format!("reading the token file {}", path.display()))?;
                one_line(&token).with_context(|| format!("the token file {} holds no token", path.display()))
            }
        }
    }
}

impl Settings {
    /// Reads the proof from where the flags say.
    ///
    /// # Errors
    /// When there is none; the message says where it was looked for.
    pub fn proof(&self) -> anyhow::Result<Proof> {
        use std::io::{BufRead as _, Read as _};
        if let Some(path) = &self.token_file {
            let proof = Proof::File(path.clone());
            proof.bearer()?;
            return Ok(proof);
        }
        let mut line = String::new();
        let mut input = std::io::stdin().lock().take(MAX_SECRET_BYTES);
        input.read_line(&mut line).context("reading the secret from standard input")?;
        Ok(Proof::Secret(one_line(&line).context("standard input holds no secret in its first line")?))
    }

    /// What gateways are told.
    ///
    /// # Errors
    /// When the room is bound to all addresses, none was named, and no way leads to the lobby.
    pub(crate) fn address(&self, bound: SocketAddr) -> anyhow::Result<String> {
        match &self.advertise {
            Some(named) => Ok(named.clone()),
            None if bound.ip().is_unspecified() => {
                let own = self.own_address().with_context(|| {
                    format!("bound to {bound}, which is no address to reach it by: name one with --advertise HOST:PORT")
                })?;
                Ok(SocketAddr::new(own, bound.port()).to_string())
            }
            None => Ok(bound.to_string()),
        }
    }

    /// The address that packets to the lobby leave from. None is sent.
    fn own_address(&self) -> anyhow::Result<IpAddr> {
        let lobby: http::Uri = self.lobby.parse().with_context(|| format!("{} is no URL", self.lobby))?;
        let host = lobby.host().with_context(|| format!("{} names no host", self.lobby))?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let found = (bare, lobby.port_u16().unwrap_or(80)).to_socket_addrs();
        let at = found.ok().and_then(|mut found| found.next());
        let at = at.with_context(|| format!("the lobby's host {host} is not known"))?;
        let any: SocketAddr =
            if at.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
        let probe = || {
            let socket = UdpSocket::bind(any)?;
            socket.connect(at)?;
            socket.local_addr()
        };
        Ok(probe().with_context(|| format!("no way leads to the lobby at {at}"))?.ip())
    }
}

fn one_line(text: &str) -> Option<String> {
    let line = text.lines().next()?.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_must_say_how_it_proves_itself() {
        assert!(Settings::try_parse_from(["room"]).is_err());
        assert!(Settings::try_parse_from(["room", "--secret-stdin"]).is_ok());
        assert!(Settings::try_parse_from(["room", "--secret-stdin", "--token-file", "x"]).is_err());
    }

    #[test]
    fn who_is_bound_to_all_addresses_says_the_one_that_leads_to_the_lobby() {
        let address = |lobby: &str, bound: &str| {
            let settings = Settings::try_parse_from(["room", "--secret-stdin", "--lobby", lobby]).unwrap();
            settings.address(bound.parse().unwrap())
        };
        assert_eq!(address("http://127.0.0.1:8082", "0.0.0.0:7").unwrap(), "127.0.0.1:7");
        assert_eq!(address("http://lobby.invalid:8082", "127.0.0.1:1").unwrap(), "127.0.0.1:1");
        let refused = address("http://lobby.invalid:8082", "0.0.0.0:7").unwrap_err();
        assert!(format!("{refused:#}").contains("--advertise"), "{refused:#}");
    }
}
