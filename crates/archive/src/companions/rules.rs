//! Which names and facts make companions. Pure: no database, no file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::printable;
use crate::sql::companions::Member;

/// Endings of files that can have companions. Each is tried as here, in capitals, and with one capital.
const ENDINGS: [&str; 56] = [
    "jpg", "jpeg", "jpe", "heic", "heif", "hif", "avif", "png", "tif", "tiff", "webp", "gif", "bmp", "jxl", "jp2",
    "psd", "dng", "cr2", "cr3", "crw", "nef", "nrw", "arw", "sr2", "srf", "raf", "orf", "rw2", "pef", "srw", "3fr",
    "x3f", "mrw", "raw", "mov", "mp4", "m4v", "3gp", "mts", "m2ts", "avi", "mkv", "webm", "mpg", "mpeg", "wmv", "insv",
    "wav", "mp3", "m4a", "aac", "flac", "ogg", "aif", "aiff", "amr",
];
/// The ending of sidecars.
const SIDECAR: &str = "xmp";
/// Longest name of a family that is looked for, in bytes; no file system takes more.
const NAME_BYTES_MAX: usize = 255;

/// How two files belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// A camera wrote the same exposure twice: RAW, and a developed picture.
    RawPicture,
    /// A picture and the film around it.
    LivePhoto,
    /// An XMP sidecar, and what it describes.
    Sidecar,
}

/// How sure it is that two files belong together, surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// The files say so, or only one file fits the rule.
    Certain,
    /// Only the names say so.
    Probable,
    /// Several files fit alike; there is a warning, too.
    Ambiguous,
}

/// What says that two files belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Both state the same content identifier.
    ContentIdentifier,
    /// The same folder and name, another ending.
    SameName,
    /// The sidecar is called like the file, with `.xmp` behind (`a.jpg.xmp`).
    SidecarOfName,
    /// The sidecar states the ending of its file.
    SidecarForExtension,
    /// The sidecar is called like the file without its ending (`a.xmp`).
    SidecarOfStem,
}

impl Relation {
    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RawPicture => "raw-picture",
            Self::LivePhoto => "live-photo",
            Self::Sidecar => "sidecar",
        }
    }
}

impl Confidence {
    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Probable => "probable",
            Self::Ambiguous => "ambiguous",
        }
    }
}

impl Rule {
    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ContentIdentifier => "content-identifier",
            Self::SameName => "same-name",
            Self::SidecarOfName => "sidecar-of-name",
            Self::SidecarForExtension => "sidecar-for-extension",
            Self::SidecarOfStem => "sidecar-of-stem",
        }
    }
}

/// What a file is among its companions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Raw,
    Picture,
    Film,
    Sound,
    Sidecar,
    Other,
}

impl Role {
    /// The word for people and programs.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Picture => "picture",
            Self::Film => "film",
            Self::Sound => "sound",
            Self::Sidecar => "sidecar",
            Self::Other => "other",
        }
    }

    fn is_described(self) -> bool {
        matches!(self, Self::Raw | Self::Picture | Self::Film | Self::Sound)
    }
}

/// One of the family, as a companion of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) member: usize,
    pub(crate) relation: Relation,
    pub(crate) confidence: Confidence,
    pub(crate) rule: Rule,
}

/// The companions of one of a family.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Related {
    pub(crate) links: Vec<Link>,
    pub(crate) warnings: Vec<String>,
}

/// What a file is, by its bytes; a sidecar also by its name, because XML is told apart by its first lines only.
pub(crate) fn role(media_type: &str, path: &[u8]) -> Role {
    match media_type {
        "application/rdf+xml" => Role::Sidecar,
        "application/xml" | "text/plain" if Name::of(path).ending.eq_ignore_ascii_case(SIDECAR.as_bytes()) => {
            Role::Sidecar
        }
        "image/x-ms-bmp" => Role::Picture,
        // Every camera RAW is an `image/x-…`, and nothing else that is cataloged is.
        media_type if media_type.starts_with("image/x-") => Role::Raw,
        media_type if media_type.starts_with("image/") => Role::Picture,
        media_type if media_type.starts_with("video/") => Role::Film,
        media_type if media_type.starts_with("audio/") => Role::Sound,
        _ => Role::Other,
    }
}

