//! Draws the pictures of a sample: a landscape with an arrow and a number, so that a person sees which one it is and
//! which way is up.

use super::chance::Chance;

/// Red, green, blue.
pub(super) type Colour = [u8; 3];

/// An RGB picture of eight bits per channel, rows from the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Canvas {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) pixels: Vec<u8>,
}

const WHITE: Colour = [250, 250, 250];
const BLACK: Colour = [12, 12, 16];

impl Canvas {
    fn new(width: u32, height: u32) -> Self {
        Self { width, height, pixels: vec![0; width as usize * height as usize * 3] }
    }

    fn row(&mut self, y: u32) -> &mut [u8] {
        let stride = self.width as usize * 3;
        &mut self.pixels[y as usize * stride..][..stride]
    }

    /// Fills from `left` to before `right` in row `y`; what lies outside is cut off.
    fn span(&mut self, y: i64, left: i64, right: i64, colour: Colour) {
        if y < 0 || y >= i64::from(self.height) {
            return;
        }
        let (left, right) = (left.clamp(0, i64::from(self.width)), right.clamp(0, i64::from(self.width)));
        if left < right {
            let span = &mut self.row(y as u32)[left as usize * 3..right as usize * 3];
            span[..3].copy_from_slice(&colour);
            // What is filled is copied behind itself: a few moves instead of one for each pixel.
            let mut filled = 3;
            while filled < span.len() {
                let more = filled.min(span.len() - filled);
                span.copy_within(..more, filled);
                filled += more;
            }
        }
    }

    pub(super) fn rectangle(&mut self, left: i64, top: i64, width: i64, height: i64, colour: Colour) {
        for y in top..top + height {
            self.span(y, left, left + width, colour);
        }
    }

    /// Every so many pixels, in both directions: a small picture of the same.
    pub(super) fn every(&self, step: u32) -> Self {
        let (width, height) = (self.width / step, self.height / step);
        let mut small = Self::new(width, height);
        let step = step as usize;
        let rows = self.pixels.chunks_exact(self.width as usize * 3).step_by(step);
        let kept = rows.take(height as usize).flat_map(|row| row.chunks_exact(3).step_by(step).take(width as usize));
        for (target, pixel) in small.pixels.chunks_exact_mut(3).zip(kept) {
            target.copy_from_slice(pixel);
        }
        small
    }

    /// Half as wide and high: the mean of four pixels each.
    pub(super) fn half(&self) -> Self {
        let mut small = Self::new(self.width / 2, self.height / 2);
        let stride = self.width as usize * 3;
        for (index, value) in small.pixels.iter_mut().enumerate() {
            let (row, rest) = (index / (small.width as usize * 3), index % (small.width as usize * 3));
            let at = row * 2 * stride + rest / 3 * 6 + rest % 3;
            let sum: u32 = [at, at + 3, at + stride, at + stride + 3].map(|at| u32::from(self.pixels[at])).iter().sum();
            *value = (sum / 4) as u8;
        }
        small
    }

    fn disc(&mut self, x: i64, y: i64, radius: i64, colour: Colour) {
        for down in -radius..=radius {
            let half = (radius * radius - down * down).isqrt();
            self.span(y + down, x - half, x + half + 1, colour);
        }
    }

    /// A triangle on a level base, its tip straight above the middle.
    fn peak(&mut self, x: i64, tip: i64, base: i64, half_width: i64, colour: Colour) {
        let height = (base - tip).max(1);
        for y in tip..base {
            let half = half_width * (y - tip) / height;
            self.span(y, x - half, x + half + 1, colour);
        }
    }

    /// From one colour at the top to another at the bottom.
    fn sky(&mut self, top: Colour, bottom: Colour) {
        let height = self.height;
        for y in 0..height {
            let mix = |channel: usize| {
                let (from, to) = (u32::from(top[channel]), u32::from(bottom[channel]));
                ((from * (height - y) + to * y) / height) as u8
            };
            let width = i64::from(self.width);
            self.span(i64::from(y), 0, width, [mix(0), mix(1), mix(2)]);
        }
    }

    fn arrow_up(&mut self, x: i64, top: i64, height: i64, colour: Colour) {
        let head = height / 2;
        self.peak(x, top, top + head, head * 3 / 4, colour);
        self.rectangle(x - height / 10, top + head, height / 5, height - head, colour);
    }

    /// Writes digits and the letters of `UP` with dots of `scale` pixels; other letters leave a gap.
    fn text(&mut self, text: &str, left: i64, top: i64, scale: i64, colour: Colour) {
        for (index, letter) in text.bytes().enumerate() {
            let left = left + index as i64 * 6 * scale;
            for (row, bits) in glyph(letter).iter().enumerate() {
                for column in (0..5).filter(|column| bits >> (4 - column) & 1 == 1) {
                    self.rectangle(left + column * scale, top + row as i64 * scale, scale, scale, colour);
                }
            }
        }
    }

