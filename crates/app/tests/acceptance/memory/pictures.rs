//! Pictures with very many pixels and few bytes, made without holding their pixels.

/// How the pixels of a PNG are kept.
#[derive(Debug, Clone, Copy)]
pub enum Depth {
    /// Eight in a byte.
    OneBit,
    /// Three bytes each.
    Rgb,
}

/// A black PNG.
pub fn png(width: u32, height: u32, depth: Depth) -> Vec<u8> {
    let (bits, colour, row) = match depth {
        Depth::OneBit => (1, 0, u64::from(width.div_ceil(8))),
        Depth::Rgb => (8, 2, 3 * u64::from(width)),
    };
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[bits, colour, 0, 0, 0]].concat();
    chunk(&mut file, b"IHDR", &header);
    chunk(&mut file, b"IDAT", &zeros_as_zlib((row + 1) * u64::from(height)));
    chunk(&mut file, b"IEND", b"");
    file
}

fn chunk(file: &mut Vec<u8>, name: &[u8; 4], body: &[u8]) {
    file.extend(u32::try_from(body.len()).expect("a short chunk").to_be_bytes());
    let from = file.len();
    file.extend(name);
    file.extend(body);
    let sum = crc32(&file[from..]);
    file.extend(sum.to_be_bytes());
}

/// That many zeros as one block of fixed codes (RFC 1951): a zero, then "the last 258 bytes again" as often as it fits.
fn zeros_as_zlib(count: u64) -> Vec<u8> {
    const FINAL_FIXED: (u64, u32) = (0b011, 3);
    const ZERO: (u64, u32) = (0x0c, 8);
    const AGAIN_258: (u64, u32) = (0xa3, 13);
    const END: (u64, u32) = (0, 7);
    let mut stream = vec![0x78, 0x01];
    let (mut bits, mut filled) = (0_u64, 0_u32);
    let mut put = |(code, length): (u64, u32)| {
        bits |= code << filled;
        filled += length;
        while filled >= 8 {
            stream.push(bits as u8);
            bits >>= 8;
            filled -= 8;
        }
    };
    put(FINAL_FIXED);
    put(ZERO);
    (0..(count - 1) / 258).for_each(|_| put(AGAIN_258));
    (0..(count - 1) % 258).for_each(|_| put(ZERO));
    put(END);
    // To the end of the byte.
    put((0, 7));
    // The Adler-32 of zeros: the first sum stays 1, the second counts.
    stream.extend((((count % 65_521) as u32) << 16 | 1).to_be_bytes());
    stream
}

fn crc32(bytes: &[u8]) -> u32 {
    let table: Vec<u32> = (0..256_u32)
        .map(|byte| (0..8).fold(byte, |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 }))
        .collect();
    !bytes.iter().fold(!0, |sum, byte| sum >> 8 ^ table[usize::from(sum as u8 ^ byte)])
}

/// A grey baseline JPEG in three full components. In each block nothing differs from the one before: two bits.
pub fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let mut file = b"\xff\xd8\xff\xdb\0\x43\0".to_vec();
    file.extend([1; 64]);
    file.extend(b"\xff\xc0\0\x11\x08");
    file.extend(height.to_be_bytes());
    file.extend(width.to_be_bytes());
    file.extend(b"\x03\x01\x11\0\x02\x11\0\x03\x11\0");
    for table in [0x00, 0x10] {
        // One code of one bit, for "no difference" and for "end of block".
        file.extend(b"\xff\xc4\0\x14");
        file.extend([table, 1]);
        file.extend([0; 16]);
    }
    file.extend(b"\xff\xda\0\x0c\x03\x01\0\x02\0\x03\0\0\x3f\0");
    let blocks = usize::from(width.div_ceil(8)) * usize::from(height.div_ceil(8)) * 3;
    file.resize(file.len() + (blocks * 2).div_ceil(8), 0);
    file.extend(b"\xff\xd9");
    file
}
