//! The odd files of a sample: corrupt ones, names that trip programs, and a few kinds that are neither photo nor video.

use super::SampleError;
use super::chance::Chance;
use super::draw::{self, Canvas};
use super::encode::{jpeg, png};
use super::made::{Health, Made};
use super::moment::{Local, local_time};
use super::truth::ImageTruth;

const WIDTH: u32 = 320;
const HEIGHT: u32 = 240;
const JPEG: &str = "image/jpeg";
const PNG: &str = "image/png";
const TEXT: &str = "text/plain";
const FOLDERS_DEEP: usize = 40;

/// All of them, in no order.
pub(super) fn make(seed: u64) -> Result<Vec<Made>, SampleError> {
    let mut maker = Maker { seed, made: Vec::new() };
    maker.corrupt()?;
    maker.names()?;
    maker.others()?;
    Ok(maker.made)
}

/// A film whose end is missing, made from a whole one with its index at the end.
pub(super) fn cut_film(whole: &[u8]) -> Made {
    let bytes = whole[..whole.len() * 6 / 10].to_vec();
    let film = Made::new(&b"odd/corrupt/truncated.mp4"[..], bytes, "video/mp4", time(99));
    Made { health: Health::Broken, note: Some("ends before its index"), ..film }
}

/// The drawing with this number.
pub(super) fn picture(seed: u64, number: u64) -> Canvas {
    draw::picture(WIDTH, HEIGHT, number, &mut Chance::new(seed, "odd", number))
}

/// The truth about a drawing that is stored upright.
pub(super) fn size_of(drawing: &Canvas) -> ImageTruth {
    let (width, height) = (drawing.width, drawing.height);
    ImageTruth {
        stored_width: width,
        stored_height: height,
        upright_width: width,
        upright_height: height,
        orientation: 1,
    }
}

struct Maker {
    seed: u64,
    made: Vec<Made>,
}

