//! The contrast of two colors by WCAG 2.2 ("relative luminance", "contrast ratio"), for our own tokens in a test and
//! for a jurisdiction's own accent at start.

/// Text must stand out this much from its ground (success criterion 1.4.3, level AA).
pub const TEXT: f64 = 4.5;
/// Edges of controls and parts of graphics must stand out this much (1.4.11).
pub const CONTROL: f64 = 3.0;

/// The ratio of two colors written `#RRGGBB`, from 1 to 21; `None` when one is not a color.
pub fn ratio(a: &str, b: &str) -> Option<f64> {
    let (a, b) = (luminance(a)?, luminance(b)?);
    let (light, dark) = if a > b { (a, b) } else { (b, a) };
    Some((light + 0.05) / (dark + 0.05))
}

fn luminance(color: &str) -> Option<f64> {
    let digits = color.strip_prefix('#').filter(|d| d.len() == 6 && d.is_ascii())?;
    let channel = |at: usize| -> Option<f64> {
        let value = f64::from(u8::from_str_radix(&digits[at..at + 2], 16).ok()?) / 255.0;
        Some(if value <= 0.040_45 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        })
    };
    Some(0.2126 * channel(0)? + 0.7152 * channel(2)? + 0.0722 * channel(4)?)
}
