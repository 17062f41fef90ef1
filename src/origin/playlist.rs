//! Playlists (RFC 8216).
