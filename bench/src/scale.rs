//! How much is measured: as much as the goals are about, or just enough to see that a measurement works.

/// The size of the data of all measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// What the goals are about.
    Full,
    /// A trial: its figures say nothing.
    Small,
}

impl Scale {
    /// One of two counts.
    pub fn of<T>(self, full: T, small: T) -> T {
        match self {
            Self::Full => full,
            Self::Small => small,
        }
    }
}
