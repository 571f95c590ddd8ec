//! Tests of what only some samples have: further formats, companions, hostile files.

use super::*;

const ALL: SampleOptions = SampleOptions { photos: 96, videos: 12, seed: 5, formats: Formats::All };

fn rgb(canvas: &draw::Canvas) -> DynamicImage {
    DynamicImage::from(RgbImage::from_raw(canvas.width, canvas.height, canvas.pixels.clone()).unwrap())
}

/// Mean difference per channel between an encoded picture and a drawing.
fn apart(bytes: &[u8], drawn: &draw::Canvas) -> f64 {
    let (shown, drawn) = (image::load_from_memory(bytes).unwrap().to_rgb8(), rgb(drawn).to_rgb8());
    assert_eq!(shown.dimensions(), drawn.dimensions());
    let sum: u64 = shown.iter().zip(drawn.iter()).map(|(left, right)| u64::from(left.abs_diff(*right))).sum();
    sum as f64 / drawn.len() as f64
}

#[test]
fn every_encoder_shows_what_was_drawn() {
    let drawn = draw::picture(200, 150, 42, &mut Chance::new(3, "test", 1));
    let other = draw::picture(200, 150, 43, &mut Chance::new(3, "test", 2));
    let pictures = [drawn.clone(), other.clone()];
    let table: [(&str, Vec<u8>, f64); 9] = [
        ("progressive", encode::progressive_jpeg(&drawn).unwrap(), 4.0),
        ("inks", encode::cmyk_jpeg(&drawn).unwrap(), 4.0),
        ("coarse", encode::jpeg_of_quality(&drawn, 40).unwrap(), 8.0),
        ("png", encode::png(&drawn).unwrap(), 0.0),
        ("bmp", encode::bmp(&drawn).unwrap(), 0.0),
        ("tiff", encode::tiff(&drawn).unwrap(), 0.0),
        ("webp", encode::webp(&drawn, None).unwrap(), 0.0),
        ("gif", encode::gif(&pictures).unwrap(), 6.0),
        ("moving webp", encode::moving_webp(&pictures).unwrap(), 0.0),
    ];
    for (name, bytes, most) in &table {
        let found = apart(bytes, &drawn);
        assert!(found <= *most, "{name} is {found} apart");
        assert!(apart(bytes, &other) > 10.0, "{name} is told from another picture");
    }
    let has = |bytes: &[u8], marker: u8| bytes.windows(2).any(|pair| pair == [0xff, marker]);
    assert!(has(&table[0].1, 0xc2), "progressive frames have a mark of their own");
    assert!(table[1].1.windows(5).any(|name| name == b"Adobe"));
    use image::AnimationDecoder as _;
    let gif = image::codecs::gif::GifDecoder::new(std::io::Cursor::new(&table[7].1)).unwrap();
    assert_eq!(gif.into_frames().count(), 2);
    let webp = image::codecs::webp::WebPDecoder::new(std::io::Cursor::new(&table[8].1)).unwrap();
    let frames: Vec<_> = webp.into_frames().map(|frame| frame.unwrap().into_buffer()).collect();
    assert_eq!(frames.len(), 2);
    assert_eq!(DynamicImage::from(frames[1].clone()).to_rgb8(), rgb(&other).to_rgb8());
}

#[test]
fn heic_and_avif_are_shown_upright_by_the_property_that_turns_them() {
    for (index, orientation) in [(32, 1), (33, 6), (34, 1), (35, 3), (36, 8)] {
        let made = photo_of(&ALL, index).made.remove(0);
        let truth = made.image.unwrap();
        assert_eq!(truth.orientation, orientation);
        let head = &made.bytes[..made.bytes.len().min(SNIFF_BYTES)];
        assert_eq!(detect(head, &made.path), made.media_type);
        let dir = tempfile::tempdir().unwrap();
        let (file, shown) = (dir.path().join("picture"), dir.path().join("shown.png"));
        std::fs::write(&file, &made.bytes).unwrap();
        let converted = std::process::Command::new("heif-convert").args([&file, &shown]).output().unwrap();
        assert!(converted.status.success(), "{converted:?}");
        let shown = image::open(&shown).unwrap();
        assert_eq!((shown.width(), shown.height()), (truth.upright_width, truth.upright_height), "photo {index}");
        assert_eq!(made.bytes.windows(4).any(|name| name == b"irot"), orientation != 1);
        assert!(has_red_arrow_at_top_left(&shown.to_rgb8()), "photo {index} is upright");
    }
}

