//! A listening Unix socket with a path in the file system (unix(7)).
//!
//! Only processes of the same user can connect: the mode of its file is 0600.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

/// Longest path in bytes: `sun_path` holds 108 with the NUL byte at its end (unix(7)).
pub(super) const PATH_BYTES_MAX: usize = 107;

/// A bound socket; its file is removed when it is dropped.
#[derive(Debug)]
pub(super) struct UnixSocket {
    socket: OwnedFd,
    path: PathBuf,
}

impl UnixSocket {
    /// Binds this path. A socket that an ended process left there is replaced.
    ///
    /// # Errors
    /// `EADDRINUSE` where another process listens, or where the file is no socket; a
    /// text where the path is too long; else those of bind(2).
    pub(super) fn bind(path: &Path) -> io::Result<Self> {
        let bytes = path.as_os_str().as_bytes();
        if bytes.len() > PATH_BYTES_MAX {
            let why = format!(
                "the path of a Unix socket has at most {PATH_BYTES_MAX} bytes and this one has \
                 {}; use a shorter one",
                bytes.len()
            );
            return Err(io::Error::new(ErrorKind::InvalidInput, why));
        }
        let address = SocketAddrUnix::new(bytes)?;
        let socket = socket()?;
        // The file of the socket gets the mode of the descriptor, so there is no moment
        // in which others could connect.
        rustix::fs::fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
        match rustix::net::bind(&socket, &address) {
            Err(Errno::ADDRINUSE) if is_stale(path, &address) => {
                std::fs::remove_file(path)?;
                rustix::net::bind(&socket, &address)?;
            }
            bound => bound?,
        }
        Ok(Self { socket, path: path.to_owned() })
    }
}

impl AsFd for UnixSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn socket() -> Result<OwnedFd, Errno> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)
}

/// Whether the file at this path is a socket on which nobody listens.
fn is_stale(path: &Path, address: &SocketAddrUnix) -> bool {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|it| it.file_type().is_socket());
    let refused = || socket().and_then(|socket| rustix::net::connect(&socket, address));
    is_socket && refused() == Err(Errno::CONNREFUSED)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn only_the_owner_may_connect_and_the_file_goes_with_the_socket() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control");
        let socket = UnixSocket::bind(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(socket);
        assert!(!path.exists());
    }

    #[test]
    fn replaces_a_socket_on_which_nobody_listens_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |path: &Path| UnixSocket::bind(path).unwrap_err().kind();
        let path = folder.path().join("control");
        let alive = UnixListener::bind(&path).unwrap();
        assert_eq!(refused(&path), ErrorKind::AddrInUse);
        drop(alive);
        assert!(path.exists(), "the file outlives its socket");
        drop(UnixSocket::bind(&path).unwrap());
        fs::write(&path, "text").unwrap();
        assert_eq!(refused(&path), ErrorKind::AddrInUse);
        assert_eq!(fs::read(&path).unwrap(), b"text");
    }

    #[test]
    fn reports_the_length_of_a_path_that_is_too_long() {
        let folder = tempfile::tempdir().unwrap();
        let room = PATH_BYTES_MAX - folder.path().as_os_str().len() - 1;
        UnixSocket::bind(&folder.path().join("x".repeat(room))).unwrap();
        let error = UnixSocket::bind(&folder.path().join("x".repeat(room + 1))).unwrap_err();
        assert!(error.to_string().contains("at most 107 bytes and this one has 108"), "{error}");
    }
}
