//! The list of matches that everybody may watch.

mod common;

use common::{World, crowd, duel, settings};
use lobby_core::{
    Answer, Audience, Call, Input, MatchId, PlayerId, QueueSettings, Refusal, RoomEnd, Settings, WatchableView,
};

fn listed(queue: QueueSettings) -> QueueSettings {
    QueueSettings { watch: Audience::Listed, ..queue }
}

fn page(
    world: &mut World,
    queue: Option<&str>,
    after: Option<MatchId>,
    limit: u16,
) -> Result<(Vec<WatchableView>, bool, u32), Refusal> {
    let answer = world.call(Call::ListWatchable { queue: queue.map(Into::into), after, limit })?;
    let Answer::Watchable(page) = answer else { panic!("{answer:?}") };
    Ok((page.items, page.more, page.total))
}

fn ids(world: &mut World) -> Vec<MatchId> {
    page(world, None, None, 0).expect("a page").0.into_iter().map(|game| game.match_id).collect()
}

#[test]
fn what_runs_is_listed_by_pages_the_newest_first() {
    let mut world = World::new(settings(listed(duel())));
    let mut formed = Vec::new();
    for pair in 0..5 {
        let (stream, room) = world.attach(None, None);
        world.crowd("duel", pair * 2 + 1..=pair * 2 + 2);
        assert_eq!(ids(&mut world).len(), formed.len(), "what its room has not taken does not run");
        formed.push(world.accept(stream, room).match_id);
        world.seconds(0.1);
    }
    formed.reverse();
    assert_eq!(ids(&mut world), formed);

    let (first, more, total) = page(&mut world, Some("duel"), None, 2).unwrap();
    assert_eq!((first.len(), more, total), (2, true, 5));
    let named = first[0].players.iter().map(|(name, tag)| (&**name, *tag)).collect::<Vec<_>>();
    assert_eq!((named.as_slice(), first[0].playing), ([("p9", 9), ("p10", 10)].as_slice(), 2));
    assert_eq!((first[0].spectators, first[0].most), (0, 50));
    let (second, more, _) = page(&mut world, None, Some(first[1].match_id), 2).unwrap();
    assert_eq!((second[0].match_id, second[1].match_id, more), (formed[2], formed[3], true));
    let (last, more, _) = page(&mut world, None, Some(second[1].match_id), 2).unwrap();
    assert_eq!((last.len(), last[0].match_id, more), (1, formed[4], false));

    let refused = page(&mut world, Some("none"), None, 0);
    assert!(matches!(refused, Err(Refusal::UnknownQueue { .. })), "{refused:?}");
    assert_eq!(page(&mut world, None, Some(MatchId(7)), 0).unwrap_err(), Refusal::BadPage);
    world.restart();
    assert_eq!(ids(&mut world), formed, "a lobby that comes back lists what runs");
}

#[test]
fn a_match_leaves_the_list_when_it_is_over_and_not_when_it_goes_on_elsewhere() {
    let mut world = World::new(settings(listed(duel())));
    let (stream, one) = world.attach(None, None);
    world.crowd("duel", 1..=2);
    let running = world.accept(stream, one);
    world.input(Input::Journal { match_id: running.match_id, there: true });
    world.exited(one, RoomEnd::Crashed);
    assert_eq!(ids(&mut world), [running.match_id], "it looks for the room to go on in");
    world.restart();
    world.input(Input::Journal { match_id: running.match_id, there: true });
    assert_eq!(ids(&mut world), [running.match_id]);
    let (stream, two) = world.attach(None, None);
    let running = world.accept(stream, two);
    assert_eq!(ids(&mut world), [running.match_id]);
    world.result(stream, two, &running);
    assert_eq!(ids(&mut world), []);
    // Where its page ended is known for as long as the match is.
    assert_eq!(page(&mut world, None, Some(running.match_id), 0).unwrap(), (Vec::new(), false, 0));

    // One that nothing is left of is lost, and is listed no more.
    let (stream, three) = world.attach(None, None);
    world.crowd("duel", 3..=4);
    let running = world.accept(stream, three);
    assert_eq!(ids(&mut world), [running.match_id]);
    world.exited(three, RoomEnd::Crashed);
    assert_eq!(ids(&mut world), []);
}

#[test]
fn only_queues_that_say_so_list_their_matches() {
    let by_link = QueueSettings { name: "link".into(), ..duel() };
    let nobody = QueueSettings { name: "nobody".into(), watch: Audience::Nobody, ..duel() };
    let no_place = QueueSettings { name: "no-place".into(), spectators: 0, ..listed(duel()) };
    let quick = QueueSettings { start_after: std::time::Duration::from_millis(50), ..crowd() };
    let queues = vec![by_link, nobody, no_place, listed(quick)];
    let mut world = World::new(Settings { queues: queues.clone(), ..settings(duel()) });
    for (queue, player) in queues.iter().zip([1, 3, 5, 7]) {
        let (stream, room) = world.attach(None, None);
        world.crowd(&queue.name, player..=player + 1);
        world.seconds(0.1);
        world.accept(stream, room);
    }
    let (items, _, total) = page(&mut world, None, None, 0).unwrap();
    assert_eq!((items.len(), total, &*items[0].queue), (1, 1, "crowd"));
    assert_eq!(page(&mut world, Some("link"), None, 0).unwrap(), (Vec::new(), false, 0));
    let Ok(Answer::Queues(views)) = world.call(Call::ListQueues) else { panic!("queues") };
    assert_eq!(
        views.iter().map(|view| (view.watch, view.listed)).collect::<Vec<_>>(),
        [(true, false), (false, false), (false, false), (true, true)]
    );

    // A setting counts at once, for what runs too; and who left is not named.
    let link = QueueSettings { watch: Audience::Listed, ..queues[0].clone() };
    world.call(Call::SetQueue(Box::new(link))).unwrap();
    let found = page(&mut world, Some("link"), None, 0).unwrap().0;
    assert_eq!(found.len(), 1);
    world.call(Call::KickPlayer { match_id: found[0].match_id, player: PlayerId(1), reason: "asked".into() }).unwrap();
    let found = page(&mut world, Some("link"), None, 0).unwrap().0;
    assert_eq!((found[0].playing, &*found[0].players[0].0), (1, "p2"));
}

#[test]
fn who_may_watch_lies_in_journals_as_the_yes_or_no_that_it_was() {
    let bytes = |watch: Audience| postcard::to_stdvec(&watch).unwrap();
    assert_eq!(bytes(Audience::Nobody), postcard::to_stdvec(&false).unwrap());
    assert_eq!(bytes(Audience::ByLink), postcard::to_stdvec(&true).unwrap());
}
