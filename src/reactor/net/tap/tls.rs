//! TLS towards the origin: bytes of HTTP in and out of a socket that never waits.
//!
//! Certificates are verified by rustls; sessions are resumed by the configuration that
//! all connections share. Knows nothing of exchanges.

use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;

use mio::net::TcpStream;
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, ClientConnection, Error};

use super::moved::Moved;

/// Bytes of requests that are encrypted ahead of the socket; a request is far shorter.
const AHEAD_BYTES: usize = 16 * 1024;

/// A connection's TLS.
#[derive(Debug)]
pub(super) struct Tls(ClientConnection);

impl Tls {
    /// TLS with the server of this name or address, before its handshake; `None` if no
    /// certificate can have such a name.
    pub(super) fn new(config: &Arc<ClientConfig>, host: &str) -> Option<Self> {
        let name = ServerName::try_from(host.to_owned()).ok()?;
        let mut connection = ClientConnection::new(Arc::clone(config), name).ok()?;
        connection.set_buffer_limit(Some(AHEAD_BYTES));
        Some(Self(connection))
    }

    /// Continues the handshake as far as the socket allows; true once it is over.
    ///
    /// # Errors
    /// Why it failed, in a few words.
    pub(super) fn handshake(
        &mut self,
        stream: &mut TcpStream,
        readable: &mut bool,
        writable: &mut bool,
    ) -> Result<bool, String> {
        loop {
            if self.flush(stream, writable) == Moved::Failed {
                return Err("the connection broke during the handshake".to_owned());
            }
            if !self.0.is_handshaking() {
                return Ok(true);
            }
            if !*readable {
                return Ok(false);
            }
            match Moved::of(self.0.read_tls(stream), readable) {
                Moved::Bytes(_) => {}
                Moved::Nothing => continue,
                Moved::End | Moved::Failed => {
                    return Err("the server closed during the handshake".to_owned());
                }
            }
            if let Err(error) = self.0.process_new_packets() {
                // The alert tells the server why.
                self.flush(stream, writable);
                return Err(words(&error));
            }
        }
    }

    /// Reads decrypted bytes. A server that closes without close_notify is treated like
    /// one that sends it: HTTP detects whether something is missing.
    pub(super) fn read(
        &mut self,
        stream: &mut TcpStream,
        buffer: &mut [u8],
        readable: &mut bool,
    ) -> Moved {
        loop {
            match self.0.reader().read(buffer) {
                Ok(0) => return Moved::End,
                Ok(count) => return Moved::Bytes(count),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return Moved::End,
            }
            match Moved::of(self.0.read_tls(stream), readable) {
                Moved::Nothing if *readable => {}
                // The reader reports the end after what was received before.
                Moved::Bytes(_) | Moved::End => {
                    if self.0.process_new_packets().is_err() {
                        return Moved::Failed;
                    }
                }
                moved => return moved,
            }
        }
    }

    /// Encrypts bytes and writes what the socket takes. All that is reported was taken
    /// by TLS; [`Tls::flush`] writes the rest.
    pub(super) fn write(
        &mut self,
        stream: &mut TcpStream,
        bytes: &[u8],
        writable: &mut bool,
    ) -> Moved {
        let taken = self.0.writer().write(bytes).unwrap_or_default();
        match self.flush(stream, writable) {
            Moved::Failed => Moved::Failed,
            _ if taken > 0 => Moved::Bytes(taken),
            moved => moved,
        }
    }

    /// Writes what is encrypted, as far as the socket takes it.
    pub(super) fn flush(&mut self, stream: &mut TcpStream, writable: &mut bool) -> Moved {
        while self.0.wants_write() && *writable {
            match Moved::of(self.0.write_tls(stream), writable) {
                Moved::Bytes(_) | Moved::Nothing => {}
                moved => return moved,
            }
        }
        Moved::Nothing
    }
}

