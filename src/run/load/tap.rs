//! Prepares the tap of a run.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::config::Config;
use crate::ffmpeg::options::Options;
use crate::reactor::blocking::http_get::tls::{self, Trust};
use crate::reactor::net::tap::{Listener, TapSetup};
use crate::run::Fatal;
use crate::tap::{Settings, Tap};
use crate::units::loopback::CLIENTS_MAX;

/// The variables that make FFmpeg use another proxy, or none (`http.c`, `tls.c`).
pub(super) const PROXY_VARIABLES: [&str; 6] =
    ["no_proxy", "NO_PROXY", "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"];

/// What to do where no certificate can be verified.
const TRUST_REMEDY: &str =
    "install ca-certificates, or name a file of certificates in SSL_CERT_FILE";

/// FFmpeg's option for a proxy.
const PROXY_OPTION: &str = "-http_proxy";

/// The tap for clients with these options; `None` if there is to be none.
pub(super) fn set_up(config: &Config, options: &Options) -> Result<Option<TapSetup>, Fatal> {
    if !options.tap {
        return Ok(None);
    }
    let refuse = |why: &str| Err(Fatal(format!("{why}; use -tap=false")));
    if options.extra_args.iter().any(|argument| argument == PROXY_OPTION) {
        return refuse("-ffmpeg-arg -http_proxy names another proxy than the tap");
    }
    if config.swarm.share() > CLIENTS_MAX {
        return refuse("the tap has addresses for 4194304 clients");
    }
    let listener = Listener::bind().map_err(|error| {
        Fatal(format!("the tap cannot listen on the loopback device: {error}; use -tap=false"))
    })?;
    let settings = Settings {
        url: options.url.clone(),
        timeout: options.timeout,
        keeps_range: false,
        secrets: options.credentials(),
        header_hosts: config.header_hosts.clone(),
    };
    let names = names(options);
    let tls = match tls::config(Trust::HostRoots) {
        Ok(tls) => Some(Arc::new(tls)),
        Err(error) if options.url.scheme() == "https" => {
            return Err(Fatal(format!("https cannot be verified: {error}; {TRUST_REMEDY}")));
        }
        Err(_) => None,
    };
    let (tap, shard) = (Tap::new(settings), config.swarm.shard);
    Ok(Some(TapSetup { tap, listener, shard, names, tls }))
}

/// The address of the URL's host, if `-resolve` gives one.
fn names(options: &Options) -> BTreeMap<String, Vec<IpAddr>> {
    match (options.url.host(), options.resolve) {
        (Some(url::Host::Domain(host)), Some(address)) => [(host.to_owned(), vec![address])].into(),
        _ => BTreeMap::new(),
    }
}
