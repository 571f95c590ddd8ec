//! The output for a fixed input. A failure here means: raise `DESCRIPTOR.version`, then put the new digests in.
//!
//! The digests are of x86-64, where they do not depend on the processor; other architectures have vector code of their own.
#![cfg(target_arch = "x86_64")]

use exhibit_model::digest::Digest;
use serde_json::json;

use super::samples::*;

#[test]
fn the_output_of_this_version_is_unchanged() {
    let subsampled = |compressor: &mut turbojpeg::Compressor| {
        compressor.set_subsamp(turbojpeg::Subsamp::Sub2x2).unwrap();
        compressor.set_quality(90).unwrap();
    };
    let photo = compress(waves(2600, 1900).as_flattened(), turbojpeg::PixelFormat::RGB, 2600, 1900, subsampled);
    let photo = with_orientation(&photo, 6);
    let alpha: Vec<u8> = waves(700, 500).iter().flat_map(|&[r, g, b]| [r, g, b, g]).collect();
    let drawing = png(&alpha, 700, 500, image::ExtendedColorType::Rgba8);
    let found: Vec<String> = [(photo, "image/jpeg"), (drawing, "image/png")]
        .iter()
        .flat_map(|(file, media_type)| {
            let unit = thumbnails(file, media_type, json!({}));
            let again = thumbnails(file, media_type, json!({}));
            [0, 1].map(|fact| {
                assert_eq!(unit.blob(fact), again.blob(fact), "{media_type}: the second time gives other bytes");
                Digest::of(&unit.blob(fact)).to_string()[..16].to_owned()
            })
        })
        .collect();
    assert_eq!(super::DESCRIPTOR.version, "2");
    assert_eq!(found, ["4eee23ccc6b366e7", "acf87ce10390277d", "b9ccffa75c5bf4d5", "1e1309d5112d0023"]);
}