/// The arrow of every drawing is red; elsewhere pictures are not.
fn has_red_arrow_at_top_left(picture: &RgbImage) -> bool {
    let (width, height) = picture.dimensions();
    let is_red = |pixel: &image::Rgb<u8>| pixel[0] > 170 && pixel[1] < 90 && pixel[2] < 90;
    let red: Vec<(u32, u32)> =
        picture.enumerate_pixels().filter(|(_, _, pixel)| is_red(pixel)).map(|(x, y, _)| (x, y)).collect();
    let inside = red.iter().filter(|(x, y)| *x < width.min(height) / 2 && *y < width.min(height) / 2).count();
    red.len() > 200 && inside * 10 > red.len() * 9
}

#[test]
fn raw_like_files_hold_a_preview_and_a_jpeg_lies_beside_them() {
    for (index, make, preview_tag) in
        [(22, "LEICA CAMERA AG", 0x111), (23, "Canon", 0x111), (24, "NIKON CORPORATION", 0x201)]
    {
        let batch = photo_of(&ALL, index);
        let (raw, jpeg) = (&batch.made[0], &batch.made[1]);
        let truth = raw.image.unwrap();
        let head = &raw.bytes[..raw.bytes.len().min(SNIFF_BYTES)];
        assert_eq!(detect(head, &raw.path), raw.media_type);
        let found = tags(&raw.bytes);
        assert_eq!(found[&0x010f], make);
        assert_eq!(found[&0x0112], truth.orientation.to_string());
        assert_eq!(tags(app1(&jpeg.bytes).unwrap())[&0x9003], found[&0x9003], "one exposure");
        let previews = previews(&raw.bytes, preview_tag);
        let large = previews.iter().filter_map(|bytes| image::load_from_memory(bytes).ok());
        let sizes: Vec<(u32, u32)> = large.map(|picture| (picture.width(), picture.height())).collect();
        assert!(sizes.contains(&(truth.stored_width, truth.stored_height)), "{make}: {sizes:?}");
        let paths: Vec<Vec<u8>> = batch.companions[0].paths.iter().map(PathTruth::raw).collect();
        assert_eq!(
            (batch.companions[0].relation, paths),
            (Relation::RawJpeg, vec![raw.path.clone(), jpeg.path.clone()])
        );
        let stem = |path: &[u8]| path[..path.iter().rposition(|byte| *byte == b'.').unwrap()].to_vec();
        assert_eq!(stem(&raw.path), stem(&jpeg.path));
    }
}

/// Everything in a TIFF that begins like a JPEG, where a tag of that number points.
fn previews(tiff: &[u8], tag: u16) -> Vec<Vec<u8>> {
    let big = tiff.starts_with(b"MM");
    let long = |at: usize| {
        let bytes: [u8; 4] = tiff[at..at + 4].try_into().unwrap();
        if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    };
    let start = if big { [tag.to_be_bytes(), 4_u16.to_be_bytes()] } else { [tag.to_le_bytes(), 4_u16.to_le_bytes()] };
    let entries = tiff.windows(4).enumerate().filter(|(_, window)| **window == *start.as_flattened());
    let places = entries.map(|(at, _)| long(at + 8) as usize);
    let jpeg = |place: usize| tiff.get(place..place + 2) == Some(&[0xff, 0xd8]);
    places.filter(|place| jpeg(*place)).map(|place| tiff[place..].to_vec()).collect()
}

