//! Tests of XMP in every file that can hold it, and of films inside stills.

use super::payload::*;
use super::test_files::*;
use super::xmp_packet::{Leaf, Stop, read_packet};
use super::*;

fn read(format: ImageFormat, bytes: &[u8]) -> (MediaMetadata, Option<Captured>) {
    match still::read_still(format, Source::Memory(bytes)) {
        Ok(read) => read,
        Err(refusal) => panic!("refused: {:?}", refusal.into_outcome()),
    }
}

fn read_elements(elements: &str) -> MediaMetadata {
    read(ImageFormat::Jpeg, &jpeg_with(&xmp(elements), &jpeg(None, 40, 30))).0
}

fn assert_full(facts: &MediaMetadata, captured: Option<&Captured>) {
    let said = facts.description.as_ref().unwrap();
    assert_eq!((said.title.as_deref(), said.text.as_deref()), (Some("Opera"), Some("From <the> ferry & back")));
    assert_eq!((said.creators.as_slice(), said.copyright.as_deref()), (&["Ann".into(), "Ben".into()][..], Some("Ann")));
    assert_eq!(said.keywords, ["harbour", "sea"]);
    assert_eq!(said.keyword_paths, ["Places|Australia|Sydney"]);
    assert_eq!((said.rating, said.label.as_deref()), (Some(4), Some("Red")));
    assert!(facts.method.contains(&Method::Xmp) && facts.warnings.is_empty(), "{:?}", facts.warnings);
    assert_eq!(captured.unwrap().at, "2019-05-04T13:22:01.5+02:00");
    assert_eq!(facts.tags["XMP:dc:subject[2]"], "sea");
}

#[test]
fn xmp_is_found_in_every_still_that_can_hold_it() {
    let packet = xmp(FULL_XMP);
    let itxt = [b"XML:com.adobe.xmp\0\0\0\0\0", packet.as_bytes()].concat();
    let block = vec![
        (0x0100, Entry::Short(40)),
        (0x0101, Entry::Short(30)),
        (0x02BC, Entry::Undefined(packet.clone().into_bytes())),
    ];
    for (format, bytes) in [
        (ImageFormat::Jpeg, with_xmp(&jpeg(None, 40, 30))),
        (ImageFormat::Png, png(40, 30, &[(b"iTXt", &itxt)])),
        (ImageFormat::WebP, webp(&[(b"VP8X", &[0, 0, 0, 0, 39, 0, 0, 29, 0, 0]), (b"XMP ", packet.as_bytes())])),
        (ImageFormat::Tiff, tiff(Order::Big, &[block])),
    ] {
        let (facts, captured) = read(format, &bytes);
        assert_full(&facts, captured.as_ref());
        assert_eq!(captured.unwrap().source, CapturedSource::XmpOffset, "{format:?}");
        let (exposure, gps) = (facts.exposure.unwrap(), facts.gps.unwrap());
        // ISO is a list, and the first number of it may be 0.
        assert_eq!((exposure.iso, exposure.f_number), (Some(400), Some(2.8)));
        assert_eq!((gps.latitude, gps.longitude, gps.altitude_m), (-33.8568, 151.2153, Some(-2.5)));
        assert_eq!((gps.source, facts.camera.unwrap().make.as_deref()), (GpsSource::Xmp, Some("Acme")));
    }
}

#[test]
fn xmp_is_found_in_films_and_beside_pictures() {
    let packet = xmp(FULL_XMP);
    let uuid = mp4_box(b"uuid", &[&bmff_text::XMP_UUID[..], packet.as_bytes()].concat());
    let user = mp4_boxes(b"udta", &[mp4_box(b"XMP_", packet.as_bytes())]);
    let plain = movie(b"isom", &[mvhd(CREATED, 2002), audio_trak()]);
    for bytes in [[plain, uuid].concat(), movie(b"qt  ", &[mvhd(CREATED, 2002), audio_trak(), user])] {
        let (facts, captured, finished) = movie::read_boxes(Source::Memory(&bytes)).ok().unwrap();
        assert!(finished);
        // An offset is better than the movie header without one.
        assert_full(&facts, captured.as_ref());
    }
    let (facts, captured) = sidecar::read_sidecar(Source::Memory(packet.as_bytes())).ok().unwrap();
    assert_full(&facts, captured.as_ref());
    assert_eq!((facts.container.as_str(), facts.width), ("xmp", None));
    assert_eq!(facts.sidecar_for_extension.as_deref(), Some("DNG"));
}

