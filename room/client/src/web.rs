//! The client for browsers: JavaScript values in and out. [`export_client!`](crate::export_client!) makes a class
//! of it.

use bellhop_game::Game;
use bellhop_wire::{EndedSeat, Notice, RosterEntry};
use serde::Serialize;
pub use wasm_bindgen;
use wasm_bindgen::prelude::*;

use room_core::Playback;

use crate::{Client, News};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = JSON, catch)]
    fn parse(text: &str) -> Result<JsValue, JsValue>;
}

/// What happened, as the page sees it.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum PageNews<'a, E> {
    Welcome {
        seat: u16,
        tick_rate: u32,
        players: &'a [RosterEntry],
        chat: bool,
        #[serde(with = "serde_wasm_bindgen::preserve")]
        config: JsValue,
    },
    Watching {
        tick_rate: u32,
        players: &'a [RosterEntry],
        delay_ms: f64,
        match_ms: f64,
        #[serde(with = "serde_wasm_bindgen::preserve")]
        config: JsValue,
    },
    Said {
        seat: u16,
        text: &'a str,
    },
    Unsaid {
        reason: &'a str,
    },
    Removed {
        seat: u16,
        reason: &'a str,
    },
    Roster {
        players: &'a [RosterEntry],
    },
    Event {
        event: &'a E,
    },
    Accepted {
        id: f64,
    },
    Refused {
        id: f64,
        reason: &'a str,
    },
    Notice {
        notice: &'static str,
        within_ms: Option<f64>,
    },
    Ended {
        results: &'a [EndedSeat],
        reason: &'a str,
        rated: bool,
    },
}

/// How the connection does, as the page sees it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PageStats {
    ping_ms: f64,
    jitter_ms: f64,
    age_ms: f64,
    tick: u32,
    frames: f64,
    bytes: f64,
    desyncs: f64,
}

/// A binary message.
#[doc(hidden)]
pub type Message = js_sys::Uint8Array;

/// A [`Client`] that speaks JavaScript.
#[doc(hidden)]
pub struct WebClient<G: Game> {
    client: Client<G>,
    shown: Shown<G::View>,
}

/// What was shown last: a page asks sixty times a second, and a state seldom changes as often.
struct Shown<V>(Option<(V, JsValue)>);

impl<V: Serialize + PartialEq> Shown<V> {
    /// The view for the page: the same object as long as it is the same view.
    fn page(&mut self, view: V) -> Result<JsValue, JsError> {
        if let Some((_, shown)) = self.0.as_ref().filter(|(before, _)| *before == view) {
            return Ok(shown.clone());
        }
        let value = to_js(&view)?;
        self.0 = Some((view, value.clone()));
        Ok(value)
    }
}

fn to_js(value: &impl Serialize) -> Result<JsValue, JsError> {
    Ok(value.serialize(&serde_wasm_bindgen::Serializer::json_compatible())?)
}

#[doc(hidden)]
impl<G: Game> WebClient<G> {
    #[expect(clippy::new_without_default, reason = "made by the exported constructor alone")]
    pub fn new() -> WebClient<G> {
        console_error_panic_hook::set_once();
        WebClient { client: Client::new(), shown: Shown(None) }
    }

    pub fn schema() -> String {
        format!("{:016x}", bellhop_game::schema::<G>())
    }

    pub fn hello(&mut self) -> Vec<u8> {
        self.client.hello()
    }

    pub fn receive(&mut self, bytes: &[u8], now_ms: f64) -> Result<(), JsError> {
        Ok(self.client.receive(bytes, now_ms)?)
    }

    pub fn news(&mut self) -> Result<Vec<JsValue>, JsError> {
        self.client.news().iter().map(|news| to_js(&page_news(news))).collect()
    }

    pub fn outgoing(&mut self, now_ms: f64) -> Vec<Message> {
        self.client.outgoing(now_ms).iter().map(|message| Message::from(message.as_slice())).collect()
    }

    pub fn set_input(&mut self, value: JsValue) -> Result<(), JsError> {
        self.client.set_input(serde_wasm_bindgen::from_value(value)?);
        Ok(())
    }

    pub fn command(&mut self, value: JsValue) -> Result<f64, JsError> {
        let command: G::Command = serde_wasm_bindgen::from_value(value)?;
        Ok(self.client.command(&command) as f64)
    }

    pub fn view(&mut self, now_ms: f64) -> Result<JsValue, JsError> {
        self.client.view_at(now_ms).map_or(Ok(JsValue::UNDEFINED), |view| self.shown.page(view))
    }

    pub fn since(&self, from: u32) -> Vec<i32> {
        self.client.view().map(|view| bellhop_game::View::since(view, from)).unwrap_or_default()
    }

    pub fn stats(&self, now_ms: f64) -> Result<JsValue, JsError> {
        let stats = self.client.stats(now_ms);
        to_js(&PageStats {
            ping_ms: stats.ping_ms,
            jitter_ms: stats.jitter_ms,
            age_ms: stats.age_ms,
            tick: stats.tick,
            frames: stats.frames as f64,
            bytes: stats.bytes as f64,
            desyncs: stats.desyncs as f64,
        })
    }

