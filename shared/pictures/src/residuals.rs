//! What a model leaves unexplained, in three plots: errors by session, their autocorrelations, their distribution.

use forecasting::Residuals;
use plotters::{
    coord::{Shift, types::RangedCoordf64},
    prelude::*,
};
use statrs::distribution::{Continuous, Normal};

use crate::{
    Error, Theme, drawing,
    style::{Palette, text},
};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Where 95 of 100 lie of a normal distribution.
const BAND: f64 = 1.96;

/// One picture of all three, as SVG of this size.
///
/// # Errors
/// [`Error::Empty`] without an error to draw.
pub fn residuals(
    title: &str,
    residuals: &Residuals,
    (width, height): (u32, u32),
    theme: Theme,
) -> Result<String, Error> {
    if residuals.errors.is_empty() {
        return Err(Error::Empty("there is no residual"));
    }
    let mut svg = String::new();
    {
        let palette = theme.palette();
        let root = SVGBackend::with_string(&mut svg, (width, height)).into_drawing_area();
        root.fill(&palette.ground).map_err(drawing)?;
        let (head, body) = root.split_vertically(40);
        head.draw_text(title, &text(20, palette.text), (16, 12)).map_err(drawing)?;
        let (upper, lower) = body.split_vertically(height.saturating_sub(40) / 2);
        let (left, right) = lower.split_horizontally(width / 2);
        by_session(residuals, &upper, &palette)?;
        autocorrelations(residuals, &left, &palette)?;
        distribution(residuals, &right, &palette)?;
        root.present().map_err(drawing)?;
    }
    Ok(svg)
}

/// Axes and a caption.
fn chart<'a, 'b>(
    area: &'a Area<'b>,
    caption: &str,
    palette: &Palette,
    x: std::ops::Range<f64>,
    y: std::ops::Range<f64>,
    x_labels: usize,
) -> Result<Chart<'a, 'b>, Error> {
    let mut chart = ChartBuilder::on(area)
        .caption(caption, text(13, palette.muted))
        .margin(10)
        .x_label_area_size(if x_labels > 0 { 22 } else { 4 })
        .y_label_area_size(44)
        .build_cartesian_2d(x, y)
        .map_err(drawing)?;
    let short = |value: &f64| format!("{:.2}", value + 0.0).trim_end_matches('0').trim_end_matches('.').to_owned();
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(x_labels)
        .y_labels(5)
        .x_label_formatter(&short)
        .y_label_formatter(&short)
        .label_style(text(11, palette.muted))
        .axis_style(palette.rule)
        .bold_line_style(palette.rule)
        .light_line_style(TRANSPARENT)
        .draw()
        .map_err(drawing)?;
    Ok(chart)
}

fn line(chart: &mut Chart<'_, '_>, points: [(f64, f64); 2], colour: RGBColor) -> Result<(), Error> {
    let series = LineSeries::new(points, colour.stroke_width(1));
    chart.draw_series(series).map(|_| ()).map_err(drawing)
}

fn by_session(residuals: &Residuals, area: &Area<'_>, palette: &Palette) -> Result<(), Error> {
    let errors = &residuals.errors;
    let n = errors.len() as f64;
    let most = errors.iter().fold(3.0, |most: f64, e| most.max(e.error.abs())) * 1.05;
    let (first, last) = (errors[0].day, errors[errors.len() - 1].day);
    let caption =
        format!("Errors one session ahead, in standard errors, {first} to {last}; 95 % belong between the lines");
    let mut chart = chart(area, &caption, palette, 0.0..n + 1.0, -most..most, 0)?;
    for y in [-BAND, BAND] {
        line(&mut chart, [(0.0, y), (n + 1.0, y)], palette.forecast)?;
    }
    let stems = errors.iter().enumerate().map(|(i, e)| {
        let x = (i + 1) as f64;
        PathElement::new(vec![(x, 0.0), (x, e.error)], palette.muted.stroke_width(1))
    });
    chart.draw_series(stems).map_err(drawing)?;
    let points =
        errors.iter().enumerate().map(|(i, e)| Circle::new(((i + 1) as f64, e.error), 2, palette.past.filled()));
    chart.draw_series(points).map(|_| ()).map_err(drawing)
}

fn autocorrelations(residuals: &Residuals, area: &Area<'_>, palette: &Palette) -> Result<(), Error> {
    let found = &residuals.autocorrelations;
    let band = BAND / (residuals.errors.len() as f64).sqrt();
    let most = found.iter().fold(1.6 * band, |most: f64, r| most.max(r.abs())) * 1.1;
    let lags = found.len().max(1) as f64;
    let caption = match residuals.ljung_box {
        Some(test) => {
            format!("Autocorrelations by lag; Ljung-Box over {}: p = {:.3}", test.degrees_of_freedom, test.p_value)
        }
        None => "Autocorrelations by lag".to_owned(),
    };
    let mut chart = chart(area, &caption, palette, 0.0..lags + 1.0, -most..most, 5)?;
    for y in [-band, band] {
        line(&mut chart, [(0.0, y), (lags + 1.0, y)], palette.forecast)?;
    }
    let bars = found.iter().enumerate().map(|(i, r)| {
        let x = (i + 1) as f64;
        PathElement::new(vec![(x, 0.0), (x, *r)], palette.past.stroke_width(4))
    });
    chart.draw_series(bars).map_err(drawing)?;
    line(&mut chart, [(0.0, 0.0), (lags + 1.0, 0.0)], palette.muted)
}

fn distribution(residuals: &Residuals, area: &Area<'_>, palette: &Palette) -> Result<(), Error> {
    const WIDTH: f64 = 0.5;
    const EDGE: f64 = 4.0;
    let n = residuals.errors.len() as f64;
    let bins = (2.0 * EDGE / WIDTH) as usize;
    let mut counts = vec![0_usize; bins];
    for residual in &residuals.errors {
        // What is further out is counted at the edge.
        let bin = ((residual.error + EDGE) / WIDTH).clamp(0.0, (bins - 1) as f64);
        counts[bin as usize] += 1;
    }
    let density = |count: usize| count as f64 / n / WIDTH;
    let normal = Normal::standard();
    let most = counts.iter().map(|c| density(*c)).fold(normal.pdf(0.0), f64::max) * 1.08;
    let caption = "Their distribution, and the standard normal one";
    let mut chart = chart(area, caption, palette, -EDGE..EDGE, 0.0..most, 9)?;
    let bars = counts.iter().enumerate().map(|(i, count)| {
        let left = -EDGE + i as f64 * WIDTH;
        Rectangle::new([(left, 0.0), (left + WIDTH * 0.94, density(*count))], palette.bands[1].filled())
    });
    chart.draw_series(bars).map_err(drawing)?;
    let curve = (-80..=80).map(|i| f64::from(i) / 20.0).map(|x| (x, normal.pdf(x)));
    let series = LineSeries::new(curve, palette.forecast.stroke_width(2));
    chart.draw_series(series).map(|_| ()).map_err(drawing)
}
