//! What of an object is opened while it is checked, so that no byte of it is
//! read twice.

/// The objects and lists to open: those that stand under these names, and what
/// of them. A list is opened as each of its items would be.
#[derive(Debug)]
pub struct Shape {
    members: &'static [(&'static str, Option<&'static Shape>)],
    others: Option<&'static Shape>,
}

impl Shape {
    /// The value itself, and nothing in it.
    pub const FLAT: Self = Self::of(&[]);

    /// The value itself, and what stands under these names.
    pub const fn of(members: &'static [(&'static str, Option<&'static Self>)]) -> Self {
        Self {
            members,
            others: None,
        }
    }

    /// The same, and whatever else stands beside them.
    pub const fn and_others(mut self, others: &'static Self) -> Self {
        self.others = Some(others);
        self
    }

    /// What is opened of an object or list under this name; `None` if not even
    /// itself.
    pub(super) fn member(&self, name: &str) -> Option<&'static Self> {
        let mut members = self.members.iter();
        match members.find(|(known, _)| *known == name) {
            Some((_, shape)) => *shape,
            None => self.others,
        }
    }
}
