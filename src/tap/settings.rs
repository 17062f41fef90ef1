//! The settings of the tap, and which hosts get the credentials of the user.

use std::time::Duration;

use url::Url;

/// The settings of the tap in a run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The URL of the run.
    pub url: Url,
    /// The client's network timeout: it closes after receiving nothing for this long.
    pub timeout: Duration,
    /// Whether `Range: bytes=0-`, which asks for the whole resource, is forwarded.
    pub keeps_range: bool,
    /// `Authorization`, `Cookie` and the like: names and values. Each replaces the
    /// client's own field of that name.
    pub secrets: Vec<(String, String)>,
    /// The hosts that get the secrets.
    pub header_hosts: HeaderHosts,
}

/// The hosts that get the secrets, besides the host of the run's URL and its subdomains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderHosts {
    /// These, and their subdomains.
    Named(Vec<String>),
    /// Every host.
    All,
}

impl Settings {
    /// The secrets for this host. The own host gets none in clear text if the URL of the
    /// run is https.
    pub(super) fn secrets_for(&self, host: &str, tls: bool) -> &[(String, String)] {
        let own = self.url.host_str().map(|own| own.trim_matches(['[', ']']));
        let is_own = own.is_some_and(|own| is_within(host, own));
        let allowed = match &self.header_hosts {
            HeaderHosts::All => true,
            HeaderHosts::Named(hosts) => hosts.iter().any(|named| is_within(host, named)),
        };
        let downgraded = self.url.scheme() == "https" && !tls;
        if allowed || (is_own && !downgraded) { &self.secrets } else { &[] }
    }
}

/// Whether `host` is `domain` or a subdomain of it.
fn is_within(host: &str, domain: &str) -> bool {
    let Some(at) = host.len().checked_sub(domain.len()) else { return false };
    let Some((before, end)) = host.split_at_checked(at) else { return false };
    end.eq_ignore_ascii_case(domain)
        && !domain.is_empty()
        && (before.is_empty() || before.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_to_chosen_hosts_alone() {
        let named = HeaderHosts::Named(vec!["cdn.test".to_owned()]);
        for (url, hosts, host, tls, want) in [
            ("https://h.test/", &named, "h.test", true, true),
            ("https://h.test/", &named, "H.test", true, true),
            ("https://h.test/", &named, "a.b.h.test", true, true),
            ("https://h.test/", &named, "h.test", false, false),
            ("https://h.test/", &named, "evilh.test", true, false),
            ("https://h.test/", &named, "test", true, false),
            ("https://h.test/", &named, "h.test.evil", true, false),
            ("https://h.test/", &named, "e.cdn.test", false, true),
            ("http://h.test/", &named, "h.test", false, true),
            ("http://h.test/", &named, "h.test", true, true),
            ("http://[::1]/", &named, "::1", false, true),
            ("http://h.test/", &HeaderHosts::All, "x", false, true),
            ("http://h.test/", &HeaderHosts::Named(vec![String::new()]), "x", false, false),
        ] {
            let settings = Settings {
                url: Url::parse(url).unwrap(),
                timeout: Duration::ZERO,
                keeps_range: false,
                secrets: vec![("Cookie".to_owned(), "a=b".to_owned())],
                header_hosts: hosts.clone(),
            };
            assert_eq!(!settings.secrets_for(host, tls).is_empty(), want, "{url} {host}");
        }
    }
}
