/// What a finding does to the verdict on its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// The object may be rewritten although it is in use: this is the proof.
    Proof,
    /// Worth knowing; nothing is held up.
    Warn,
    /// The object is in use.
    InUse,
    /// The object cannot be rewritten before something is done about it.
    Block,
    /// The object is left as it is.
    Keep,
}

impl Effect {
    /// As written in the documentation.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proof => "ready while in use",
            Self::Warn => "warning",
            Self::InUse => "in use",
            Self::Block => "blocked",
            Self::Keep => "kept",
        }
    }
}
