//! The film inside a still: what the file says, and whether a film is there.

use super::payload::{MediaMetadata, MotionForm, MotionPhoto, Warning};
use super::source::{Damage, Source, optional};

/// Entries in the trailer of Samsung; phones write fewer than 20.
const TRAILER_ENTRIES_MAX: u32 = 256;
/// Number of the entry that holds the film.
const SAMSUNG_FILM: u16 = 0x0A30;

/// What XMP says of a film.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MotionClaim {
    /// `Container:Directory`: where the film begins, counted from the end of the file, and its length.
    Directory {
        /// Bytes from its first byte to the end of the file.
        from_end: u64,
        /// Its length in bytes.
        length: u64,
        /// Time of the still within it, in microseconds.
        still_at_us: Option<u64>,
    },
    /// `GCamera:MicroVideoOffset`.
    MicroVideo {
        /// Bytes from its first byte to the end of the file.
        from_end: u64,
        /// Time of the still within it, in microseconds.
        still_at_us: Option<u64>,
    },
}

/// Looks for the film of a still: where XMP says, where a box of a HEIF file (`film_box`) lies, in the trailer of Samsung.
/// A film that is claimed and is not there leaves a warning: programs that edit a still often drop it.
pub(crate) fn read_film(
    source: Source<'_>,
    claim: Option<MotionClaim>,
    film_box: Option<(u64, u64)>,
    facts: &mut MediaMetadata,
) -> Result<(), Damage> {
    let from_claim = claim.and_then(|claim| place_of(claim, source.len()));
    let from_box = film_box.map(|(offset_bytes, length_bytes)| MotionPhoto {
        form: MotionForm::MotionPhotoBox,
        offset_bytes,
        length_bytes,
        still_at_us: from_claim.and_then(|film| film.still_at_us),
    });
    for film in [from_box, from_claim].into_iter().flatten() {
        if is_film(source, film)? {
            facts.motion_photo = Some(film);
            return Ok(());
        }
    }
    if let Some(film) = samsung_trailer(source)? {
        let still_at_us = from_claim.and_then(|film| film.still_at_us);
        facts.motion_photo = Some(MotionPhoto { still_at_us, ..film });
    } else if claim.is_some() || film_box.is_some() {
        facts.warnings.insert(Warning::MotionVideoMissing);
    }
    Ok(())
}

fn place_of(claim: MotionClaim, file_bytes: u64) -> Option<MotionPhoto> {
    let (form, from_end, length_bytes, still_at_us) = match claim {
        MotionClaim::Directory { from_end, length, still_at_us } => {
            (MotionForm::ContainerDirectory, from_end, length, still_at_us)
        }
        MotionClaim::MicroVideo { from_end, still_at_us } => (MotionForm::MicroVideo, from_end, from_end, still_at_us),
    };
    let offset_bytes = file_bytes.checked_sub(from_end)?;
    Some(MotionPhoto { form, offset_bytes, length_bytes, still_at_us })
}

/// Whether a film lies there: it is in the file and begins with the box that names its type.
fn is_film(source: Source<'_>, film: MotionPhoto) -> Result<bool, Damage> {
    let inside = film.offset_bytes.checked_add(film.length_bytes).is_some_and(|end| end <= source.len());
    if !inside || film.length_bytes < 16 {
        return Ok(false);
    }
    Ok(optional(source.array::<8>(film.offset_bytes))?.is_some_and(|head| head[4..] == *b"ftyp"))
}

/// The trailer of Samsung: at the end of the file `SEFT` after the length of a directory, the directory (`SEFH`) before
/// it, and its entries before that, each counted back from the start of the directory.
fn samsung_trailer(source: Source<'_>) -> Result<Option<MotionPhoto>, Damage> {
    let Some(at) = source.len().checked_sub(8) else { return Ok(None) };
    let [l0, l1, l2, l3, mark @ ..] = source.array::<8>(at)?;
    if mark != *b"SEFT" {
        return Ok(None);
    }
    let Some(directory) = at.checked_sub(u64::from(u32::from_le_bytes([l0, l1, l2, l3]))) else { return Ok(None) };
    let Some([s, e, f, h, _, _, _, _, c0, c1, c2, c3]) = optional(source.array::<12>(directory))? else {
        return Ok(None);
    };
    if [s, e, f, h] != *b"SEFH" {
        return Ok(None);
    }
    let entries = u32::from_le_bytes([c0, c1, c2, c3]).min(TRAILER_ENTRIES_MAX);
    for index in 0..u64::from(entries) {
        let Some(entry) = optional(source.array::<12>(directory + 12 + index * 12))? else { return Ok(None) };
        let number = |from: usize| u32::from_le_bytes([entry[from], entry[from + 1], entry[from + 2], entry[from + 3]]);
        if u16::from_le_bytes([entry[2], entry[3]]) != SAMSUNG_FILM {
            continue;
        }
        let (back, bytes) = (u64::from(number(4)), u64::from(number(8)));
        let Some(block) = directory.checked_sub(back) else { continue };
        // Two zero bytes, the number again, the length of a name, the name, then the film.
        let Some([.., n0, n1, n2, n3]) = optional(source.array::<8>(block))? else { continue };
        let head = 8 + u64::from(u32::from_le_bytes([n0, n1, n2, n3]));
        let Some(length_bytes) = bytes.checked_sub(head) else { continue };
        let offset_bytes = block + head;
        let film = MotionPhoto { form: MotionForm::SamsungTrailer, offset_bytes, length_bytes, still_at_us: None };
        if is_film(source, film)? {
            return Ok(Some(film));
        }
    }
    Ok(None)
}