/// Whether one is the picture and the other the film of a Live Photo, as far as their types go.
pub(crate) fn is_live_pair(one: &str, other: &str) -> bool {
    let still = |media_type: &str| matches!(media_type, "image/jpeg" | "image/heic" | "image/heif" | "image/avif");
    let film = |media_type: &str| matches!(media_type, "video/quicktime" | "video/mp4" | "video/x-m4v");
    still(one) && film(other) || film(one) && still(other)
}

/// A path in pieces: the folder with its stroke, the name without its ending, the ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Name<'a> {
    folder: &'a [u8],
    stem: &'a [u8],
    ending: &'a [u8],
}

impl<'a> Name<'a> {
    fn of(path: &'a [u8]) -> Self {
        let start = path.iter().rposition(|byte| *byte == b'/').map_or(0, |stroke| stroke + 1);
        let (folder, name) = path.split_at(start);
        // A name that begins with its only dot has no ending.
        match name.iter().rposition(|byte| *byte == b'.').filter(|dot| *dot > 0) {
            Some(dot) => Self { folder, stem: &name[..dot], ending: &name[dot + 1..] },
            None => Self { folder, stem: name, ending: &[] },
        }
    }

    fn has_known_ending(&self) -> bool {
        ENDINGS.iter().any(|known| self.ending.eq_ignore_ascii_case(known.as_bytes()))
    }
}

/// The path that a sidecar is named after: its own without `.xmp`.
fn described(path: &[u8]) -> &[u8] {
    &path[..path.len() - SIDECAR.len() - 1]
}

/// The stem that all of a family share; that of a sidecar `a.jpg.xmp` is `a`.
fn stem(path: &[u8]) -> (&[u8], &[u8]) {
    let name = Name::of(path);
    if name.ending.eq_ignore_ascii_case(SIDECAR.as_bytes()) {
        let inner = Name::of(described(path));
        if inner.has_known_ending() {
            return (inner.folder, inner.stem);
        }
    }
    (name.folder, name.stem)
}

/// Every path that a companion of this one could have by its name; `None` when this one cannot have any.
pub(crate) fn family_names(path: &[u8]) -> Option<Vec<Vec<u8>>> {
    let own = Name::of(path);
    let is_sidecar = own.ending.eq_ignore_ascii_case(SIDECAR.as_bytes());
    if !is_sidecar && !own.has_known_ending() {
        return None;
    }
    let (folder, stem) = stem(path);
    if stem.len() + 16 > NAME_BYTES_MAX {
        return None;
    }
    let spellings = |ending: &str| {
        let capital = ending[..1].to_ascii_uppercase() + &ending[1..];
        let mut all = vec![ending.to_owned(), ending.to_ascii_uppercase(), capital];
        all.dedup();
        all
    };
    let base = [folder, stem, b"."].concat();
    let mut names: Vec<Vec<u8>> = vec![path.to_vec()];
    for ending in ENDINGS.iter().flat_map(|ending| spellings(ending)) {
        let name = [&base, ending.as_bytes()].concat();
        for sidecar in [".xmp", ".XMP"] {
            names.push([&name, sidecar.as_bytes()].concat());
        }
        names.push(name);
    }
    names.extend(spellings(SIDECAR).iter().map(|ending| [&base, ending.as_bytes()].concat()));
    names.sort();
    names.dedup();
    Some(names)
}

