//! The frames of the game socket and the delta codec, without I/O.
