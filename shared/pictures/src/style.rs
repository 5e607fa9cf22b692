//! Colours and type: calm, and legible in both themes.

use plotters::style::{Color, IntoFont, RGBColor, TextStyle, text_anchor::Pos};

/// On what ground a picture is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// Dark on light.
    #[default]
    Light,
    /// Light on dark.
    Dark,
}

/// The same colours as the pages'.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Palette {
    pub(crate) ground: RGBColor,
    pub(crate) text: RGBColor,
    pub(crate) muted: RGBColor,
    pub(crate) rule: RGBColor,
    pub(crate) past: RGBColor,
    pub(crate) forecast: RGBColor,
    /// Of the widest interval first.
    pub(crate) bands: [RGBColor; 3],
}

impl Theme {
    pub(crate) fn palette(self) -> Palette {
        match self {
            Theme::Light => Palette {
                ground: RGBColor(255, 255, 255),
                text: RGBColor(27, 31, 36),
                muted: RGBColor(89, 99, 110),
                rule: RGBColor(223, 227, 232),
                past: RGBColor(27, 31, 36),
                forecast: RGBColor(11, 87, 208),
                bands: [RGBColor(222, 234, 252), RGBColor(178, 206, 248), RGBColor(140, 180, 242)],
            },
            Theme::Dark => Palette {
                ground: RGBColor(22, 27, 34),
                text: RGBColor(230, 237, 243),
                muted: RGBColor(158, 168, 179),
                rule: RGBColor(48, 54, 61),
                past: RGBColor(230, 237, 243),
                forecast: RGBColor(125, 177, 255),
                bands: [RGBColor(28, 49, 79), RGBColor(38, 74, 124), RGBColor(52, 100, 166)],
            },
        }
    }
}

/// Ours where it is known, and the reader's own where an SVG is shown by a browser.
const FAMILY: &str = "Inter, system-ui, sans-serif";

pub(crate) fn text(size: u32, color: RGBColor) -> TextStyle<'static> {
    let pos = Pos::default();
    TextStyle { font: (FAMILY, f64::from(size)).into_font(), color: color.to_backend_color(), pos }
}

pub(crate) fn anchored(size: u32, color: RGBColor, pos: Pos) -> TextStyle<'static> {
    text(size, color).pos(pos)
}
