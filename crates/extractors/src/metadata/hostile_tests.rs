//! Hostile and damaged files: every reader ends, quickly, and what it gives fits the kind.

use std::sync::OnceLock;

use proptest::collection::vec;
use proptest::prelude::*;

use super::payload::Warning;
use super::test_files::*;
use super::*;

const FORMATS: [ImageFormat; 6] =
    [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Tiff, ImageFormat::Gif, ImageFormat::WebP, ImageFormat::Bmp];

/// Files that hold every structure that is read.
fn samples() -> Vec<Vec<u8>> {
    let exif = full_exif(Order::Little);
    let [mut main, settings, place] = full_exif_directories();
    main.insert(0, (0x0101, Entry::Long(30)));
    main.insert(0, (0x0100, Entry::Short(40)));
    let edited =
        VideoTrack { edits: vec![(500, -1), (1500, 0)], times: vec![(10, 40), (5, 80)], ..VideoTrack::default() };
    vec![
        jpeg(Some(&full_exif(Order::Big)), 40, 30),
        png(40, 30, &[(b"tEXt", b"Title\0text"), (b"IDAT", &[0; 5]), (b"eXIf", &exif)]),
        tiff(Order::Big, &[main, settings, place]),
        webp(&[(b"VP8X", &[0, 0, 0, 0, 39, 0, 0, 29, 0, 0]), (b"EXIF", &exif)]),
        webp(&[(b"VP8 ", &[0, 0, 0, 0x9D, 1, 0x2A, 40, 0, 30, 0])]),
        b"GIF89a\x28\0\x1e\0\0\0\0".to_vec(),
        [&b"BM"[..], &[0; 12], &[40, 0, 0, 0], &[9; 8]].concat(),
        full_movie(),
        movie(b"isom", &[mvhd(CREATED, 2002), video_trak(&edited), audio_trak()]),
        with_xmp(&motion_jpeg()),
        heic(&Heic::full()),
        cr3(),
        raf(),
        xmp(FULL_XMP).into_bytes(),
    ]
}

/// Reads the bytes as everything they could be called, and checks what comes of it.
fn read_as_everything(bytes: &[u8]) {
    static VALIDATOR: OnceLock<jsonschema::Validator> = OnceLock::new();
    let validator = VALIDATOR.get_or_init(|| {
        let kind: serde_json::Value = serde_json::from_str(METADATA_KIND_FILE).unwrap();
        jsonschema::draft202012::new(&kind["schema"]).unwrap()
    });
    let check = |mut facts: MediaMetadata, captured: Option<Captured>| {
        facts.captured = captured;
        let payload = serde_json::to_value(&facts).unwrap();
        let errors: Vec<String> = validator.iter_errors(&payload).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        assert!(!payload.to_string().contains("\\u0000"));
    };
    for format in FORMATS {
        if let Ok((facts, captured)) = still::read_still(format, Source::Memory(bytes)) {
            check(facts, captured);
        }
    }
    let source = || Source::Memory(bytes);
    let reads = [
        heif::read_heif(source()),
        raw::read_tiff_raw("cr2", source()),
        raw::read_raf(source()),
        cr3::read_cr3(source()),
    ];
    for (facts, captured) in reads.into_iter().chain([sidecar::read_sidecar(source())]).flatten() {
        check(facts, captured);
    }
    match movie::read_boxes(Source::Memory(bytes)) {
        // Without a movie header or a stream there is nothing that would be emitted.
        Ok((facts, captured, finished)) if finished || !facts.streams.is_empty() => check(facts, captured),
        Ok(_) | Err(_) => {}
    }
}

/// Every byte of a small file, every few of a longer one: long ones are mostly text.
fn step(sample: &[u8]) -> usize {
    1 + sample.len() / 300
}

#[test]
fn a_file_cut_at_any_byte_is_read_as_far_as_it_goes() {
    for sample in samples() {
        for end in (0..=sample.len()).step_by(step(&sample)) {
            read_as_everything(&sample[..end]);
        }
    }
}

#[test]
fn any_one_byte_may_be_wrong() {
    for sample in samples() {
        for at in (0..sample.len()).step_by(step(&sample)) {
            for value in [!sample[at], 0xFF] {
                let mut changed = sample.clone();
                changed[at] = value;
                read_as_everything(&changed);
            }
        }
    }
}

