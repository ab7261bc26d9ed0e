//! What a plan and a rewrite have to be allowed, and whether they are.

mod need;
mod review;
mod tables;

use std::borrow::Cow;

pub use need::{Need, Places, of_fence, of_pins, of_restart, of_rewrite, of_secrets, of_watching};
pub use review::{may_get_secret, missing, missing_of};
pub use tables::{DRY_RUN, FENCE, Manifest, PINS, PLAN, RESTART, REWRITE, SECRETS};

/// A right: verb, API group, resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    /// Empty for what is in none, or for all of them.
    namespace: Cow<'static, str>,
    verb: &'static str,
    group: &'static str,
    resource: &'static str,
    subresource: &'static str,
    /// The one object that it is for; empty for all of them.
    name: Cow<'static, str>,
}

impl Right {
    /// The same in one namespace.
    fn at(&self, namespace: &str) -> Self {
        Self {
            namespace: Cow::Owned(namespace.to_owned()),
            ..self.clone()
        }
    }

    /// The same for one object of a namespace.
    fn of_one(&self, namespace: &str, name: &str) -> Self {
        Self {
            name: Cow::Owned(name.to_owned()),
            ..self.at(namespace)
        }
    }
}

impl std::fmt::Display for Right {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.subresource.is_empty() {
            write!(f, "/{}", self.subresource)?;
        }
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        if !self.name.is_empty() {
            write!(f, " {}", self.name)?;
        }
        match &*self.namespace {
            "" => Ok(()),
            namespace => write!(f, " in namespace {namespace}"),
        }
    }
}
