//! Which port of its node a room gets.

use std::collections::HashMap;

use super::fleet::HostPorts;

/// The port that the fewest rooms have, the lowest of them. While there are more ports than rooms, no two rooms have the same, and
/// the scheduler never has to look for a node where it is free; beyond that, it does.
pub(super) fn pick(range: HostPorts, used: impl Iterator<Item = u16>) -> u16 {
    let mut rooms: HashMap<u16, u32> = HashMap::new();
    for port in used {
        *rooms.entry(port).or_default() += 1;
    }
    let free = |port: &u16| rooms.get(port).copied().unwrap_or(0);
    (range.first..=range.last).min_by_key(free).unwrap_or(range.first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_shared_out_evenly() {
        let range = HostPorts { first: 7000, last: 7002 };
        let check = |used: &[u16], expected: u16| assert_eq!(pick(range, used.iter().copied()), expected, "{used:?}");
        check(&[], 7000);
        check(&[7000], 7001);
        check(&[7000, 7002, 9000], 7001);
        check(&[7000, 7001, 7002], 7000);
        check(&[7000, 7000, 7001, 7002, 7002], 7001);
        assert_eq!(pick(HostPorts { first: 65_535, last: 65_535 }, [65_535].into_iter()), 65_535);
    }
}
