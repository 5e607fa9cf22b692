//! Prices, and the fan of what may come.

use forecasting::Step;
use plotters::{
    coord::{Shift, types::RangedCoordf64},
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use crate::{
    Error, Theme, drawing,
    style::{Palette, anchored, text},
};

/// What there is to draw of one forecast.
#[derive(Debug, Clone)]
pub struct Fan<'a> {
    /// First line.
    pub title: String,
    /// Second line, smaller.
    pub subtitle: String,
    /// The day of the first price, and that of the last, the origin.
    pub days: (String, String),
    /// Prices up to the origin, oldest first, one a session.
    pub past: &'a [f64],
    /// The forecast.
    pub steps: &'a [Step],
}

impl Fan<'_> {
    fn check(&self) -> Result<(), Error> {
        if self.past.is_empty() { Err(Error::Empty("there is no price")) } else { Ok(()) }
    }

    /// Lowest and highest price of all that is shown, with some air.
    fn range(&self) -> (f64, f64) {
        let ends = self.steps.iter().flat_map(|s| s.intervals.iter().flat_map(|i| [i.lower, i.upper]));
        let all = self.past.iter().copied().chain(ends).chain(self.steps.iter().map(|s| s.mean));
        let (low, high) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let air = if high > low { (high - low) * 0.06 } else { high.abs().max(1.0) * 0.01 };
        (low - air, high + air)
    }
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// One forecast, as SVG of this size.
///
/// # Errors
/// [`Error::Empty`] without a price.
pub fn fan(fan: &Fan<'_>, (width, height): (u32, u32), theme: Theme) -> Result<String, Error> {
    fan.check()?;
    let mut svg = String::new();
    {
        let palette = theme.palette();
        let root = SVGBackend::with_string(&mut svg, (width, height)).into_drawing_area();
        root.fill(&palette.ground).map_err(drawing)?;
        let (head, body) = root.split_vertically(58);
        head.draw_text(&fan.title, &text(20, palette.text), (16, 12)).map_err(drawing)?;
        head.draw_text(&fan.subtitle, &text(13, palette.muted), (16, 38)).map_err(drawing)?;
        plot(fan, &body, &palette, 64, 6)?;
        root.present().map_err(drawing)?;
    }
    Ok(svg)
}

const COLUMNS: usize = 3;
const PANEL: (u32, u32) = (330, 190);
const HEAD: u32 = 64;

