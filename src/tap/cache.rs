//! How a cache served a response, by the fields of the standard and of common caches.
//!
//! The most precise field decides: `Cache-Status` (RFC 9211), then `CF-Cache-Status`,
//! `X-Cache-Status` (nginx), `X-Cache` with `X-Cache-Hits`, `Server-Timing`, `Age`.

use crate::exchange::record::CacheStatus;

/// The cache status and `Age` in a head.
pub(super) fn read(fields: &[httparse::Header<'_>]) -> (CacheStatus, Option<u32>) {
    let age = values(fields, "Age").next().and_then(number);
    let by_name = ["CF-Cache-Status", "X-Cache-Status"];
    let named = by_name.iter().find_map(|name| values(fields, name).next().and_then(word));
    let status = standard(fields)
        .or(named)
        .or_else(|| x_cache(fields))
        .or_else(|| server_timing(fields))
        .or_else(|| age.filter(|&secs| secs > 0).map(|_| CacheStatus::Hit));
    (status.unwrap_or(CacheStatus::Unknown), age)
}

fn values<'a>(
    fields: &'a [httparse::Header<'a>],
    name: &'a str,
) -> impl DoubleEndedIterator<Item = &'a str> {
    let named = fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name));
    named.filter_map(|field| std::str::from_utf8(field.value).ok()).map(str::trim)
}

/// Seconds, saturating at 2^31 (RFC 9111 §1.2.2).
fn number(text: &str) -> Option<u32> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(1 << 31))
}

/// A status in a word, as most caches write it: `HIT`, `TCP_MISS`, `Hit from cloudfront`.
fn word(text: &str) -> Option<CacheStatus> {
    let text = text.trim().to_ascii_lowercase();
    let first = text.split([' ', ',', ';', '"']).next().unwrap_or_default();
    let first = first.strip_prefix("tcp_").unwrap_or(first);
    let first = first.split([':', '/']).next().unwrap_or_default();
    match first {
        "hit" | "mem_hit" | "imshit" | "ims_hit" | "memory_hit" | "disk_hit" => {
            Some(CacheStatus::Hit)
        }
        "stale" | "updating" | "stale_hit" | "offline_hit" | "swapfail_hit" => {
            Some(CacheStatus::Stale)
        }
        "revalidated" | "refresh_hit" | "refreshhit" | "refresh_unmodified" => {
            Some(CacheStatus::Revalidated)
        }
        "miss" | "expired" | "refresh_miss" | "refresh_modified" | "cold_miss" => {
            Some(CacheStatus::Miss)
        }
        "bypass" | "dynamic" | "pass" | "ignored" | "denied" | "uncacheable" | "none" => {
            Some(CacheStatus::Bypass)
        }
        _ => None,
    }
}

