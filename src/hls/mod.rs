//! Playlists of HTTP Live Streaming, read and rewritten (RFC 8216).
//!
//! Input and output are bytes. Knows no address except the one against which URIs are
//! resolved, and no client.

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