#[test]
fn what_cameras_wrote_in_exif_wins_and_what_people_wrote_in_xmp() {
    let exif = tiff(
        Order::Big,
        &[
            vec![
                (0x010E, Entry::Text("CAMERA")),
                (0x010F, Entry::Text("Box")),
                (0x4746, Entry::Short(1)),
                (0x8769, Entry::Directory(1)),
            ],
            vec![(0x9003, Entry::Text("2018:01:01 10:00:00")), (0x829D, Entry::Rationals(vec![(4, 1)]))],
        ],
    );
    let (facts, captured) = read(ImageFormat::Jpeg, &with_xmp(&jpeg(Some(&exif), 40, 30)));
    let said = facts.description.unwrap();
    assert_eq!((said.text.as_deref(), said.rating), (Some("From <the> ferry & back"), Some(4)));
    assert_eq!((facts.camera.unwrap().make.as_deref(), facts.exposure.unwrap().f_number), (Some("Box"), Some(4.0)));
    // Local time of the camera comes before that of an editor.
    assert_eq!(captured.unwrap().source, CapturedSource::ExifFloating);
}

#[test]
fn ratings_are_stars_from_minus_one_to_five() {
    let rating = |text: &str| {
        let elements = format!("<rdf:Description xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmp:Rating='{text}'/>");
        read_elements(&elements).description.and_then(|said| said.rating)
    };
    for (text, stars) in [
        ("-1", Some(-1)),
        ("0", Some(0)),
        ("4.0", Some(4)),
        ("5", Some(5)),
        ("6", None),
        ("-2", None),
        ("x", None),
        ("NaN", None),
    ] {
        assert_eq!(rating(text), stars, "{text}");
    }
}

#[test]
fn packets_are_flat_lists_whatever_form_a_property_has() {
    let leaf = |place: &str, value: &str| Leaf { place: place.into(), value: value.into(), language: None };
    let elements = "<rdf:Description xmlns:a='urn:a' xmlns:dc='urn:not dublin core' a:one='1'><a:two>2</a:two>\
        <a:three rdf:parseType='Resource'><a:x>3</a:x></a:three><a:four><rdf:Description a:x='4'/></a:four>\
        <a:five rdf:resource='5'/><a:six><rdf:Bag><rdf:li><rdf:Description><rdf:value>6</rdf:value><a:q>q</a:q></rdf:Description>\
        </rdf:li></rdf:Bag></a:six><a:seven/><dc:subject>no</dc:subject></rdf:Description>";
    let (leaves, stop) = read_packet(xmp(elements).as_bytes());
    assert_eq!(stop, None);
    let wanted = [
        leaf("a:one", "1"),
        leaf("a:two", "2"),
        leaf("a:three/a:x", "3"),
        leaf("a:four/a:x", "4"),
        leaf("a:five", "5"),
        leaf("a:six[1]/a:q", "q"),
        leaf("a:six[1]", "6"),
        leaf("dc?:subject", "no"),
    ];
    assert_eq!(leaves, wanted);
}

