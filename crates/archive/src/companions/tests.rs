//! Tests of the rules: which names and facts make companions.

use exhibit_model::digest::Digest;

use super::rules::{Confidence, Link, Related, Relation, Rule, family_names, is_live_pair, relate, role};
use crate::sql::companions::Member;

fn member(path: &str) -> Member {
    let media_type = match path.rsplit('.').next().unwrap().to_ascii_lowercase().as_str() {
        "jpg" => "image/jpeg",
        "heic" => "image/heic",
        "dng" => "image/x-adobe-dng",
        "cr2" => "image/x-canon-cr2",
        "mov" => "video/quicktime",
        "mp4" => "video/mp4",
        "xmp" => "application/rdf+xml",
        _ => "application/octet-stream",
    };
    Member {
        asset: path.bytes().map(i64::from).sum(),
        sha256: Digest::of(path.as_bytes()),
        media_type: media_type.to_owned(),
        source: 1,
        path: path.into(),
        content_identifier: None,
        sidecar_for_extension: None,
    }
}

/// The companions of the first of a family: path, relation, confidence, rule.
fn of_first(family: &[Member]) -> Vec<(String, Relation, Confidence, Rule)> {
    let Related { links, .. } = relate(family, 0);
    let path = |link: &Link| String::from_utf8(family[link.member].path.clone()).unwrap();
    links.iter().map(|link| (path(link), link.relation, link.confidence, link.rule)).collect()
}

fn family(paths: &[&str]) -> Vec<Member> {
    paths.iter().map(|path| member(path)).collect()
}

fn sidecar(path: &str, confidence: Confidence, rule: Rule) -> (String, Relation, Confidence, Rule) {
    (path.to_owned(), Relation::Sidecar, confidence, rule)
}

#[test]
fn raw_and_picture_of_one_name_belong_together_both_ways() {
    let raw = |path: &str| (path.to_owned(), Relation::RawPicture, Confidence::Certain, Rule::SameName);
    assert_eq!(of_first(&family(&["a/1.CR2", "a/1.JPG"])), [raw("a/1.JPG")]);
    assert_eq!(of_first(&family(&["a/1.JPG", "a/1.CR2", "a/1.heic"])), [raw("a/1.CR2")]);
    assert_eq!(of_first(&family(&["a/1.JPG", "a/1.heic"])), []);
}

#[test]
fn a_name_alone_makes_a_live_photo_probable_and_other_identifiers_none() {
    let mut pair = family(&["a/1.HEIC", "a/1.MOV"]);
    let probable = [("a/1.MOV".to_owned(), Relation::LivePhoto, Confidence::Probable, Rule::SameName)];
    assert_eq!(of_first(&pair), probable);
    pair[0].content_identifier = Some("A".to_owned());
    assert_eq!(of_first(&pair), probable);
    pair[1].content_identifier = Some("B".to_owned());
    assert_eq!(of_first(&pair), []);
    // One identifier is found by the identifier, not by the name.
    pair[1].content_identifier = Some("A".to_owned());
    assert_eq!(of_first(&pair), []);
    assert!(is_live_pair("image/jpeg", "video/mp4") && is_live_pair("video/quicktime", "image/heic"));
    assert!(!is_live_pair("image/png", "video/mp4") && !is_live_pair("image/jpeg", "image/heic"));
}

#[test]
fn a_sidecar_belongs_to_the_file_whose_whole_name_it_has() {
    let paths = ["a/1.jpg.xmp", "a/1.jpg", "a/1.dng"];
    assert_eq!(of_first(&family(&paths)), [sidecar("a/1.jpg", Confidence::Certain, Rule::SidecarOfName)]);
    let paths = ["a/1.jpg", "a/1.jpg.xmp", "a/1.xmp", "a/1.mov.xmp"];
    let found = of_first(&family(&paths));
    // The shorter name has nothing else to describe, so both are listed and people are told.
    assert_eq!(found[0], sidecar("a/1.jpg.xmp", Confidence::Certain, Rule::SidecarOfName));
    assert_eq!(found[1], sidecar("a/1.xmp", Confidence::Certain, Rule::SidecarOfStem));
    assert_eq!(found.len(), 2);
    assert_eq!(relate(&family(&paths), 0).warnings, ["more than one sidecar: a/1.jpg.xmp, a/1.xmp"]);
}