/// `Cache-Status`: one member for each cache, the nearest to the client last.
fn standard(fields: &[httparse::Header<'_>]) -> Option<CacheStatus> {
    let members = values(fields, "Cache-Status").flat_map(|value| value.split(','));
    let mut members: Vec<&str> = members.map(str::trim).filter(|it| !it.is_empty()).collect();
    let nearest = members.pop()?;
    let status = member(nearest)?;
    let behind = || members.iter().rev().any(|it| member(it) == Some(CacheStatus::Hit));
    if status == CacheStatus::Miss && behind() {
        return Some(CacheStatus::ShieldHit);
    }
    Some(status)
}

/// One member: `name; hit`, `name; fwd=stale; fwd-status=304`, and so on.
fn member(text: &str) -> Option<CacheStatus> {
    let mut parameters = text.split(';').skip(1).map(str::trim);
    let (mut hit, mut forwarded, mut confirmed, mut ttl) = (false, None, false, 0);
    for parameter in &mut parameters {
        match parameter.split_once('=').unwrap_or((parameter, "?1")) {
            ("hit", value) => hit = value.trim() != "?0",
            ("fwd", value) => forwarded = Some(value.trim()),
            ("fwd-status", value) => confirmed = value.trim() == "304",
            ("ttl", value) => ttl = value.trim().parse().unwrap_or(0_i64),
            _ => {}
        }
    }
    match forwarded {
        _ if hit && ttl < 0 => Some(CacheStatus::Stale),
        _ if hit => Some(CacheStatus::Hit),
        Some("stale" | "miss" | "partial") if confirmed => Some(CacheStatus::Revalidated),
        Some("bypass" | "method" | "request") => Some(CacheStatus::Bypass),
        Some(_) => Some(CacheStatus::Miss),
        None => None,
    }
}

/// `X-Cache` with `X-Cache-Hits`: a list with the nearest cache last, or one field for
/// each cache.
fn x_cache(fields: &[httparse::Header<'_>]) -> Option<CacheStatus> {
    let listed = values(fields, "X-Cache").flat_map(|value| value.split(','));
    let statuses: Vec<CacheStatus> = listed.filter_map(word).collect();
    let hits = values(fields, "X-Cache-Hits").flat_map(|value| value.split(','));
    let hits: Vec<u32> = hits.filter_map(|text| number(text.trim())).collect();
    let Some((&nearest, behind)) = statuses.split_last() else {
        let (&nearest, behind) = hits.split_last()?;
        return Some(match nearest > 0 {
            true => CacheStatus::Hit,
            false if behind.iter().any(|&count| count > 0) => CacheStatus::ShieldHit,
            false => CacheStatus::Miss,
        });
    };
    let is_behind = nearest == CacheStatus::Miss && behind.contains(&CacheStatus::Hit);
    Some(if is_behind { CacheStatus::ShieldHit } else { nearest })
}

/// `Server-Timing: cdn-cache; desc=HIT` and `cdn-cache-hit`, as CDNs write it.
fn server_timing(fields: &[httparse::Header<'_>]) -> Option<CacheStatus> {
    let mut metrics = values(fields, "Server-Timing").flat_map(|value| value.split(','));
    metrics.find_map(|metric| {
        let mut parts = metric.split(';').map(str::trim);
        let name = parts.next()?.to_ascii_lowercase();
        if !name.starts_with("cdn-cache") && name != "cache" {
            return None;
        }
        if let Some(status) = name.strip_prefix("cdn-cache-") {
            return word(status);
        }
        let description = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("desc").then(|| value.trim().trim_matches('"'))
        });
        description.and_then(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_fields_of_caches() {
        use CacheStatus::{Bypass, Hit, Miss, Revalidated, ShieldHit, Stale, Unknown};
        let cases: &[(&[(&str, &str)], CacheStatus)] = &[
            (&[], Unknown),
            (&[("Cache-Status", "edge; hit")], Hit),
            (&[("Cache-Status", "edge;hit;ttl=-4")], Stale),
            (&[("Cache-Status", "edge; fwd=uri-miss; stored")], Miss),
            (&[("Cache-Status", "edge; fwd=stale; fwd-status=304")], Revalidated),
            (&[("Cache-Status", "edge; fwd=bypass")], Bypass),
            (&[("Cache-Status", "shield; hit, edge; fwd=uri-miss")], ShieldHit),
            (&[("Cache-Status", "shield; hit"), ("cache-status", "edge; fwd=miss")], ShieldHit),
            (&[("Cache-Status", "origin; fwd=miss, edge; hit")], Hit),
            (&[("Cache-Status", "edge"), ("X-Cache", "HIT")], Hit),
            (&[("CF-Cache-Status", "DYNAMIC")], Bypass),
            (&[("CF-Cache-Status", "REVALIDATED")], Revalidated),
            (&[("CF-Cache-Status", "EXPIRED")], Miss),
            (&[("X-Cache-Status", "STALE")], Stale),
            (&[("X-Cache-Status", "UPDATING")], Stale),
            (&[("X-Cache", "Hit from cloudfront")], Hit),
            (&[("X-Cache", "Miss from cloudfront")], Miss),
            (&[("X-Cache", "RefreshHit from cloudfront")], Revalidated),
            (&[("X-Cache", "TCP_MEM_HIT from a23.deploy")], Hit),
            (&[("X-Cache", "TCP_REFRESH_HIT from a23")], Revalidated),
            (&[("X-Cache", "HIT, MISS")], ShieldHit),
            (&[("X-Cache", "MISS, HIT"), ("X-Cache-Hits", "0, 3")], Hit),
            (&[("X-Cache-Hits", "0, 3")], Hit),
            (&[("X-Cache-Hits", "2, 0")], ShieldHit),
            (&[("X-Cache-Hits", "0, 0")], Miss),
            (&[("Server-Timing", "total;dur=1, cdn-cache; desc=HIT")], Hit),
            (&[("Server-Timing", "cdn-cache-miss, cdn-pop;desc=\"x\"")], Miss),
            (&[("Age", "12")], Hit),
            (&[("Age", "0")], Unknown),
            (&[("X-Cache", "MISS"), ("Age", "12")], Miss),
            (&[("X-Cache", "strange")], Unknown),
        ];
        for (fields, want) in cases {
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, value)| httparse::Header { name, value: value.as_bytes() })
                .collect();
            assert_eq!(read(&fields).0, *want, "{fields:?}");
        }
    }

    #[test]
    fn ages_saturate() {
        for (value, want) in [
            ("5", Some(5)),
            ("99999999999999999999", Some(1 << 31)),
            ("-1", None),
            ("", None),
            ("1.5", None),
        ] {
            let field = httparse::Header { name: "age", value: value.as_bytes() };
            assert_eq!(read(&[field]).1, want, "{value}");
        }
    }
}
