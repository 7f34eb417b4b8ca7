//! Who asks, and under which address he sees the lobby.

use std::net::IpAddr;

use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use http::uri::{Authority, Uri};

use crate::settings::{Network, PublicUrl};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Where a request comes from. Goes with it as an extension.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// The player's address, as far as it can be known.
    pub(crate) address: IpAddr,
    secure: bool,
    host: Host,
}

#[derive(Debug, Clone)]
enum Host {
    Authority(Authority),
    Header(HeaderValue),
    Set(PublicUrl),
    Unknown,
}

/// How origins are told.
#[derive(Debug, Clone)]
pub(crate) struct Origins {
    pub(crate) trusted: Vec<Network>,
    pub(crate) public_url: Option<PublicUrl>,
}

impl Origins {
    /// Whether what this peer says about others is believed.
    pub(crate) fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(peer))
    }

    /// The origin of a request that `peer` sent.
    pub(crate) fn of(&self, peer: IpAddr, uri: &Uri, headers: &HeaderMap) -> Origin {
        let trusted = self.trusts(peer);
        let address = if trusted { self.client(peer, headers) } else { peer };
        let forwarded = |name: &HeaderName| if trusted { headers.get(name) } else { None };
        let host = match (&self.public_url, forwarded(&FORWARDED_HOST), uri.authority(), headers.get(HOST)) {
            (Some(url), _, _, _) => Host::Set(url.clone()),
            (None, Some(host), _, _) => Host::Header(host.clone()),
            (None, None, Some(authority), _) => Host::Authority(authority.clone()),
            (None, None, None, Some(host)) => Host::Header(host.clone()),
            (None, None, None, None) => Host::Unknown,
        };
        let secure = match &self.public_url {
            Some(url) => url.secure,
            None => forwarded(&FORWARDED_PROTO).is_some_and(|proto| proto.as_bytes() == b"https"),
        };
        Origin { address: address.to_canonical(), secure, host }
    }

    /// The rightmost address that is not one of our own proxies: what stands left of it anybody may have written.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer;
        for value in headers.get_all(FORWARDED_FOR).iter().rev() {
            for text in value.to_str().unwrap_or("").rsplit(',') {
                let Ok(address) = text.trim().parse() else { return client };
                client = address;
                if !self.trusts(address) {
                    return client;
                }
            }
        }
        client
    }
}

impl Origin {
    /// The address of a room's WebSocket, by the scheme and host that the caller used.
    pub(crate) fn room_url(&self, room: &str) -> String {
        let scheme = if self.secure { "wss" } else { "ws" };
        format!("{scheme}://{}/rooms/{room}", self.host())
    }

    fn host(&self) -> &str {
        let plain = |host: &str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte));
        match &self.host {
            Host::Set(url) => &url.host,
            Host::Authority(authority) => authority.as_str().rsplit('@').next().unwrap_or("localhost"),
            Host::Header(value) => value.to_str().ok().filter(|host| plain(host)).unwrap_or("localhost"),
            Host::Unknown => "localhost",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(peer: &str, headers: &[(&'static str, &'static str)], address: &str, url: &str) {
        let origins =
            Origins { trusted: vec!["127.0.0.1".parse().unwrap(), "10.0.0.0/8".parse().unwrap()], public_url: None };
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        let origin = origins.of(peer.parse().unwrap(), &Uri::from_static("/"), &headers);
        assert_eq!(origin.address.to_string(), address);
        assert_eq!(origin.room_url("r-1"), url);
    }

    #[test]
    fn only_listed_proxies_are_believed() {
        let said = [
            ("host", "inner:8081"),
            ("x-forwarded-for", "6.6.6.6, 1.2.3.4, 10.1.1.1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "play.example.org"),
        ];
        check("127.0.0.1", &said, "1.2.3.4", "wss://play.example.org/rooms/r-1");
        check("9.9.9.9", &said, "9.9.9.9", "ws://inner:8081/rooms/r-1");
        check("127.0.0.1", &[("host", "h")], "127.0.0.1", "ws://h/rooms/r-1");
        check("127.0.0.1", &[("x-forwarded-for", "rubbish, 10.1.1.1")], "10.1.1.1", "ws://localhost/rooms/r-1");
        check("::ffff:127.0.0.1", &said, "1.2.3.4", "wss://play.example.org/rooms/r-1");
    }

    #[test]
    fn a_host_that_is_none_does_not_get_into_a_url() {
        check("127.0.0.1", &[("host", "a/b?c")], "127.0.0.1", "ws://localhost/rooms/r-1");
    }

    #[test]
    fn a_set_url_wins() {
        let origins = Origins { trusted: Vec::new(), public_url: Some("https://play.example.org".parse().unwrap()) };
        let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("other"))]);
        let origin = origins.of("9.9.9.9".parse().unwrap(), &Uri::from_static("/"), &headers);
        assert_eq!(origin.room_url("r-1"), "wss://play.example.org/rooms/r-1");
    }
}
