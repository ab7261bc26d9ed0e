//! Which calls are to meet which fault.

use http::Method;

use super::Fault;

/// Calls that are to meet a fault.
#[derive(Debug, Clone)]
pub struct Rule {
    method: Method,
    path: String,
    fault: Fault,
    passed: usize,
    times: usize,
}

impl Rule {
    /// The next call of this method to a path with this part, as
    /// `persistentvolumes/a`, meets the fault.
    #[must_use]
    pub fn next(method: Method, path: &str, fault: Fault) -> Self {
        Self {
            method,
            path: path.to_owned(),
            fault,
            passed: 0,
            times: 1,
        }
    }

    /// So many calls meet it.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// So many calls pass before.
    #[must_use]
    pub fn after(mut self, passed: usize) -> Self {
        self.passed = passed;
        self
    }

    /// What the rule has for a call, which is then one fewer.
    pub(super) fn takes(&mut self, method: &Method, path: &str) -> Option<Fault> {
        if self.method != *method || !path.contains(&self.path) || self.times == 0 {
            return None;
        }
        if self.passed > 0 {
            self.passed -= 1;
            return None;
        }
        self.times -= 1;
        Some(self.fault)
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::{Fault, Rule};

    #[test]
    fn a_rule_is_used_up() {
        let mut rule = Rule::next(Method::PATCH, "persistentvolumes/a", Fault::Conflict).after(1);
        let path = "/api/v1/persistentvolumes/a?fieldManager=flex2csi";
        assert_eq!(rule.takes(&Method::PATCH, path), None);
        assert_eq!(rule.takes(&Method::DELETE, path), None);
        assert_eq!(
            rule.takes(&Method::PATCH, "/api/v1/persistentvolumes/b"),
            None
        );
        assert_eq!(rule.takes(&Method::PATCH, path), Some(Fault::Conflict));
        assert_eq!(rule.takes(&Method::PATCH, path), None);
    }
}
