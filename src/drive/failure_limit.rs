//! When so much goes wrong that nothing new is begun.

use std::str::FromStr;

/// Before so many have ended, their share says nothing.
const FEWEST: usize = 20;

/// A share of all, in per cent.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Percent(f64);

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_suffix('%').unwrap_or(text);
        match number.trim().parse::<f64>() {
            Ok(share) if (0.0..=100.0).contains(&share) => Ok(Self(share)),
            _ => Err("it has to be from 0 to 100, as 5 or 2.5%".to_owned()),
        }
    }
}

/// How much may go wrong.
#[derive(Debug, Clone, Copy)]
pub struct FailureLimit {
    /// So many failures are too many.
    pub failures: usize,
    /// A greater share of all that ended is too much.
    pub rate: Option<Percent>,
}

impl FailureLimit {
    /// Which limit was reached, if one was.
    pub fn reached(self, failed: usize, ended: usize) -> Option<String> {
        if failed >= self.failures {
            return Some(format!("{failed} failures (--max-failures)"));
        }
        let Percent(rate) = self.rate?;
        let is_over = failed as f64 * 100.0 > rate * ended as f64;
        (ended >= FEWEST && is_over)
            .then(|| format!("{failed} failures of {ended} (--max-failure-rate {rate}%)"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_counts_once_there_are_enough() {
        let limit = FailureLimit {
            failures: 100,
            rate: Some("5%".parse().unwrap()),
        };
        assert_eq!(limit.reached(FEWEST - 1, FEWEST - 1), None);
        assert_eq!(limit.reached(1, 20), None);
        assert!(limit.reached(2, 20).unwrap().contains("2 failures of 20"));
        assert_eq!(limit.reached(5, 100), None);
        assert!(
            limit
                .reached(100, 10_000)
                .unwrap()
                .contains("--max-failures")
        );
    }

    #[test]
    fn without_a_rate_only_the_number_counts() {
        let limit = FailureLimit {
            failures: 3,
            rate: None,
        };
        assert_eq!(limit.reached(2, 2), None);
        assert!(limit.reached(3, 1000).is_some());
    }

    #[test]
    fn what_is_no_share_of_all_is_refused() {
        for text in ["", "%", "-1", "101", "a", "NaN"] {
            text.parse::<Percent>().unwrap_err();
        }
        assert_eq!("0.5%".parse::<Percent>(), "0.5".parse());
    }
}
