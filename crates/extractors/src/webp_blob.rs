//! Small pictures as WebP files in a unit's scratch folder.

use std::io;
use std::path::Path;

/// Media type of every picture that is written here.
pub const MEDIA_TYPE: &str = "image/webp";

/// A small picture, upright, in sRGB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Rows from the top, red, green, blue, alpha (not premultiplied).
    pub pixels: Vec<[u8; 4]>,
}

/// How a picture is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compression {
    /// 1 (smallest) to 100 (best), libwebp's scale.
    pub quality: u8,
    /// 0 (fastest) to 6 (smallest for the same quality), libwebp's scale.
    pub method: u8,
}

/// Compresses a picture into the new file `name` of the folder `scratch`. Alpha is kept when any pixel is not opaque.
///
/// # Errors
/// When the file cannot be written, or when the encoder refuses (sizes beyond 16,383 pixels, no memory).
pub fn write(picture: &Picture, compression: Compression, scratch: &Path, name: &str) -> io::Result<()> {
    let mut config = webp::WebPConfig::new().map_err(|()| io::Error::other("libwebp refuses its own defaults"))?;
    config.quality = f32::from(compression.quality);
    config.method = i32::from(compression.method);
    let encoder = webp::Encoder::from_rgba(picture.pixels.as_flattened(), picture.width, picture.height);
    let bytes = encoder.encode_advanced(&config).map_err(|error| {
        io::Error::other(format!("libwebp cannot encode {}x{} pixels: {error:?}", picture.width, picture.height))
    })?;
    std::fs::write(scratch.join(name), &*bytes)
}

/// Mean of the sRGB values of all pixels, weighted by alpha, as `#rrggbb`; a surface to show while the picture loads.
/// A picture without any visible pixel is `#000000`.
pub fn average_colour(picture: &Picture) -> String {
    let mut sums = [0_u64; 3];
    let mut weights = 0_u64;
    for [red, green, blue, alpha] in &picture.pixels {
        let weight = u64::from(*alpha);
        for (sum, value) in sums.iter_mut().zip([red, green, blue]) {
            *sum += u64::from(*value) * weight;
        }
        weights += weight;
    }
    let [red, green, blue] = sums.map(|sum| (sum + weights / 2).checked_div(weights).unwrap_or(0));
    format!("#{red:02x}{green:02x}{blue:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_is_weighted_by_alpha() {
        let picture = |pixels: Vec<[u8; 4]>| Picture { width: pixels.len() as u32, height: 1, pixels };
        assert_eq!(average_colour(&picture(vec![[255, 0, 0, 255], [0, 0, 255, 255]])), "#800080");
        assert_eq!(average_colour(&picture(vec![[255, 16, 1, 255], [0, 0, 255, 0]])), "#ff1001");
        assert_eq!(average_colour(&picture(vec![[255, 255, 255, 0]])), "#000000");
    }

    #[test]
    fn a_picture_that_webp_cannot_hold_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let wide = Picture { width: 16_384, height: 1, pixels: vec![[0, 0, 0, 255]; 16_384] };
        let error = write(&wide, Compression { quality: 80, method: 2 }, folder.path(), "wide.webp").unwrap_err();
        assert!(error.to_string().contains("16384x1"), "{error}");
    }
}
