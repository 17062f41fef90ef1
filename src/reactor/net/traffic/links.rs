//! The sockets that a process has open, by the links under `/proc/PID/fd`
//! (proc(5)).

use std::ffi::CStr;
use std::mem::MaybeUninit;

use rustix::fs::{Mode, OFlags, RawDir};
use rustix::io::Errno;

/// Links read of one process: FFmpeg has some 20, and a search must be bounded.
const LINKS_MAX: usize = 1024;

/// Entries read at once, of 24 bytes each.
const ENTRIES_BYTES: usize = 4096;

/// With this few entries read, the list is complete.
const ENTRIES_SHORT: usize = ENTRIES_BYTES / 24 - 10;

/// Entries that are no descriptors, and the descriptors that we gave it.
const NO_SOCKETS: [&CStr; 5] = [c".", c"..", c"0", c"1", c"2"];

/// The longest link of a socket: `socket:[4294967295]`.
const LINK_BYTES: usize = 32;

/// Reports the inode of each socket that the process opened.
///
/// # Errors
/// `ENOENT` when it has ended, `EACCES` when it is another user's.
pub(super) fn socket_inodes(pid: u32, each: &mut dyn FnMut(u32)) -> Result<(), Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::open(format!("/proc/{pid}/fd"), flags, Mode::empty())?;
    let mut entries = [MaybeUninit::<u8>::uninit(); ENTRIES_BYTES];
    let mut entries = RawDir::new(&folder, &mut entries);
    for count in 0..LINKS_MAX {
        // Reading the end costs as much as reading the entries.
        if count > 0 && count < ENTRIES_SHORT && entries.is_buffer_empty() {
            break;
        }
        let Some(entry) = entries.next() else { break };
        let entry = entry?;
        if NO_SOCKETS.contains(&entry.file_name()) {
            continue;
        }
        let mut link = [0; LINK_BYTES];
        // A descriptor may have been closed meanwhile.
        let length = rustix::fs::readlinkat_raw(&folder, entry.file_name(), &mut link[..]);
        if let Some(inode) = length.ok().and_then(|length| link.get(..length)).and_then(inode) {
            each(inode);
        }
    }
    Ok(())
}

fn inode(link: &[u8]) -> Option<u32> {
    let number = link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn recognizes_links_of_sockets() {
        for (link, expected) in [
            ("socket:[17]", Some(17)),
            ("socket:[4294967295]", Some(u32::MAX)),
            ("socket:[4294967296]", None),
            ("socket:[]", None),
            ("socket:[17", None),
            ("pipe:[17]", None),
            ("/tmp/socket:[17]", None),
            ("", None),
        ] {
            assert_eq!(inode(link.as_bytes()), expected, "{link}");
        }
    }

    #[test]
    fn finds_our_own_sockets_among_descriptors() {
        let file = tempfile::tempfile().unwrap();
        let listeners: Vec<_> =
            (0..300).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let mut found = std::collections::HashSet::new();
        socket_inodes(std::process::id(), &mut |inode| {
            found.insert(inode);
        })
        .unwrap();
        let inode = |fd: std::os::fd::BorrowedFd<'_>| rustix::fs::fstat(fd).unwrap().st_ino as u32;
        assert!(listeners.iter().all(|listener| found.contains(&inode(listener.as_fd()))));
        assert!(!found.contains(&inode(file.as_fd())));
    }

    #[test]
    fn a_process_that_is_gone_has_none() {
        assert_eq!(socket_inodes(u32::MAX, &mut |_| {}), Err(Errno::NOENT));
    }
}