#[test]
fn satellites_sidecars_and_likenesses_are_what_the_truth_says() {
    let made = photo_of(&ALL, 19).made.remove(0);
    let (capture, tags_of_photo) = (made.capture.unwrap(), tags(app1(&made.bytes).unwrap()));
    let utc = Timestamp::parse(&capture.satellites.unwrap()).unwrap();
    assert_eq!(utc.0 / 1_000_000, made.mtime_us / 1_000_000, "the file's time is the same moment");
    assert_eq!(capture.source, CaptureSource::ExifFloating);
    let date = utc_text(utc.0);
    assert_eq!(tags_of_photo[&0x1_001d], date[..10].replace('-', ":"));
    let parts: Vec<u32> = [11, 14, 17].map(|at| date[at..at + 2].parse().unwrap()).to_vec();
    assert_eq!(tags_of_photo[&0x1_0007], format!("{}/1 {}/1 {}/1", parts[0], parts[1], parts[2]));
    let batch = photo_of(&ALL, 27);
    assert_eq!(batch.companions[0].paths.len(), 3);
    for sidecar in &batch.made[1..] {
        assert_eq!(detect(&sidecar.bytes, &sidecar.path), sidecar.media_type);
        assert!(batch.made[0].path.starts_with(&sidecar.path[..sidecar.path.len() - 9]), "named after the photo");
    }
    for (index, how) in [(28, "resized"), (29, "recompressed")] {
        let batch = photo_of(&ALL, index);
        let near = &batch.near_duplicates[0];
        assert_eq!((near.how.as_str(), near.original.raw()), (how, batch.made[0].path.clone()));
        let mut original = image::load_from_memory(&batch.made[0].bytes).unwrap();
        original.apply_orientation(Orientation::from_exif(batch.made[0].image.unwrap().orientation as u8).unwrap());
        let copy = image::load_from_memory(&batch.made[1].bytes).unwrap();
        assert!(app1(&batch.made[1].bytes).is_none(), "a messenger strips everything");
        let original =
            original.resize_exact(copy.width(), copy.height(), image::imageops::FilterType::Triangle).to_rgb8();
        let sum: u64 =
            original.iter().zip(copy.to_rgb8().iter()).map(|(left, right)| u64::from(left.abs_diff(*right))).sum();
        assert!((sum as f64 / original.len() as f64) < 6.0, "{how} looks the same");
    }
}

#[test]
fn live_and_motion_photos_are_tied_to_their_films() {
    for index in [37, 38] {
        let batch = photo_of(&ALL, index);
        let tie = &batch.companions[0];
        let id = tie.id.clone().unwrap();
        assert_eq!(tie.relation, Relation::LivePhoto);
        for file in &batch.made {
            let times = file.bytes.windows(id.len()).filter(|text| *text == id.as_bytes()).count();
            assert_eq!(times, 1, "the identifier stands once in {:?}", String::from_utf8_lossy(&file.path));
        }
        let (still, film) = (&batch.made[0], &batch.made[1]);
        let at = |file: &Made| Timestamp::parse(&file.capture.as_ref().unwrap().at).unwrap();
        assert_eq!(at(still), at(film));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("film");
        std::fs::write(&path, &film.bytes).unwrap();
        let shown =
            std::process::Command::new("ffprobe").args(["-v", "error", "-show_format"]).arg(&path).output().unwrap();
        let shown = String::from_utf8(shown.stdout).unwrap();
        assert!(shown.contains(&format!("TAG:com.apple.quicktime.content.identifier={id}")), "{shown}");
        assert!(shown.contains("TAG:com.apple.quicktime.creationdate=20"), "{shown}");
    }
    for (index, word) in [(39, "MotionPhoto"), (40, "MicroVideo")] {
        let made = photo_of(&ALL, index).made.remove(0);
        let inside = made.embedded.unwrap();
        let film = &made.bytes[inside.offset as usize..];
        assert_eq!(film.len() as u64, inside.size_bytes);
        assert_eq!(detect(&film[..SNIFF_BYTES], b"film.mp4"), "video/mp4");
        assert!(image::load_from_memory(&made.bytes).is_ok(), "it is a photo all the same");
        let text = String::from_utf8_lossy(&made.bytes[..8000]);
        assert!(text.contains(word) && text.contains(&format!("='{}'", inside.size_bytes)), "photo {index}");
        assert_eq!(tags(app1(&made.bytes).unwrap())[&0x010f], "samsung");
    }
}

