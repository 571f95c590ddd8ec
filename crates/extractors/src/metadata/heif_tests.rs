//! Tests of HEIF and AVIF: which way the boxes turn a picture, and what lies beside it.

use super::payload::*;
use super::test_files::*;
use super::*;

fn read(file: &Heic) -> (MediaMetadata, Option<Captured>) {
    match heif::read_heif(Source::Memory(&heic(file))) {
        Ok(read) => read,
        Err(refusal) => panic!("refused: {:?}", refusal.into_outcome()),
    }
}

#[test]
fn a_picture_of_a_phone_gives_all_its_facts() {
    for inside in [false, true] {
        let (facts, captured) = read(&Heic { inside, ..Heic::full() });
        assert_eq!((facts.container.as_str(), facts.width, facts.height), ("heic", Some(40), Some(30)));
        // The boxes turn by 270 degrees against the clock; EXIF says the same, and only informs.
        assert_eq!((facts.orientation, facts.exif_orientation), (Some(6), Some(6)));
        assert_eq!((facts.oriented_width, facts.oriented_height), (Some(30), Some(40)));
        let stream = &facts.streams[0];
        assert_eq!(
            (stream.kind, stream.codec.as_deref(), stream.rotation),
            (StreamKind::Picture, Some("hevc"), Some(90))
        );
        assert_eq!(stream.pixel_format.as_deref(), Some("yuv420p10le"));
        assert_eq!(facts.camera.as_ref().unwrap().model.as_deref(), Some("Box 1"));
        assert_eq!(facts.description.as_ref().unwrap().keywords, ["harbour", "sea"]);
        assert_eq!(
            (captured.unwrap().source, facts.gps.unwrap().source),
            (CapturedSource::ExifOffset, GpsSource::Exif)
        );
        assert_eq!(facts.method, [Method::Exif, Method::Heif, Method::Xmp].into());
        assert!(facts.warnings.is_empty(), "{:?}", facts.warnings);
    }
}

#[test]
fn boxes_turn_and_mirror_in_their_order_and_exif_does_not() {
    let (irot, imir) = (|turns: u8| mp4_box(b"irot", &[turns]), |axis: u8| mp4_box(b"imir", &[axis]));
    let cases = [
        (vec![], 1),
        (vec![imir(1)], 2),
        (vec![irot(2)], 3),
        (vec![imir(0)], 4),
        (vec![irot(1), imir(0)], 5),
        (vec![irot(3)], 6),
        (vec![irot(3), imir(0)], 7),
        (vec![irot(1)], 8),
        (vec![imir(0), irot(1)], 7),
    ];
    for (turns, orientation) in cases {
        let file = Heic { properties: [vec![ispe(40, 30)], turns.clone()].concat(), ..Heic::full() };
        let facts = read(&file).0;
        assert_eq!((facts.orientation, facts.exif_orientation), (Some(orientation), Some(6)), "{turns:?}");
        let shown = if orientation > 4 { (Some(30), Some(40)) } else { (Some(40), Some(30)) };
        assert_eq!((facts.oriented_width, facts.oriented_height), shown);
    }
}

#[test]
fn a_clean_aperture_is_what_is_left() {
    let clap = mp4_box(b"clap", &words(&[20, 1, 10, 1, 0, 1, 0, 1]));
    let facts = read(&Heic { properties: vec![ispe(40, 30), clap, mp4_box(b"irot", &[1])], ..Heic::full() }).0;
    assert_eq!((facts.width, facts.height), (Some(40), Some(30)));
    assert_eq!((facts.oriented_width, facts.oriented_height), (Some(10), Some(20)));
}

#[test]
fn colours_and_brightness_are_kept_as_they_are_stated() {
    let colr = mp4_box(b"colr", b"nclx\0\x09\0\x10\0\x09\x80");
    let clli = mp4_box(b"clli", &[3, 232, 1, 144]);
    let mdcv = mp4_box(b"mdcv", &[&[0; 16][..], &words(&[10_000_000, 50])].concat());
    let facts = read(&Heic { properties: vec![ispe(40, 30), colr, clli, mdcv], ..Heic::full() }).0;
    let colour = facts.streams[0].colour.clone().unwrap();
    assert_eq!((colour.primaries.as_deref(), colour.transfer.as_deref()), (Some("bt2020"), Some("smpte2084")));
    assert_eq!((colour.matrix.as_deref(), colour.range.as_deref()), (Some("bt2020nc"), Some("full")));
    assert_eq!((colour.content_max_nits, colour.frame_average_max_nits), (Some(1000), Some(400)));
    assert_eq!((colour.mastering_max_nits, colour.mastering_min_nits), (Some(1000.0), Some(0.005)));
    // Dolby Vision is stated beside the coding of a track, in seven bits.
    let mut tags = bmff_colour::Tags::default();
    tags.read_dolby_vision(&[1, 0, 0x10, 0x35]);
    assert_eq!(tags.into_colour().unwrap().dolby_vision_profile, Some(8));
}

#[test]
fn the_film_of_a_box_is_found() {
    let facts = read(&Heic { film: Some(film()), ..Heic::full() }).0;
    let motion = facts.motion_photo.unwrap();
    let whole = heic(&Heic { film: Some(film()), ..Heic::full() });
    assert_eq!(motion.form, MotionForm::MotionPhotoBox);
    assert_eq!(&whole[motion.offset_bytes as usize..][..motion.length_bytes as usize], film());
}

#[test]
fn a_picture_without_a_size_is_corrupt_and_damaged_parts_leave_the_size() {
    let bytes = heic(&Heic { properties: vec![], ..Heic::full() });
    assert!(matches!(heif::read_heif(Source::Memory(&bytes)), Err(Refusal::Corrupt(_))));
    let (facts, _) = read(&Heic { exif: b"XX".to_vec(), xmp: b"<x".to_vec(), ..Heic::full() });
    assert_eq!((facts.width, facts.warnings), (Some(40), [Warning::ExifDamaged, Warning::XmpDamaged].into()));
}

#[test]
fn the_identifier_of_a_live_photo_is_read_from_both_of_its_parts() {
    let identifier = "6F0A4C4E-1111-4222-8333-444455556666";
    let mut note = b"Apple iOS\0\0\x01MM\0\x01".to_vec();
    // One entry: a text of 37 bytes, which lies 32 bytes from the start of the notes.
    note.extend([0, 0x11, 0, 2, 0, 0, 0, 37, 0, 0, 0, 32, 0, 0, 0, 0]);
    note.extend(identifier.as_bytes());
    note.push(0);
    let exif = tiff(Order::Little, &[vec![(0x8769, Entry::Directory(1))], vec![(0x927C, Entry::Undefined(note))]]);
    assert_eq!(read(&Heic { exif: exif.clone(), ..Heic::full() }).0.content_identifier.as_deref(), Some(identifier));
    let (facts, _) = still::read_still(ImageFormat::Jpeg, Source::Memory(&jpeg(Some(&exif), 40, 30))).ok().unwrap();
    assert_eq!(facts.content_identifier.as_deref(), Some(identifier));
    let texts = [("com.apple.quicktime.content.identifier", identifier), ("com.apple.quicktime.software", "17.1")];
    let film = movie(b"qt  ", &[mvhd(CREATED, 2002), audio_trak(), keys(&texts)]);
    let (facts, ..) = movie::read_boxes(Source::Memory(&film)).ok().unwrap();
    assert_eq!(facts.content_identifier.as_deref(), Some(identifier));
    assert_eq!(facts.camera.unwrap().software.as_deref(), Some("17.1"));
}
