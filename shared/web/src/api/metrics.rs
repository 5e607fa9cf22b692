//! `GET /metrics`: figures for a monitor, as Prometheus reads them.

use std::fmt::Write;

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use pipeline::stream::Source;

use crate::{Problem, format::typed, parameters::Parameters, problem::Problems, stores::Stores};

/// What is measured of a source.
type Gauge = fn(&Source) -> Option<f64>;

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// So many runs may be under way, or cut off.
const RUNS: usize = 20;

/// Figures for a monitor.
///
/// The text format of Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "service", responses(
    (status = 200, description = "Metrics.", body = String, content_type = "text/plain"),
    Problems,
))]
pub(crate) async fn metrics(State(stores): State<Stores>, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    Parameters::read(query.as_deref(), &[], &[])?;
    let mut text = String::new();
    // While one is under way, of the one before.
    let newest = stores.ledger.runs(RUNS).await?.into_iter().find(|entry| entry.closure.is_some());
    if let Some(closure) = newest.as_ref().and_then(|entry| entry.closure.as_ref()) {
        head(
            &mut text,
            "closing_bell_run_tickers",
            "gauge",
            "Tickers of the newest closed run, by what became of them.",
        );
        for (status, n) in [("done", closure.done), ("failed", closure.failed), ("skipped", closure.skipped)] {
            line(&mut text, "closing_bell_run_tickers", &[("status", status)], n as f64);
        }
        head(&mut text, "closing_bell_run_work_seconds", "gauge", "How long its tickers were worked on.");
        line(&mut text, "closing_bell_run_work_seconds", &[], closure.seconds);
    }
    if let Some(at) = newest.as_ref().and_then(|entry| entry.closed_at.as_deref()?.parse::<jiff::Timestamp>().ok()) {
        head(&mut text, "closing_bell_run_closed_timestamp_seconds", "gauge", "When the newest run was closed.");
        line(&mut text, "closing_bell_run_closed_timestamp_seconds", &[], at.as_second() as f64);
    }
    if let Some(streams) = &stores.streams {
        let sources = streams.sources().await?;
        head(
            &mut text,
            "closing_bell_rows_total",
            "counter",
            "Rows that arrived, by source and by what became of them.",
        );
        for (name, source) in &sources {
            for (outcome, n) in source.counts.each() {
                line(&mut text, "closing_bell_rows_total", &[("source", name), ("outcome", outcome)], n as f64);
            }
        }
        let gauges: [(&str, &str, Gauge); 2] = [
            ("closing_bell_lag_rows", "Rows that a source had, at the last step, that were not taken in.", |source| {
                source.lag.map(|lag| lag as f64)
            }),
            ("closing_bell_rows_timestamp_seconds", "When rows of a source were last taken in.", |source| {
                source.at.map(|at| at.as_millisecond() as f64 / 1e3)
            }),
        ];
        for (metric, help, value) in gauges {
            head(&mut text, metric, "gauge", help);
            for (name, source) in &sources {
                if let Some(value) = value(source) {
                    line(&mut text, metric, &[("source", name)], value);
                }
            }
        }
    }
    Ok(typed(TEXT, text.into_bytes()))
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(text: &mut String, name: &str, labels: &[(&str, &str)], value: f64) {
    let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let labels: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
    let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    let _ = writeln!(text, "{name}{labels} {value}");
}
