//! What kubelet made of a driver.

/// What kubelet made of a driver.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum State {
    /// Kubelet has not said yet.
    #[default]
    Unknown,
    /// Kubelet calls the driver.
    Registered,
    /// Kubelet does not; it tries again by itself.
    Refused(String),
}

impl State {
    /// Whether kubelet calls the driver.
    #[must_use]
    pub fn is_registered(&self) -> bool {
        *self == Self::Registered
    }
}
