//! High dynamic range in stills: brought into the range of sRGB, the same way as ffmpeg does it for videos (see `keyframe`).
//!
//! The light that the values stand for (PQ: SMPTE ST 2084; HLG: ITU-R BT.2100 with a display of 1000 candela per square metre), relative to a
//! white page of 203 (ITU-R BT.2408), in the primaries of sRGB; then the Möbius curve on the strongest channel, which leaves all below 0.6 of
//! white as it is and bends the rest up to the peak of 1000; then sRGB. What a file claims about its peak is not used. Powers are computed in
//! floating point: machines may differ by one step of 255.

use super::Transfer;
use super::resample::{Layout, Small};

/// Light of a white page, in candela per square metre.
const WHITE_NITS: f64 = 203.0;

/// Light above which everything is white, relative to a white page.
const PEAK: f64 = 1000.0 / WHITE_NITS;

/// Where the curve begins to bend, relative to a white page.
const KNEE: f64 = 0.6;

/// Primaries of ITU-R BT.2020 (9) and of Display P3 (12) by the numbers of ITU-T H.273, as those of sRGB.
const TO_SRGB: [(u16, [[f64; 3]; 3]); 2] = [
    (9, [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]),
    (12, [[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]]),
];

/// How a high dynamic range is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HighRange {
    /// The curve.
    pub transfer: Transfer,
    /// The primaries, by the numbers of ITU-T H.273.
    pub primaries: u16,
}

/// The pixels in sRGB with alpha; `None` for layouts that cannot have a high range (grey, inks).
pub fn map(small: &Small, range: HighRange) -> Option<Vec<[u8; 4]>> {
    let wide =
        |bytes: &[u8]| -> Vec<u16> { bytes.as_chunks().0.iter().map(|pair| u16::from_ne_bytes(*pair)).collect() };
    let narrow = |bytes: &[u8]| -> Vec<u16> { bytes.iter().map(|value| u16::from(*value) * 257).collect() };
    let (values, channels) = match small.layout {
        Layout::Rgb16 => (wide(&small.bytes), 3),
        Layout::Rgba16 => (wide(&small.bytes), 4),
        Layout::Rgb8 => (narrow(&small.bytes), 3),
        Layout::Rgba8 | Layout::Rgbx8 => (narrow(&small.bytes), 4),
        _ => return None,
    };
    let pixel = |values: &[u16]| match *values {
        [red, green, blue, ref rest @ ..] => {
            let [red, green, blue] = to_srgb([red, green, blue].map(|value| f64::from(value) / 65535.0), range);
            let alpha = rest.first().map_or(u8::MAX, |alpha| byte(f64::from(*alpha) / 65535.0));
            [red, green, blue, alpha]
        }
        _ => [0; 4],
    };
    Some(values.chunks_exact(channels).map(pixel).collect())
}

fn to_srgb(coded: [f64; 3], range: HighRange) -> [u8; 3] {
    let light = match range.transfer {
        Transfer::Pq => coded.map(pq_light),
        Transfer::Hlg => hlg_light(coded),
    };
    let light = light.map(|nits| nits / WHITE_NITS);
    let light = match TO_SRGB.iter().find(|(primaries, _)| *primaries == range.primaries) {
        Some((_, rows)) => {
            rows.map(|row| row.iter().zip(light).map(|(share, value)| share * value).sum::<f64>().max(0.0))
        }
        None => light,
    };
    let strongest = light.into_iter().fold(0.0, f64::max);
    let scale = if strongest > 0.0 { curve(strongest.min(PEAK)) / strongest } else { 0.0 };
    light.map(|value| byte(srgb(value * scale)))
}

/// Candela per square metre of a PQ value (ST 2084, equation 4.1).
fn pq_light(coded: f64) -> f64 {
    let power = coded.powf(1.0 / 78.84375);
    10_000.0 * ((power - 0.8359375).max(0.0) / (18.8515625 - 18.6875 * power)).powf(1.0 / 0.1593017578125)
}

/// Candela per square metre of HLG values (BT.2100, table 5).
fn hlg_light(coded: [f64; 3]) -> [f64; 3] {
    let scene = coded.map(|value| {
        if value <= 0.5 {
            value * value / 3.0
        } else {
            (((value - 0.559_910_73) / 0.178_832_77).exp() + 0.284_668_92) / 12.0
        }
    });
    let [red, green, blue] = scene;
    let luminance = 0.2627 * red + 0.6780 * green + 0.0593 * blue;
    scene.map(|value| 1000.0 * luminance.powf(0.2) * value)
}

/// The Möbius curve: straight up to [`KNEE`], then bent so that [`PEAK`] becomes 1.
fn curve(light: f64) -> f64 {
    if light <= KNEE {
        return light;
    }
    let a = -KNEE * KNEE * (PEAK - 1.0) / (KNEE * KNEE - 2.0 * KNEE + PEAK);
    let b = (KNEE * KNEE - 2.0 * KNEE * PEAK + PEAK) / (PEAK - 1.0);
    (b * b + 2.0 * b * KNEE + KNEE * KNEE) / (b - a) * (light + a) / (light + b)
}

fn srgb(light: f64) -> f64 {
    if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}

fn byte(share: f64) -> u8 {
    // The conversion saturates, and there is no number that is none.
    (share.clamp(0.0, 1.0) * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_lights_have_known_values() {
        // A white page is 58 % of the PQ range (BT.2408, table 1), the peak is white, and black is black.
        assert!((pq_light(0.58) - 203.0).abs() < 3.0, "{}", pq_light(0.58));
        assert!((pq_light(1.0) - 10_000.0).abs() < 0.01 && pq_light(0.0) == 0.0);
        // 75 % of HLG is a white page on a display of 1000.
        assert!(hlg_light([0.75; 3]).iter().all(|nits| (nits - 203.0).abs() < 3.0));
        assert!(curve(0.5) == 0.5 && (curve(PEAK) - 1.0).abs() < 1e-9 && curve(1.0) > 0.75);
        let bright = |coded: f64| to_srgb([coded; 3], HighRange { transfer: Transfer::Pq, primaries: 1 });
        assert_eq!((bright(0.0), bright(1.0)), ([0; 3], [255; 3]));
    }

    #[test]
    fn every_layout_with_colours_is_mapped() {
        let range = HighRange { transfer: Transfer::Pq, primaries: 9 };
        let small = |layout, bytes: Vec<u8>| map(&Small { layout, bytes }, range);
        assert_eq!(small(Layout::Rgb8, vec![0; 3]), Some(vec![[0, 0, 0, 255]]));
        assert_eq!(small(Layout::Rgba16, vec![0xff; 8]), Some(vec![[255; 4]]));
        assert_eq!(small(Layout::Rgba8, vec![0; 8]).map(|pixels| pixels.len()), Some(2));
        assert_eq!(small(Layout::Cmyk8, vec![0; 4]), None);
    }
}
