//! Replacing rooms whose fleet's template has changed: old rooms take no new match, and go when they are empty.

use lobby_core::FleetView;

use super::fleet::RoomFleet;

/// Of a fleet's rooms, so many are let go at once: one in this many.
const ONE_IN: usize = 4;

/// Tells templates apart: two pods with the same mark are alike.
pub(super) fn mark(fleet: &RoomFleet) -> String {
    let spec = &fleet.spec;
    let mut text = format!("{} {:?} {}", spec.template, spec.recycle, spec.drain_within_seconds);
    // Only where there are some: a fleet without them keeps the mark that an older lobby gave it.
    if let Some(ports) = spec.host_ports {
        text.push_str(&format!(" {}-{}", ports.first, ports.last));
    }
    blake3::hash(text.as_bytes()).to_hex()[..16].to_owned()
}

/// How many of `stale` rooms may be let go now. None while others start: should the new template not work, most of the
/// old rooms are still there.
pub(super) fn may_go(stale: usize, view: &FleetView) -> usize {
    let warm = view.ready >= view.min_ready || view.ready + view.playing >= view.desired;
    if stale == 0 || view.starting > 0 || !warm || view.condition.starts_with("stopped") {
        return 0;
    }
    (stale / ONE_IN).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(ready: u32, starting: u32, condition: &str) -> FleetView {
        FleetView {
            name: "duel".into(),
            min_ready: 2,
            max_rooms: 10,
            desired: 4,
            starting,
            ready,
            playing: 0,
            draining: 0,
            unhealthy: 0,
            players: 0,
            condition: condition.into(),
        }
    }

    #[test]
    fn a_quarter_goes_once_the_last_ones_are_replaced() {
        assert_eq!(may_go(0, &view(4, 0, "")), 0);
        assert_eq!(may_go(1, &view(4, 0, "")), 1);
        assert_eq!(may_go(20, &view(4, 0, "")), 5);
        assert_eq!(may_go(20, &view(4, 1, "")), 0, "one is on its way");
        assert_eq!(may_go(20, &view(1, 0, "")), 0, "too few are warm");
        assert_eq!(may_go(20, &view(4, 0, "stopped: 5 starts failed")), 0);
    }
}