/// Why a handshake failed, in the words of the user's remedy.
fn words(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "the certificate has expired".to_owned(),
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "the certificate is for another name".to_owned(),
        // The signature of an issuer of the same name as a trusted one does not match.
        Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => "the certificate's issuer is not trusted here".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;
    use std::time::Duration;

    use mio::{Interest, Poll, Token};
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use rustls::crypto::ring::default_provider;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use rustls::{HandshakeKind, RootCertStore, ServerConfig, ServerConnection};

    use super::*;

    const NAME: &str = "origin.example";

    /// What a server speaks TLS with, and its certificate.
    struct Server(Arc<ServerConfig>, CertificateDer<'static>);

    impl Server {
        /// With a certificate for [`NAME`], signed by itself, that expires in this year.
        fn until(year: i32) -> Self {
            let mut params = CertificateParams::new([NAME.to_owned()]).unwrap();
            params.not_before = date_time_ymd(2000, 1, 1);
            params.not_after = date_time_ymd(year, 1, 1);
            let key = KeyPair::generate().unwrap();
            let certificate = params.self_signed(&key).unwrap().der().clone();
            let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
            let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![certificate.clone()], key)
                .unwrap();
            Self(Arc::new(config), certificate)
        }

        /// What a client needs that trusts this certificate alone.
        fn trusted(&self) -> Arc<ClientConfig> {
            let mut roots = RootCertStore::empty();
            roots.add(self.1.clone()).unwrap();
            let config = ClientConfig::builder_with_provider(Arc::new(default_provider()));
            let config = config.with_safe_default_protocol_versions().unwrap();
            Arc::new(config.with_root_certificates(roots).with_no_client_auth())
        }

        /// Connects, makes the handshake, and reads to the end of the connection.
        #[expect(clippy::disallowed_methods, reason = "the server must run beside the client")]
        fn shakes_hands(
            &self,
            client: &Arc<ClientConfig>,
            host: &str,
        ) -> Result<HandshakeKind, String> {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (mut accepted, _) = listener.accept().unwrap();
            let mut server = ServerConnection::new(Arc::clone(&self.0)).unwrap();
            let serving = thread::spawn(move || {
                // It fails where the client rejects the certificate.
                let _ = server.complete_io(&mut accepted);
            });
            stream.set_nonblocking(true).unwrap();
            let mut client = Client::new(stream, client, host);
            let result = client.shakes_hands();
            serving.join().unwrap();
            result?;
            client.reads_to_the_end();
            Ok(client.tls.0.handshake_kind().unwrap())
        }
    }

    struct Client {
        tls: Tls,
        stream: TcpStream,
        poll: Poll,
    }

    impl Client {
        fn new(stream: std::net::TcpStream, config: &Arc<ClientConfig>, host: &str) -> Self {
            let (tls, poll) = (Tls::new(config, host).unwrap(), Poll::new().unwrap());
            let mut stream = TcpStream::from_std(stream);
            let both = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut stream, Token(0), both).unwrap();
            Self { tls, stream, poll }
        }

        fn waits(&mut self) {
            let mut events = mio::Events::with_capacity(1);
            self.poll.poll(&mut events, Some(Duration::from_secs(20))).unwrap();
            assert!(!events.is_empty());
        }

        fn shakes_hands(&mut self) -> Result<(), String> {
            while !self.tls.handshake(&mut self.stream, &mut true, &mut true)? {
                self.waits();
            }
            Ok(())
        }

        /// Reads what resumes a session: it follows the handshake (RFC 8446, 4.6.1).
        fn reads_to_the_end(&mut self) {
            while self.tls.read(&mut self.stream, &mut [0; 8], &mut true) != Moved::End {
                self.waits();
            }
        }
    }

    #[test]
    fn certificates_are_verified_and_sessions_resumed() {
        let server = Server::until(2999);
        let client = server.trusted();
        assert_eq!(server.shakes_hands(&client, NAME), Ok(HandshakeKind::Full));
        assert_eq!(server.shakes_hands(&client, NAME), Ok(HandshakeKind::Resumed));
    }

    #[test]
    fn each_fault_of_a_certificate_is_named() {
        let (server, expired) = (Server::until(2999), Server::until(2001));
        for (server, trusted, host, why) in [
            (&expired, &expired, NAME, "the certificate has expired"),
            (&server, &server, "other.example", "the certificate is for another name"),
            (&server, &server, "192.0.2.1", "the certificate is for another name"),
            (&server, &Server::until(2999), NAME, "the certificate's issuer is not trusted here"),
        ] {
            assert_eq!(server.shakes_hands(&trusted.trusted(), host), Err(why.to_owned()));
        }
    }

    #[test]
    fn what_no_certificate_can_name_has_no_tls() {
        assert!(Tls::new(&Server::until(2999).trusted(), "not a name").is_none());
    }
}
