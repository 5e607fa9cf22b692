use axum::{
    extract::{RawQuery, State},
    http::HeaderMap,
    response::Response,
};
use forecasting::{Level, Ticker};
use pipeline::Prediction;

use crate::{
    Problem,
    asked::{Named, ticker},
    format::{Format, csv, json, short},
    parameters::Parameters,
    problem::Problems,
    stores::Stores,
};

/// The newest forecast of a ticker.
///
/// From the newest forecast on record: the same model and prices, any horizon and levels. As CSV it is the forecast table's lines.
#[utoipa::path(
    get,
    path = "/forecast/{ticker}",
    tag = "forecasts",
    params(
        ("ticker" = Ticker, Path, description = "The series."),
        ("horizon" = Option<usize>, Query, minimum = 1, maximum = 60, description = "Sessions ahead; left out, as in the forecast table."),
        ("level" = Option<Vec<Level>>, Query, max_items = 10, description = "Levels of intervals in percent; may be repeated."),
        ("format" = Option<String>, Query, pattern = "^(json|csv)$", description = "json or csv; otherwise `Accept` decides."),
    ),
    responses(
        (status = 200, description = "The forecast.", content((Prediction = "application/json"), (String = "text/csv"))),
        Problems,
    ),
)]
pub(crate) async fn forecast(
    State(stores): State<Stores>,
    Named(name): Named,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let ticker = ticker(&name)?;
    let query = Parameters::read(query.as_deref(), &["horizon", "format"], &["level"])?;
    let format = Format::asked(query.one("format"), &headers, &[Format::Json, Format::Csv])?;
    let (horizon, levels) = (horizon(&query)?, levels(&query)?);
    let prediction = {
        let asked = pipeline::ForecastRequest { horizon, levels: &levels, version: None };
        pipeline::predict(&*stores.archive, &*stores.ledger, &ticker, asked).await?
    };
    Ok(match format {
        Format::Csv => table(&prediction),
        _ => json(&prediction),
    })
}

fn horizon(query: &Parameters) -> Result<Option<usize>, Problem> {
    let wrong = |text: &str| Problem::field("horizon", format_args!("'{}' is not a number of sessions", short(text)));
    query.one("horizon").map(|text| text.parse().map_err(|_| wrong(text))).transpose()
}

fn levels(query: &Parameters) -> Result<Vec<Level>, Problem> {
    let level = |text: &str| {
        let percent: f64 =
            text.parse().map_err(|_| Problem::field("level", format_args!("'{}' is not a percentage", short(text))))?;
        Level::try_from(percent).map_err(|error| Problem::field("level", error))
    };
    query.all("level").map(level).collect()
}

/// As in the archive's forecast tables.
fn table(prediction: &Prediction) -> Response {
    let levels = prediction.horizons.first().map(|step| step.intervals.as_slice()).unwrap_or_default();
    let ends = levels.iter().flat_map(|i| [format!("lower_{}", i.level), format!("upper_{}", i.level)]);
    let mut header: Vec<String> = ["ticker", "origin", "date", "horizon", "mean"].map(str::to_owned).to_vec();
    header.extend(ends);
    header.push("version".to_owned());
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    csv(
        &header,
        prediction.horizons.iter().map(|step| {
            let mut row = vec![
                prediction.ticker.to_string(),
                prediction.origin.to_string(),
                step.date.to_string(),
                step.horizon.to_string(),
                step.mean.to_string(),
            ];
            row.extend(step.intervals.iter().flat_map(|i| [i.lower.to_string(), i.upper.to_string()]));
            row.push(prediction.version.to_string());
            row
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_refusals() {
        let read = |query: &str| {
            let query = Parameters::read(Some(query), &["horizon", "format"], &["level"])?;
            Ok::<_, Problem>((horizon(&query)?, levels(&query)?))
        };
        assert_eq!(read("horizon=3&level=80&level=97.5").map(|(h, l)| (h, l.len())), Ok((Some(3), 2)));
        assert_eq!(read(""), Ok((None, Vec::new())));
        let check = |query: &str, field: &str| {
            let problem = read(query).expect_err("refused");
            assert_eq!((problem.status, problem.field.as_deref()), (400, Some(field)), "{query}: {problem:?}");
        };
        check("horizon=soon", "horizon");
        check("horizon=-1", "horizon");
        check("horizon=", "horizon");
        check("level=120", "level");
        check("level=NaN", "level");
        check("level=", "level");
        check("horizn=3", "horizn");
    }
}