#[test]
fn hostile_files_are_small_and_never_only_wrong() {
    let files = hostile::make(4).unwrap();
    let again = hostile::make(4).unwrap();
    assert!(files.len() > 30, "{}", files.len());
    for (file, same) in files.iter().zip(&again) {
        let path = String::from_utf8_lossy(&file.path);
        assert_eq!(file.bytes, same.bytes, "{path}");
        assert!(file.bytes.len() < 600_000, "{path} has {} bytes", file.bytes.len());
        assert!(file.note.is_some(), "{path}");
        let head = &file.bytes[..file.bytes.len().min(SNIFF_BYTES)];
        assert_eq!(detect(head, &file.path), file.media_type, "{path}");
        if file.path.starts_with(b"odd/names/") {
            assert!(image::load_from_memory(&file.bytes).is_ok(), "{path}");
        }
    }
    // The bomb is a sound picture, as a smaller one of the same kind shows; only its size is wrong.
    let small = image::load_from_memory(&hostile::bombs::png_of_zeros(1_000)).unwrap().to_luma8();
    assert_eq!(small.dimensions(), (1_000, 1_000));
    assert!(small.iter().all(|value| *value == 0));
    let bomb = files.iter().find(|file| file.path.ends_with(b"bomb.png")).unwrap();
    assert_eq!(bomb.bytes, hostile::bombs::png_of_zeros(20_000));
}

#[test]
fn all_formats_are_repeatable_and_every_kind_is_there() {
    let options = SampleOptions { photos: 48, videos: 7, seed: 9, formats: Formats::All };
    let ((first, truth), (second, again)) = (made(options), made(options));
    assert_eq!(truth, again);
    let digest = |dir: &tempfile::TempDir| fingerprint(dir.path(), &mut |_| {}).unwrap().digest;
    assert_eq!(digest(&first), digest(&second));
    assert_eq!(truth.tools.keys().collect::<Vec<_>>(), ["ffmpeg", "flite", "heif-enc"]);
    assert!(!first.path().join(WORKPLACE).exists());
    for media_type in [
        "image/jpeg",
        "image/png",
        "image/webp",
        "image/gif",
        "image/tiff",
        "image/bmp",
        "image/svg+xml",
        "image/heic",
        "image/avif",
        "image/x-adobe-dng",
        "image/x-canon-cr2",
        "image/x-nikon-nef",
        "application/rdf+xml",
        "video/mp4",
        "video/quicktime",
        "audio/wav",
        "audio/mp4",
    ] {
        assert!(truth.totals.assets_by_media_type.contains_key(media_type), "{media_type}");
    }
    let years: std::collections::BTreeSet<i64> = truth
        .files
        .iter()
        .filter(|file| file.camera.is_some())
        .map(|file| file.mtime_ns / 31_556_952_000_000_000)
        .collect();
    assert!(years.len() >= 4, "{years:?}");
    let relations: std::collections::BTreeSet<Relation> = truth.companions.iter().map(|tie| tie.relation).collect();
    assert_eq!(relations.len(), 3);
    assert_eq!(truth.near_duplicates.len(), 2);
}

#[test]
fn a_sample_has_all_formats_from_a_certain_size_on() {
    assert_eq!(Formats::by_size(12, 1), Formats::Common);
    assert_eq!(Formats::by_size(99, 9), Formats::Common);
    assert_eq!(Formats::by_size(100, 0), Formats::All);
    assert_eq!(Formats::by_size(0, 10), Formats::All);
}
