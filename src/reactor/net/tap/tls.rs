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