impl Maker {
    fn add(&mut self, path: &[u8], (media_type, bytes): (&'static str, Vec<u8>), health: Health, note: &'static str) {
        let mtime_us = time(self.made.len() as u32);
        let is_drawing = media_type == "image/svg+xml";
        let has_picture = !is_drawing && matches!(health, Health::Sound | Health::PictureBroken);
        let image = has_picture.then(|| size_of(&self.picture(0)));
        self.made.push(Made { health, image, note: Some(note), ..Made::new(path, bytes, media_type, mtime_us) });
    }

    fn picture(&self, number: u64) -> Canvas {
        picture(self.seed, number)
    }

    fn corrupt(&mut self) -> Result<(), SampleError> {
        use Health::{Broken, Foreign, PictureBroken, Sound};
        let whole = jpeg(&self.picture(9001))?;
        let cut = (JPEG, whole[..whole.len() * 6 / 10].to_vec());
        self.add(b"odd/corrupt/truncated.jpg", cut, PictureBroken, "ends too early");
        self.add(b"odd/corrupt/zero.jpg", ("application/x-empty", Vec::new()), Foreign, "has no bytes");
        let noise = Chance::new(self.seed, "noise", 0).bytes(3000);
        let start = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0";
        let header_only = (JPEG, [&start[..], &noise].concat());
        self.add(b"odd/corrupt/header-only.jpg", header_only, Broken, "noise behind a JPEG's first segment");
        let letter = (TEXT, b"This is a letter, whatever its name says.\n".to_vec());
        self.add(b"odd/corrupt/letter.jpg", letter, Foreign, "text with the name of a picture");
        let mut bad_sum = png(&self.picture(9002))?;
        if let Some(at) = bad_sum.windows(4).position(|name| name == b"IDAT") {
            bad_sum[at + 100] ^= 0x55;
        }
        self.add(b"odd/corrupt/bad-crc.png", (PNG, bad_sum), PictureBroken, "a byte is flipped, the check sum is not");
        let whole = png(&self.picture(9003))?;
        let cut = (PNG, whole[..whole.len() / 2].to_vec());
        self.add(b"odd/corrupt/truncated.png", cut, PictureBroken, "ends too early");
        let picture = (PNG, png(&self.picture(9004))?);
        self.add(b"odd/corrupt/png-inside.jpg", picture, Sound, "a PNG with the name of a JPEG");
        let start = b"\0\0\0\x18ftypisom\0\0\x02\0isommp42\0\x01\0\x08mdat";
        let film = ("video/mp4", [&start[..], &noise.repeat(10)].concat());
        self.add(b"odd/corrupt/no-moov.mp4", film, Broken, "an MP4 that ends inside its media data, without an index");
        let noise = ("application/octet-stream", [&[0; 8][..], &noise].concat());
        self.add(b"odd/corrupt/noise.bin", noise, Foreign, "noise");
        Ok(())
    }

    fn names(&mut self) -> Result<(), SampleError> {
        let longest = [b"odd/names/".to_vec(), b"a-long-name-".repeat(20), b"of-255-byte.jpg".to_vec()].concat();
        let deep =
            [b"odd/names/deep/".to_vec(), b"another-folder/".repeat(FOLDERS_DEEP), b"photo.jpg".to_vec()].concat();
        let names: [(Vec<u8>, &'static str); 11] = [
            (b"odd/names/caf\xe9 \xff.jpg".to_vec(), "a name that is not UTF-8"),
            (b"odd/names/line\nbreak.jpg".to_vec(), "a line break in its name"),
            (b"odd/names/trailing space.jpg ".to_vec(), "a space at the end of its name"),
            ("odd/names/caf\u{e9}.jpg".as_bytes().to_vec(), "a composed letter in its name (NFC)"),
            ("odd/names/cafe\u{301}.jpg".as_bytes().to_vec(), "the same name with a decomposed letter (NFD)"),
            (b"odd/names/-rf.jpg".to_vec(), "a name like an option"),
            (b"odd/names/IMG.JPG".to_vec(), "a name in capitals"),
            (b"odd/names/img.jpg".to_vec(), "the same name in small letters"),
            (deep, "deep down"),
            (longest, "a name of 255 bytes, the longest there is"),
            (b"odd/links/original.jpg".to_vec(), "has another hard link"),
        ];
        for (index, (path, note)) in names.into_iter().enumerate() {
            let bytes = jpeg(&self.picture(9100 + index as u64))?;
            self.add(&path, (JPEG, bytes), Health::Sound, note);
        }
        Ok(())
    }

    fn others(&mut self) -> Result<(), SampleError> {
        let drawing = "<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"40\" height=\"40\">\
            <circle cx=\"20\" cy=\"20\" r=\"15\"/></svg>\n";
        let sidecar = "<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?>\n<x:xmpmeta xmlns:x='adobe:ns:meta/'>\
            <rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'/></x:xmpmeta>\n<?xpacket end='w'?>\n";
        let photo = (JPEG, jpeg(&self.picture(9200))?);
        let drawing = ("image/svg+xml", drawing.as_bytes().to_vec());
        let sidecar = ("application/rdf+xml", sidecar.as_bytes().to_vec());
        self.add(b"odd/others/drawing.svg", drawing, Health::Sound, "a drawing");
        self.add(b"odd/others/photo.jpg", photo, Health::Sound, "has a sidecar");
        self.add(b"odd/others/photo.jpg.xmp", sidecar, Health::Foreign, "a sidecar");
        self.add(b"odd/others/notes.txt", (TEXT, "Grüße vom See\n".as_bytes().to_vec()), Health::Foreign, "a note");
        let list = ("application/json", b"{\"photos\": [1, 2, 3]}\n".to_vec());
        self.add(b"odd/others/list.json", list, Health::Foreign, "a list");
        Ok(())
    }
}

/// The times of odd files lie a minute apart.
pub(super) fn time(index: u32) -> i64 {
    let start = Local { year: 2020, month: 2, day: 2, hour: 2, minute: 2, second: 2 };
    local_time(&start, 0) + i64::from(index) * 60_000_000 + 123_456
}
