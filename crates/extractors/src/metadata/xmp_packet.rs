//! Reads an XMP packet (ISO 16684-1), which is RDF in XML, into a flat list of names and values.
//!
//! The XML is read as a stream: nothing is built from it but the list, a document type is refused, entities of its own are
//! never replaced, and depth, elements, names and values have limits.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::payload::TEXT_BYTES_MAX;

/// Longest packet that is read, in bytes; a picture with a long history of edits has about 100 KiB. Depth maps, which some
/// phones put into a second packet, are longer and no facts.
pub(crate) const PACKET_BYTES_MAX: usize = 1 << 20;
/// Deepest element; the deepest structures of the standards need about 12.
const DEPTH_MAX: usize = 32;
/// Elements of one packet; a long history of edits has about 2,000.
const ELEMENTS_MAX: u32 = 50_000;
/// Attributes of one packet, names of name spaces among them.
const ATTRIBUTES_MAX: u32 = 50_000;
/// Names of name spaces that are known at one place; Adobe's programs declare about 20.
const SPACES_MAX: usize = 128;
/// Values that are kept.
const LEAVES_MAX: usize = 4096;
/// Longest place of a value, in bytes; deeper structures than any that is asked for.
const PLACE_BYTES_MAX: usize = 256;

const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// Name spaces whose prefix is ours whatever the file calls them; others keep the prefix of the file.
const SPACES: &[(&str, &str)] = &[
    (RDF, "rdf"),
    (XML, "xml"),
    ("adobe:ns:meta/", "x"),
    ("http://purl.org/dc/elements/1.1/", "dc"),
    ("http://ns.adobe.com/xap/1.0/", "xmp"),
    ("http://ns.adobe.com/xap/1.0/mm/", "xmpMM"),
    ("http://ns.adobe.com/xap/1.0/rights/", "xmpRights"),
    ("http://ns.adobe.com/xmp/note/", "xmpNote"),
    ("http://ns.adobe.com/exif/1.0/", "exif"),
    ("http://cipa.jp/exif/1.0/", "exifEX"),
    ("http://ns.adobe.com/exif/1.0/aux/", "aux"),
    ("http://ns.adobe.com/tiff/1.0/", "tiff"),
    ("http://ns.adobe.com/photoshop/1.0/", "photoshop"),
    ("http://ns.adobe.com/lightroom/1.0/", "lr"),
    ("http://www.digikam.org/ns/1.0/", "digiKam"),
    ("http://ns.google.com/photos/1.0/camera/", "GCamera"),
    ("http://ns.google.com/photos/1.0/container/", "Container"),
    ("http://ns.google.com/photos/1.0/container/item/", "Item"),
];

/// One value of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leaf {
    /// Where it is: names with their prefix, parted by `/`; the place in a list, from 1, in brackets (`dc:subject[2]`).
    pub(crate) place: String,
    /// Its text, at most a little more than a payload keeps.
    pub(crate) value: String,
    /// Its language, for a text in several.
    pub(crate) language: Option<String>,
}

/// Why reading ended before the end of the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It is no XML, or has a document type.
    Damaged,
    /// More of something than is read.
    TooMuch,
}

/// Reads a packet; gives the values, and why it was left early if it was. UTF-8 and UTF-16 are read.
pub(crate) fn read_packet(bytes: &[u8]) -> (Vec<Leaf>, Option<Stop>) {
    if bytes.len() > PACKET_BYTES_MAX {
        return (Vec::new(), Some(Stop::TooMuch));
    }
    let text = decode(bytes);
    let mut packet = Packet::default();
    let stop = packet.read(&text).err();
    (packet.leaves, stop)
}

/// The text of a packet. Zero bytes after it are the padding of a writer that took it for blanks.
fn decode(bytes: &[u8]) -> String {
    let utf16 = |unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect::<String>()
    };
    let text = match bytes {
        [0xFE, 0xFF, ..] | [0, b'<', ..] => utf16(u16::from_be_bytes),
        [0xFF, 0xFE, ..] | [b'<', 0, ..] => utf16(u16::from_le_bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    };
    text.trim_start_matches('\u{feff}').trim_end_matches('\0').to_owned()
}