#[test]
fn a_sidecar_of_the_stem_needs_one_candidate_or_says_its_ending() {
    assert_eq!(of_first(&family(&["1.xmp", "1.CR2"])), [sidecar("1.CR2", Confidence::Certain, Rule::SidecarOfStem)]);
    // The picture has a sidecar of its own, so the other one is of the RAW.
    let paths = ["1.xmp", "1.dng", "1.jpg", "1.jpg.xmp"];
    assert_eq!(of_first(&family(&paths)), [sidecar("1.dng", Confidence::Certain, Rule::SidecarOfStem)]);
    let mut all = family(&["1.xmp", "1.dng", "1.jpg"]);
    let ambiguous = |path| sidecar(path, Confidence::Ambiguous, Rule::SidecarOfStem);
    assert_eq!(of_first(&all), [ambiguous("1.dng"), ambiguous("1.jpg")]);
    let warning = "the sidecar 1.xmp may belong to any of 1.dng, 1.jpg";
    assert_eq!(relate(&all, 0).warnings, [warning]);
    let picture = relate(&all, 2);
    assert_eq!(picture.warnings, [warning]);
    assert!(picture.links.contains(&Link {
        member: 0,
        relation: Relation::Sidecar,
        confidence: Confidence::Ambiguous,
        rule: Rule::SidecarOfStem
    }));
    all[0].sidecar_for_extension = Some("DNG".to_owned());
    assert_eq!(of_first(&all), [sidecar("1.dng", Confidence::Certain, Rule::SidecarForExtension)]);
    assert_eq!(relate(&all, 2), Related { links: relate(&all, 2).links, warnings: vec![] });
    // An ending that nothing has says nothing.
    all[0].sidecar_for_extension = Some("NEF".to_owned());
    assert_eq!(of_first(&all).len(), 2);
    assert_eq!(relate(&family(&["1.xmp"]), 0).warnings, ["nothing beside the sidecar 1.xmp is what it describes"]);
}

#[test]
fn a_family_is_every_name_in_the_folder_with_the_same_stem() {
    let names = |path: &str| {
        family_names(path.as_bytes())
            .map(|names| names.into_iter().map(|name| String::from_utf8(name).unwrap()).collect::<Vec<_>>())
    };
    let found = names("b c/1.2.JPG").unwrap();
    for wanted in ["b c/1.2.jpg", "b c/1.2.CR2", "b c/1.2.Mov", "b c/1.2.xmp", "b c/1.2.jpg.xmp", "b c/1.2.JPG.XMP"] {
        assert!(found.iter().any(|name| name == wanted), "{wanted}");
    }
    assert!(found.is_sorted() && found.len() < 700, "{}", found.len());
    for same in ["b c/1.2.xmp", "b c/1.2.jpg.xmp", "b c/1.2.MP4"] {
        assert!(names(same).unwrap().iter().any(|name| name == "b c/1.2.dng"), "{same}");
    }
    // A spelling that is no one's own is still the file itself.
    assert!(names("1.jPg").unwrap().contains(&"1.jPg".to_owned()));
    for none in ["notes.txt", "folder.jpg/notes", "jpg", ".jpg", ""] {
        assert_eq!(names(none), None, "{none}");
    }
    assert!(family_names(b"\xff\xfe.jpg").unwrap().contains(&b"\xff\xfe.xmp".to_vec()));
}

#[test]
fn roles_come_from_the_bytes() {
    assert_eq!(role("image/x-nikon-nef", b"a.jpg").as_str(), "raw");
    assert_eq!(role("image/jpeg", b"a.nef").as_str(), "picture");
    assert_eq!(role("application/xml", b"a.XMP").as_str(), "sidecar");
    assert_eq!(role("application/xml", b"a.xml").as_str(), "other");
    assert_eq!(role("audio/wav", b"a.wav").as_str(), "sound");
}
