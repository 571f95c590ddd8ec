//! Tests of the MP4 and QuickTime box reader.

use super::payload::*;
use super::test_files::*;
use super::*;

/// Facts, capture time, and whether nothing is left to `ffprobe`.
fn read(bytes: &[u8]) -> (MediaMetadata, Option<Captured>, bool) {
    match movie::read_boxes(Source::Memory(bytes)) {
        Ok(read) => read,
        Err(refusal) => panic!("refused: {:?}", refusal.into_outcome()),
    }
}

fn video_only(track: &VideoTrack) -> (MediaMetadata, Option<Captured>, bool) {
    read(&movie(b"isom", &[mvhd(CREATED, 2002), video_trak(track)]))
}

#[test]
fn a_movie_of_a_phone_gives_all_its_facts() {
    let (facts, captured, finished) = read(&full_movie());
    assert!(finished);
    assert_eq!((facts.container.as_str(), facts.duration_ms), ("mov", Some(2002)));
    assert_eq!((facts.width, facts.height, facts.orientation), (Some(640), Some(360), Some(6)));
    assert_eq!((facts.oriented_width, facts.oriented_height), (Some(360), Some(640)));
    let video = &facts.streams[0];
    assert_eq!((video.kind, video.codec.as_deref(), video.rotation), (StreamKind::Video, Some("h264"), Some(90)));
    assert_eq!(video.pixel_format.as_deref(), Some("yuv420p"));
    assert_eq!(video.frame_rate, Some(Rational { num: 30_000, den: 1001 }));
    assert_eq!((video.variable_frame_rate, video.duration_ms), (Some(false), Some(2002)));
    let audio = &facts.streams[1];
    assert_eq!((audio.kind, audio.codec.as_deref(), audio.duration_ms), (StreamKind::Audio, Some("aac"), Some(2000)));
    // The descriptor knows better than the sample entry.
    assert_eq!((audio.channels, audio.sample_rate), (Some(1), Some(48_000)));
    let camera = facts.camera.unwrap();
    assert_eq!((camera.make.as_deref(), camera.model.as_deref()), (Some("Acme"), Some("Phone 7")));
    let gps = facts.gps.unwrap();
    assert_eq!((gps.latitude, gps.longitude, gps.altitude_m), (27.5916, 86.564, Some(8850.0)));
    assert_eq!(gps.source, GpsSource::Container);
    // The local time with its offset wins over the movie header.
    let captured = captured.unwrap();
    assert_eq!((captured.at.as_str(), captured.source), ("2019-05-04T13:22:01+02:00", CapturedSource::ContainerOffset));
    assert_eq!(captured.tag, "Keys:com.apple.quicktime.creationdate");
    assert!(facts.warnings.is_empty());
}

#[test]
fn the_movie_header_gives_the_time_unless_it_is_zero() {
    let (_, captured, _) = video_only(&VideoTrack::default());
    let captured = captured.unwrap();
    assert_eq!((captured.at.as_str(), captured.tag.as_str(), captured.offset), ("2018-04-19T22:46:00Z", "mvhd", None));
    let (_, captured, _) = read(&movie(b"isom", &[mvhd(0, 2002), video_trak(&VideoTrack::default())]));
    assert_eq!(captured, None);
}

#[test]
fn the_display_matrix_turns_and_mirrors() {
    let cases = [
        ([1, 0, 0, 1], Some(1), Some(0), (640, 360)),
        ([-1, 0, 0, 1], Some(2), Some(0), (640, 360)),
        ([-1, 0, 0, -1], Some(3), Some(180), (640, 360)),
        ([1, 0, 0, -1], Some(4), Some(180), (640, 360)),
        ([0, 1, 1, 0], Some(5), Some(270), (360, 640)),
        ([0, 1, -1, 0], Some(6), Some(90), (360, 640)),
        ([0, -1, -1, 0], Some(7), Some(90), (360, 640)),
        ([0, -1, 1, 0], Some(8), Some(270), (360, 640)),
    ];
    for (matrix, orientation, rotation, shown) in cases {
        let (facts, ..) = video_only(&VideoTrack { matrix, ..VideoTrack::default() });
        assert_eq!((facts.orientation, facts.streams[0].rotation), (orientation, rotation), "{matrix:?}");
        assert_eq!((facts.oriented_width, facts.oriented_height), (Some(shown.0), Some(shown.1)), "{matrix:?}");
        assert!(facts.warnings.is_empty());
    }
    let (facts, _, finished) = video_only(&VideoTrack { matrix: [1, 1, -1, 1], ..VideoTrack::default() });
    assert_eq!((facts.orientation, facts.streams[0].rotation, finished), (None, None, true));
    assert!(facts.warnings.contains(&Warning::RotationOdd));
}

