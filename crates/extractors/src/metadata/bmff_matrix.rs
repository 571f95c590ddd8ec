//! Display matrices of movies and tracks, as turns and mirrors.

use super::source::be32;

/// The signs of the four numbers of a display matrix that turn and mirror: `x' = a x + c y`, `y' = b x + d y`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Matrix {
    a: i8,
    b: i8,
    c: i8,
    d: i8,
}

impl Matrix {
    /// Neither turns nor mirrors.
    pub(crate) const IDENTITY: Self = Self { a: 1, b: 0, c: 0, d: 1 };

    /// A turn or a mirror by its signs.
    pub(crate) const fn of(a: i8, b: i8, c: i8, d: i8) -> Self {
        Self { a, b, c, d }
    }

    /// Reads the nine numbers of a matrix; for a turn by anything else than a quarter the signs are all 0.
    pub(crate) fn read(header: &[u8], at: usize) -> Option<Self> {
        let number = |index: usize| be32(header, at + 4 * index).map(|bits| bits as i32);
        let (a, b, c, d) = (number(0)?, number(1)?, number(3)?, number(4)?);
        let straight = b == 0 && c == 0 && a != 0 && d != 0;
        let crossed = a == 0 && d == 0 && b != 0 && c != 0;
        if !straight && !crossed {
            return Some(Self { a: 0, b: 0, c: 0, d: 0 });
        }
        let sign = |number: i32| number.signum() as i8;
        Some(Self { a: sign(a), b: sign(b), c: sign(c), d: sign(d) })
    }

    /// This matrix, then `next`.
    pub(crate) fn then(self, next: Self) -> Self {
        Self {
            a: self.a * next.a + self.b * next.c,
            b: self.a * next.b + self.b * next.d,
            c: self.c * next.a + self.d * next.c,
            d: self.c * next.b + self.d * next.d,
        }
    }

    /// The EXIF number of the same turn.
    pub(crate) fn orientation(self) -> Option<u8> {
        match (self.a, self.b, self.c, self.d) {
            (1, 0, 0, 1) => Some(1),
            (-1, 0, 0, 1) => Some(2),
            (-1, 0, 0, -1) => Some(3),
            (1, 0, 0, -1) => Some(4),
            (0, 1, 1, 0) => Some(5),
            (0, 1, -1, 0) => Some(6),
            (0, -1, -1, 0) => Some(7),
            (0, -1, 1, 0) => Some(8),
            _ => None,
        }
    }
}

/// The clockwise turn in degrees of an EXIF orientation, after mirroring left to right where it mirrors.
pub(crate) fn rotation(orientation: u8) -> u16 {
    match orientation {
        3 | 4 => 180,
        6 | 7 => 90,
        5 | 8 => 270,
        _ => 0,
    }
}