    pub fn resume_token(&self) -> Option<String> {
        self.client.resume_token().map(str::to_owned)
    }

    pub fn leave(&self) -> Vec<u8> {
        self.client.leave()
    }

    pub fn say(&self, text: &str) -> Vec<u8> {
        self.client.say(text)
    }

    pub fn set_visible(&mut self, visible: bool) {
        self.client.set_visible(visible);
    }
}

/// A [`Playback`] that speaks JavaScript.
#[doc(hidden)]
pub struct WebReplay<G: Game> {
    playback: Playback<G>,
    seat: Option<u16>,
    shown: Shown<G::View>,
}

#[doc(hidden)]
impl<G: Game> WebReplay<G> {
    pub fn new(bytes: &[u8]) -> Result<WebReplay<G>, JsError> {
        console_error_panic_hook::set_once();
        let config = |json: &str| {
            let value = parse(json).map_err(|_| "the configuration is no JSON".to_owned())?;
            serde_wasm_bindgen::from_value(value).map_err(|error| error.to_string())
        };
        Ok(WebReplay { playback: Playback::open(bytes, config)?, seat: None, shown: Shown(None) })
    }

    pub fn seats(&self) -> Result<JsValue, JsError> {
        to_js(&self.playback.seats())
    }

    pub fn config(&self) -> JsValue {
        parse(self.playback.config_json()).unwrap_or(JsValue::NULL)
    }

    pub fn duration_ms(&self) -> f64 {
        self.playback.duration_ms() as f64
    }

    pub fn tick_rate() -> u32 {
        G::RATE_HZ
    }

    pub fn ended(&self) -> Option<String> {
        self.playback.ended().map(str::to_owned)
    }

    pub fn look(&mut self, seat: Option<u16>) {
        self.seat = seat;
        self.playback.skip_events(seat);
    }

    pub fn seek(&mut self, ms: f64, jump: bool) {
        self.playback.seek(ms.max(0.0) as u64);
        if jump {
            self.playback.skip_events(self.seat);
        }
    }

    pub fn view(&mut self) -> Result<JsValue, JsError> {
        self.shown.page(self.playback.view(self.seat))
    }

    pub fn since(&self, from: u32) -> Vec<i32> {
        bellhop_game::View::since(&self.playback.view(self.seat), from)
    }

    pub fn events(&mut self) -> Result<Vec<JsValue>, JsError> {
        self.playback.take_events(self.seat).iter().map(to_js).collect()
    }
}

fn page_news<E: Serialize>(news: &News<E>) -> PageNews<'_, E> {
    match news {
        News::Welcome(seated, players) => PageNews::Welcome {
            seat: seated.seat.0,
            tick_rate: seated.rate_hz,
            players,
            chat: seated.chat,
            config: parse(&seated.config).unwrap_or(JsValue::NULL),
        },
        News::Watching(watched, players) => PageNews::Watching {
            tick_rate: watched.rate_hz,
            players,
            delay_ms: watched.delay_ms as f64,
            match_ms: watched.match_ms as f64,
            config: parse(&watched.config).unwrap_or(JsValue::NULL),
        },
        News::Said(said) => PageNews::Said { seat: said.seat, text: &said.text },
        News::Unsaid(reason) => PageNews::Unsaid { reason },
        News::Removed(seat, reason) => PageNews::Removed { seat: *seat, reason },
        News::Roster(players) => PageNews::Roster { players },
        News::Event(event) => PageNews::Event { event },
        News::Accepted(id) => PageNews::Accepted { id: *id as f64 },
        News::Refused(id, reason) => PageNews::Refused { id: *id as f64, reason },
        News::Notice(notice) => match notice {
            Notice::Draining { within_ms } => {
                PageNews::Notice { notice: "draining", within_ms: Some(*within_ms as f64) }
            }
            Notice::Paused => PageNews::Notice { notice: "paused", within_ms: None },
            Notice::Resumed => PageNews::Notice { notice: "resumed", within_ms: None },
            Notice::Started => PageNews::Notice { notice: "started", within_ms: None },
        },
        News::Ended(ended) => PageNews::Ended { results: &ended.results, reason: &ended.reason, rated: ended.rated },
    }
}

