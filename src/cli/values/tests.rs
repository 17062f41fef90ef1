//! Values of flags, valid and invalid.

use super::*;

#[test]
fn accepts_the_booleans_of_go() {
    for text in ["1", "t", "T", "TRUE", "true", "True"] {
        assert_eq!(boolean(text), Ok(true), "{text}");
    }
    for text in ["0", "f", "F", "FALSE", "false", "False"] {
        assert_eq!(boolean(text), Ok(false), "{text}");
    }
    for text in ["", "yes", "on", "tRUE", "2", " true"] {
        assert!(boolean(text).is_err(), "{text}");
    }
}

#[test]
fn polls_have_bounds() {
    assert_eq!(poll_interval("500ms"), Ok(Duration::from_millis(500)));
    for text in ["499ms", "0", "3601s", "-1s", "2"] {
        assert!(poll_window(text).is_err(), "{text}");
    }
}

#[test]
fn numbers_have_bounds() {
    assert_eq!(clients("1").unwrap().get(), 1);
    assert_eq!(clients("1000000").unwrap().get(), MAX_CLIENTS);
    for text in ["0", "-1", "1000001", "1.5", "", "ten", "1e3"] {
        assert!(clients(text).is_err(), "{text}");
    }
    assert_eq!(ramp_rate("1"), Ok(1.0));
    assert_eq!(ramp_rate("2.5"), Ok(2.5));
    for text in ["0", "0.99", "-5", "NaN", "inf", "1e9", ""] {
        assert!(ramp_rate(text).is_err(), "{text}");
    }
    for text in ["0.9", "NaN", "infinity", "-2"] {
        assert!(multiplier(text).is_err(), "{text}");
    }
    assert_eq!(reconnect_delay("4294"), Ok(4294));
    assert!(reconnect_delay("4295").is_err());
    assert_eq!(segment_retries("2147483647"), Ok(2_147_483_647));
    assert!(segment_retries("2147483648").is_err());
    assert_eq!(seed("18446744073709551615"), Ok(u64::MAX));
    assert!(seed("0x10").is_err());
}

#[test]
fn backoff_is_never_zero() {
    assert!(backoff("0").is_err());
    assert!(backoff("999us").is_err());
    assert_eq!(backoff("1ms"), Ok(Duration::from_millis(1)));
}

#[test]
fn target_duration_exceeds_the_progress_period() {
    assert!(target_duration("0").is_err());
    assert!(target_duration("499ms").is_err());
    assert_eq!(target_duration("500ms"), Ok(Duration::from_millis(500)));
}

#[test]
fn bit_rates() {
    let cases: [(&str, &[u64]); 4] = [
        ("200k,600k,1500k", &[200_000, 600_000, 1_500_000]),
        ("1.5M", &[1_500_000]),
        ("100000, 100M", &[100_000, 100_000_000]),
        ("264.5k", &[264_500]),
    ];
    for (text, want) in cases {
        assert_eq!(bitrates(text), Ok(Bitrates(want.to_vec())), "{text}");
    }
    for text in ["", "200k,", "k", "200K", "1G", "-200k", "1e6", "inf"] {
        assert!(bitrates(text).is_err(), "{text}");
    }
}

#[test]
fn names() {
    assert_eq!(log_level("warning"), Ok(LogLevel::Warn));
    assert_eq!(log_level("warn"), Ok(LogLevel::Warn));
    let remedy = "did you mean highest? Give one of all, highest, lowest, first";
    assert_eq!(variant("hihgest"), Err(remedy.to_owned()));
    assert_eq!(variant("best"), Err("give one of all, highest, lowest, first".to_owned()));
    assert_eq!(log_detail("debug"), Ok(LogDetail::Debug));
    assert_eq!(log_detail("quiet"), Err("give one of info, verbose, debug".to_owned()));
    assert_eq!(output_file(""), Ok(PathBuf::new()));
    assert!(output_file("a\0b").is_err());
    assert!(policy("").is_err());
    assert!(log_format("JSON").is_err());
    assert_eq!(ip("::1"), Ok(IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])));
    assert!(ip("localhost").is_err());
}

#[test]
fn memory_sizes_have_binary_units() {
    let sizes = [("0", 0), ("8388608", 8 << 20), ("8192K", 8 << 20), ("512M", 512 << 20)];
    for (text, bytes) in sizes.into_iter().chain([("1G", 1 << 30), ("2T", 2 << 40)]) {
        assert_eq!(memory_max(text), Ok(bytes), "{text}");
    }
    for text in ["", "M", "1M", "1.5G", "-1G", "512m", "20000000T", "1 G"] {
        assert!(memory_max(text).is_err(), "{text}");
    }
}
