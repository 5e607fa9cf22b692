//! Pictures: the same that reports and messages have.

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::Response,
};
use pictures::Theme;

use crate::{
    Problem,
    asked::{Named, ticker},
    format::typed,
    parameters::Parameters,
    stores::Stores,
};

const SVG: &str = "image/svg+xml";
const PNG: &str = "image/png";
/// Twice the pixels that its measures say.
const SCALE: f32 = 2.0;

fn theme(query: Option<&str>) -> Result<Theme, Problem> {
    match Parameters::read(query, &["theme"], &[])?.one("theme") {
        None | Some("light") => Ok(Theme::Light),
        Some("dark") => Ok(Theme::Dark),
        Some(_) => Err(Problem::field("theme", "it is light or dark")),
    }
}

async fn forecast(stores: &Stores, name: &str, query: Option<&str>) -> Result<String, Problem> {
    let (ticker, theme) = (ticker(name)?, theme(query)?);
    Ok(pipeline::forecast_picture(&*stores.archive, &*stores.ledger, &ticker, theme).await?)
}

pub(crate) async fn forecast_svg(
    State(stores): State<Stores>,
    Named(name): Named,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let drawn = forecast(&stores, &name, query.as_deref()).await?;
    Ok(typed(SVG, drawn.into_bytes()))
}

pub(crate) async fn forecast_png(
    State(stores): State<Stores>,
    Named(name): Named,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let drawn = forecast(&stores, &name, query.as_deref()).await?;
    pixels(&drawn)
}

pub(crate) async fn residuals_svg(
    State(stores): State<Stores>,
    Named(name): Named,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let (ticker, theme) = (ticker(&name)?, theme(query.as_deref())?);
    let drawn = pipeline::residual_picture(&*stores.archive, &*stores.ledger, &ticker, theme).await?;
    Ok(typed(SVG, drawn.into_bytes()))
}

pub(crate) async fn night_svg(
    State(stores): State<Stores>,
    Named(run): Named,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    Ok(typed(SVG, night(&stores, &run, query.as_deref()).await?))
}

pub(crate) async fn night_png(
    State(stores): State<Stores>,
    Named(run): Named,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    pixels(&String::from_utf8_lossy(&night(&stores, &run, query.as_deref()).await?))
}

/// The picture that a night's report has.
async fn night(stores: &Stores, run: &str, query: Option<&str>) -> Result<Vec<u8>, Problem> {
    Parameters::read(query, &[], &[])?;
    let entry = stores.found(run).await?;
    let none = || Problem::new(StatusCode::NOT_FOUND, format!("run {run} has no picture"));
    stores.reported(&entry, "night").await?.ok_or_else(none)
}

fn pixels(svg: &str) -> Result<Response, Problem> {
    let pixels = pictures::png(svg, SCALE).map_err(|error| Problem::internal(&error))?;
    Ok(typed(PNG, pixels))
}
