//! Writes EXIF: a TIFF structure with the facts of a camera, as the APP1 segment of a JPEG (EXIF 2.32).

/// What a camera writes down with a picture.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) make: &'static str,
    pub(super) model: &'static str,
    pub(super) lens: Option<&'static str>,
    /// Byte order: Motorola when true, Intel when false.
    pub(super) big_endian: bool,
    /// 1 to 8.
    pub(super) orientation: u16,
    /// `YYYY:MM:DD HH:MM:SS`.
    pub(super) taken: String,
    /// `+HH:MM`, of cameras that know it.
    pub(super) offset: Option<String>,
    /// Exposure time is one over this many seconds.
    pub(super) exposure_divisor: u32,
    /// F-number times ten.
    pub(super) f_number_tenths: u32,
    pub(super) iso: u16,
    pub(super) focal_length_mm: u32,
    /// Latitude and longitude in hundredths of a second of arc, north and east positive.
    pub(super) place: Option<(i64, i64)>,
    /// The stored size in pixels.
    pub(super) width: u32,
    pub(super) height: u32,
}

/// The value of a tag, by its TIFF type.
enum Value {
    Text(String),
    Bytes(Vec<u8>),
    Undefined(Vec<u8>),
    Short(u16),
    Long(u32),
    Rational(Vec<(u32, u32)>),
}

struct Writer {
    big_endian: bool,
    bytes: Vec<u8>,
}

/// The APP1 segment, marker and length included.
pub(super) fn segment(facts: &Facts) -> Vec<u8> {
    let tiff = tiff(facts);
    // The facts take about 700 bytes, so the 16 bits of a segment's length always hold them.
    let length = (tiff.len() + 8) as u16;
    [&[0xff, 0xe1][..], &length.to_be_bytes(), b"Exif\0\0", &tiff].concat()
}

/// Puts a segment straight behind a JPEG's first marker, where cameras put it.
pub(super) fn insert(jpeg: &[u8], segment: &[u8]) -> Vec<u8> {
    let (start, rest) = jpeg.split_at(2);
    [start, segment, rest].concat()
}

fn tiff(facts: &Facts) -> Vec<u8> {
    let mut writer = Writer { big_endian: facts.big_endian, bytes: Vec::new() };
    writer.bytes.extend_from_slice(if facts.big_endian { b"MM" } else { b"II" });
    writer.short(42);
    writer.long(8);
    // The directories follow each other; where the next one starts is known once the one before is measured.
    let exif_start = 8 + directory_bytes(&first_directory(facts, 0, 0));
    let exif = exif_directory(facts);
    let place_start = exif_start + directory_bytes(&exif);
    writer.directory(&first_directory(facts, exif_start as u32, place_start as u32));
    writer.directory(&exif);
    if let Some(place) = facts.place {
        writer.directory(&place_directory(place));
    }
    writer.bytes
}

fn first_directory(facts: &Facts, exif_start: u32, place_start: u32) -> Vec<(u16, Value)> {
    let mut tags = vec![
        (0x010f, Value::Text(facts.make.to_owned())),
        (0x0110, Value::Text(facts.model.to_owned())),
        (0x0112, Value::Short(facts.orientation)),
        (0x011a, Value::Rational(vec![(72, 1)])),
        (0x011b, Value::Rational(vec![(72, 1)])),
        (0x0128, Value::Short(2)),
        (0x0132, Value::Text(facts.taken.clone())),
        (0x8769, Value::Long(exif_start)),
    ];
    if facts.place.is_some() {
        tags.push((0x8825, Value::Long(place_start)));
    }
    tags
}

