//! Chances that come out the same for the same seed.

/// A stream of numbers that its seed determines (splitmix64).
#[derive(Debug, Clone)]
pub struct Seed(u64);

impl Seed {
    /// The stream of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The seed in an environment variable, so that a run can be repeated, or
    /// `otherwise`.
    #[must_use]
    pub fn from_env(variable: &str, otherwise: u64) -> Self {
        let given = std::env::var(variable).ok();
        Self(
            given
                .and_then(|text| text.parse().ok())
                .unwrap_or(otherwise),
        )
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The next number below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.number() % end
    }

    /// True in `per_mille` of a thousand cases.
    pub fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }
}

#[cfg(test)]
mod tests {
    use super::Seed;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let numbers = |seed| {
            let mut seed = Seed::new(seed);
            (0..8).map(|_| seed.number()).collect::<Vec<_>>()
        };
        assert_eq!(numbers(1), numbers(1));
        assert_ne!(numbers(1), numbers(2));
    }

    #[test]
    fn chances_are_as_asked() {
        let mut seed = Seed::new(7);
        let hits = (0..10_000).filter(|_| seed.chance(250)).count();
        assert!((2_300..2_700).contains(&hits), "{hits}");
        assert!(!seed.chance(0) && seed.chance(1000));
    }
}
