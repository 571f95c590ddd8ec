//! Source classes as types: code that deletes raw bytes cannot be called with a sacred asset.

use std::marker::PhantomData;

use crate::ids::AssetId;

/// Whether the original bytes of a source may ever go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceClass {
    /// Never deleted, never written: archives.
    Sacred,
    /// Raw bytes may go after proof: capture spools.
    Reapable,
}

impl SourceClass {
    /// The number that the database holds.
    pub fn code(self) -> i64 {
        match self {
            Self::Sacred => 0,
            Self::Reapable => 1,
        }
    }

    /// Reads the number that the database holds.
    pub fn from_code(code: i64) -> Option<Self> {
        match code {
            0 => Some(Self::Sacred),
            1 => Some(Self::Reapable),
            _ => None,
        }
    }

    /// The word for people and programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sacred => "sacred",
            Self::Reapable => "reapable",
        }
    }
}

/// Marker type: an original that is never written and never deleted.
#[derive(Debug, Clone, Copy)]
pub enum Sacred {}

/// Marker type: an original whose raw bytes may go after proof.
#[derive(Debug, Clone, Copy)]
pub enum Reapable {}

/// An asset together with what may be done to its bytes. A function that deletes raw bytes takes `Original<Reapable>`, and
/// only [`Original::classify`] makes one:
///
/// ```compile_fail
/// use exhibit_model::source::{Original, Reapable, Sacred};
/// fn delete_raw(_: Original<Reapable>) {}
/// fn reap(original: Original<Sacred>) { delete_raw(original) }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Original<Class> {
    asset: AssetId,
    class: PhantomData<Class>,
}

/// An asset whose class is known only at run time.
#[derive(Debug, Clone, Copy)]
pub enum AnyOriginal {
    /// Its bytes stay for ever.
    Sacred(Original<Sacred>),
    /// Its bytes may go after proof.
    Reapable(Original<Reapable>),
}

impl<Class> Original<Class> {
    /// The asset.
    pub fn asset(&self) -> AssetId {
        self.asset
    }
}

impl Original<Sacred> {
    /// Decides by the classes of all sources that hold the bytes: one sacred source, or none at all, makes the asset sacred.
    pub fn classify(asset: AssetId, sources: &[SourceClass]) -> AnyOriginal {
        let reapable = !sources.is_empty() && sources.iter().all(|class| *class == SourceClass::Reapable);
        if reapable {
            AnyOriginal::Reapable(Original { asset, class: PhantomData })
        } else {
            AnyOriginal::Sacred(Original { asset, class: PhantomData })
        }
    }
}
