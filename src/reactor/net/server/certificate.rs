//! A certificate made for one run, and the TLS that a server speaks with it.
//!
//! It is self-signed and its key never leaves this process: a client verifies it by
//! trusting the certificate itself. Knows neither sockets nor where the certificate is
//! written to.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;

/// The names in every certificate, beside the listening address.
const NAMES: [&str; 1] = ["localhost"];

/// The addresses of this host that every host has.
const ADDRESSES: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// The common name of the certificate.
const COMMON_NAME: &str = "ffmpeg-hls-swarm test origin";

/// A certificate, and what a server needs to speak TLS with it.
#[derive(Debug, Clone)]
pub struct Certificate {
    config: Arc<ServerConfig>,
    pem: String,
}

impl Certificate {
    /// A certificate, signed by its own new key, for localhost, the loopback
    /// addresses and this one.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn for_address(address: IpAddr) -> Result<Self, CertificateError> {
        let mut names: Vec<String> = NAMES.map(str::to_owned).into();
        names.extend(ADDRESSES.map(|ip| ip.to_string()));
        if !address.is_unspecified() && !ADDRESSES.contains(&address) {
            names.push(address.to_string());
        }
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, COMMON_NAME);
        let key = KeyPair::generate()?;
        let signed = params.self_signed(&key)?;
        let key = PrivateKeyDer::try_from(key.serialize_der())
            .map_err(|error| CertificateError(error.to_owned()))?;
        // TLS 1.2 and 1.3, with the provider's default suites.
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![signed.der().clone()], key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), pem: signed.pem() })
    }

    /// The certificate as PEM (RFC 7468), for clients to trust.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// What a connection needs.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

#[cfg(test)]
impl Certificate {
    /// What a client needs that trusts this certificate alone.
    pub(super) fn trusted(
        &self,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> Arc<rustls::ClientConfig> {
        use rustls::pki_types::{CertificateDer, pem::PemObject};
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.pem.as_bytes()).unwrap()).unwrap();
        let builder =
            rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_protocol_versions(versions).unwrap();
        Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
    }
}

/// Why there is no certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateError(String);

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CertificateError {}

impl From<rcgen::Error> for CertificateError {
    fn from(error: rcgen::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<rustls::Error> for CertificateError {
    fn from(error: rustls::Error) -> Self {
        Self(error.to_string())
    }
}
