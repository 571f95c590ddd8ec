//! Small files that claim to be huge pictures.

/// Pixels of an edge that no sensor has: twice over, more than four billion in all.
const EDGE: u32 = 65_500;
/// Edge of the picture whose data is really there, small as it is in the file.
const TRUE_EDGE: u32 = 20_000;

/// Name, media type, bytes and what is wrong with them.
pub(super) fn make() -> Vec<(&'static str, &'static str, Vec<u8>, &'static str)> {
    vec![
        ("huge.png", "image/png", huge_png(), "claims 4.3 billion pixels in a few bytes"),
        (
            "bomb.png",
            "image/png",
            png_of_zeros(TRUE_EDGE),
            "400 million black pixels, all there, in a few hundred kilobytes",
        ),
        ("huge.jpg", "image/jpeg", huge_jpeg(), "claims 4.3 billion pixels in a few bytes"),
        ("huge.gif", "image/gif", huge_gif(), "claims 4.3 billion pixels in a few bytes"),
        ("huge.bmp", "image/bmp", huge_bmp(), "claims 4.3 billion pixels in a few bytes"),
        ("huge.webp", "image/webp", huge_webp(), "claims 268 million pixels in a few bytes"),
    ]
}

fn huge_png() -> Vec<u8> {
    let header = [&EDGE.to_be_bytes()[..], &EDGE.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    let data = b"\x78\x01\x03\0\0\0\0\x01";
    [&b"\x89PNG\r\n\x1a\n"[..], &png_chunk(b"IHDR", &header), &png_chunk(b"IDAT", data), &png_chunk(b"IEND", b"")]
        .concat()
}

/// A sound picture of one bit for each pixel, all of them black. Repetitions of deflate's fixed code (RFC 1951, 3.2.6) stand for 258 bytes in 13 bits.
pub(in crate::sample) fn png_of_zeros(edge: u32) -> Vec<u8> {
    let header = [&edge.to_be_bytes()[..], &edge.to_be_bytes(), &[1, 0, 0, 0, 0]].concat();
    let length = u64::from(edge) * (1 + u64::from(edge).div_ceil(8));
    let mut bits = Bits::default();
    bits.put(0b1, 1);
    bits.put(0b01, 2);
    // One byte of 0, a literal of eight bits from 0x30 on, then as many repetitions of it as are needed.
    bits.put_code(0x30, 8);
    let mut left = length - 1;
    while left >= 258 {
        bits.put_code(0b1100_0101, 8);
        bits.put_code(0, 5);
        left -= 258;
    }
    for _ in 0..left {
        bits.put_code(0x30, 8);
    }
    bits.put_code(0, 7);
    // Adler-32 of zeros: the first sum stays 1, the second counts them.
    let sum = ((length % 65_521) as u32) << 16 | 1;
    let data = [&b"\x78\x01"[..], &bits.finish(), &sum.to_be_bytes()].concat();
    [&b"\x89PNG\r\n\x1a\n"[..], &png_chunk(b"IHDR", &header), &png_chunk(b"IDAT", &data), &png_chunk(b"IEND", b"")]
        .concat()
}

/// Bits from the lowest on, as deflate packs them.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    held: u32,
    count: u32,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        self.held |= value << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.held as u8);
            self.held >>= 8;
            self.count -= 8;
        }
    }

    /// Huffman codes are packed from their highest bit on.
    fn put_code(&mut self, code: u32, count: u32) {
        self.put(code.reverse_bits() >> (32 - count), count);
    }

    fn finish(mut self) -> Vec<u8> {
        self.put(0, 7);
        self.bytes
    }
}

fn png_chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let named = [&name[..], body].concat();
    [&(body.len() as u32).to_be_bytes()[..], &named, &crc32(&named).to_be_bytes()].concat()
}

/// CRC-32 as PNG has it (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        let start = crc ^ u32::from(*byte);
        (0..8).fold(start, |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    };
    !bytes.iter().fold(u32::MAX, step)
}

fn huge_jpeg() -> Vec<u8> {
    let edge = (EDGE as u16).to_be_bytes();
    let frame = [&[0xff, 0xc0, 0, 11, 8][..], &edge, &edge, &[1, 1, 0x11, 0]].concat();
    let scan = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0, 0xff, 0xd9];
    [&[0xff, 0xd8][..], &frame, &scan].concat()
}

fn huge_gif() -> Vec<u8> {
    let edge = (EDGE as u16).to_le_bytes();
    let image = [&[0x2c, 0, 0, 0, 0][..], &edge, &edge, &[0, 2, 1, 0, 0, 0x3b]].concat();
    [&b"GIF89a"[..], &edge, &edge, &[0x80, 0, 0, 0, 0, 0, 255, 255, 255], &image].concat()
}

fn huge_bmp() -> Vec<u8> {
    let edge = EDGE.to_le_bytes();
    let header = [&[40, 0, 0, 0][..], &edge, &edge, &[1, 0, 24, 0], &[0; 24]].concat();
    [&b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0"[..], &header].concat()
}

fn huge_webp() -> Vec<u8> {
    // 16,384 by 16,384 pixels without loss: fourteen bits each for what is one less, then no data.
    let picture = [&[0x2f][..], &0x0fff_ffff_u32.to_le_bytes(), &[0; 3]].concat();
    let body = [&b"WEBPVP8L"[..], &(picture.len() as u32).to_le_bytes(), &picture].concat();
    [&b"RIFF"[..], &(body.len() as u32).to_le_bytes(), &body].concat()
}
