//! Pictures for pages, reports and messages: a forecast's fan, a night of them, and what a model leaves unexplained.
//!
//! Each is drawn once, as SVG; a PNG is that SVG rasterised with fonts that ship with the program, so that it has the same
//! pixels on every machine.

mod fan;
mod png;
mod residuals;
mod sparkline;
mod style;

pub use fan::{Fan, fan, night};
pub use png::png;
pub use residuals::residuals;
pub use sparkline::sparkline;
pub use style::Theme;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be drawn.
    #[error("the picture cannot be drawn: {0}")]
    Drawing(String),
    /// There is nothing to draw.
    #[error("there is nothing to draw: {0}")]
    Empty(&'static str),
}

pub(crate) fn drawing(error: impl std::fmt::Display) -> Error {
    Error::Drawing(error.to_string())
}