    /// Text with a dark edge, readable on anything.
    fn label(&mut self, text: &str, left: i64, top: i64, scale: i64) {
        let edge = (scale / 4).max(1);
        for (right, down) in [(-edge, 0), (edge, 0), (0, -edge), (0, edge)] {
            self.text(text, left + right, top + down, scale, BLACK);
        }
        self.text(text, left, top, scale, WHITE);
    }
}

/// Seven rows of five dots, the leftmost dot is the highest bit.
fn glyph(letter: u8) -> [u8; 7] {
    match letter {
        b'0' => [14, 17, 19, 21, 25, 17, 14],
        b'1' => [4, 12, 4, 4, 4, 4, 14],
        b'2' => [14, 17, 1, 2, 4, 8, 31],
        b'3' => [31, 2, 4, 2, 1, 17, 14],
        b'4' => [2, 6, 10, 18, 31, 2, 2],
        b'5' => [31, 16, 30, 1, 1, 17, 14],
        b'6' => [6, 8, 16, 30, 17, 17, 14],
        b'7' => [31, 1, 2, 4, 8, 8, 8],
        b'8' => [14, 17, 17, 14, 17, 17, 14],
        b'9' => [14, 17, 17, 15, 1, 2, 12],
        b'U' => [17, 17, 17, 17, 17, 17, 14],
        b'P' => [30, 17, 17, 30, 16, 16, 16],
        _ => [0; 7],
    }
}

/// The picture with this number, upright: sky, sun and hills of its own colours, an arrow and `UP` at the top left, the
/// number in the middle.
pub(super) fn picture(width: u32, height: u32, number: u64, chance: &mut Chance) -> Canvas {
    let mut canvas = Canvas::new(width, height);
    let (wide, high) = (i64::from(width), i64::from(height));
    let unit = wide.min(high);
    let shade = |chance: &mut Chance, low: u32| [0; 3].map(|_: u8| chance.between(low, low + 110) as u8);
    let (top, bottom) = (shade(chance, 40), shade(chance, 140));
    canvas.sky(top, bottom);
    let sun = [250, chance.between(180, 230) as u8, chance.between(60, 120) as u8];
    canvas.disc(wide * i64::from(chance.between(60, 90)) / 100, unit / 5, unit / 9, sun);
    for _ in 0..chance.between(2, 4) {
        let colour = [chance.between(20, 90) as u8, chance.between(70, 140) as u8, chance.between(30, 90) as u8];
        let x = wide * i64::from(chance.below(100)) / 100;
        let tip = high * i64::from(chance.between(45, 70)) / 100;
        canvas.peak(x, tip, high, wide * i64::from(chance.between(25, 45)) / 100, colour);
    }
    let arrow = unit / 3;
    canvas.arrow_up(unit / 6 + 2, unit / 20, arrow + 4, BLACK);
    canvas.arrow_up(unit / 6, unit / 20, arrow, [220, 40, 40]);
    canvas.label("UP", unit * 3 / 10, unit / 10, (unit / 60).max(1));
    let text = format!("{number:04}");
    let scale = (wide / (6 * text.len() as i64 + 4)).min(high / 16).max(1);
    let left = (wide - (6 * text.len() as i64 - 1) * scale) / 2;
    canvas.label(&text, left, high * 11 / 20, scale);
    canvas
}

/// What a camera held in EXIF orientation `orientation` (1 to 8) stores, so that a viewer that applies the tag shows
/// `upright`. The tag says where the stored first row and first column lie in the upright picture (EXIF 2.32, 4.6.4,
/// tag 274).
pub(super) fn stored(upright: &Canvas, orientation: u16) -> Canvas {
    if !(2..=8).contains(&orientation) {
        return upright.clone();
    }
    let (wide, high) = (upright.width as usize, upright.height as usize);
    let is_turned = orientation >= 5;
    let (width, height) = if is_turned { (high, wide) } else { (wide, high) };
    let mut pixels = Vec::with_capacity(upright.pixels.len());
    for row in 0..height {
        for column in 0..width {
            let (x, y) = match orientation {
                2 => (wide - 1 - column, row),
                3 => (wide - 1 - column, high - 1 - row),
                4 => (column, high - 1 - row),
                5 => (row, column),
                6 => (wide - 1 - row, column),
                7 => (wide - 1 - row, high - 1 - column),
                8 => (row, high - 1 - column),
                _ => (column, row),
            };
            pixels.extend_from_slice(&upright.pixels[(y * wide + x) * 3..][..3]);
        }
    }
    Canvas { width: width as u32, height: height as u32, pixels }
}
