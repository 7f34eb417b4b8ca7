//! What is set from outside: flags, environment, defaults. The only reader of the environment.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use url::Url;

/// The lobby: takes players from "play" to their room.
#[derive(Debug, Clone, Parser)]
#[command(name = "bellhop-lobby", version)]
pub struct Settings {
    /// Where the journal, players, keys, logs and bundles lie; made if it is missing.
    #[arg(long, env = "BELLHOP_DATA", default_value = ".bellhop")]
    pub data: PathBuf,

    /// The players' doors: page, JSON, gRPC, gRPC-Web.
    #[arg(long, env = "BELLHOP_LISTEN", default_value = "127.0.0.1:8081")]
    pub listen: SocketAddr,

    /// Rooms, operations, metrics and health. Not for the public.
    #[arg(long, env = "BELLHOP_PRIVATE_LISTEN", default_value = "127.0.0.1:8082")]
    pub private_listen: SocketAddr,

    /// Queues, fleets and limits: a commented `bellhop.toml`. Reloaded when it changes; without it, built-in defaults.
    #[arg(long, env = "BELLHOP_CONFIG")]
    pub config: Option<PathBuf>,

    /// The page's files (with an `index.html`); without it, only the APIs are served.
    #[arg(long, env = "BELLHOP_PAGE")]
    pub page: Option<PathBuf>,

    /// Scheme and host that players use, such as `https://play.example.org`; without it, as each request says.
    #[arg(long, env = "BELLHOP_PUBLIC_URL")]
    pub public_url: Option<PublicUrl>,

    /// Addresses or networks whose X-Forwarded-For and -Proto are believed. The gateway is one.
    #[arg(long, env = "BELLHOP_TRUSTED_PROXIES", default_value = "127.0.0.0/8,::1", value_delimiter = ',')]
    pub trusted_proxies: Vec<Network>,

    /// The program that is a room; without it, `bellhop-room` beside this program.
    #[arg(long, env = "BELLHOP_ROOM_COMMAND")]
    pub room_command: Option<PathBuf>,

    /// Page bundles of the games, passed on to the rooms that are started here.
    #[arg(long, env = "BELLHOP_BUNDLES")]
    pub bundles: Option<PathBuf>,

    /// What rooms are: processes of this machine, or pods of the namespace this lobby runs in, one RoomFleet per fleet.
    #[arg(long, env = "BELLHOP_CLUSTER", value_enum, default_value_t = Cluster::Processes)]
    pub cluster: Cluster,

    /// Where pods reach the private port, such as `http://bellhop-lobby:8082`. Needed where rooms are pods.
    #[arg(long, env = "BELLHOP_ATTACH_URL", required_if_eq("cluster", "kubernetes"))]
    pub attach_url: Option<String>,

    /// Bring the cluster's definition of RoomFleet to what this version needs, and end.
    #[arg(long)]
    pub apply_definition: bool,

    /// Start rooms as processes of this machine. With `false`, only rooms that attach by themselves are used.
    #[arg(long, env = "BELLHOP_START_ROOMS", default_value_t = true, action = clap::ArgAction::Set)]
    pub start_rooms: bool,

    /// How often the journal is cut by a snapshot, where enough has happened.
    #[arg(long, env = "BELLHOP_SNAPSHOT_SECONDS", default_value_t = 60)]
    pub snapshot_seconds: u64,

    /// Keep replays in this object store as well: `s3://bucket/path`, `gs://bucket/path`, `az://container/path` or
    /// `file:///path`. Keys and region come from the environment (`AWS_ACCESS_KEY_ID` and the like), as the store's own
    /// tools take them.
    #[arg(long, env = "BELLHOP_REPLAYS")]
    pub replays: Option<Url>,

    /// How many days replays stay in the data directory.
    #[arg(long, env = "BELLHOP_REPLAY_DAYS", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..))]
    pub replay_days: u16,

    /// How log lines look.
    #[arg(long, env = "BELLHOP_LOG_FORMAT", value_enum, default_value_t = LogFormat::Human)]
    pub log_format: LogFormat,

