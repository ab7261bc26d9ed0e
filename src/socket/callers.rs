//! Who may call.

use std::fmt;

use crate::user_namespace;

/// Root, and the user that serves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Callers {
    own: u32,
    /// As whom root appears in a user namespace that does not have it. Others who
    /// appear so are kept out by the mode of the socket.
    outer_root: Option<u32>,
}

const ROOT: u32 = 0;

impl Callers {
    pub(super) fn of_this_process() -> Self {
        let is_inner = user_namespace::is_initial().is_ok_and(|initial| !initial);
        Self {
            own: rustix::process::geteuid().as_raw(),
            outer_root: is_inner
                .then(user_namespace::overflow_user)
                .and_then(Result::ok),
        }
    }

    pub(super) fn admit(self, user: u32) -> bool {
        user == ROOT || user == self.own || self.outer_root == Some(user)
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
        let of = |own, outer_root| Callers { own, outer_root };
        let callers = of(1000, None);
        assert!(callers.admit(0) && callers.admit(1000));
        assert!(!callers.admit(1001) && !callers.admit(65534));
        assert_eq!(callers.to_string(), "root and user 1000");
        let callers = of(0, None);
        assert!(callers.admit(0) && !callers.admit(1000));
        assert_eq!(callers.to_string(), "root");
        let callers = of(0, Some(65534));
        assert!(callers.admit(65534) && !callers.admit(1000));
    }
}
