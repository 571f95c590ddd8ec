//! Manifests: what is accepted, and that each mistake is told with its place.

use proptest::prelude::*;

use super::super::files::Files;
use super::super::{PluginError, PluginFolder};
use super::{MANIFEST, Manifest};
use crate::extractor::MediaClass;

const GOOD: &str = r#"name = "demo.lines"
version = "1.0"
about = "Counts lines."
protocol = 1
command = ["/usr/bin/python3", "./extract.py"]
media = ["image", "other"]
emits = [{ kind = "demo.lines", version = 1 }]
params = "params.json"
tools = ["sha512sum", "file"]

[limits]
unit_cpu_s = 5
"#;

const PARAMS: &str = r#"{"type":"object","additionalProperties":false,"properties":{"skip":{"type":"integer","minimum":0,"default":0}}}"#;

const KIND: &str = r#"{"kind":"demo.lines","version":1,"title":"Lines","subject":"artifact","retention":"kept","blob":"none","span":"none",
"schema":{"type":"object"},"projection":{"columns":[]}}"#;

fn files(manifest: &str) -> Files {
    let mut files = Files::default();
    files.insert(MANIFEST, false, manifest);
    files.insert("extract.py", false, "");
    files.insert("run.sh", true, "");
    files.insert("params.json", false, PARAMS);
    files.insert("kinds/lines.json", false, KIND);
    files
}

fn parse(manifest: &str) -> Result<Manifest, PluginError> {
    Manifest::parse(manifest, &files(manifest))
}

#[test]
fn a_good_one_is_read() {
    let manifest = parse(GOOD).unwrap();
    assert_eq!((manifest.name.as_str(), manifest.version.as_str()), ("demo.lines", "1.0"));
    assert_eq!(manifest.media, [MediaClass::Image, MediaClass::Other]);
    assert_eq!(manifest.emits, [("demo.lines".to_owned(), 1)]);
    assert_eq!(manifest.tools, ["file", "sha512sum"], "in the order of their names");
    assert_eq!((manifest.limits.unit_cpu_s, manifest.limits.unit_wall_s), (5, 120));
    let folder = PluginFolder::parse(files(GOOD)).unwrap();
    assert_eq!(folder.version(), format!("1.0+sha256.{}", folder.digest.to_hex()));
    let known = folder.known("/plugins/x".into());
    assert_eq!(known.stated_version(), "1.0");
    assert_eq!(known.plugin.unwrap().command, ["/usr/bin/python3", "/plugins/x/extract.py"]);
    assert!(std::ptr::eq(known.descriptor, folder.known("/elsewhere".into()).descriptor), "kept once");
}

