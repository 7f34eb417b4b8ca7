//! The headers that say who really asked, and those that belong to one hop.

use std::net::IpAddr;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Headers that mean something between two neighbours only (RFC 9110, 7.6.1).
const HOP_BY_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Takes out what belongs to one hop only. `TE: trailers`, which gRPC needs, stays.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let trailers = headers.get(header::TE).is_some_and(|te| te.as_bytes().eq_ignore_ascii_case(b"trailers"));
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
    if trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
}

/// Says who asked, for which host and how. What came in counts only from a trusted proxy.
pub(crate) fn set_forwarded(headers: &mut HeaderMap, peer: IpAddr, host: Option<HeaderValue>, trusted: bool) {
    let mut chain = String::new();
    if trusted {
        for value in headers.get_all(&FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()) {
            chain.push_str(value);
            chain.push_str(", ");
        }
    } else {
        headers.remove(&FORWARDED_PROTO);
        headers.remove(&FORWARDED_HOST);
        headers.remove(header::FORWARDED);
    }
    chain.push_str(&peer.to_canonical().to_string());
    if let Ok(value) = HeaderValue::from_str(&chain) {
        headers.insert(FORWARDED_FOR, value);
    }
    if !headers.contains_key(&FORWARDED_PROTO) {
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static("http"));
    }
    if let Some(host) = host
        && !headers.contains_key(&FORWARDED_HOST)
    {
        headers.insert(FORWARDED_HOST, host);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    fn forwarded(trusted: bool) -> (String, String, String) {
        let mut headers = headers(&[
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "play.example"),
        ]);
        set_forwarded(
            &mut headers,
            "::ffff:10.0.0.9".parse().unwrap(),
            Some(HeaderValue::from_static("inner:80")),
            trusted,
        );
        let text = |name: &HeaderName| headers[name].to_str().unwrap().to_owned();
        (text(&FORWARDED_FOR), text(&FORWARDED_PROTO), text(&FORWARDED_HOST))
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(forwarded(true), ("1.2.3.4, 10.0.0.9".into(), "https".into(), "play.example".into()));
        assert_eq!(forwarded(false), ("10.0.0.9".into(), "http".into(), "inner:80".into()));
    }

    #[test]
    fn what_belongs_to_a_hop_stays_there() {
        let mut map =
            headers(&[("connection", "close, x-mine"), ("x-mine", "1"), ("te", "trailers"), ("accept", "*/*")]);
        strip_hop_by_hop(&mut map);
        assert_eq!(map, headers(&[("te", "trailers"), ("accept", "*/*")]));
    }
}
