//! The forms in which the programme is served, and the folder of each.
//!
//! A form combines three choices: live or on demand, MPEG-TS or fMP4, in the clear or
//! encrypted. Knows neither media nor time.

/// When the programme starts and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timing {
    /// A window that slides with the clock.
    Live,
    /// A fixed number of segments with an end.
    Vod,
}

/// The container of the media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Container {
    /// MPEG-TS (RFC 8216 §3.2).
    Ts,
    /// Fragmented MP4 with an initialization section (§3.3).
    Fmp4,
}

/// One form of the programme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Form {
    /// When it starts and ends.
    pub timing: Timing,
    /// Whether whole segments are encrypted by AES-128 (§4.3.2.4).
    pub encrypted: bool,
    /// The container.
    pub container: Container,
}

impl Form {
    /// Live MPEG-TS in the clear, at the root.
    pub const LIVE: Self =
        Self { timing: Timing::Live, encrypted: false, container: Container::Ts };

    /// The same on demand, under `/vod/`.
    pub const VOD: Self = Self { timing: Timing::Vod, ..Self::LIVE };

    /// Every form, those at the shortest paths first.
    #[must_use]
    pub fn all() -> [Self; 8] {
        let packed = |encrypted, container| {
            [Timing::Live, Timing::Vod].map(|timing| Self { timing, encrypted, container })
        };
        let [a, b] = packed(false, Container::Ts);
        let [c, d] = packed(false, Container::Fmp4);
        let [e, f] = packed(true, Container::Ts);
        let [g, h] = packed(true, Container::Fmp4);
        [a, b, c, d, e, f, g, h]
    }

    /// Its folder, from `/` to `/vod/aes/fmp4/`.
    #[must_use]
    pub const fn folder(self) -> &'static str {
        match (self.timing, self.encrypted, self.container) {
            (Timing::Live, false, Container::Ts) => "/",
            (Timing::Live, false, Container::Fmp4) => "/fmp4/",
            (Timing::Live, true, Container::Ts) => "/aes/",
            (Timing::Live, true, Container::Fmp4) => "/aes/fmp4/",
            (Timing::Vod, false, Container::Ts) => "/vod/",
            (Timing::Vod, false, Container::Fmp4) => "/vod/fmp4/",
            (Timing::Vod, true, Container::Ts) => "/vod/aes/",
            (Timing::Vod, true, Container::Fmp4) => "/vod/aes/fmp4/",
        }
    }

    /// The form that a path belongs to, and the rest of the path.
    pub(super) fn of(path: &str) -> Option<(Self, &str)> {
        let rest = path.strip_prefix('/')?;
        let (timing, rest) =
            rest.strip_prefix("vod/").map_or((Timing::Live, rest), |rest| (Timing::Vod, rest));
        let (encrypted, rest) =
            rest.strip_prefix("aes/").map_or((false, rest), |rest| (true, rest));
        let (container, rest) = rest
            .strip_prefix("fmp4/")
            .map_or((Container::Ts, rest), |rest| (Container::Fmp4, rest));
        Some((Self { timing, encrypted, container }, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_identifies_its_form() {
        for form in Form::all() {
            let path = format!("{}v0/x", form.folder());
            assert_eq!(Form::of(&path), Some((form, "v0/x")));
        }
        let mut forms = Form::all();
        forms.sort();
        assert!(forms.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn rejects_folders_in_another_order() {
        for path in ["/aes/vod/x", "/fmp4/aes/x", "/fmp4/vod/x", "/vod/vod/x"] {
            assert!(Form::of(path).is_some_and(|(_, rest)| rest != "x"), "{path}");
        }
        assert_eq!(Form::of("vod/x"), None);
    }
}
