//! Writes TIFF structures (TIFF 6.0): directories of tags that may hold further directories and data. EXIF, the notes of makers and
//! RAW-like files are all made of them.

/// Tags and their values, in rising order of the tags.
pub(super) type Directory = Vec<(u16, Value)>;

/// The value of a tag, by its TIFF type.
pub(super) enum Value {
    Text(String),
    Bytes(Vec<u8>),
    Undefined(Vec<u8>),
    Short(Vec<u16>),
    Long(u32),
    Rational(Vec<(u32, u32)>),
    /// Where other directories lie.
    Directories(Vec<Directory>),
    /// Where these bytes lie.
    Data(Vec<u8>),
}

/// A whole file or block: byte order, `head` behind the usual eight bytes, then the directories one after the other.
pub(super) fn file(big_endian: bool, head: &[u8], chain: &[Directory]) -> Vec<u8> {
    let mut writer = Writer { big_endian, bytes: Vec::new() };
    writer.bytes.extend_from_slice(if big_endian { b"MM" } else { b"II" });
    writer.short(42);
    writer.long(8 + head.len() as u32);
    writer.bytes.extend_from_slice(head);
    let mut starts = Vec::new();
    let mut next_at = None;
    for directory in chain {
        let start = writer.directory(directory);
        if let Some(at) = next_at {
            writer.put_long(at, start);
        }
        next_at = Some(start as usize + 2 + directory.len() * 12);
        starts.push(start);
    }
    // Canon says behind its mark where the last directory lies, which describes the sensor's own data.
    if let (true, Some(last)) = (head.starts_with(b"CR\x02\0"), starts.last()) {
        writer.put_long(12, *last);
    }
    writer.bytes
}

/// One directory behind `head`, with offsets that count from the beginning of `head`: the note of a maker.
pub(super) fn note(big_endian: bool, head: &[u8], directory: &Directory) -> Vec<u8> {
    let mut writer = Writer { big_endian, bytes: head.to_vec() };
    writer.directory(directory);
    writer.bytes
}

struct Writer {
    big_endian: bool,
    bytes: Vec<u8>,
}

impl Writer {
    fn short(&mut self, value: u16) {
        self.bytes.extend_from_slice(&if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    fn long(&mut self, value: u32) {
        self.bytes.extend_from_slice(&if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    fn put_long(&mut self, at: usize, value: u32) {
        let value = if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        self.bytes[at..at + 4].copy_from_slice(&value);
    }

    /// Writes the table, then the values that do not fit into it, then what they point to. Returns where it begins.
    fn directory(&mut self, tags: &Directory) -> u32 {
        let start = self.bytes.len();
        self.short(tags.len() as u16);
        let mut table = Writer { big_endian: self.big_endian, bytes: Vec::new() };
        let outside_start = start + 2 + tags.len() * 12 + 4;
        let mut outside = Writer { big_endian: self.big_endian, bytes: Vec::new() };
        let mut pointers = Vec::new();
        for (tag, value) in tags {
            let (kind, count) = value.header();
            table.short(*tag);
            table.short(kind);
            table.long(count);
            let mut encoded = Writer { big_endian: self.big_endian, bytes: Vec::new() };
            encoded.value(value);
            let inside = encoded.bytes.len() <= 4;
            let at = if inside { start + 2 + table.bytes.len() } else { outside_start + outside.bytes.len() };
            if matches!(value, Value::Directories(_) | Value::Data(_)) {
                pointers.push((at, value));
            }
            if inside {
                encoded.bytes.resize(4, 0);
                table.bytes.append(&mut encoded.bytes);
            } else {
                table.long(at as u32);
                outside.bytes.append(&mut encoded.bytes);
                outside.bytes.resize(outside.bytes.len().next_multiple_of(2), 0);
            }
        }
        table.long(0);
        self.bytes.append(&mut table.bytes);
        self.bytes.append(&mut outside.bytes);
        for (at, value) in pointers {
            self.pointed(at, value);
        }
        start as u32
    }

    fn pointed(&mut self, at: usize, value: &Value) {
        match value {
            Value::Directories(directories) => {
                for (index, directory) in directories.iter().enumerate() {
                    let start = self.directory(directory);
                    self.put_long(at + index * 4, start);
                }
            }
            Value::Data(data) => {
                let start = self.bytes.len() as u32;
                self.put_long(at, start);
                self.bytes.extend_from_slice(data);
                self.bytes.resize(self.bytes.len().next_multiple_of(2), 0);
            }
            _ => {}
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Bytes(bytes) | Value::Undefined(bytes) => self.bytes.extend_from_slice(bytes),
            Value::Text(text) => {
                self.bytes.extend_from_slice(text.as_bytes());
                self.bytes.push(0);
            }
            Value::Short(numbers) => numbers.iter().for_each(|number| self.short(*number)),
            Value::Long(number) => self.long(*number),
            Value::Rational(parts) => {
                for (numerator, denominator) in parts {
                    self.long(*numerator);
                    self.long(*denominator);
                }
            }
            Value::Directories(directories) => directories.iter().for_each(|_| self.long(0)),
            Value::Data(_) => self.long(0),
        }
    }
}

impl Value {
    /// TIFF's number for the type, and how many values there are.
    fn header(&self) -> (u16, u32) {
        match self {
            Self::Bytes(bytes) => (1, bytes.len() as u32),
            Self::Text(text) => (2, text.len() as u32 + 1),
            Self::Short(numbers) => (3, numbers.len() as u32),
            Self::Long(_) | Self::Data(_) => (4, 1),
            Self::Rational(parts) => (5, parts.len() as u32),
            Self::Undefined(bytes) => (7, bytes.len() as u32),
            Self::Directories(directories) => (4, directories.len() as u32),
        }
    }
}
