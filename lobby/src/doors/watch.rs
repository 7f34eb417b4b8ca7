//! The events of a ticket as a stream, with the token where the seat is.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bellhop_proto::v1::{self, ticket_event::Kind};
use futures_util::{Stream, StreamExt};
use lobby_core::{EtaView, MatchId, Name, PlayerId, RoomId, TicketEvent, TicketView};

use super::fault::Fault;
use super::origin::Origin;
use super::show;
use crate::drive::feed::{Feed, News};
use crate::drive::room::{Directory, Route};

/// A seat whose room is not attached just now: after a restart of the lobby it is about to be.
struct Awaited {
    number: u64,
    seat: Seat,
    route: Pin<Box<dyn Future<Output = Arc<Route>> + Send>>,
}

#[derive(Clone, Copy)]
struct Seat {
    match_id: MatchId,
    room: RoomId,
    epoch: u64,
    seat: u16,
}

/// What one player is told about his ticket.
pub(crate) struct Events {
    feed: Feed,
    early: VecDeque<News>,
    rooms: Arc<Directory>,
    origin: Origin,
    player: PlayerId,
    game: Name,
    ticket: String,
    place_in_party: usize,
    eta: EtaView,
    last: u64,
    awaited: Option<Awaited>,
    done: bool,
}

impl Events {
    pub(crate) fn new(
        feed: Feed,
        view: &TicketView,
        rooms: Arc<Directory>,
        origin: Origin,
        player: PlayerId,
        game: Name,
        after: u64,
    ) -> Events {
        Events {
            feed,
            early: VecDeque::new(),
            rooms,
            origin,
            player,
            game,
            ticket: view.ticket.to_string(),
            place_in_party: view.players.iter().position(|&id| id == player).unwrap_or(0),
            eta: view.eta,
            last: after,
            awaited: None,
            done: false,
        }
    }

    fn event(&self, number: u64, kind: Kind) -> v1::TicketEvent {
        v1::TicketEvent { number, ticket_id: self.ticket.clone(), kind: Some(kind) }
    }

    fn assigned(&self, seat: Seat, route: &Route) -> Kind {
        let room = seat.room.to_string();
        Kind::Assigned(v1::Assignment {
            match_id: seat.match_id.to_string(),
            url: self.origin.room_url(&room),
            room_id: room,
            token: route.seat_token(seat.match_id, seat.epoch, seat.seat, self.player),
            seat: u32::from(seat.seat),
            game: self.game.to_string(),
            bundle: route.bundle(&self.game).to_owned(),
            direct_url: self.rooms.direct_url(seat.room),
        })
    }

    /// What to say for this news; `None`: nothing, or not yet.
    fn hear(&mut self, news: News) -> Option<Result<v1::TicketEvent, Fault>> {
        match news {
            News::Watching(_) => None,
            News::Refused(refusal) => {
                self.done = true;
                Some(Err(refusal.into()))
            }
            News::Lagged => {
                self.done = true;
                Some(Err(Fault::lagged()))
            }
            News::Status(why) => Some(Ok(self.event(self.last, Kind::Status(show::status(&why))))),
            News::Event(number, event) => {
                self.last = number;
                let kind = self.kind(number, event)?;
                Some(Ok(self.event(number, kind)))
            }
        }
    }

    fn kind(&mut self, number: u64, event: TicketEvent) -> Option<Kind> {
        let kind = match event {
            TicketEvent::Queued => {
                let (eta_p50_ms, eta_p90_ms) = show::eta(self.eta);
                Kind::Queued(v1::ticket_event::Queued { eta_p50_ms, eta_p90_ms })
            }
            TicketEvent::Matched { match_id, players } => {
                Kind::Matched(v1::ticket_event::Matched { match_id: match_id.to_string(), players: u32::from(players) })
            }
            TicketEvent::Assigned { match_id, room, epoch, seats } => {
                let seat = seats.get(self.place_in_party).copied().unwrap_or_default();
                let seat = Seat { match_id, room, epoch, seat };
                match self.rooms.get(room) {
                    Some(route) => self.assigned(seat, &route),
                    None => {
                        let rooms = self.rooms.clone();
                        let route = Box::pin(async move { rooms.wait_for(room).await });
                        self.awaited = Some(Awaited { number, seat, route });
                        return None;
                    }
                }
            }
            TicketEvent::Connected { match_id, player } => {
                self.done = player == self.player;
                Kind::Connected(v1::ticket_event::Connected { match_id: match_id.to_string() })
            }
            TicketEvent::Requeued { reason } => {
                Kind::Requeued(v1::ticket_event::Requeued { reason: reason.text().to_owned() })
            }
            TicketEvent::Ended { how, match_id } => {
                self.done = true;
                Kind::Ended(v1::ticket_event::Ended {
                    state: show::ticket_end(how) as i32,
                    reason: how.text().to_owned(),
                    match_id: match_id.map(|id| id.to_string()).unwrap_or_default(),
                })
            }
        };
        Some(kind)
    }
}

/// After this a seat that was assigned before is nobody's.
fn ends_a_seat(news: &News) -> bool {
    match news {
        News::Event(_, event) => match event {
            TicketEvent::Requeued { .. } | TicketEvent::Ended { .. } | TicketEvent::Assigned { .. } => true,
            TicketEvent::Queued | TicketEvent::Matched { .. } | TicketEvent::Connected { .. } => false,
        },
        News::Refused(_) | News::Lagged => true,
        News::Watching(_) | News::Status(_) => false,
    }
}

impl Stream for Events {
    type Item = Result<v1::TicketEvent, Fault>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if this.done {
                return Poll::Ready(None);
            }
            if let Some(mut awaited) = this.awaited.take() {
                match this.feed.poll_next_unpin(cx) {
                    Poll::Ready(Some(news)) => {
                        // The end of the match makes the assignment void: nobody waits for that room. Anything else comes
                        // after it: a room that is back says at once who sits there.
                        if !ends_a_seat(&news) {
                            this.awaited = Some(awaited);
                        }
                        this.early.push_back(news);
                        continue;
                    }
                    Poll::Ready(None) => return Poll::Ready(None),
                    Poll::Pending => {}
                }
                match awaited.route.as_mut().poll(cx) {
                    Poll::Ready(route) => {
                        let kind = this.assigned(awaited.seat, &route);
                        return Poll::Ready(Some(Ok(this.event(awaited.number, kind))));
                    }
                    Poll::Pending => {
                        this.awaited = Some(awaited);
                        return Poll::Pending;
                    }
                }
            }
            let news = match this.early.pop_front() {
                Some(news) => news,
                None => match ready!(this.feed.poll_next_unpin(cx)) {
                    Some(news) => news,
                    None => return Poll::Ready(None),
                },
            };
            if let Some(said) = this.hear(news) {
                return Poll::Ready(Some(said));
            }
        }
    }
}
