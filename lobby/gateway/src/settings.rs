//! The only reader of flags and environment.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use clap::Parser;
use hyper::Uri;

/// Carries game sockets to rooms and everything else to the lobby.
#[derive(Debug, Clone, Parser)]
#[command(name = "bellhop-gateway", version)]
pub struct Settings {
    /// The public port.
    #[arg(long, env = "BELLHOP_GATEWAY_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// Health and metrics; `off` closes it.
    #[arg(long = "private-listen", env = "BELLHOP_GATEWAY_PRIVATE_LISTEN", default_value = "127.0.0.1:8083", value_parser = parse_private)]
    private: Private,

    /// The lobby's public doors.
    #[arg(long, env = "BELLHOP_GATEWAY_LOBBY", default_value = "http://127.0.0.1:8081")]
    pub lobby: Uri,

    /// The key that opens the routing part of seat tokens: 32 bytes. The lobby makes the file; it is waited for.
    #[arg(long, env = "BELLHOP_GATEWAY_KEY_FILE", default_value = ".bellhop/keys/gateway.key")]
    pub key_file: PathBuf,

    /// Proxies whose X-Forwarded headers are believed, and who are not capped per address: addresses or CIDR blocks.
    #[arg(long, env = "BELLHOP_GATEWAY_TRUSTED_PROXY", value_delimiter = ',')]
    pub trusted_proxy: Vec<Cidr>,

    /// Open connections in all. One takes some 10 KiB here and 2 file descriptors.
    #[arg(long, env = "BELLHOP_GATEWAY_MAX_CONNECTIONS", default_value_t = 16_384)]
    pub max_connections: usize,

    /// Open connections of one address (IPv6: one /64). A school behind one address: 500 pages of 7 connections.
    #[arg(long, env = "BELLHOP_GATEWAY_MAX_CONNECTIONS_PER_IP", default_value_t = 4_096)]
    pub max_connections_per_ip: usize,

    /// Milliseconds for the first bytes of a connection, for a whole request head, and for the next one after it.
    #[arg(long, env = "BELLHOP_GATEWAY_HEADER_TIMEOUT_MS", default_value_t = 10_000)]
    pub header_timeout_ms: u64,

    /// Milliseconds in which the next piece of a request's body must come.
    #[arg(long, env = "BELLHOP_GATEWAY_BODY_TIMEOUT_MS", default_value_t = 20_000)]
    pub body_timeout_ms: u64,

    /// Milliseconds for connecting to the lobby or a room.
    #[arg(long, env = "BELLHOP_GATEWAY_CONNECT_TIMEOUT_MS", default_value_t = 2_000)]
    pub connect_timeout_ms: u64,

    /// Milliseconds in which the lobby or a room must begin its answer.
    #[arg(long, env = "BELLHOP_GATEWAY_ANSWER_TIMEOUT_MS", default_value_t = 30_000)]
    pub answer_timeout_ms: u64,

    /// Seconds that open requests and game sockets get to end at shutdown.
    #[arg(long, env = "BELLHOP_GATEWAY_DRAIN_SECONDS", default_value_t = 10)]
    pub drain_seconds: u64,

    /// Form of the log.
    #[arg(long, env = "BELLHOP_GATEWAY_LOG_FORMAT", default_value = "human", value_parser = ["human", "json"])]
    pub log_format: String,

    /// What is logged: a level, or `tracing` directives.
    #[arg(long, env = "BELLHOP_GATEWAY_LOG", default_value = "info")]
    pub log: String,

    #[arg(skip)]
    pub(crate) private_listen: Option<SocketAddr>,
}

impl Settings {
    /// Reads flags and environment.
    ///
    /// # Errors
    /// Clap's message, which names the flag and shows what it takes.
    pub fn read<I, T>(args: I) -> Result<Settings, clap::Error>
    where
        I: IntoIterator<Item = T>,
        T: Into<std::ffi::OsString> + Clone,
    {
        let mut settings = Settings::try_parse_from(args)?;
        settings.private_listen = settings.private.0;
        Ok(settings)
    }

    pub(crate) fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted_proxy.iter().any(|block| block.contains(peer))
    }
}

#[derive(Debug, Clone, Copy)]
struct Private(Option<SocketAddr>);

fn parse_private(text: &str) -> Result<Private, String> {
    if text == "off" {
        return Ok(Private(None));
    }
    text.parse().map(|at| Private(Some(at))).map_err(|_| "expected HOST:PORT or `off`".to_owned())
}

/// A block of addresses: `10.0.0.0/8`, `::1`, `192.0.2.7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    base: u128,
    bits: u32,
}

impl Cidr {
    /// Whether the address lies in the block. IPv4 and IPv4-mapped IPv6 are the same.
    pub fn contains(&self, address: IpAddr) -> bool {
        let shift = 128 - self.bits;
        shift == 128 || (wide(address) >> shift) == (self.base >> shift)
    }
}

fn wide(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_ipv6_mapped()),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

impl FromStr for Cidr {
    type Err = String;

    fn from_str(text: &str) -> Result<Cidr, String> {
        let hint = || format!("`{text}` is neither an address nor a block such as 10.0.0.0/8");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().map_err(|_| hint())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| hint())?;
        let (most, offset) = if address.is_ipv4() { (32, 96) } else { (128, 0) };
        let bits = bits.unwrap_or(most);
        if bits > most {
            return Err(hint());
        }
        Ok(Cidr { base: wide(address), bits: bits + offset })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(block: &str, inside: &str, outside: &str) {
        let block: Cidr = block.parse().unwrap();
        assert!(block.contains(inside.parse().unwrap()), "{inside} in");
        assert!(!block.contains(outside.parse().unwrap()), "{outside} out");
    }

    #[test]
    fn blocks_hold_their_addresses() {
        check("10.0.0.0/8", "10.255.1.2", "11.0.0.1");
        check("127.0.0.1", "127.0.0.1", "127.0.0.2");
        check("127.0.0.1", "::ffff:127.0.0.1", "::1");
        check("fd00::/8", "fd12::1", "fe80::1");
        for bad in ["", "10.0.0.0/33", "10.0.0/8", "x", "::1/129", "1.2.3.4/-1"] {
            assert!(bad.parse::<Cidr>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_private_door_can_be_closed() {
        assert!(Settings::read(["gateway", "--private-listen", "off"]).unwrap().private_listen.is_none());
        assert!(Settings::read(["gateway", "--private-listen", "nowhere"]).is_err());
        assert_eq!(Settings::read(["gateway"]).unwrap().private_listen, Some("127.0.0.1:8083".parse().unwrap()));
    }
}