#[test]
fn packets_in_utf16_and_with_padding_are_read_and_broken_ones_keep_what_was_before() {
    let text = xmp(FULL_XMP);
    let leaves = read_packet(text.as_bytes()).0;
    let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(read_packet(&[&[0xFE, 0xFF][..], &units].concat()), (leaves.clone(), None));
    assert_eq!(read_packet(&[text.as_bytes(), &[0; 100]].concat()), (leaves.clone(), None));
    let cut = text.find("<dc:rights>").unwrap();
    let (before, stop) = read_packet(&text.as_bytes()[..cut]);
    assert_eq!((stop, before.last()), (Some(Stop::Damaged), leaves.iter().find(|leaf| leaf.value == "Ben")));
    let facts = read(ImageFormat::Jpeg, &jpeg_with(&text[..cut], &jpeg(None, 40, 30))).0;
    assert_eq!((facts.warnings, facts.description.unwrap().rating), ([Warning::XmpDamaged].into(), Some(4)));
}

#[test]
fn a_second_packet_goes_on_with_the_first() {
    let name = "0123456789ABCDEF0123456789ABCDEF";
    let note = format!("<rdf:Description xmlns:n='http://ns.adobe.com/xmp/note/' n:HasExtendedXMP='{name}'/>");
    let more = xmp(FULL_XMP).into_bytes();
    let piece = |from: usize, to: usize| {
        let head = [&(more.len() as u32).to_be_bytes()[..], &(from as u32).to_be_bytes()].concat();
        [b"http://ns.adobe.com/xmp/extension/\0", name.as_bytes(), &head, &more[from..to]].concat()
    };
    let file = |pieces: &[Vec<u8>]| {
        let mut bytes = vec![0xFF, 0xD8];
        pieces.iter().for_each(|piece| segment(&mut bytes, 0xE1, piece));
        bytes.extend(&jpeg(None, 40, 30)[2..]);
        jpeg_with(&xmp(&note), &bytes)
    };
    let (facts, captured) = read(ImageFormat::Jpeg, &file(&[piece(700, more.len()), piece(0, 700)]));
    assert_full(&facts, captured.as_ref());
    for missing in [vec![], vec![piece(0, 700)], vec![piece(0, 700), piece(701, more.len())]] {
        let (facts, _) = read(ImageFormat::Jpeg, &file(&missing));
        assert_eq!(facts.warnings, [Warning::XmpDropped].into());
    }
}

#[test]
fn the_film_of_a_motion_photo_is_found_where_it_is() {
    let film = film();
    let whole = motion_jpeg();
    let facts = read(ImageFormat::Jpeg, &whole).0;
    let motion = facts.motion_photo.unwrap();
    assert_eq!((motion.form, motion.still_at_us), (MotionForm::ContainerDirectory, Some(500_000)));
    assert_eq!(&whole[motion.offset_bytes as usize..][..motion.length_bytes as usize], film);
    // An older form, which counts from the end.
    let micro = format!(
        "<rdf:Description xmlns:GCamera='http://ns.google.com/photos/1.0/camera/' GCamera:MicroVideo='1' \
         GCamera:MicroVideoOffset='{}' GCamera:MicroVideoPresentationTimestampUs='-1'/>",
        film.len()
    );
    let whole = [jpeg_with(&xmp(&micro), &jpeg(None, 40, 30)), film.clone()].concat();
    let motion = read(ImageFormat::Jpeg, &whole).0.motion_photo.unwrap();
    assert_eq!((motion.form, motion.still_at_us), (MotionForm::MicroVideo, None));
    assert_eq!(&whole[motion.offset_bytes as usize..], film);
    let whole = samsung_jpeg();
    let motion = read(ImageFormat::Jpeg, &whole).0.motion_photo.unwrap();
    assert_eq!(motion.form, MotionForm::SamsungTrailer);
    assert_eq!(&whole[motion.offset_bytes as usize..][..motion.length_bytes as usize], film);
}

#[test]
fn a_film_that_an_editor_dropped_is_missing() {
    let whole = motion_jpeg();
    let facts = read(ImageFormat::Jpeg, &whole[..whole.len() - film().len()]).0;
    assert_eq!((facts.motion_photo, facts.warnings), (None, [Warning::MotionVideoMissing].into()));
}
