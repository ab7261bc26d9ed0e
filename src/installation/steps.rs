//! The steps between which a daemon may die.

/// The steps of an installation, in their order. Not all are in each.
pub const STEPS: [&str; 12] = [
    "install.before",
    "install.staged",
    "install.recorded",
    "install.linked",
    "install.answer.removed",
    "install.kept",
    "install.placed",
    "install.directory.made",
    "install.directory.built",
    "install.directory.placed",
    "uninstall.before",
    "uninstall.withdrawn",
];

/// A daemon that is to die here dies here.
pub(super) fn reached(step: &'static str) {
    debug_assert!(STEPS.contains(&step), "{step}");
    crate::fault_points::named(step);
    #[cfg(test)]
    tests::die_at(step);
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    thread_local! {
        static DIES_AT: Cell<Option<&'static str>> = const { Cell::new(None) };
    }

    pub(super) fn die_at(step: &'static str) {
        if DIES_AT.get() == Some(step) {
            DIES_AT.set(None);
            resume_unwind(Box::new(step));
        }
    }

    /// Does a thing and dies at a step of it: nothing is cleaned up. Nothing
    /// comes back where it died.
    pub fn dying_at<T>(step: &'static str, act: impl FnOnce() -> T) -> Option<T> {
        DIES_AT.set(Some(step));
        let done = catch_unwind(AssertUnwindSafe(act));
        DIES_AT.set(None);
        match done {
            Ok(done) => Some(done),
            Err(cause) if cause.downcast_ref() == Some(&step) => None,
            Err(cause) => resume_unwind(cause),
        }
    }
}