#[test]
fn boxes_nested_a_hundred_thousand_deep_cost_nothing() {
    let mut bytes = Vec::new();
    let depth = 100_000u32;
    for level in 0..depth {
        bytes.extend(((depth - level) * 8).to_be_bytes());
        bytes.extend(if level % 2 == 0 { b"moov" } else { b"trak" });
    }
    let (facts, _, finished) = movie::read_boxes(Source::Memory(&bytes)).ok().unwrap();
    assert!(!finished && facts.duration_ms.is_none());
}

#[test]
fn a_million_small_boxes_end_at_the_limit() {
    let small = mp4_box(b"free", &[]);
    let flat = small.repeat(1 << 20);
    let (facts, _, finished) = movie::read_boxes(Source::Memory(&flat)).ok().unwrap();
    assert!(!finished && facts.warnings.contains(&Warning::StructureDamaged));
    let inside = mp4_boxes(b"moov", &[mvhd(CREATED, 2002), flat]);
    assert!(!movie::read_boxes(Source::Memory(&inside)).ok().unwrap().2);
}

#[test]
fn boxes_larger_than_everything_are_cut() {
    for size in [u64::MAX, u64::MAX - 7, 1 << 63, 17] {
        let mut bytes = [&1u32.to_be_bytes()[..], b"moov", &size.to_be_bytes()].concat();
        bytes.extend(mvhd(CREATED, 2002));
        read_as_everything(&bytes);
    }
    let claims =
        [0xFFFF_FFFFu32, 0x8000_0000].map(|size| [&size.to_be_bytes()[..], b"moov", &mvhd(CREATED, 1)].concat());
    for bytes in claims {
        let (facts, _, finished) = movie::read_boxes(Source::Memory(&bytes)).ok().unwrap();
        assert!(!finished && facts.warnings.contains(&Warning::Truncated));
    }
}

#[test]
fn tables_that_claim_more_than_there_is_are_left_out() {
    let stts = mp4_box(b"stts", &[0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1, 0, 0, 0, 1]);
    let media = mp4_boxes(b"mdia", &[mp4_boxes(b"minf", &[mp4_boxes(b"stbl", &[stts])])]);
    let elst = mp4_boxes(b"edts", &[mp4_box(b"elst", &[1, 0, 0, 0, 0, 0x0F, 0xFF, 0xFF])]);
    let (facts, _, finished) =
        movie::read_boxes(Source::Memory(&movie(b"isom", &[mvhd(CREATED, 5), mp4_boxes(b"trak", &[elst, media])])))
            .ok()
            .unwrap();
    assert!(finished);
    assert_eq!((facts.streams[0].duration_ms, facts.streams[0].frame_rate), (None, None));
}

#[test]
fn a_chain_of_directories_that_leads_back_ends() {
    // Two entries (the size), then a link to the directory itself.
    let mut bytes = tiff(Order::Little, &[vec![(0x0100, Entry::Long(9)), (0x0101, Entry::Long(7))]]);
    bytes[8 + 2 + 24] = 8;
    assert_eq!(raw::largest_picture(Source::Memory(&bytes)).unwrap(), Some((9, 7)));
}

#[test]
fn tables_of_items_that_claim_more_than_there_is_end() {
    // Each claims 2^32 items or pieces whose numbers take no bytes at all.
    let iloc = mp4_box(b"iloc", &[&[2, 0, 0, 0, 0, 0][..], &[0xFF; 4], &[0; 4000]].concat());
    let many_pieces =
        [&[2, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF][..], &[0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF].repeat(4000)].concat();
    let ipma = mp4_box(b"ipma", &[&[0, 0, 0, 0][..], &[0xFF; 4], &[0, 1, 0].repeat(4000)].concat());
    for table in [iloc, mp4_box(b"iloc", &many_pieces)] {
        let file = Heic { tables: vec![table, mp4_boxes(b"iprp", std::slice::from_ref(&ipma))], ..Heic::full() };
        read_as_everything(&heic(&file));
    }
}