#[test]
fn a_varying_distance_between_frames_is_told_from_rounding() {
    let of = |times: &[(u32, u32)]| {
        let (facts, ..) = video_only(&VideoTrack { times: times.to_vec(), scale: 1000, ..VideoTrack::default() });
        (facts.streams[0].variable_frame_rate, facts.streams[0].frame_rate.map(|rate| (rate.num, rate.den)))
    };
    assert_eq!(of(&[(50, 40)]), (Some(false), Some((25, 1))));
    // 29.97 frames per second in milliseconds.
    assert_eq!(of(&[(2, 33), (1, 34), (2, 33), (1, 34)]), (Some(false), Some((30, 1))));
    assert_eq!(of(&[(10, 40), (5, 80), (10, 40)]), (Some(true), Some((125, 6))));
    // The length of the last sample is often made up.
    assert_eq!(of(&[(49, 40), (1, 400)]), (Some(false), Some((25, 1))));
    assert_eq!(of(&[(1, 40)]), (None, None));
    assert_eq!(of(&[(0, 40), (5, 0)]), (None, None));
}

#[test]
fn edits_shorten_a_stream() {
    let of = |edits: &[(u32, i32)]| {
        let (facts, ..) = video_only(&VideoTrack { edits: edits.to_vec(), ..VideoTrack::default() });
        facts.streams[0].duration_ms
    };
    assert_eq!(of(&[(2002, 0)]), Some(2002));
    // 500 ms of nothing, then 1.5 s of the media.
    assert_eq!(of(&[(500, -1), (1500, 0)]), Some(1500));
    assert_eq!(of(&[(9000, 0)]), Some(2002));
    assert_eq!(of(&[(0, 0)]), Some(2002));
}

#[test]
fn the_brand_is_the_container() {
    for (brand, container) in
        [(b"qt  ", "mov"), (b"isom", "mp4"), (b"mp42", "mp4"), (b"M4A ", "m4a"), (b"M4V ", "m4v"), (b"3gp5", "3gp")]
    {
        assert_eq!(read(&movie(brand, &[mvhd(CREATED, 2002), audio_trak()])).0.container, container);
    }
    for brand in [b"heic", b"avif", b"crx ", b"mif1"] {
        let refused = movie::read_boxes(Source::Memory(&movie(brand, &[mvhd(CREATED, 2002), audio_trak()])));
        assert!(matches!(refused, Err(Refusal::Corrupt(_))), "{brand:?}");
    }
}

