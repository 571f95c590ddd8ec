//! Colour profiles: from the colours of an original to sRGB.

use std::sync::Arc;

use moxcms::{
    ColorProfile, DataColorSpace, Layout as CmsLayout, ProfileText, RenderingIntent, Transform8BitExecutor,
    TransformOptions,
};

use super::Colour;
use super::resample::{Layout, Small};

/// Profiles kept ready. A camera or phone writes the same one into every file, and an archive has few of them at a time.
const KNOWN_MAX: usize = 8;

/// Characters kept of a profile's name.
const NAME_CHARS_MAX: usize = 80;

/// Difference, in 8-bit steps, up to which a profile counts as sRGB: the many versions of sRGB profiles differ by rounding only.
const SAME_AS_SRGB_STEPS: u8 = 2;

/// Steps per channel of the colours by which a profile is compared to sRGB.
const PROBE_STEPS: u8 = 16;

/// What the channels of a small picture are, before conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Space {
    Gray,
    Rgb,
    Cmyk,
}

impl Space {
    fn of(layout: Layout) -> Self {
        match layout {
            Layout::Gray8 | Layout::GrayAlpha8 | Layout::Gray16 | Layout::GrayAlpha16 => Self::Gray,
            Layout::Cmyk8 => Self::Cmyk,
            Layout::Rgb8 | Layout::Rgba8 | Layout::Rgbx8 | Layout::Rgb16 | Layout::Rgba16 => Self::Rgb,
        }
    }
}

struct Known {
    profile: Vec<u8>,
    space: Space,
    name: Option<String>,
    /// `None`: it equals sRGB, or it cannot be used.
    to_srgb: Option<Arc<Transform8BitExecutor>>,
}

/// Converts to sRGB; remembers the profiles met last.
#[derive(Default)]
pub struct Colours {
    known: Vec<Known>,
}

impl Colours {
    /// The pixels converted to sRGB, with alpha, and how they got there.
    pub fn convert(&mut self, small: &Small, profile: Option<&[u8]>) -> (Vec<[u8; 4]>, Colour) {
        let space = Space::of(small.layout);
        let channels = to_four_channels(small);
        let Some(profile) = profile else {
            let converted = space == Space::Cmyk;
            let colour = Colour { converted, ..Colour::default() };
            return (if converted { inks_to_srgb(&channels) } else { channels }, colour);
        };
        let known = self.known(profile, space);
        let name = known.name.clone();
        let pixels = known.to_srgb.as_ref().and_then(|transform| apply(transform.as_ref(), space, &channels));
        let converted = pixels.is_some() || space == Space::Cmyk;
        let pixels = match pixels {
            Some(pixels) => pixels,
            None if space == Space::Cmyk => inks_to_srgb(&channels),
            None => channels,
        };
        (pixels, Colour { profile_found: true, converted, name, tone_mapped: None })
    }

    fn known(&mut self, profile: &[u8], space: Space) -> &Known {
        let position = self.known.iter().position(|known| known.space == space && known.profile == profile);
        let entry = match position {
            Some(position) => self.known.remove(position),
            None => learn(profile, space),
        };
        self.known.truncate(KNOWN_MAX - 1);
        self.known.insert(0, entry);
        &self.known[0]
    }
}

fn learn(profile: &[u8], space: Space) -> Known {
    let mut known = Known { profile: profile.to_vec(), space, name: None, to_srgb: None };
    if let Ok(parsed) = ColorProfile::new_from_slice(profile) {
        known.name = parsed.description.as_ref().and_then(name_of);
        known.to_srgb = transform(&parsed, space).filter(|transform| !equals_srgb(transform.as_ref(), space));
    }
    known
}

/// `None` when the profile describes other channels than the pixels have, or cannot be turned into a conversion.
fn transform(profile: &ColorProfile, space: Space) -> Option<Arc<Transform8BitExecutor>> {
    let (wanted, from, to) = match space {
        Space::Gray => (DataColorSpace::Gray, CmsLayout::Gray, CmsLayout::Rgb),
        Space::Rgb => (DataColorSpace::Rgb, CmsLayout::Rgb, CmsLayout::Rgb),
        Space::Cmyk => (DataColorSpace::Cmyk, CmsLayout::Rgba, CmsLayout::Rgb),
    };
    if profile.color_space != wanted {
        return None;
    }
    let options =
        TransformOptions { rendering_intent: RenderingIntent::RelativeColorimetric, ..TransformOptions::default() };
    profile.create_transform_8bit(from, &ColorProfile::new_srgb(), to, options).ok()
}