#[test]
fn hostile_packets_end_with_what_was_before() {
    let start = "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns:dc='http://purl.org/dc/elements/1.1/'>\
                 <rdf:Description dc:format='before'>";
    let deep = "<dc:a>".repeat(100_000);
    let flat = "<dc:a/>".repeat(100_000);
    let values = "<dc:a>x</dc:a>".repeat(20_000);
    let attributes = format!("<dc:a {}/>", (0..60_000).map(|index| format!("a{index}='' ")).collect::<String>());
    let spaces = format!("<dc:a {}/>", (0..60_000).map(|index| format!("xmlns:a{index}='' ")).collect::<String>());
    for (name, rest) in
        [("deep", deep), ("flat", flat), ("values", values), ("attributes", attributes), ("spaces", spaces)]
    {
        let (leaves, stop) = xmp_packet::read_packet(format!("{start}{rest}").as_bytes());
        assert_eq!(stop, Some(xmp_packet::Stop::TooMuch), "{name}");
        assert_eq!((leaves[0].place.as_str(), leaves[0].value.as_str()), ("dc:format", "before"), "{name}");
    }
    let long = vec![b'<'; xmp_packet::PACKET_BYTES_MAX + 1];
    assert_eq!(xmp_packet::read_packet(&long), (Vec::new(), Some(xmp_packet::Stop::TooMuch)));
    let laughs = "<!DOCTYPE a [<!ENTITY b 'ha'><!ENTITY c '&b;&b;&b;&b;'>]><a>&c;</a>";
    assert_eq!(xmp_packet::read_packet(laughs.as_bytes()), (Vec::new(), Some(xmp_packet::Stop::Damaged)));
    // An entity that nobody defined is not replaced by anything from outside.
    let (leaves, stop) =
        xmp_packet::read_packet(format!("{start}<dc:a>x&file;y&#x41;</dc:a></rdf:Description></rdf:RDF>").as_bytes());
    assert_eq!((leaves[1].value.as_str(), stop), ("x\u{FFFD}yA", None));
}

#[test]
fn directories_that_point_at_themselves_end() {
    use super::test_files::Entry::{Directory, Long};
    let looped = tiff(
        Order::Little,
        &[vec![(0x0100, Long(1)), (0x0101, Long(1)), (0x8769, Directory(0)), (0x8825, Directory(0))]],
    );
    let (facts, _) = still::read_still(ImageFormat::Tiff, Source::Memory(&looped)).ok().unwrap();
    assert_eq!(facts.width, Some(1));
    read_as_everything(&jpeg(Some(&looped), 1, 1));
}

#[test]
fn a_jpeg_of_fill_bytes_or_of_empty_segments_ends() {
    let fill = [&[0xFF, 0xD8][..], &vec![0xFF; 1 << 20]].concat();
    let rubbish = [&[0xFF, 0xD8][..], &vec![0x55; 1 << 20]].concat();
    let empty = [&[0xFF, 0xD8][..], &[0xFF, 0xE0, 0, 2].repeat(1 << 18)].concat();
    for bytes in [fill, rubbish, empty] {
        assert!(still::read_still(ImageFormat::Jpeg, Source::Memory(&bytes)).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..600), start in 0..14usize) {
        let sample = &samples()[start];
        read_as_everything(&bytes);
        // The first bytes of a real file lead deeper into its reader.
        let kept = sample.len().min(40);
        read_as_everything(&[&sample[..kept], &bytes].concat());
    }

    #[test]
    fn packets_of_any_text_never_panic(text in "(<|>|/|&|;|=|'|rdf:li|rdf:Seq|dc:subject|xmlns:dc| |[a-z]|\\PC){0,200}") {
        read_as_everything(text.as_bytes());
        read_as_everything(xmp(&text).as_bytes());
    }

    #[test]
    fn changed_files_never_panic(
        which in 0..14usize,
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..24),
        cut in any::<prop::sample::Index>(),
        doubled in any::<bool>(),
    ) {
        let mut bytes = samples().swap_remove(which);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if doubled {
            let half = bytes.split_off(cut.index(bytes.len()));
            bytes.extend([half.clone(), half].concat());
        }
        read_as_everything(&bytes);
    }
}
