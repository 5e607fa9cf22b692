//! Forecasts, models and verdicts, as they are printed.

use forecasting::price;
use pipeline::{ModelSummary, Prediction, Receipt};

use super::{format, percent, print, table, tabulate};
use crate::command::arguments::Format;

pub(in crate::command) fn prediction(prediction: &Prediction) {
    if format() == Format::Csv {
        return numbers(prediction);
    }
    let levels = prediction.horizons.first().map(|step| step.intervals.as_slice()).unwrap_or_default();
    // The usual words where it is about sessions.
    let sessions = prediction.origin.session().is_some();
    let period = prediction.origin.cadence().heading();
    let mut header = vec![format!("{period}s ahead"), period, "Forecast".to_owned()];
    header.extend(levels.iter().map(|interval| format!("{} % interval", interval.level)));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut rows = table(&header, &[0, 2, 3, 4, 5]);
    for step in &prediction.horizons {
        let mut row = vec![step.horizon.to_string(), step.date.to_string(), price(step.mean)];
        row.extend(step.intervals.iter().map(|i| format!("{} - {}", price(i.lower), price(i.upper))));
        rows.add_row(row);
    }
    let Prediction { ticker, origin, version, model, .. } = prediction;
    let bar = if prediction.bar == pipeline::BarStatus::Final { "final" } else { "preliminary" };
    print(&format!(
        "{ticker}: {model}, version {version}, knows {} up to {origin} ({bar})",
        if sessions { "prices" } else { "values" }
    ));
    tabulate(&mut rows);
    let source = |source| if source == pipeline::Source::Live { "live" } else { "record" };
    let skill = &prediction.skill;
    print(&format!(
        "Skill over {}: {} ({} {} forecasts)",
        if sessions { "a random walk" } else { "the naive forecast" },
        percent(skill.value),
        skill.n,
        source(skill.source)
    ));
    // Of other levels than the usual ones nothing is on record.
    let shown = |level| levels.iter().any(|interval| interval.level == level);
    for realised in prediction.coverage.iter().filter(|realised| shown(realised.coverage.level)) {
        let coverage = &realised.coverage;
        print(&format!(
            "The {} % interval held {:.1} % of {} {} forecasts",
            coverage.level,
            coverage.realised * 100.0,
            coverage.n,
            source(realised.source)
        ));
    }
    print(&prediction.notice);
}

/// For programs: every number in full, in a column of its own, as the forecast tables have it.
fn numbers(prediction: &Prediction) {
    let levels: Vec<_> = prediction.horizons.iter().take(1).flat_map(|step| &step.intervals).map(|i| i.level).collect();
    let header = pipeline::forecast_header(&levels);
    let header: Vec<&str> = header.trim_end().split(',').collect();
    let mut rows = table(&header, &[]);
    for step in &prediction.horizons {
        let mut row = vec![prediction.ticker.to_string(), prediction.origin.to_string(), step.date.to_string()];
        row.extend([step.horizon.to_string(), step.mean.to_string()]);
        row.extend(step.intervals.iter().flat_map(|i| [i.lower.to_string(), i.upper.to_string()]));
        row.push(prediction.version.to_string());
        rows.add_row(row);
    }
    tabulate(&mut rows);
}

pub(in crate::command) fn models(models: &[ModelSummary]) {
    let mut rows = table(&["Version", "In service", "Model", "Fitted on", "AICc", "Coefficients"], &[4]);
    for model in models {
        let coefficients: Vec<String> =
            model.coefficients.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
        rows.add_row([
            model.version.to_string(),
            if model.in_service { "yes".to_owned() } else { String::new() },
            model.model.clone(),
            format!("{} to {}", model.first, model.last),
            model.aicc.map_or_else(|| "-".to_owned(), |aicc| format!("{aicc:.2}")),
            coefficients.join(", "),
        ]);
    }
    tabulate(&mut rows);
}

pub(in crate::command) fn receipts(receipts: &[Receipt]) {
    if format() != Format::Table {
        let mut rows = table(&["As of", "Verdict", "Version", "Model", "Reason", "Run"], &[]);
        for Receipt { as_of, decision, reason, champion, run, .. } in receipts {
            let (version, model) = (champion.version.to_string(), champion.specification.to_string());
            rows.add_row([&as_of.to_string(), decision.as_str(), &version, &model, reason, run.as_str()]);
        }
        return tabulate(&mut rows);
    }
    for receipt in receipts {
        let Receipt { as_of, decision, reason, champion, run, .. } = receipt;
        print(&format!("{as_of}  {:<8} {}  {}", decision.as_str(), champion.version, champion.specification));
        print(&format!("            {reason} (run {run})"));
        if let Some(training) = &receipt.training {
            print(&format!("            training: {training}"));
        }
    }
}