/// Converts colours and keeps alpha (inks have none).
fn apply(transform: &Transform8BitExecutor, space: Space, channels: &[[u8; 4]]) -> Option<Vec<[u8; 4]>> {
    let source: Vec<u8> = match space {
        Space::Gray => channels.iter().map(|pixel| pixel[0]).collect(),
        Space::Rgb => channels.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect(),
        Space::Cmyk => channels.as_flattened().to_vec(),
    };
    let mut target = vec![0; channels.len() * 3];
    transform.transform(&source, &mut target).ok()?;
    let alpha = channels.iter().map(|pixel| if space == Space::Cmyk { u8::MAX } else { pixel[3] });
    Some(target.as_chunks().0.iter().zip(alpha).map(|(&[r, g, b], a)| [r, g, b, a]).collect())
}

fn equals_srgb(transform: &Transform8BitExecutor, space: Space) -> bool {
    let probe: Vec<[u8; 4]> = match space {
        Space::Gray => (0..=u8::MAX).map(|value| [value, value, value, u8::MAX]).collect(),
        Space::Rgb => {
            let steps = || {
                (0..=PROBE_STEPS)
                    .map(|step| u8::try_from(u32::from(step) * 255 / u32::from(PROBE_STEPS)).unwrap_or(u8::MAX))
            };
            steps().flat_map(|r| steps().flat_map(move |g| steps().map(move |b| [r, g, b, u8::MAX]))).collect()
        }
        Space::Cmyk => return false,
    };
    apply(transform, space, &probe).is_some_and(|converted| {
        converted.as_flattened().iter().zip(probe.as_flattened()).all(|(a, b)| a.abs_diff(*b) <= SAME_AS_SRGB_STEPS)
    })
}

/// A profile's name is text from the file: shortened, without control characters.
fn name_of(description: &ProfileText) -> Option<String> {
    let text = match description {
        ProfileText::PlainString(text) => text.as_str(),
        ProfileText::Localizable(texts) => texts.first().map(|text| text.value.as_str()).unwrap_or_default(),
        ProfileText::Description(text) if text.ascii_string.is_empty() => text.unicode_string.as_str(),
        ProfileText::Description(text) => text.ascii_string.as_str(),
    };
    let name: String = text.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
    let name = name.trim().to_owned();
    (!name.is_empty()).then_some(name)
}

/// Four bytes per pixel: red, green, blue (or three times grey) and alpha; or the four inks.
fn to_four_channels(small: &Small) -> Vec<[u8; 4]> {
    let bytes = &small.bytes;
    let opaque = u8::MAX;
    match small.layout {
        Layout::Rgba8 | Layout::Cmyk8 => bytes.as_chunks().0.to_vec(),
        Layout::Rgbx8 => bytes.as_chunks().0.iter().map(|&[r, g, b, _]| [r, g, b, opaque]).collect(),
        Layout::Rgb8 => bytes.as_chunks().0.iter().map(|&[r, g, b]| [r, g, b, opaque]).collect(),
        Layout::Gray8 => bytes.iter().map(|&y| [y, y, y, opaque]).collect(),
        Layout::GrayAlpha8 => bytes.as_chunks().0.iter().map(|&[y, a]| [y, y, y, a]).collect(),
        Layout::Gray16 => eight_bits(bytes).map(|y| [y, y, y, opaque]).collect(),
        Layout::GrayAlpha16 => {
            let values: Vec<u8> = eight_bits(bytes).collect();
            values.as_chunks().0.iter().map(|&[y, a]| [y, y, y, a]).collect()
        }
        Layout::Rgb16 => {
            let values: Vec<u8> = eight_bits(bytes).collect();
            values.as_chunks().0.iter().map(|&[r, g, b]| [r, g, b, opaque]).collect()
        }
        Layout::Rgba16 => {
            let values: Vec<u8> = eight_bits(bytes).collect();
            values.as_chunks().0.to_vec()
        }
    }
}

/// 16-bit values, rounded to 8 bits: 65535 / 255 = 257.
fn eight_bits(bytes: &[u8]) -> impl Iterator<Item = u8> {
    let values = bytes.as_chunks().0.iter().map(|pair| u32::from(u16::from_ne_bytes(*pair)));
    values.map(|value| u8::try_from((value + 128) / 257).unwrap_or(u8::MAX))
}

/// Inks without a profile: each ink takes its share of its complement, black takes from all (the plain formula of PostScript, red =
/// (1 - cyan) (1 - black)). It looks more vivid than print, and keeps what is in the picture recognisable.
fn inks_to_srgb(inks: &[[u8; 4]]) -> Vec<[u8; 4]> {
    let left = |ink: u8, black: u8| {
        let product = u32::from(u8::MAX - ink) * u32::from(u8::MAX - black);
        u8::try_from((product + 127) / 255).unwrap_or(u8::MAX)
    };
    inks.iter().map(|&[c, m, y, k]| [left(c, k), left(m, k), left(y, k), u8::MAX]).collect()
}
