//! A small deterministic generator: the same seed gives the same ids and the same faults.

use serde::{Deserialize, Serialize};

/// SplitMix64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Random {
    state: u64,
}

impl Random {
    /// A generator that starts at a seed.
    pub fn seeded(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Whether an event of this probability happens now.
    pub fn happens(&mut self, probability: f64) -> bool {
        // The upper 53 bits are what a double holds exactly.
        #[allow(clippy::cast_precision_loss, reason = "53 bits fit a double")]
        let unit = (self.number() >> 11) as f64 / (1u64 << 53) as f64;
        unit < probability
    }

    /// An id of `length` characters of `[a-z0-9]`, as Bedrock gives to application profiles.
    pub fn id(&mut self, length: usize) -> String {
        const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        (0..length).map(|_| char::from(LETTERS[(self.number() % 36) as usize])).collect()
    }

    /// An id of the form of a request id.
    pub fn request_id(&mut self) -> String {
        let (a, b) = (self.number(), self.number());
        let [time, rest] = [a >> 32, a & 0xffff_ffff];
        format!(
            "{time:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            rest >> 16,
            rest & 0xffff,
            b >> 48,
            b & 0xffff_ffff_ffff
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_sequence() {
        let ids = |seed| {
            let mut random = Random::seeded(seed);
            (random.id(12), random.request_id())
        };
        assert_eq!(ids(1), ids(1));
        assert_ne!(ids(1), ids(2));
        assert_eq!(ids(1).0.len(), 12);
        assert_eq!(ids(1).1.len(), 36);
    }

    #[test]
    fn a_probability_is_kept() {
        let mut random = Random::seeded(7);
        let count = (0..10_000).filter(|_| random.happens(0.25)).count();
        assert!((2_300..2_700).contains(&count), "{count}");
        assert!(!(0..1_000).any(|_| random.happens(0.0)));
        assert!((0..1_000).all(|_| random.happens(1.0)));
    }
}