/// The companions of `own` among a family: all present files of the names of [`family_names`].
pub(crate) fn relate(family: &[Member], own: usize) -> Related {
    let roles: Vec<Role> = family.iter().map(|member| role(&member.media_type, &member.path)).collect();
    let mut related = Related::default();
    for other in (0..family.len()).filter(|other| *other != own) {
        let mut link =
            |relation, confidence, rule| related.links.push(Link { member: other, relation, confidence, rule });
        match (roles[own], roles[other]) {
            (Role::Raw, Role::Picture) | (Role::Picture, Role::Raw) => {
                link(Relation::RawPicture, Confidence::Certain, Rule::SameName);
            }
            (Role::Picture, Role::Film) | (Role::Film, Role::Picture) => {
                let (one, two) = (&family[own], &family[other]);
                // Two that state identifiers are told by them alone.
                let stated = one.content_identifier.is_some() && two.content_identifier.is_some();
                if is_live_pair(&one.media_type, &two.media_type) && !stated {
                    link(Relation::LivePhoto, Confidence::Probable, Rule::SameName);
                }
            }
            _ => {}
        }
    }
    for sidecar in (0..family.len()).filter(|index| roles[*index] == Role::Sidecar) {
        let (targets, warning) = targets(family, &roles, sidecar);
        let concerned = sidecar == own || targets.iter().any(|target| target.member == own);
        related.warnings.extend(warning.filter(|_| concerned));
        for target in targets {
            if sidecar == own {
                related.links.push(target);
            } else if target.member == own {
                related.links.push(Link { member: sidecar, ..target });
            }
        }
    }
    let sure = |link: &&Link| link.relation == Relation::Sidecar && link.confidence == Confidence::Certain;
    if roles[own] != Role::Sidecar && related.links.iter().filter(sure).count() > 1 {
        let names: Vec<String> =
            related.links.iter().filter(sure).map(|link| printable(&family[link.member].path)).collect();
        related.warnings.push(format!("more than one sidecar: {}", names.join(", ")));
    }
    related
}

/// What a sidecar describes, and what people should know of it.
fn targets(family: &[Member], roles: &[Role], sidecar: usize) -> (Vec<Link>, Option<String>) {
    let link = |member, confidence, rule| Link { member, relation: Relation::Sidecar, confidence, rule };
    let media = || (0..family.len()).filter(|index| roles[*index].is_described());
    let path = &family[sidecar].path;
    let exact = |sidecar: &[u8], member: usize| described(sidecar) == family[member].path;
    if let Some(member) = media().find(|member| exact(path, *member)) {
        return (vec![link(member, Confidence::Certain, Rule::SidecarOfName)], None);
    }
    let own_stem = { Name::of(path).stem };
    let candidates: Vec<usize> = media().filter(|member| Name::of(&family[*member].path).stem == own_stem).collect();
    if let Some(wanted) = &family[sidecar].sidecar_for_extension {
        let wanted = wanted.trim_start_matches('.').as_bytes();
        let stated: Vec<usize> = candidates
            .iter()
            .copied()
            .filter(|member| Name::of(&family[*member].path).ending.eq_ignore_ascii_case(wanted))
            .collect();
        if !stated.is_empty() {
            let links = stated.into_iter().map(|member| link(member, Confidence::Certain, Rule::SidecarForExtension));
            return (links.collect(), None);
        }
    }
    // A file that has a sidecar of its own name does not need another one.
    let has_own = |member: usize| {
        (0..family.len()).any(|other| roles[other] == Role::Sidecar && exact(&family[other].path, member))
    };
    let without: Vec<usize> = candidates.iter().copied().filter(|member| !has_own(*member)).collect();
    let chosen = if without.is_empty() { candidates } else { without };
    match chosen.as_slice() {
        [] => (Vec::new(), Some(format!("nothing beside the sidecar {} is what it describes", printable(path)))),
        [member] => (vec![link(*member, Confidence::Certain, Rule::SidecarOfStem)], None),
        several => {
            let names: Vec<String> = several.iter().map(|member| printable(&family[*member].path)).collect();
            let warning = format!("the sidecar {} may belong to any of {}", printable(path), names.join(", "));
            let links = several.iter().map(|member| link(*member, Confidence::Ambiguous, Rule::SidecarOfStem));
            (links.collect(), Some(warning))
        }
    }
}
