//! Every attack, by what it goes for.

mod calls;
mod content;
mod metadata;
mod names;
mod processes;
mod reading;
mod sockets;
mod writing;

use super::attack::Attack;

pub(super) use metadata::ATTRIBUTE;
pub(super) use sockets::short_path;

/// All of them, in the order in which they are tried.
pub fn all() -> impl Iterator<Item = &'static Attack> {
    [
        content::ATTACKS,
        names::ATTACKS,
        metadata::ATTACKS,
        reading::ATTACKS,
        writing::ATTACKS,
        sockets::ATTACKS,
        processes::ATTACKS,
        calls::ATTACKS,
    ]
    .into_iter()
    .flatten()
}

/// The attack of that name.
pub fn by_name(name: &str) -> Option<&'static Attack> {
    all().find(|attack| attack.name == name)
}
