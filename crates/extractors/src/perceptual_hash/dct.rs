//! The perceptual hash itself: which of the slow waves of a picture are stronger than the middling one.
//!
//! The method is the DCT hash of C. Zauner, *Implementation and Benchmarking of Perceptual Image Hash Functions*, Hagenberg 2010, section
//! 3.2.1: luma, 32 x 32 pixels, a two-dimensional DCT-II, the 64 coefficients of rows and columns 1 to 8 (0 is the mean of the picture),
//! and one bit for each that is above their median. Zauner smooths with a box of 7 x 7 before he reduces; here the resampling filter does
//! that. All arithmetic is in whole numbers, so every machine gives the same bits.

use crate::webp_blob::Picture;

/// Edge of the square that is transformed.
pub const EDGE: u32 = 32;

const SIDE: usize = EDGE as usize;

/// Rows and columns of coefficients that make bits.
const WAVES: usize = 8;

/// cos(k pi / 64) for k = 0 to 32, times 2^14.
const COSINES: [i64; 33] = [
    16384, 16364, 16305, 16207, 16069, 15893, 15679, 15426, 15137, 14811, 14449, 14053, 13623, 13160, 12665, 12140,
    11585, 11003, 10394, 9760, 9102, 8423, 7723, 7005, 6270, 5520, 4756, 3981, 3196, 2404, 1606, 804, 0,
];

/// A hash, and how much there was to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// 64 bits, row by row, the slowest wave first.
    pub hash: u64,
    /// Difference between the lightest and the darkest pixel of the small picture, 0 to 255. Below about 16 the bits are noise.
    pub contrast: u8,
}

/// The hash of a picture of [`EDGE`] x [`EDGE`] pixels.
pub fn hash(picture: &Picture) -> Seen {
    let luma: Vec<u8> = picture.pixels.iter().map(luma).collect();
    let darkest = luma.iter().copied().min().unwrap_or(0);
    let lightest = luma.iter().copied().max().unwrap_or(0);
    // Rows first: wave u of each row, then wave v of those.
    let wave = |frequency: usize, place: usize| cosine((2 * place + 1) * frequency);
    let mut rows = [[0_i64; SIDE]; WAVES];
    for (u, row) in rows.iter_mut().enumerate() {
        for (y, sum) in row.iter_mut().enumerate() {
            let line = luma.iter().skip(y * SIDE).take(SIDE);
            *sum = line.enumerate().map(|(x, value)| i64::from(*value) * wave(u + 1, x)).sum();
        }
    }
    let mut coefficients = [0_i64; WAVES * WAVES];
    for (index, coefficient) in coefficients.iter_mut().enumerate() {
        let (v, u) = (index / WAVES, index % WAVES);
        *coefficient = rows[u].iter().enumerate().map(|(y, sum)| *sum * wave(v + 1, y)).sum();
    }
    let mut sorted = coefficients;
    sorted.sort_unstable();
    // Twice the median of an even number of values.
    let median = sorted[sorted.len() / 2 - 1] + sorted[sorted.len() / 2];
    let bits = coefficients.iter().map(|coefficient| u64::from(*coefficient * 2 > median));
    Seen { hash: bits.fold(0, |hash, bit| hash << 1 | bit), contrast: lightest - darkest }
}

/// Luma of ITU-R BT.601 over white, 0 to 255.
fn luma(&[red, green, blue, alpha]: &[u8; 4]) -> u8 {
    let colour = 299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue);
    let over = colour * u32::from(alpha) + 255_000 * u32::from(u8::MAX - alpha);
    u8::try_from((over + 127_500) / 255_000).unwrap_or(u8::MAX)
}

/// cos(k pi / 64), times 2^14, for any k.
fn cosine(k: usize) -> i64 {
    match k % 128 {
        k @ 0..=32 => COSINES[k],
        k @ 33..=64 => -COSINES[64 - k],
        k @ 65..=96 => -COSINES[k - 64],
        k => COSINES[128 - k],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(at: impl Fn(u32, u32) -> [u8; 4]) -> Picture {
        let pixels = (0..EDGE).flat_map(|y| (0..EDGE).map(move |x| (x, y))).map(|(x, y)| at(x, y)).collect();
        Picture { width: EDGE, height: EDGE, pixels }
    }

    #[test]
    fn the_table_holds_cosines() {
        for k in 0..300 {
            let exact = (k as f64 * std::f64::consts::PI / 64.0).cos() * 16384.0;
            assert!((cosine(k) as f64 - exact).abs() <= 0.51, "{k}: {} instead of {exact}", cosine(k));
        }
    }

    #[test]
    fn one_wave_sets_its_bit_alone() {
        for (v, u) in [(1, 1), (1, 8), (3, 5), (8, 8)] {
            let wave = |frequency: u32, place: u32| {
                (f64::from((2 * place + 1) * frequency) * std::f64::consts::PI / 64.0).cos()
            };
            let drawn =
                picture(|x, y| [(128.0 + 100.0 * wave(u, x) * wave(v, y)).round() as u8; 4].map(|v| v).map(|v| v));
            let opaque = Picture { pixels: drawn.pixels.iter().map(|&[r, g, b, _]| [r, g, b, 255]).collect(), ..drawn };
            let seen = hash(&opaque);
            assert_eq!(seen.hash >> (63 - (v - 1) * 8 - (u - 1)) & 1, 1, "{v}, {u}");
            assert!(seen.contrast > 150);
        }
    }

    #[test]
    fn brightness_changes_no_bit_and_nothing_to_see_has_no_contrast() {
        let dark = picture(|x, y| [(x * 3 + y % 5 * 7) as u8, (y * 4) as u8, 9, 255]);
        let light = Picture {
            pixels: dark.pixels.iter().map(|p| [p[0] + 20, p[1] + 20, p[2] + 20, 255]).collect(),
            ..dark.clone()
        };
        assert!((hash(&dark).hash ^ hash(&light).hash).count_ones() <= 2);
        assert_eq!(hash(&picture(|_, _| [77, 80, 3, 255])).contrast, 0);
        assert_eq!(hash(&picture(|_, _| [0, 0, 0, 0])), hash(&picture(|_, _| [255; 4])), "clear is white");
    }
}
