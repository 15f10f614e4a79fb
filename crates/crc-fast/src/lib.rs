//! The cyclic redundancy checks that S3 knows, under the names of the crate `crc-fast`, which this one stands
//! in for (`[patch.crates-io]` in the workspace's `Cargo.toml`).
//!
//! The SDK's checksums of S3 (`aws-smithy-checksums`) call `crc-fast`, and of it no more than is here. But any
//! call of it links tables for fifty algorithms, 680 KB that hardly compress.
//!
//! What calls more of it does not compile. What asks for a version or a feature that is not this crate's gets the
//! registry's, and cargo does not say so: a test of the lock file does (`tests/test_docs.py`).
//!
//! ```
//! use crc_fast::{CrcAlgorithm, Digest};
//!
//! let mut digest = Digest::new(CrcAlgorithm::Crc32IsoHdlc);
//! digest.update(b"123456789");
//! assert_eq!(digest.finalize(), 0xcbf4_3926);
//! ```

use std::fmt;

use crc::{CRC_32_ISCSI, CRC_64_NVME, Crc};

static CRC_32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);
static CRC_64: Crc<u64> = Crc::<u64>::new(&CRC_64_NVME);

/// An algorithm, by the name it has in the catalogue of parametrised CRC algorithms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrcAlgorithm {
    /// `x-amz-checksum-crc32`, which the SDK adds to what it writes. By the processor's own instructions, as every
    /// report goes through it; the others go byte by byte, as only what others wrote has them.
    Crc32IsoHdlc,
    /// `x-amz-checksum-crc32c`.
    Crc32Iscsi,
    /// `x-amz-checksum-crc64nvme`, which S3 adds to what came without a checksum.
    Crc64Nvme,
}

/// A checksum in the making.
#[derive(Clone)]
pub struct Digest(State);

#[derive(Clone)]
enum State {
    Crc32(crc32fast::Hasher),
    Crc32c(crc::Digest<'static, u32>),
    Crc64(crc::Digest<'static, u64>),
}

impl Digest {
    /// The checksum of nothing.
    pub fn new(algorithm: CrcAlgorithm) -> Self {
        Self(match algorithm {
            CrcAlgorithm::Crc32IsoHdlc => State::Crc32(crc32fast::Hasher::new()),
            CrcAlgorithm::Crc32Iscsi => State::Crc32c(CRC_32C.digest()),
            CrcAlgorithm::Crc64Nvme => State::Crc64(CRC_64.digest()),
        })
    }

    /// Adds what follows.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Crc32(hasher) => hasher.update(bytes),
            State::Crc32c(digest) => digest.update(bytes),
            State::Crc64(digest) => digest.update(bytes),
        }
    }

    /// The checksum of all that was added, in its lowest 32 or 64 bits.
    pub fn finalize(&self) -> u64 {
        match self.0.clone() {
            State::Crc32(hasher) => u64::from(hasher.finalize()),
            State::Crc32c(digest) => u64::from(digest.finalize()),
            State::Crc64(digest) => digest.finalize(),
        }
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({:x})", self.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each algorithm's `check` in the catalogue (<https://reveng.sourceforge.io/crc-catalogue/all.htm>).
    const CHECKS: [(CrcAlgorithm, u64); 3] = [
        (CrcAlgorithm::Crc32IsoHdlc, 0xcbf4_3926),
        (CrcAlgorithm::Crc32Iscsi, 0xe306_9283),
        (CrcAlgorithm::Crc64Nvme, 0xae8b_1486_0a79_9888),
    ];

    #[test]
    fn each_algorithm_is_the_one_of_its_name_however_its_input_is_cut() {
        for (algorithm, check) in CHECKS {
            for cut in 0..=9 {
                let (first, second) = b"123456789".split_at(cut);
                let mut digest = Digest::new(algorithm);
                digest.update(first);
                let so_far = digest.finalize();
                digest.update(second);
                assert_eq!(digest.finalize(), check, "{algorithm:?}, cut at {cut}");
                assert_eq!(so_far == check, cut == 9, "{algorithm:?}, cut at {cut}");
            }
        }
    }

    /// Its instructions take over where there is enough to do.
    #[test]
    fn the_checksum_of_a_long_text_is_that_of_the_tables() {
        let text: Vec<u8> = (0..5_000_u32).map(|n| (n * n / 8) as u8).collect();
        let expected = u64::from(Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&text));
        for cut in [0, 1, 127, 128, 2_047, 2_048, 4_999] {
            let mut digest = Digest::new(CrcAlgorithm::Crc32IsoHdlc);
            digest.update(&text[..cut]);
            digest.update(&text[cut..]);
            assert_eq!(digest.finalize(), expected, "cut at {cut}");
        }
    }
}
