//! Tests of signed notes: published samples and everything that must not parse.

use proptest::prelude::*;

use super::*;

/// A key and a note that implementations of the format publish as an example.
const KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const NOTE: &str = "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

/// The sample of the checkpoint format.
const CHECKPOINT: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

#[test]
fn reads_and_writes_the_published_key_and_note() {
    let key: VerifierKey = KEY.parse().unwrap();
    assert_eq!((key.name(), key.key_id()), ("example.com/foo", [0x53, 0x0d, 0x90, 0x3a]));
    assert_eq!(key.to_string(), KEY);
    let note: SignedNote = NOTE.parse().unwrap();
    assert_eq!(note.text(), "This is an example message.\n");
    assert_eq!(note.to_string(), NOTE);
    let signatures: Vec<_> = note.signatures_of(&key).collect();
    assert_eq!(signatures.len(), 1);
    let signature: &[u8; 64] = signatures[0].try_into().unwrap();
    assert_eq!(key.signature_line(signature), note.signatures()[0]);
    let other = VerifierKey::new("example.com/foo", [7; 32]).unwrap();
    assert_eq!(note.signatures_of(&other).count(), 0);
}

#[test]
fn the_text_may_have_empty_lines_and_several_signatures() {
    let line: SignatureLine = NOTE.lines().last().unwrap().parse().unwrap();
    let note = SignedNote::new("a\n\nb\n", vec![line.clone(), line]).unwrap();
    let read: SignedNote = note.to_string().parse().unwrap();
    assert_eq!((read.text(), read.signatures().len()), ("a\n\nb\n", 2));
}

#[test]
fn notes_that_would_be_read_differently_are_refused() {
    let line: SignatureLine = NOTE.lines().last().unwrap().parse().unwrap();
    for text in ["", "a", "a\n\nb", "a\rb\n", "a\0\n"] {
        assert!(SignedNote::new(text, vec![line.clone()]).is_err(), "{text:?}");
    }
    assert!(SignedNote::new("a\n", vec![]).is_err());
    assert!(SignedNote::new("a\n", vec![line.clone(); SIGNATURES_MAX]).is_ok());
    assert!(SignedNote::new("a\n", vec![line.clone(); SIGNATURES_MAX + 1]).is_err());
    for name in ["", "a b", "a+b", "a\nb", "a\u{2003}b"] {
        assert!(
            SignedNote::new("a\n", vec![SignatureLine { name: name.to_owned(), ..line.clone() }]).is_err(),
            "{name:?}"
        );
    }
    let long = "x".repeat(NOTE_BYTES_MAX) + "\n";
    assert!(SignedNote::new(long, vec![line]).is_err());
}

#[test]
fn broken_notes_are_refused() {
    let bad = [
        "",
        "\n",
        "a\n",
        "a\n\n",
        "a\n\n\n",
        NOTE.trim_end_matches('\n'),
        &NOTE.replace('\u{2014}', "-"),
        &NOTE.replace("\n\n", "\n"),
        &NOTE.replace("QM=", "QM"),
        &NOTE.replace("QM=", "QN="),
        &NOTE.replace("example.com/foo ", "example.com/foo  "),
        &NOTE.replace("example.com/foo ", ""),
        &NOTE.replace('\n', "\r\n"),
        "a\n\n\u{2014} b AAAAAA==\n",
    ];
    for text in bad {
        assert!(text.parse::<SignedNote>().is_err(), "{text:?}");
    }
}

#[test]
fn broken_keys_are_refused() {
    let bad = [
        "",
        "example.com/foo",
        &KEY.replace("530d903a", "530d903b"),
        &KEY.replace("530d903a", "530D903A"),
        &KEY.replace("foo", "bar"),
        &KEY.replace("+Ae", "+Ax"),
        &KEY.replace("example", "exa mple"),
        "a+00000000+AA==",
        "a+00000000+",
    ];
    for text in bad {
        assert!(text.parse::<VerifierKey>().is_err(), "{text:?}");
    }
    assert!(VerifierKey::new("", [0; 32]).is_err());
}

#[test]
fn reads_and_writes_the_published_checkpoint() {
    let checkpoint: Checkpoint = CHECKPOINT.parse().unwrap();
    assert_eq!((checkpoint.origin(), checkpoint.size()), ("example.com/behind-the-sofa", 20_852_163));
    assert_eq!(checkpoint.to_string(), CHECKPOINT);
    assert_eq!(Checkpoint::new(checkpoint.origin(), checkpoint.size(), checkpoint.root()).unwrap(), checkpoint);
}

#[test]
fn broken_checkpoints_are_refused() {
    let bad = [
        "",
        "\n\n\n",
        CHECKPOINT.trim_end_matches('\n'),
        &CHECKPOINT.replace("20852163", "020852163"),
        &CHECKPOINT.replace("20852163", "+20852163"),
        &CHECKPOINT.replace("20852163", "20852163 "),
        &CHECKPOINT.replace("20852163", "18446744073709551616"),
        &CHECKPOINT.replace("20852163", ""),
        &CHECKPOINT.replace("q2I=", "q2I"),
        &CHECKPOINT.replace("q2I=", "q2J="),
        &CHECKPOINT.replace("CsUY", ""),
        &CHECKPOINT.replace("example.com/behind-the-sofa", ""),
        &CHECKPOINT.replace("example.com", "exam ple.com"),
        &(CHECKPOINT.to_owned() + "extension\n"),
        &(CHECKPOINT.to_owned() + "\n"),
    ];
    for text in bad {
        assert!(text.parse::<Checkpoint>().is_err(), "{text:?}");
    }
    assert!(Checkpoint::new("", 0, crate::merkle::empty_root()).is_err());
    assert_eq!(Checkpoint::new("a", 0, crate::merkle::empty_root()).unwrap().to_string().lines().nth(1), Some("0"));
}

proptest! {
    #[test]
    fn what_parses_is_written_back_byte_for_byte(text in "(\\PC|[\n+ \u{2014}]){0,80}") {
        if let Ok(note) = text.parse::<SignedNote>() {
            prop_assert_eq!(note.to_string(), text.clone());
        }
        if let Ok(key) = text.parse::<VerifierKey>() {
            prop_assert_eq!(key.to_string(), text.clone());
        }
        if let Ok(checkpoint) = text.parse::<Checkpoint>() {
            prop_assert_eq!(checkpoint.to_string(), text);
        }
    }

    #[test]
    fn keys_and_checkpoints_read_back(name in "[a-z0-9./-]{1,20}", key in any::<[u8; 32]>(), size in any::<u64>()) {
        let verifier = VerifierKey::new(name.as_str(), key).unwrap();
        prop_assert_eq!(verifier.to_string().parse::<VerifierKey>().unwrap(), verifier);
        let checkpoint = Checkpoint::new(name, size, Digest(key)).unwrap();
        prop_assert_eq!(checkpoint.to_string().parse::<Checkpoint>().unwrap(), checkpoint);
    }
}
