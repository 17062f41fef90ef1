//! Playlists of HTTP Live Streaming, read (RFC 8216).
//!
//! Bytes in, what they say out. Knows no address that they came from beside the one to
//! resolve theirs against, and nothing of who asks.

pub mod playlist;

pub use playlist::{Playlist, PlaylistError};
