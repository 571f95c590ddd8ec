//! The pipelines that come with the program.

/// Name and text of each.
pub const SHIPPED: &[(&str, &str)] = &[
    ("basics", include_str!("../../../pipelines/basics.toml")),
    ("similar", include_str!("../../../pipelines/similar.toml")),
    ("noop", include_str!("../../../pipelines/noop.toml")),
];

/// The text of the shipped pipeline of that name.
pub fn shipped(name: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