/// An element that is open.
#[derive(Debug, Default)]
struct Open {
    /// Length of the place before this element.
    place_before: usize,
    /// Name spaces known before this element.
    spaces_before: usize,
    /// Items of the list that it holds.
    items: u32,
    /// Text directly in it.
    text: String,
    /// Whether something inside it, or an attribute of it, has a value.
    has_parts: bool,
    /// Whether it stands for a value: a property, an item or a field.
    is_place: bool,
    language: Option<String>,
}

/// A packet while it is read.
#[derive(Debug, Default)]
struct Packet {
    leaves: Vec<Leaf>,
    open: Vec<Open>,
    /// Prefix and name of the name spaces that are known here.
    spaces: Vec<(String, String)>,
    place: String,
    elements: u32,
    attributes: u32,
    /// Open elements from the one called `RDF`; 0 outside of it.
    inside: usize,
}

impl Packet {
    fn read(&mut self, text: &str) -> Result<(), Stop> {
        let mut reader = Reader::from_str(text);
        reader.config_mut().allow_dangling_amp = true;
        loop {
            match reader.read_event().map_err(|_| Stop::Damaged)? {
                Event::Start(start) => self.start(&start)?,
                Event::Empty(start) => {
                    self.start(&start)?;
                    self.end()?;
                }
                Event::End(_) => self.end()?,
                Event::Text(text) => self.text(&text.xml10_content()),
                Event::CData(text) => self.text(&text.xml10_content()),
                Event::GeneralRef(reference) => {
                    let letter = match &*reference.xml10_content() {
                        "lt" => Some('<'),
                        "gt" => Some('>'),
                        "amp" => Some('&'),
                        "apos" => Some('\''),
                        "quot" => Some('"'),
                        // Entities of the document itself are not replaced.
                        _ => reference.resolve_char_ref().ok().flatten(),
                    };
                    self.text(letter.unwrap_or(char::REPLACEMENT_CHARACTER).encode_utf8(&mut [0; 4]));
                }
                Event::DocType(_) => return Err(Stop::Damaged),
                Event::Eof if self.open.is_empty() => return Ok(()),
                Event::Eof => return Err(Stop::Damaged),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            }
        }
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), Stop> {
        self.elements += 1;
        if self.elements > ELEMENTS_MAX || self.open.len() >= DEPTH_MAX {
            return Err(Stop::TooMuch);
        }
        let mut open = Open { place_before: self.place.len(), spaces_before: self.spaces.len(), ..Open::default() };
        let attributes = self.attributes(start)?;
        let name = self.name(start.name().into_inner());
        match name.as_str() {
            "rdf:RDF" if self.inside == 0 => self.inside = self.open.len() + 1,
            // What stands between a property and its values has no place of its own.
            "rdf:RDF" | "rdf:Description" | "rdf:Bag" | "rdf:Seq" | "rdf:Alt" | "rdf:value" => {}
            _ if self.inside == 0 => {}
            "rdf:li" => {
                open.is_place = true;
                // The list itself has no place: its items count on the property that holds it.
                let list = self.open.iter_mut().rev().find(|open| open.is_place);
                let item = list.map_or(1, |property| {
                    property.has_parts = true;
                    property.items += 1;
                    property.items
                });
                self.place.push_str(&format!("[{item}]"));
            }
            _ => {
                open.is_place = true;
                if let Some(property) = self.open.iter_mut().rev().find(|open| open.is_place) {
                    property.has_parts = true;
                }
                if !self.place.is_empty() {
                    self.place.push('/');
                }
                self.place.push_str(&name);
            }
        }
        if self.place.len() > PLACE_BYTES_MAX {
            return Err(Stop::TooMuch);
        }
        self.open.push(open);
        self.take_attributes(attributes)
    }