/// Exports the class `Client` of a game for browsers.
#[macro_export]
macro_rules! export_client {
    ($game:ty) => {
        mod web_client {
            //! What the page imports.

            use $crate::web::wasm_bindgen;
            use $crate::web::wasm_bindgen::prelude::*;

            /// One player's connection to a match, over as many sockets as it takes.
            #[wasm_bindgen(wasm_bindgen = $crate::web::wasm_bindgen)]
            pub struct Client($crate::web::WebClient<$game>);

            #[wasm_bindgen(wasm_bindgen = $crate::web::wasm_bindgen)]
            impl Client {
                /// Before the first connection.
                #[wasm_bindgen(constructor)]
                #[expect(clippy::new_without_default, reason = "called by JavaScript alone")]
                pub fn new() -> Client {
                    Client($crate::web::WebClient::new())
                }

                /// The hash by which client and room know that they speak of the same game.
                pub fn schema(&self) -> String {
                    $crate::web::WebClient::<$game>::schema()
                }

                /// A socket opened: the message to send first.
                pub fn hello(&mut self) -> Vec<u8> {
                    self.0.hello()
                }

                /// A message came. Throws when it is none of a room that runs this game.
                pub fn receive(&mut self, bytes: &[u8], now_ms: f64) -> Result<(), JsError> {
                    self.0.receive(bytes, now_ms)
                }

                /// What there is to tell, oldest first.
                pub fn news(&mut self) -> Result<Vec<JsValue>, JsError> {
                    self.0.news()
                }

                /// Messages that are due.
                pub fn outgoing(&mut self, now_ms: f64) -> Vec<$crate::web::Message> {
                    self.0.outgoing(now_ms)
                }

                /// From now on the player holds this. Throws when it is no input of the game.
                #[wasm_bindgen(js_name = setInput)]
                pub fn set_input(&mut self, value: JsValue) -> Result<(), JsError> {
                    self.0.set_input(value)
                }

                /// Sends a command; its number. Throws when it is no command of the game.
                pub fn command(&mut self, value: JsValue) -> Result<f64, JsError> {
                    self.0.command(value)
                }

                /// What to show now; undefined before the first state. The same object as long as nothing changed.
                pub fn view(&mut self, now_ms: f64) -> Result<JsValue, JsError> {
                    self.0.view(now_ms)
                }

                /// What is new in the view's log after its first `from` entries, for games that have one.
                pub fn since(&self, from: u32) -> Vec<i32> {
                    self.0.since(from)
                }

                /// How the connection does.
                pub fn stats(&self, now_ms: f64) -> Result<JsValue, JsError> {
                    self.0.stats(now_ms)
                }

                /// Opens the seat again after a broken connection.
                #[wasm_bindgen(js_name = resumeToken)]
                pub fn resume_token(&self) -> Option<String> {
                    self.0.resume_token()
                }

                /// The message that writes a line to all.
                pub fn say(&self, text: &str) -> Vec<u8> {
                    self.0.say(text)
                }

                /// The message that gives the seat up.
                pub fn leave(&self) -> Vec<u8> {
                    self.0.leave()
                }

                /// Whether anybody looks.
                #[wasm_bindgen(js_name = setVisible)]
                pub fn set_visible(&mut self, visible: bool) {
                    self.0.set_visible(visible);
                }
            }

            /// A match that is over, to be watched again from its journal.
            #[wasm_bindgen(wasm_bindgen = $crate::web::wasm_bindgen)]
            pub struct Replay($crate::web::WebReplay<$game>);

            #[wasm_bindgen(wasm_bindgen = $crate::web::wasm_bindgen)]
            impl Replay {
                /// Throws when it is no journal of this version of the game.
                #[wasm_bindgen(constructor)]
                pub fn new(bytes: &[u8]) -> Result<Replay, JsError> {
                    Ok(Replay($crate::web::WebReplay::new(bytes)?))
                }

                /// Who sat in the match.
                pub fn seats(&self) -> Result<JsValue, JsError> {
                    self.0.seats()
                }

                /// The configuration of the match.
                pub fn config(&self) -> JsValue {
                    self.0.config()
                }

                /// How long it was.
                #[wasm_bindgen(js_name = durationMs)]
                pub fn duration_ms(&self) -> f64 {
                    self.0.duration_ms()
                }

                /// Steps a second; 0: event-driven.
                #[wasm_bindgen(js_name = tickRate)]
                pub fn tick_rate(&self) -> u32 {
                    $crate::web::WebReplay::<$game>::tick_rate()
                }

                /// Why it ended.
                pub fn ended(&self) -> Option<String> {
                    self.0.ended()
                }

                /// Through whose eyes: a seat's; undefined: as somebody who does not play.
                pub fn look(&mut self, seat: Option<u16>) {
                    self.0.look(seat);
                }

                /// Goes to a moment. A jump tells nothing of what happened on the way.
                pub fn seek(&mut self, ms: f64, jump: bool) {
                    self.0.seek(ms, jump);
                }

                /// What is seen. The same object as long as nothing changed.
                pub fn view(&mut self) -> Result<JsValue, JsError> {
                    self.0.view()
                }

                /// What is new in the view's log after its first `from` entries, for games that have one.
                pub fn since(&self, from: u32) -> Vec<i32> {
                    self.0.since(from)
                }

                /// What was told since the last call.
                pub fn events(&mut self) -> Result<Vec<JsValue>, JsError> {
                    self.0.events()
                }
            }
        }
    };
}
