//! Every limit of the game socket, with where its number comes from.

use std::time::Duration;

/// Longest message a client may send, in bytes; the socket refuses longer ones before they are read.
pub const MAX_CLIENT_MESSAGE_BYTES: usize = 16 * 1024;
/// Longest input, acknowledgement or other small message. The widest game packs a few inputs into some 20 bytes.
pub const MAX_INPUT_BYTES: usize = 1024;
/// Longest command: a packed stroke of some thousand points.
pub const MAX_COMMAND_BYTES: usize = 4 * 1024;
/// Longest message a server sends; a client refuses longer ones.
pub const MAX_SERVER_MESSAGE_BYTES: usize = 256 * 1024;
/// Longest frame that changes a state, where its game can hold something back ([`View::hold_back`](crate::View::hold_back)).
/// It is what the smallest packet that every path of IPv6 takes (1,280 bytes) leaves beside the headers of IPv6, of TCP
/// with time stamps, of TLS 1.3 and of a WebSocket.
pub const MOST_CHANGE_BYTES: usize = 1_280 - 40 - 32 - 22 - 4;
/// What of it the state may always have, however many events go with it: it would wait for ever behind them.
pub const LEAST_CHANGE_BYTES: usize = MOST_CHANGE_BYTES / 4;
/// Longest list in one value.
pub const MAX_LIST: usize = 16 * 1024;
/// Longest text in one value, in bytes: a match configuration as JSON.
pub const MAX_TEXT_BYTES: usize = 8 * 1024;
/// Longest line that a player may write to the others, in bytes, and in characters.
pub const MAX_LINE_BYTES: usize = 800;
/// See [`MAX_LINE_BYTES`]: two lines on a phone.
pub const MAX_LINE_CHARS: usize = 200;
/// Most events that one body brings, and that a room keeps for those who missed them. An event may take no bits at
/// all, so the message alone does not bound them.
pub const MAX_EVENTS: u32 = 4 * 1024;
/// Most seats of a match.
pub const MAX_SEATS: usize = 256;

/// Messages a client may send per second in the long run: 60 inputs, 4 acknowledgements, pings, and some air.
pub const MESSAGES_PER_SECOND: u32 = 90;
/// Messages a client may send at once: what gathers while a network holds its breath for two seconds.
pub const MESSAGE_BURST: u32 = 180;
/// Bytes a client may send per second in the long run; a design goal is 1 KiB.
pub const BYTES_PER_SECOND: u32 = 16 * 1024;
/// Bytes a client may send at once.
pub const BYTE_BURST: u32 = 64 * 1024;

/// A client acknowledges at least this often while frames arrive.
pub const ACK_INTERVAL: Duration = Duration::from_millis(200);
/// A client measures its round trip this often.
pub const PING_INTERVAL: Duration = Duration::from_secs(2);
