use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use forecasting::{Level, ProgramName};
use pipeline::{Judgement, Odds};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Problem,
    asked::Named,
    format::{Format, csv, json},
    pages,
    parameters::Parameters,
    problem::Problems,
    stores::Stores,
};

/// Someone whose forecasts are judged.
#[derive(Serialize, ToSchema)]
pub(crate) struct JudgedLine {
    #[schema(value_type = String)]
    name: ProgramName,
    series: usize,
}

/// What became of someone's forecasts.
#[derive(Serialize, ToSchema)]
pub(crate) struct JudgedAnswer {
    #[schema(value_type = String)]
    name: ProgramName,
    series: Vec<JudgedSeries>,
    /// Series on which no run has trained, so that there is nothing to compare with.
    untrained: Vec<String>,
}

/// What became of someone's forecasts of one series.
#[derive(Serialize, ToSchema)]
struct JudgedSeries {
    ticker: String,
    /// Digest of the prices that they are compared with.
    snapshot: String,
    /// Forecasts whose outcome has come.
    forecasts: usize,
    /// Of them, those that were here before it.
    earned: usize,
    /// Forecasts whose outcome is to come.
    open: usize,
    /// 1 - mean absolute error over the random walk's.
    skill: Option<f64>,
    coverage: Vec<Held>,
    /// Evidence, to 1, against the random walk.
    against_walk: JudgedOdds,
    /// Evidence, to 1, against who serves.
    against_champion: JudgedOdds,
    champion: String,
    /// The evidence that is asked of a contender more.
    asked: f64,
}

/// How often an interval held.
#[derive(Serialize, ToSchema)]
struct Held {
    #[schema(value_type = f64)]
    level: Level,
    realised: f64,
    n: usize,
}

/// Evidence, to 1.
#[derive(Serialize, ToSchema)]
struct JudgedOdds {
    /// By forecasts that were here before their outcome.
    earned: f64,
    /// By all of them.
    claimed: f64,
}

impl JudgedOdds {
    fn of(odds: Odds) -> JudgedOdds {
        JudgedOdds { earned: odds.earned, claimed: odds.claimed }
    }
}

impl JudgedAnswer {
    fn of(judgement: &Judgement) -> JudgedAnswer {
        let series = judgement.series.iter().map(|series| JudgedSeries {
            ticker: series.ticker.to_string(),
            snapshot: series.snapshot.as_str().to_owned(),
            forecasts: series.forecasts,
            earned: series.earned,
            open: series.open,
            skill: series.skill,
            coverage: series.coverage.iter().map(|&(level, realised, n)| Held { level, realised, n }).collect(),
            against_walk: JudgedOdds::of(series.against_walk),
            against_champion: JudgedOdds::of(series.against_champion),
            champion: series.champion.clone(),
            asked: series.asked,
        });
        let untrained = judgement.untrained.iter().map(ToString::to_string).collect();
        JudgedAnswer { name: judgement.name, series: series.collect(), untrained }
    }
}

/// Whose forecasts are judged.
///
/// Those that `closing-bell judge` has read. A browser gets a page.
#[utoipa::path(
    get,
    path = "/judged",
    tag = "judged",
    params(("format" = Option<String>, Query, pattern = "^(json|csv|html)$", description = "json, csv or html; otherwise `Accept` decides.")),
    responses(
        (status = 200, description = "By name.",
         content((Vec<JudgedLine> = "application/json"), (String = "text/csv"), (String = "text/html"))),
        Problems,
    ),
)]
pub(crate) async fn everyone(
    State(stores): State<Stores>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let format = format(query.as_deref(), &headers)?;
    let all = pipeline::all_judged(&*stores.archive).await?;
    if format == Format::Html {
        let mut judged = Vec::with_capacity(all.len());
        for (name, _) in all {
            judged.push(pipeline::judged(&*stores.archive, &*stores.ledger, name).await?);
        }
        return Ok(pages::judged::everyone(&judged));
    }
    Ok(match format {
        Format::Json | Format::Html => {
            json(&all.into_iter().map(|(name, series)| JudgedLine { name, series }).collect::<Vec<JudgedLine>>())
        }
        Format::Csv => {
            csv(&["name", "series"], all.iter().map(|(name, series)| vec![name.to_string(), series.to_string()]))
        }
    })
}

/// What became of someone's forecasts.
///
/// Skill, coverage and evidence as of the newest prices on record. Forecasts that were here before their outcome earn evidence; what all
/// of them would amount to is claimed. A browser gets a page.
#[utoipa::path(
    get,
    path = "/judged/{name}",
    tag = "judged",
    params(
        ("name" = String, Path, pattern = "^[a-z0-9_-]{1,24}$", description = "Whose."),
        ("format" = Option<String>, Query, pattern = "^(json|csv|html)$", description = "json, csv or html; otherwise `Accept` decides."),
    ),
    responses(
        (status = 200, description = "By series.",
         content((JudgedAnswer = "application/json"), (String = "text/csv"), (String = "text/html"))),
        Problems,
    ),
)]
pub(crate) async fn one(
    State(stores): State<Stores>,
    Named(name): Named,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let format = format(query.as_deref(), &headers)?;
    let name: ProgramName = name.parse().map_err(|error| Problem::field("name", error))?;
    if !pipeline::all_judged(&*stores.archive).await?.iter().any(|(other, _)| *other == name) {
        return Err(Problem::new(StatusCode::NOT_FOUND, format!("there are no forecasts of {name}")));
    }
    let judgement = pipeline::judged(&*stores.archive, &*stores.ledger, name).await?;
    if format == Format::Html {
        return Ok(pages::judged::one(&judgement));
    }
    let answer = JudgedAnswer::of(&judgement);
    if format == Format::Json {
        return Ok(json(&answer));
    }
    let header = [
        "ticker",
        "forecasts",
        "earned",
        "open",
        "skill",
        "against_walk",
        "against_walk_claimed",
        "against_champion",
        "against_champion_claimed",
        "asked",
        "champion",
    ];
    Ok(csv(
        &header,
        answer.series.iter().map(|series| {
            vec![
                series.ticker.clone(),
                series.forecasts.to_string(),
                series.earned.to_string(),
                series.open.to_string(),
                series.skill.map(|skill| skill.to_string()).unwrap_or_default(),
                series.against_walk.earned.to_string(),
                series.against_walk.claimed.to_string(),
                series.against_champion.earned.to_string(),
                series.against_champion.claimed.to_string(),
                series.asked.to_string(),
                series.champion.clone(),
            ]
        }),
    ))
}

fn format(query: Option<&str>, headers: &HeaderMap) -> Result<Format, Problem> {
    let query = Parameters::read(query, &["format"], &[])?;
    Format::asked(query.one("format"), headers, &[Format::Json, Format::Csv, Format::Html])
}
