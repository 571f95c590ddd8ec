//! Files that belong together: a RAW with its JPEG, a photo with its sidecar, a still with the film around it, a photo with a film inside.

use super::chance::Chance;
use super::exif;
use super::film;
use super::heif::Codec;
use super::made::{Batch, Made};
use super::photo::Photo;
use super::tool::Workplace;
use super::truth::{Companion, EmbeddedTruth, PathTruth, Relation};
use super::{SampleError, encode};

/// When in its film a motion photo was taken, in microseconds.
const PRESENTED_AT_US: u32 = 500_000;
/// The name in front of XMP in a JPEG.
const XMP_NAME: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// A RAW file and the JPEG that the camera wrote of the same exposure.
pub(super) fn raw_and_jpeg(photo: &Photo, raw: Made) -> Result<Batch, SampleError> {
    let jpeg = photo.jpeg(encode::jpeg)?;
    Ok(tied(Relation::RawJpeg, None, vec![raw, jpeg]))
}

/// A photo and what somebody wrote about it: in `name.JPG.xmp`, and by the other rule of naming in `name.xmp`, too.
pub(super) fn sidecar(photo: &Photo, both: bool) -> Result<Batch, SampleError> {
    let mut made = vec![photo.jpeg(encode::jpeg)?];
    let stem = &photo.stem;
    let names = [format!("{stem}.{}.xmp", photo.ending), format!("{stem}.xmp")];
    for (index, name) in names.into_iter().take(if both { 2 } else { 1 }).enumerate() {
        let rating = 3 + index;
        let about = format!(
            "xmp:Rating='{rating}' photoshop:SidecarForExtension='{}' photoshop:DateCreated='{}'",
            photo.ending.to_uppercase(),
            photo.taken
        );
        let text =
            packet(&about, "<dc:subject><rdf:Bag><rdf:li>lake</rdf:li><rdf:li>family</rdf:li></rdf:Bag></dc:subject>");
        let file = Made::new(name, text.into_bytes(), "application/rdf+xml", photo.mtime_us + 3_600_000_000);
        made.push(Made { note: Some("a sidecar"), ..file });
    }
    Ok(tied(Relation::Sidecar, None, made))
}

/// A still and the film around it, as Apple's phones write them: one identifier in the note of the maker and in the film's keys.
pub(super) fn live_photo(mut photo: Photo, is_heic: bool, workplace: &Workplace) -> Result<Batch, SampleError> {
    let id = identifier(photo.seed, photo.index);
    photo.facts.content_id = Some(id.clone());
    let still = if is_heic { photo.heif(Codec::Hevc, workplace)? } else { photo.jpeg(encode::jpeg)? };
    let offset = photo.facts.offset.clone().unwrap_or_default();
    let taken = format!("{}{offset}", photo.taken);
    let keys = [
        ("com.apple.quicktime.content.identifier", id.clone()),
        // Apple writes the offset without a colon.
        ("com.apple.quicktime.creationdate", format!("{}{}", photo.taken, offset.replace(':', ""))),
        ("com.apple.quicktime.make", photo.facts.make.to_owned()),
        ("com.apple.quicktime.model", photo.facts.model.to_owned()),
    ];
    let film = film::short(photo.seed, photo.index, &photo.taken, true).with_keys(&keys, taken);
    let film = film.make(format!("{}.MOV", photo.stem), photo.mtime_us, workplace)?;
    Ok(tied(Relation::LivePhoto, Some(id), vec![still, film]))
}

/// A JPEG with a film behind its end, in one of two dialects: the directory of Google's motion photos, or the older offset from the end.
pub(super) fn motion_photo(photo: &Photo, is_micro_video: bool, workplace: &Workplace) -> Result<Batch, SampleError> {
    let film = film::short(photo.seed, photo.index, &photo.taken, false);
    let film = film.make(String::new(), photo.mtime_us, workplace)?.bytes;
    let length = film.len();
    let xmp = if is_micro_video {
        let about = format!(
            "GCamera:MicroVideo='1' GCamera:MicroVideoVersion='1' GCamera:MicroVideoOffset='{length}' \
             GCamera:MicroVideoPresentationTimestampUs='{PRESENTED_AT_US}'"
        );
        packet(&about, "")
    } else {
        let about = format!(
            "GCamera:MotionPhoto='1' GCamera:MotionPhotoVersion='1' \
             GCamera:MotionPhotoPresentationTimestampUs='{PRESENTED_AT_US}'"
        );
        let item = |mime: &str, semantic: &str, length: usize| {
            format!(
                "<rdf:li rdf:parseType='Resource'><Container:Item Item:Mime='{mime}' Item:Semantic='{semantic}' \
                 Item:Length='{length}' Item:Padding='0'/></rdf:li>"
            )
        };
        let items = [item("image/jpeg", "Primary", 0), item("video/mp4", "MotionPhoto", length)].concat();
        packet(&about, &format!("<Container:Directory><rdf:Seq>{items}</rdf:Seq></Container:Directory>"))
    };
    let segment = exif::app1(&[XMP_NAME, xmp.as_bytes()].concat());
    let mut made = photo.jpeg(|canvas| Ok(exif::insert(&encode::jpeg(canvas)?, &segment)))?;
    made.embedded = Some(EmbeddedTruth {
        media_type: "video/mp4".to_owned(),
        offset: made.bytes.len() as u64,
        size_bytes: length as u64,
    });
    made.bytes.extend(film);
    Ok(made.into())
}

fn tied(relation: Relation, id: Option<String>, made: Vec<Made>) -> Batch {
    let paths = made.iter().map(|file| PathTruth::new(&file.path)).collect();
    Batch { made, companions: vec![Companion { relation, id, paths }], ..Batch::default() }
}

/// A random UUID (RFC 9562, version 4) of this photo.
fn identifier(seed: u64, index: u32) -> String {
    let mut bytes = Chance::new(seed, "identifier", u64::from(index)).bytes(16);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::new();
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02X}"));
    }
    text
}

/// An XMP packet: attributes of the description, and elements in it.
fn packet(attributes: &str, elements: &str) -> String {
    format!(
        "<?xpacket begin='\u{feff}' id='W5M0MpCehiHzreSzNTczkc9d'?>\n\
         <x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\n\
         <rdf:Description rdf:about='' xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmlns:dc='http://purl.org/dc/elements/1.1/' \
         xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/' xmlns:GCamera='http://ns.google.com/photos/1.0/camera/' \
         xmlns:Container='http://ns.google.com/photos/1.0/container/' \
         xmlns:Item='http://ns.google.com/photos/1.0/container/item/' {attributes}>{elements}</rdf:Description>\n\
         </rdf:RDF></x:xmpmeta>\n<?xpacket end='w'?>\n"
    )
}