/// A night: its heading, and a small fan for each ticker, as SVG.
///
/// # Errors
/// [`Error::Empty`] without any.
pub fn night(title: &str, subtitle: &str, fans: &[Fan<'_>], theme: Theme) -> Result<String, Error> {
    fans.iter().try_for_each(Fan::check)?;
    if fans.is_empty() {
        return Err(Error::Empty("there is no forecast"));
    }
    let (columns, rows) = (COLUMNS.min(fans.len()), fans.len().div_ceil(COLUMNS));
    let size = (PANEL.0 * columns.max(2) as u32, HEAD + PANEL.1 * rows as u32);
    let mut svg = String::new();
    {
        let palette = theme.palette();
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        root.fill(&palette.ground).map_err(drawing)?;
        let (head, body) = root.split_vertically(HEAD);
        head.draw_text(title, &text(20, palette.text), (16, 14)).map_err(drawing)?;
        head.draw_text(subtitle, &text(13, palette.muted), (16, 40)).map_err(drawing)?;
        for (fan, panel) in fans.iter().zip(body.split_evenly((rows, columns))) {
            let (head, body) = panel.split_vertically(40);
            head.draw_text(&fan.title, &text(14, palette.text), (16, 4)).map_err(drawing)?;
            head.draw_text(&fan.subtitle, &text(11, palette.muted), (16, 22)).map_err(drawing)?;
            plot(fan, &body, &palette, 52, 3)?;
        }
        root.present().map_err(drawing)?;
    }
    Ok(svg)
}

fn plot(fan: &Fan<'_>, area: &Area<'_>, palette: &Palette, axis: u32, ticks: usize) -> Result<(), Error> {
    let (low, high) = fan.range();
    let last = (fan.past.len() - 1) as f64;
    let end = last + fan.steps.len() as f64;
    let mut chart = ChartBuilder::on(area)
        .margin_left(12)
        .margin_right(16)
        .margin_bottom(22)
        .y_label_area_size(axis)
        .build_cartesian_2d(0.0..end.max(1.0), low..high)
        .map_err(drawing)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(0)
        .y_labels(ticks)
        .y_label_formatter(&|value| forecasting::price(*value))
        .label_style(text(11, palette.muted))
        .axis_style(palette.rule)
        .bold_line_style(palette.rule)
        .light_line_style(TRANSPARENT)
        .draw()
        .map_err(drawing)?;
    bands(fan, &mut chart, palette, last)?;
    let past = fan.past.iter().enumerate().map(|(i, p)| (i as f64, *p));
    chart.draw_series(LineSeries::new(past, palette.past.stroke_width(2))).map_err(drawing)?;
    let origin = (last, fan.past[fan.past.len() - 1]);
    let central = fan.steps.iter().map(|step| (last + step.horizon as f64, step.mean));
    let central = std::iter::once(origin).chain(central);
    chart.draw_series(LineSeries::new(central, palette.forecast.stroke_width(2))).map_err(drawing)?;
    days(fan, area, &chart, palette, (last, end))
}

/// The intervals, the widest first, each from the last price outwards.
fn bands(fan: &Fan<'_>, chart: &mut Chart<'_, '_>, palette: &Palette, last: f64) -> Result<(), Error> {
    let levels = fan.steps.first().map_or(0, |step| step.intervals.len());
    let origin = (last, fan.past[fan.past.len() - 1]);
    for (shade, level) in (0..levels).rev().enumerate() {
        let end = |upper: bool| {
            fan.steps.iter().filter_map(move |step| {
                let interval = step.intervals.get(level)?;
                Some((last + step.horizon as f64, if upper { interval.upper } else { interval.lower }))
            })
        };
        let mut outline = vec![origin];
        outline.extend(end(true));
        outline.extend(end(false).collect::<Vec<_>>().into_iter().rev());
        let colour = palette.bands[shade.min(palette.bands.len() - 1)];
        chart.draw_series(std::iter::once(Polygon::new(outline, colour.filled()))).map_err(drawing)?;
    }
    Ok(())
}

/// Under the plot: the first day, the origin and the last session that is forecast.
fn days(
    fan: &Fan<'_>,
    area: &Area<'_>,
    chart: &Chart<'_, '_>,
    palette: &Palette,
    (last, end): (f64, f64),
) -> Result<(), Error> {
    let (left, _) = area.get_pixel_range();
    let bottom = area.dim_in_pixel().1.cast_signed() - 18;
    let at = |x: f64| chart.backend_coord(&(x, fan.past[0])).0 - left.start;
    let put = |day: &str, x: i32, h: HPos| {
        area.draw_text(day, &anchored(11, palette.muted, Pos::new(h, VPos::Top)), (x, bottom)).map_err(drawing)
    };
    put(&fan.days.0, at(0.0), HPos::Left)?;
    // The last day is at the edge; the origin's stands left of it by its own place, where both fit.
    match fan.steps.last() {
        Some(step) if at(end) - at(last) > 40 => {
            put(&fan.days.1, at(last) - 4, HPos::Right)?;
            // The year stands before it already.
            let date = step.date.to_string();
            put(date.get(5..).filter(|_| date.len() == 10).unwrap_or(&date), at(end), HPos::Right)
        }
        Some(step) => put(&step.date.to_string(), at(end), HPos::Right),
        None => put(&fan.days.1, at(end.max(1.0)), HPos::Right),
    }
}
