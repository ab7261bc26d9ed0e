//! Where tests have the node daemon killed: between any two steps of a mount, an
//! unmount and a release. In release builds there are none.

/// Kills this process when it comes to the step of this name.
pub const DIE_AT: &str = "FLEX2CSI_DIE_AT";

/// Stops this process (SIGSTOP) when it comes to the step of this name, where the
/// part knows how.
pub const PAUSE_AT: &str = "FLEX2CSI_PAUSE_AT";

macro_rules! steps {
    ($($(#[$doc:meta])* $name:ident = $text:literal),+ $(,)?) => {
        $($(#[$doc])* pub const $name: Step = Step($text);)+

        /// Every step, in the order of a mount, an unmount and what follows it.
        pub const STEPS: &[Step] = &[$($name),+];
    };
}

/// A step of the engine, right before or after something that lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step(&'static str);

impl Step {
    /// Its name, as `stage.before`.
    pub fn name(self) -> &'static str {
        self.0
    }

    /// Whether mounting comes to it; else unmounting does.
    pub fn is_of_mount(self) -> bool {
        !self.0.starts_with("un") && !self.0.starts_with("release") && !self.0.starts_with("detach")
    }
}

steps! {
    /// Nothing has happened yet.
    RECORD_BEFORE = "record.before",
    /// The mount is recorded.
    RECORD_AFTER = "record.after",
    /// Before the volume is attached, where it has to be.
    ATTACH_BEFORE = "attach.before",
    /// It is attached.
    ATTACH_AFTER = "attach.after",
    /// `vol_data.json` is written, under another name.
    STAGE_DATA_BEFORE = "stage-data.before",
    /// `vol_data.json` is there.
    STAGE_DATA_AFTER = "stage-data.after",
    /// Before NodeStageVolume.
    STAGE_BEFORE = "stage.before",
    /// After it.
    STAGE_AFTER = "stage.after",
    /// Before NodePublishVolume.
    PUBLISH_BEFORE = "publish.before",
    /// After it.
    PUBLISH_AFTER = "publish.after",
    /// Before files are given to the pod's group.
    OWNERSHIP_BEFORE = "ownership.before",
    /// After that; only the answer is missing.
    OWNERSHIP_AFTER = "ownership.after",
    /// Before NodeUnpublishVolume.
    UNPUBLISH_BEFORE = "unpublish.before",
    /// After it.
    UNPUBLISH_AFTER = "unpublish.after",
    /// The target is removed.
    UNPUBLISH_REMOVED = "unpublish.removed",
    /// Before it is recorded that the mount is gone, where others are left.
    UNRECORD_BEFORE = "unrecord.before",
    /// After that.
    UNRECORD_AFTER = "unrecord.after",
    /// Before NodeUnstageVolume.
    UNSTAGE_BEFORE = "unstage.before",
    /// After it.
    UNSTAGE_AFTER = "unstage.after",
    /// The staging directory and `vol_data.json` are removed.
    UNSTAGE_REMOVED = "unstage.removed",
    /// Before the volume is detached.
    DETACH_BEFORE = "detach.before",
    /// After that.
    DETACH_AFTER = "detach.after",
    /// Before the record is removed.
    RELEASE_BEFORE = "release.before",
    /// The record is gone; only the answer is missing.
    RELEASE_AFTER = "release.after",
}

/// Comes to a step.
pub fn at(step: Step) {
    named(step.0);
}

/// Comes to a step of another part, which lists its own.
#[cfg(debug_assertions)]
pub fn named(step: &str) {
    use std::sync::OnceLock;

    static ASKED: OnceLock<Option<String>> = OnceLock::new();
    let asked = ASKED.get_or_init(|| std::env::var(DIE_AT).ok());
    if asked.as_deref() == Some(step) {
        let itself = rustix::process::getpid();
        // As `kill -9` does it: nothing of ours runs any more.
        let _ = rustix::process::kill_process(itself, rustix::process::Signal::KILL);
    }
}

/// Comes to a step of another part, which lists its own.
#[cfg(not(debug_assertions))]
pub fn named(_: &str) {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_step_has_its_own_name() {
        let names: BTreeSet<&str> = STEPS.iter().map(|step| step.name()).collect();
        assert_eq!(names.len(), STEPS.len());
    }

    #[test]
    fn mounting_and_unmounting_have_steps_of_their_own() {
        let (mount, unmount): (Vec<&Step>, Vec<&Step>) =
            STEPS.iter().partition(|step| step.is_of_mount());
        assert_eq!(mount.first().map(|step| step.name()), Some("record.before"));
        assert_eq!(
            mount.last().map(|step| step.name()),
            Some("ownership.after")
        );
        assert_eq!(
            unmount.last().map(|step| step.name()),
            Some("release.after")
        );
    }
}