    /// What is logged, as in `info,bellhop_lobby=debug`.
    #[arg(long, env = "BELLHOP_LOG", default_value = "info")]
    pub log: String,

    /// How long a connection may take for its first byte, and for the head of each request.
    #[arg(long, env = "BELLHOP_HEAD_SECONDS", default_value_t = 10)]
    pub head_seconds: u64,

    /// How long open calls may go on after the lobby was told to stop.
    #[arg(long, env = "BELLHOP_DRAIN_SECONDS", default_value_t = 5)]
    pub drain_seconds: u64,
}

impl Settings {
    /// [`Settings::drain_seconds`] as a duration.
    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }

    /// [`Settings::replay_days`] as a duration.
    pub fn keep_replays(&self) -> Duration {
        Duration::from_secs(u64::from(self.replay_days) * 24 * 60 * 60)
    }
}

/// What rooms are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Cluster {
    /// Processes of this machine.
    Processes,
    /// Pods.
    Kubernetes,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object per line.
    Json,
}

/// Scheme and host under which players see the lobby.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    /// Over TLS or not.
    pub secure: bool,
    /// host or host:port
    pub host: String,
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<PublicUrl, String> {
        let (secure, host) = match text.split_once("://") {
            Some(("https", host)) => (true, host),
            Some(("http", host)) => (false, host),
            Some(_) | None => return Err("a public URL starts with http:// or https://".into()),
        };
        let host = host.trim_end_matches('/');
        let plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
        if host.is_empty() || !host.chars().all(plain) {
            return Err("a public URL is a scheme and a host, such as https://play.example.org".into());
        }
        Ok(PublicUrl { secure, host: host.to_owned() })
    }
}

/// A network in CIDR form, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Whether the address lies in this network. An IPv4 address mapped into IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (ours, theirs, width) = match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => (u128::from(ours.to_bits()), u128::from(theirs.to_bits()), 32),
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => (ours.to_bits(), theirs.to_bits(), 128),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
        };
        let host_bits = width - u32::from(self.prefix);
        host_bits >= 128 || (ours >> host_bits) == (theirs >> host_bits)
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Network, String> {
        let (address, prefix) = text.trim().split_once('/').map_or((text.trim(), None), |(a, p)| (a, Some(p)));
        let address: IpAddr = address.parse().map_err(|_| format!("`{address}` is not an IP address"))?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => width,
            Some(prefix) => prefix.parse().ok().filter(|&bits| bits <= width).ok_or_else(|| {
                format!("`{prefix}` is not a prefix length: a number from 0 to {width} comes after the slash")
            })?,
        };
        Ok(Network { address, prefix })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_its_own() {
        let contains =
            |network: &str, address: &str| network.parse::<Network>().unwrap().contains(address.parse().unwrap());
        assert!(contains("127.0.0.0/8", "127.9.9.9"));
        assert!(contains("127.0.0.1", "::ffff:127.0.0.1"));
        assert!(!contains("127.0.0.1", "127.0.0.2"));
        assert!(contains("::/0", "2001:db8::1"));
        assert!(!contains("::/0", "10.0.0.1"));
        assert!("10.0.0.0/33".parse::<Network>().is_err());
        assert!("ten".parse::<Network>().is_err());
    }

    #[test]
    fn a_public_url_is_scheme_and_host() {
        let url: PublicUrl = "https://play.example.org/".parse().unwrap();
        assert_eq!(url, PublicUrl { secure: true, host: "play.example.org".into() });
        for bad in ["play.example.org", "ftp://x", "https://", "https://a/b", "https://a b"] {
            assert!(bad.parse::<PublicUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_defaults_are_good() {
        let settings = Settings::try_parse_from(["bellhop-lobby"]).unwrap();
        assert_eq!(settings.listen.port(), 8081);
        assert!(settings.trusted_proxies[0].contains("127.0.0.1".parse().unwrap()));
    }
}
