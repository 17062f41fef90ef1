//! Playlists of HTTP Live Streaming, read and rewritten (RFC 8216).
//!
//! Bytes in, slices of them out. Knows no address that they came from beside the one to
//! resolve theirs against, and nothing of who asks.

pub mod attributes;
pub mod document;
pub mod key;
pub mod limits;
mod lines;
pub mod master;
pub mod media;
pub mod playlist;
pub mod rewrite;
pub mod value;
pub mod without_tls;

pub use document::Document;
pub use limits::PlaylistError;
pub use master::Master;
pub use media::{Media, Segment};
pub use playlist::Playlist;
pub use rewrite::rewrite;
pub use without_tls::{Scheme, without_tls};