    /// Attributes with their names as written; the names of name spaces come into force.
    fn attributes(&mut self, start: &BytesStart<'_>) -> Result<Vec<(String, String)>, Stop> {
        let mut found = Vec::new();
        // Without the check for doubles, which takes the square of their number.
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|_| Stop::Damaged)?;
            self.attributes += 1;
            if self.attributes > ATTRIBUTES_MAX {
                return Err(Stop::TooMuch);
            }
            // A reference to an entity of the document itself is left as it is written.
            let raw = &attribute.value;
            let value = quick_xml::escape::unescape(raw).map_or_else(|_| raw.to_string(), |text| text.into_owned());
            let key = attribute.key.into_inner();
            let prefix = if key == "xmlns" { Some("") } else { key.strip_prefix("xmlns:") };
            match prefix {
                Some(_) if self.spaces.len() >= SPACES_MAX => return Err(Stop::TooMuch),
                Some(prefix) => self.spaces.push((prefix.to_owned(), value)),
                None => found.push((key.to_owned(), value)),
            }
        }
        Ok(found)
    }

    /// Attributes of an open element are properties of what it stands for.
    fn take_attributes(&mut self, attributes: Vec<(String, String)>) -> Result<(), Stop> {
        if self.inside == 0 {
            return Ok(());
        }
        for (key, value) in attributes {
            // An attribute without a prefix belongs to no name space.
            let name = if key.contains(':') { self.name(&key) } else { key };
            let before = self.place.len();
            match name.as_str() {
                "xml:lang" => {
                    if let Some(open) = self.open.last_mut() {
                        open.language = Some(value);
                    }
                    continue;
                }
                "rdf:resource" | "rdf:value" => {}
                name if name.starts_with("rdf:") || name.starts_with("xml:") || !name.contains(':') => continue,
                name => {
                    if before > 0 {
                        self.place.push('/');
                    }
                    self.place.push_str(name);
                }
            }
            if let Some(property) = self.open.iter_mut().rev().find(|open| open.is_place) {
                property.has_parts = true;
            }
            self.leaf(&value, None)?;
            self.place.truncate(before);
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        // Text belongs to the property around it; `rdf:value` has no place of its own.
        if let Some(open) = self.open.iter_mut().rev().find(|open| open.is_place) {
            let room = (TEXT_BYTES_MAX + 16).saturating_sub(open.text.len());
            let fits = text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= room).last();
            open.text.push_str(&text[..fits.unwrap_or(0)]);
        }
    }

    fn end(&mut self) -> Result<(), Stop> {
        let Some(open) = self.open.pop() else { return Err(Stop::Damaged) };
        if open.is_place && (!open.has_parts || !open.text.trim().is_empty()) {
            let text = open.text.trim().to_owned();
            self.leaf(&text, open.language)?;
        }
        if self.open.len() < self.inside {
            self.inside = 0;
        }
        self.place.truncate(open.place_before);
        self.spaces.truncate(open.spaces_before);
        Ok(())
    }

    fn leaf(&mut self, value: &str, language: Option<String>) -> Result<(), Stop> {
        if value.trim().is_empty() || self.place.is_empty() {
            return Ok(());
        }
        if self.leaves.len() >= LEAVES_MAX || self.place.len() > PLACE_BYTES_MAX {
            return Err(Stop::TooMuch);
        }
        let cut = value.floor_char_boundary(TEXT_BYTES_MAX + 16);
        self.leaves.push(Leaf { place: self.place.clone(), value: value[..cut].to_owned(), language });
        Ok(())
    }

    /// A name with our prefix for its name space, or with that of the file.
    fn name(&self, name: &str) -> String {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let space = match prefix {
            "xml" => Some(XML),
            prefix => self.spaces.iter().rev().find(|(known, _)| known == prefix).map(|(_, space)| space.as_str()),
        };
        let ours = SPACES.iter().find(|(known, _)| Some(*known) == space).map(|(_, ours)| *ours);
        match ours.unwrap_or(prefix) {
            "" => local.to_owned(),
            // What is not ours must not look like it.
            prefix if ours.is_none() && SPACES.iter().any(|(_, ours)| *ours == prefix) => format!("{prefix}?:{local}"),
            prefix => format!("{prefix}:{local}"),
        }
    }
}