fn exif_directory(facts: &Facts) -> Vec<(u16, Value)> {
    let mut tags = vec![
        (0x829a, Value::Rational(vec![(1, facts.exposure_divisor)])),
        (0x829d, Value::Rational(vec![(facts.f_number_tenths, 10)])),
        (0x8827, Value::Short(facts.iso)),
        (0x9000, Value::Undefined(b"0232".to_vec())),
        (0x9003, Value::Text(facts.taken.clone())),
        (0x9004, Value::Text(facts.taken.clone())),
    ];
    if let Some(offset) = &facts.offset {
        tags.push((0x9010, Value::Text(offset.clone())));
        tags.push((0x9011, Value::Text(offset.clone())));
        tags.push((0x9012, Value::Text(offset.clone())));
    }
    tags.push((0x9209, Value::Short(0)));
    tags.push((0x920a, Value::Rational(vec![(facts.focal_length_mm, 1)])));
    tags.push((0xa001, Value::Short(1)));
    tags.push((0xa002, Value::Long(facts.width)));
    tags.push((0xa003, Value::Long(facts.height)));
    if let Some(lens) = facts.lens {
        tags.push((0xa434, Value::Text(lens.to_owned())));
    }
    tags
}

fn place_directory((latitude, longitude): (i64, i64)) -> Vec<(u16, Value)> {
    let sides =
        |value: i64, positive: &str, negative: &str| if value < 0 { negative.to_owned() } else { positive.to_owned() };
    let parts = |value: i64| {
        let value = value.unsigned_abs() as u32;
        vec![(value / 360_000, 1), (value / 6000 % 60, 1), (value % 6000, 100)]
    };
    vec![
        (0x0000, Value::Bytes(vec![2, 3, 0, 0])),
        (0x0001, Value::Text(sides(latitude, "N", "S"))),
        (0x0002, Value::Rational(parts(latitude))),
        (0x0003, Value::Text(sides(longitude, "E", "W"))),
        (0x0004, Value::Rational(parts(longitude))),
    ]
}

impl Value {
    /// TIFF's number for the type, and how many values there are.
    fn header(&self) -> (u16, u32) {
        match self {
            Self::Bytes(bytes) => (1, bytes.len() as u32),
            Self::Text(text) => (2, text.len() as u32 + 1),
            Self::Short(_) => (3, 1),
            Self::Long(_) => (4, 1),
            Self::Rational(parts) => (5, parts.len() as u32),
            Self::Undefined(bytes) => (7, bytes.len() as u32),
        }
    }

    fn length(&self) -> usize {
        match self {
            Self::Bytes(bytes) | Self::Undefined(bytes) => bytes.len(),
            Self::Text(text) => text.len() + 1,
            Self::Short(_) => 2,
            Self::Long(_) => 4,
            Self::Rational(parts) => parts.len() * 8,
        }
    }

    /// Bytes outside the directory's own table, padded to an even number.
    fn outside(&self) -> usize {
        if self.length() > 4 { self.length().next_multiple_of(2) } else { 0 }
    }
}

fn directory_bytes(tags: &[(u16, Value)]) -> usize {
    2 + tags.len() * 12 + 4 + tags.iter().map(|(_, value)| value.outside()).sum::<usize>()
}

impl Writer {
    fn short(&mut self, value: u16) {
        self.bytes.extend_from_slice(&if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    fn long(&mut self, value: u32) {
        self.bytes.extend_from_slice(&if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    fn directory(&mut self, tags: &[(u16, Value)]) {
        let mut outside = self.bytes.len() + 2 + tags.len() * 12 + 4;
        self.short(tags.len() as u16);
        for (tag, value) in tags {
            let (kind, count) = value.header();
            self.short(*tag);
            self.short(kind);
            self.long(count);
            if value.outside() > 0 {
                self.long(outside as u32);
                outside += value.outside();
            } else {
                let end = self.bytes.len() + 4;
                self.value(value);
                self.bytes.resize(end, 0);
            }
        }
        self.long(0);
        for (_, value) in tags.iter().filter(|(_, value)| value.outside() > 0) {
            let end = self.bytes.len() + value.outside();
            self.value(value);
            self.bytes.resize(end, 0);
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Bytes(bytes) | Value::Undefined(bytes) => self.bytes.extend_from_slice(bytes),
            Value::Text(text) => {
                self.bytes.extend_from_slice(text.as_bytes());
                self.bytes.push(0);
            }
            Value::Short(number) => self.short(*number),
            Value::Long(number) => self.long(*number),
            Value::Rational(parts) => {
                for (numerator, denominator) in parts {
                    self.long(*numerator);
                    self.long(*denominator);
                }
            }
        }
    }
}
