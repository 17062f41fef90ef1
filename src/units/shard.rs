//! A share of the clients: which of them belong to this process, and their indices in
//! its tables.
//!
//! Client g of the whole run belongs to shard g mod N, so that every shard takes part
//! in the whole ramp. Does not know what a client does.
//! over the whole of the ramp. Knows nothing of what a client does.

use std::fmt;
use std::str::FromStr;

use super::ClientId;

/// Most shards: one per client of the largest run (`-clients`).
pub const MAX_SHARDS: u32 = 1_000_000;

/// Shard `index` of `count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u32,
    count: u32,
}

impl Shard {
    /// All clients in one process.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// Shard `index`, from 0, of `count`; `None` if `index` is not below `count`.
    #[must_use]
    pub const fn new(index: u32, count: u32) -> Option<Self> {
        if index < count && count <= MAX_SHARDS { Some(Self { index, count }) } else { None }
    }

    /// The index of the shard, from 0.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.index
    }

    /// The number of shards, 1 or more.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.count
    }

    /// Whether this shard is the whole run.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        self.count == 1
    }

    /// How many of `clients` clients of the whole run belong to this shard.
    #[must_use]
    pub const fn share(self, clients: u32) -> u32 {
        let more = clients % self.count;
        clients / self.count + if self.index < more { 1 } else { 0 }
    }

    /// The client at this index of the shard's tables.
    #[must_use]
    pub const fn client(self, place: u32) -> ClientId {
        let number = place.saturating_mul(self.count).saturating_add(self.index);
        ClientId { place, number }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// Why a text is not a shard, with the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardError(String);

impl fmt::Display for ShardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    /// Parses `I/N`, as in `0/4`.
    fn from_str(text: &str) -> Result<Self, ShardError> {
        let number = |digits: &str| {
            let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            digits.parse::<u32>().ok().filter(|_| plain)
        };
        let parts = text.split_once('/').and_then(|(i, n)| Some((number(i)?, number(n)?)));
        let Some((index, count)) = parts else {
            return Err(ShardError("give I/N, such as 0/4 for the first of four".to_owned()));
        };
        Self::new(index, count).ok_or_else(|| {
            ShardError(match count {
                0 => "give at least one shard, such as 0/1".to_owned(),
                _ if count > MAX_SHARDS => format!("give at most {MAX_SHARDS} shards"),
                _ => format!("shards count from 0: give 0/{count} to {}/{count}", count - 1),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_client_belongs_to_one_shard(clients in 0..300_u32, count in 1..40_u32) {
            let mut all = Vec::new();
            for index in 0..count {
                let shard = Shard::new(index, count).unwrap();
                for place in 0..shard.share(clients) {
                    let client = shard.client(place);
                    prop_assert_eq!(client.index(), place as usize);
                    prop_assert_eq!(client.number() % count, index);
                    all.push(client.number());
                }
            }
            all.sort_unstable();
            prop_assert_eq!(all, (0..clients).collect::<Vec<_>>());
        }

        #[test]
        fn parses_what_is_shown(index in 0..99_u32, more in 1..99_u32) {
            let shard = Shard::new(index, index + more).unwrap();
            prop_assert_eq!(shard.to_string().parse(), Ok(shard));
        }
    }

    #[test]
    fn numbers_equal_indices_in_the_whole_run() {
        assert!(Shard::WHOLE.is_whole());
        assert_eq!(Shard::WHOLE.share(7), 7);
        assert_eq!(Shard::WHOLE.client(3), ClientId::new(3));
    }

    #[test]
    fn errors_name_the_remedy() {
        for (text, remedy) in [
            ("", "give I/N"),
            ("1", "give I/N"),
            ("a/4", "give I/N"),
            ("+1/4", "give I/N"),
            ("-1/4", "give I/N"),
            ("1/4/4", "give I/N"),
            ("1/99999999999", "give I/N"),
            ("0/0", "at least one"),
            ("4/4", "give 0/4 to 3/4"),
            ("0/1000001", "at most 1000000"),
        ] {
            let error = text.parse::<Shard>().unwrap_err().to_string();
            assert!(error.contains(remedy), "{text}: {error}");
        }
    }
}
