//! What is logged, as a directive: `info,flex2csi::endpoint=debug`.

use std::fmt;
use std::str::FromStr;

use tracing_subscriber::EnvFilter;

/// The longest directive, in bytes.
const LONGEST: usize = 1024;
/// What may stand without a target.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// How much is logged: a level for all, and levels for targets, in the syntax
/// of tracing's `EnvFilter`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level(String);

/// Why a text is no level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LevelError {
    /// More text than any level needs.
    #[error("longer than {LONGEST} bytes")]
    TooLong,
    /// Nothing at all.
    #[error("empty; expected a level as `info` or `info,flex2csi::endpoint=debug`")]
    Empty,
    /// A word alone that is no level: `EnvFilter` would take it for a target,
    /// and log nothing else.
    #[error(
        "{word:?} is no level; expected off, error, warn, info, debug or trace, or `target=level`"
    )]
    Word {
        /// As written.
        word: String,
    },
    /// Not the syntax.
    #[error("{directive:?} is no directive; expected `target=level`")]
    Directive {
        /// As written.
        directive: String,
    },
}

impl Level {
    /// As it was written, without spaces.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn filter(&self) -> EnvFilter {
        // Each part was tried when the text became a level.
        builder().parse_lossy(&self.0)
    }
}

impl Default for Level {
    fn default() -> Self {
        Self("info".to_owned())
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Level {
    type Err = LevelError;

    fn from_str(text: &str) -> Result<Self, LevelError> {
        if text.len() > LONGEST {
            return Err(LevelError::TooLong);
        }
        if text.trim().is_empty() {
            return Err(LevelError::Empty);
        }
        let directives: Vec<&str> = text.split(',').map(str::trim).collect();
        for directive in &directives {
            let is_level = LEVELS.iter().any(|l| directive.eq_ignore_ascii_case(l));
            if !is_level && !directive.contains(['=', '[']) {
                let word = (*directive).to_owned();
                return Err(LevelError::Word { word });
            }
            if builder().parse(directive).is_err() {
                let directive = (*directive).to_owned();
                return Err(LevelError::Directive { directive });
            }
        }
        Ok(Self(directives.join(",")))
    }
}

/// Fields are compared as text: a pattern could be made to cost a lot.
fn builder() -> tracing_subscriber::filter::Builder {
    EnvFilter::builder().with_regex(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_directives_are_taken() {
        for text in [
            "info",
            " WARN\n",
            "info,flex2csi::endpoint=debug",
            "off, flex2csi[call]=trace",
            "warn,flex2csi[call{driver=a}]=trace",
        ] {
            let level: Level = text.parse().unwrap();
            assert_eq!(level.as_str(), text.replace(char::is_whitespace, ""));
            assert_eq!(level.as_str().parse(), Ok(level.clone()));
        }
    }

    #[test]
    fn anything_else_is_refused_with_what_was_expected() {
        for (text, message) in [
            (
                "",
                "empty; expected a level as `info` or `info,flex2csi::endpoint=debug`",
            ),
            (
                "inof",
                "\"inof\" is no level; expected off, error, warn, info, debug or trace, or `target=level`",
            ),
            (
                "info,",
                "\"\" is no level; expected off, error, warn, info, debug or trace, or `target=level`",
            ),
            (
                "info,flex2csi=loud",
                "\"flex2csi=loud\" is no directive; expected `target=level`",
            ),
            (&"x".repeat(2000), "longer than 1024 bytes"),
        ] {
            let error = text.parse::<Level>().unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }
}
