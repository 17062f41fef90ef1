//! What one of a measure is.

/// What one of a measure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A thing that is counted.
    One,
    /// A second.
    Seconds,
    /// A whole, or normal speed.
    Ratio,
    /// A byte.
    Bytes,
    /// A million bytes.
    Megabytes,
    /// A million bytes a second.
    MegabytesPerSecond,
    /// A bit a second.
    BitsPerSecond,
    /// A connection.
    Connections,
    /// A request a second.
    RequestsPerSecond,
    /// One a minute.
    PerMinute,
}

impl Unit {
    /// Its name in the JSON summary.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::One => "count",
            Self::Seconds => "seconds",
            Self::Ratio => "ratio",
            Self::Bytes => "bytes",
            Self::Megabytes => "megabytes",
            Self::MegabytesPerSecond => "megabytes_per_second",
            Self::BitsPerSecond => "bits_per_second",
            Self::Connections => "connections",
            Self::RequestsPerSecond => "requests_per_second",
            Self::PerMinute => "per_minute",
        }
    }
}
