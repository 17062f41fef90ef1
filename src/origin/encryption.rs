//! AES-128 of whole segments (RFC 8216 §4.3.2.4): CBC with PKCS#7 padding.
//!
//! Knows neither media nor playlists.

use aes::Aes128;
use cbc::Encryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};

use super::form::Container;

/// The key, served to everyone: it protects nothing, it makes clients decrypt.
pub const KEY: [u8; 16] = *b"hls-swarm-origin";

/// Bytes of an AES block; the padding is one byte to one block.
pub(super) const BLOCK_BYTES: u64 = 16;

/// The initialization vector of fMP4. A playlist must state one if an initialization
/// section is encrypted (§4.3.2.5).
const STATED_IV: [u8; 16] = *b"initial-vector-1";

/// The initialization vector that a playlist of this container states; `None` means the
/// media sequence number of each segment (§5.2).
pub(super) const fn stated_iv(container: Container) -> Option<[u8; 16]> {
    match container {
        Container::Ts => None,
        Container::Fmp4 => Some(STATED_IV),
    }
}

/// Encrypts a segment, or an initialization section, whose index is ignored.
pub(super) fn encrypt(container: Container, index: u64, bytes: &[u8]) -> Vec<u8> {
    let iv = stated_iv(container).unwrap_or_else(|| u128::from(index).to_be_bytes());
    Encryptor::<Aes128>::new(&KEY.into(), &iv.into()).encrypt_padded_vec::<Pkcs7>(bytes)
}

/// Length of `bytes` bytes after encryption.
pub(super) const fn encrypted_bytes(bytes: u64) -> u64 {
    (bytes / BLOCK_BYTES + 1) * BLOCK_BYTES
}

#[cfg(test)]
mod tests {
    use cbc::Decryptor;
    use cbc::cipher::BlockModeDecrypt;

    use super::*;

    #[test]
    fn decrypts_to_the_original() {
        let plain: Vec<u8> = (0..=255).collect();
        for length in [0, 1, 15, 16, 17, 188, 256] {
            for container in [Container::Ts, Container::Fmp4] {
                let hidden = encrypt(container, 7, &plain[..length]);
                assert_eq!(hidden.len() as u64, encrypted_bytes(length as u64));
                let iv = match container {
                    Container::Ts => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7],
                    Container::Fmp4 => STATED_IV,
                };
                let cipher = Decryptor::<Aes128>::new(&KEY.into(), &iv.into());
                let read = cipher.decrypt_padded_vec::<Pkcs7>(&hidden).unwrap();
                assert_eq!(read, plain[..length]);
            }
        }
    }

    #[test]
    fn matches_the_test_vector_of_fips_197() {
        // FIPS 197, appendix C.1, as a single CBC block with a zero vector.
        let key: [u8; 16] = std::array::from_fn(|n| n as u8);
        let block: [u8; 16] = std::array::from_fn(|n| (n * 0x11) as u8);
        let cipher = Encryptor::<Aes128>::new(&key.into(), &[0; 16].into());
        let hidden = cipher.encrypt_padded_vec::<Pkcs7>(&block);
        let expected = 0x69c4_e0d8_6a7b_0430_d8cd_b780_70b4_c55a_u128;
        assert_eq!(hidden[..16], expected.to_be_bytes());
    }

    #[test]
    fn mpeg_ts_segments_use_their_number_as_vector() {
        assert_ne!(encrypt(Container::Ts, 1, b"x"), encrypt(Container::Ts, 2, b"x"));
        assert_eq!(encrypt(Container::Fmp4, 1, b"x"), encrypt(Container::Fmp4, 2, b"x"));
    }
}