#[test]
fn each_mistake_is_told_with_its_place() {
    let cases = [
        ("protocol = 1", "protocol = 2", "line 4, column 12: `protocol` is 2; this Exhibit speaks 1"),
        ("\"demo.lines\"\nversion", "\"Demo\"\nversion", "line 1, column 8: `name` begins"),
        ("\"demo.lines\"\nversion", "\"../x\"\nversion", "line 1, column 8: `name` begins"),
        ("\"1.0\"", "\"\"", "line 2, column 11: `version` has"),
        ("\"1.0\"", "\"1+2\"", "line 2, column 11: `version` has"),
        ("\"Counts lines.\"", "\"a\\nb\"", "line 3, column 9: `about` is one sentence"),
        ("\"/usr/bin/python3\"", "\"python3\"", "line 5, column 12: the program is an interpreter"),
        ("\"/usr/bin/python3\"", "\"/usr/bin/../../tmp/x\"", "line 5, column 12: the program is an interpreter"),
        ("\"/usr/bin/python3\"", "\"./extract.py\"", "line 5, column 12: extract.py is not executable: chmod +x"),
        ("\"./extract.py\"", "\"./other.py\"", "line 5, column 32: the plug-in has no file other.py"),
        ("[\"/usr/bin/python3\", \"./extract.py\"]", "[]", "line 5, column 11: there are 1 to 32 arguments"),
        ("\"image\", \"other\"", "\"image\", \"image\"", "line 6, column 19: a class is image, video, audio or other"),
        ("\"image\", \"other\"", "\"smell\"", "line 6, column 10: a class is"),
        ("version = 1 }", "version = 0 }", "line 7, column 10: versions count from 1"),
        ("kind = \"demo.lines\"", "kind = \"Demo\"", "line 7, column 10: `Demo` is no name of a kind"),
        ("\"params.json\"", "\"more.json\"", "line 8, column 10: the plug-in has no file more.json"),
        ("\"file\"]", "\"/bin/file\"]", "line 9, column 23: a tool is the plain name"),
        ("unit_cpu_s = 5", "unit_cpu_s = 0", "line 12, column 14: `unit_cpu_s` is 1 to 3600"),
        ("unit_cpu_s = 5", "unit_wall_s = 99999", "line 12, column 15: `unit_wall_s` is 1 to 14400"),
    ];
    for (from, to, message) in cases {
        assert!(GOOD.contains(from), "{from}");
        let said = parse(&GOOD.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(said.starts_with(&format!("{MANIFEST}: {message}")), "{to}: {said}");
    }
    // These are told by the parser of TOML, with the line itself.
    for (from, to, line, reason) in [
        ("protocol = 1", "protocol = \"1\"", "line 4, column 12", "invalid type: string"),
        ("tools =", "toolz =", "line 9, column 1", "unknown field `toolz`"),
        ("unit_cpu_s", "unit_cpu_ms", "line 12, column 1", "unknown field `unit_cpu_ms`"),
        ("version = 1 }", "version = 1, more = 2 }", "line 7, column 46", "unknown field `more`"),
        ("about = \"Counts lines.\"\n", "", "line 1, column 1", "missing field `about`"),
    ] {
        let said = parse(&GOOD.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(said.contains(line) && said.contains(reason), "{to}: {said}");
    }
}

#[test]
fn the_other_files_are_checked_too() {
    let with = |path: &str, text: &str| {
        let mut files = files(GOOD);
        files.insert(path, false, text);
        PluginFolder::parse(files).unwrap_err().to_string()
    };
    let no_default = PARAMS.replace(",\"default\":0", "");
    let bad_default = PARAMS.replace("\"default\":0", "\"default\":-1");
    let open = PARAMS.replace("\"additionalProperties\":false,", "");
    let outside = PARAMS.replace("\"type\":\"integer\"", "\"$ref\":\"https://example.org/x\"");
    for (path, text, message) in [
        ("params.json", no_default.as_str(), "params.json: /properties/skip: it has no `default`"),
        ("params.json", bad_default.as_str(), "params.json: /properties/skip: its default does not fit"),
        ("params.json", open.as_str(), "params.json: /additionalProperties: it is `false`"),
        ("params.json", outside.as_str(), "params.json: $ref is https://example.org/x; only references within"),
        ("params.json", "{", "params.json: "),
        ("kinds/lines.json", "{}", "kinds/lines.json: "),
        ("kinds/more.json", KIND, "kinds/more.json: demo.lines v1 has another file already"),
        (
            "kinds/more.json",
            &KIND.replace("\"demo.lines\"", "\"demo.words\""),
            "kinds/more.json: demo.words v1 is not among what plugin.toml says it emits",
        ),
        (
            "kinds/lines.json",
            &KIND.replace("\"artifact\"", "\"record\""),
            "kinds/lines.json: what an extractor emits is about an asset",
        ),
    ] {
        let said = with(path, text);
        assert!(said.starts_with(message), "{said}");
    }
    assert_eq!(
        PluginFolder::parse(Files::default()).unwrap_err().to_string(),
        "plugin.toml: the folder has no such file"
    );
}

proptest! {
    /// Whatever stands in the manifest, it is read or refused, never a panic, and refused alike twice.
    #[test]
    fn any_text_is_answered_alike(text in "\\PC{0,300}") {
        let said = |text: &str| parse(text).map_err(|error| error.to_string());
        prop_assert_eq!(said(&text), said(&text));
    }

    /// A good manifest with a piece cut out and another put in is read with plain values, or refused with a place.
    #[test]
    fn a_damaged_manifest_never_passes_unseen(start in 0..GOOD.len(), length in 0..40usize, piece in "[ -~\\n]{0,20}") {
        let end = (start + length).min(GOOD.len());
        let text = format!("{}{piece}{}", &GOOD[..start], &GOOD[end..]);
        match parse(&text) {
            Ok(manifest) => {
                prop_assert!(super::is_name(&manifest.name));
                prop_assert!(!manifest.command.is_empty() && !manifest.media.is_empty() && !manifest.emits.is_empty());
            }
            Err(error) => {
                let said = error.to_string();
                let placed = said.contains("line ") || said.starts_with("params.json");
                prop_assert!(placed, "{}", said);
            }
        }
    }
}