#[test]
fn user_data_of_either_form_is_read() {
    let text = |text: &str| [&(text.len() as u16).to_be_bytes()[..], &[0x15, 0xC7], text.as_bytes()].concat();
    let data = mp4_box(b"data", &[&[0, 0, 0, 1, 0, 0, 0, 0][..], b"Song"].concat());
    let number = mp4_box(b"data", &[0, 0, 0, 21, 0, 0, 0, 0, 0xFF, 0xFE]);
    let list = mp4_boxes(b"ilst", &[mp4_box(b"\xa9nam", &data), mp4_box(b"tmpo", &number)]);
    let meta = mp4_box(b"meta", &[&[0; 4][..], &mp4_box(b"hdlr", &[0; 25]), &list].concat());
    let user = mp4_boxes(
        b"udta",
        &[
            mp4_box(b"\xa9mak", &text("Acme")),
            mp4_box(b"\xa9xyz", &text("-33.8568+151.2153/")),
            mp4_box(b"\xa9day", &text("2019-05-04T13:22:01+0200")),
            meta,
            vec![0; 4],
        ],
    );
    let (facts, captured, finished) = read(&movie(b"qt  ", &[mvhd(CREATED, 2002), audio_trak(), user]));
    assert!(finished && facts.warnings.is_empty());
    assert_eq!(facts.tags["ItemList:\u{A9}nam"], "Song");
    assert_eq!(facts.tags["ItemList:tmpo"], "-2");
    assert_eq!(facts.camera.unwrap().make.as_deref(), Some("Acme"));
    assert_eq!(facts.gps.unwrap().latitude, -33.8568);
    assert_eq!(captured.unwrap().tag, "UserData:\u{A9}day");
}

#[test]
fn what_is_in_fragments_or_missing_is_left_to_ffprobe() {
    let track = video_trak(&VideoTrack::default());
    let (facts, _, finished) = read(&movie(b"iso5", &[mvhd(CREATED, 0), track.clone(), mp4_box(b"mvex", &[])]));
    assert!(!finished && facts.streams.len() == 1);
    let (.., finished) = read(&[movie(b"iso5", &[mvhd(CREATED, 2002), track.clone()]), mp4_box(b"moof", &[])].concat());
    assert!(!finished);
    let (.., finished) = read(&movie(b"isom", &[mvhd(CREATED, 2002)]));
    assert!(!finished);
    let (facts, _, finished) = read(&mp4_box(b"mdat", &[0; 20]));
    assert!(!finished && facts.streams.is_empty() && facts.warnings.contains(&Warning::StructureDamaged));
    // Unknown length of the movie: the longest stream.
    let (facts, _, finished) = read(&movie(b"isom", &[mvhd(CREATED, u32::MAX), track]));
    assert_eq!((finished, facts.duration_ms), (true, Some(2002)));
}

#[test]
fn sizes_of_0_and_of_64_bits_are_read_and_a_cut_end_is_told() {
    let inner = [mvhd(CREATED, 2002), video_trak(&VideoTrack::default())].concat();
    let mut open = 0u32.to_be_bytes().to_vec();
    open.extend(b"moov");
    open.extend(&inner);
    let (facts, _, finished) = read(&open);
    assert!(finished && facts.warnings.is_empty() && facts.container == "mov");
    let mut long = [&1u32.to_be_bytes()[..], b"moov", &(inner.len() as u64 + 16).to_be_bytes()].concat();
    long.extend(&inner);
    assert!(read(&long).2);
    // The picture data is cut off: all facts, and a warning.
    let cut = [mp4_box(b"moov", &inner), mp4_box(b"mdat", &[0; 99])].concat();
    let (facts, _, finished) = read(&cut[..cut.len() - 9]);
    assert!(finished && facts.warnings.contains(&Warning::Truncated));
    let huge = [mp4_box(b"moov", &inner), vec![0, 0, 0, 1], b"mdat".to_vec(), u64::MAX.to_be_bytes().to_vec()].concat();
    let (facts, _, finished) = read(&huge);
    assert!(finished && facts.warnings.contains(&Warning::Truncated));
    // Rubbish after the movie does not cost its facts.
    let (facts, _, finished) = read(&[mp4_box(b"moov", &inner), vec![0, 0, 0, 3, 9, 9, 9, 9, 9]].concat());
    assert!(finished && facts.warnings.contains(&Warning::StructureDamaged));
}

#[test]
fn more_streams_than_are_kept_leave_a_warning() {
    let mut inner = vec![mvhd(CREATED, 2002)];
    inner.extend(vec![audio_trak(); STREAMS_MAX + 3]);
    let (facts, ..) = read(&movie(b"isom", &inner));
    assert_eq!(facts.streams.len(), STREAMS_MAX);
    assert!(facts.warnings.contains(&Warning::StreamsDropped));
}
