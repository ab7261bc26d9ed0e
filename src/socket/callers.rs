//! Who may call.

use std::fmt;

/// Root, and the user that serves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Callers {
    own: u32,
}

const ROOT: u32 = 0;

impl Callers {
    pub(super) fn of_this_process() -> Self {
        Self {
            own: rustix::process::geteuid().as_raw(),
        }
    }

    pub(super) fn admit(self, user: u32) -> bool {
        user == ROOT || user == self.own
    }
}

impl fmt::Display for Callers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.own {
            ROOT => f.write_str("root"),
            own => write!(f, "root and user {own}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_and_the_own_user_are_admitted() {
        let callers = Callers { own: 1000 };
        assert!(callers.admit(0) && callers.admit(1000));
        assert!(!callers.admit(1001) && !callers.admit(65534));
        assert_eq!(callers.to_string(), "root and user 1000");
        let callers = Callers { own: 0 };
        assert!(callers.admit(0) && !callers.admit(1000));
        assert_eq!(callers.to_string(), "root");
    }
}
