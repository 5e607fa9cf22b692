//! What the past adds up to, as tables for people: scores, results, who answered.

use forecasting::{IntervalKind, Judgement, Level, LiveRecord, Mean, SkillInterval, Ticker, figure, price};
use jiff::civil::Date;
use pipeline::{Answered, Results, VersionScore, When};

use super::{
    arguments::Format,
    output::{format, percent, print, table, tabulate},
};

pub(super) fn answered(ticker: &Ticker, day: Date, answered: &[Answered]) {
    for answer in answered {
        let when = match answer.when {
            When::DuringTheDay => format!("During {day}"),
            When::FromTheEvening => format!("From the evening of {day}"),
        };
        let Answered { version, model, origin, until, run, opened_at, in_service_since, table, .. } = answer;
        let opened_at = opened_at.as_deref().unwrap_or("an unknown time");
        print(&format!(
            "{when}: {ticker} {version}, {model}, in service since {in_service_since}; it knew prices up to {origin} (run {run} of {opened_at}, {table})"
        ));
        if until.stamp().date().is_some_and(|until| until < day) {
            print(&format!(
                "It was out of date by then: it forecast up to {until}, and no later run had forecast {ticker}."
            ));
        }
    }
}

/// Everyone's losses by horizon, and the evidence.
pub(super) fn record(ticker: &Ticker, judgement: &Judgement) {
    let header = ["Contender", "Evidence", "Needed", "Ahead", "MAE", "MASE", "CRPS", "Pinball", "Held"];
    let mut rows = table(&header, &[1, 2, 3, 4, 5, 6, 7]);
    let walk = judgement.random_walk.iter().map(|card| ("random walk".to_owned(), card, None));
    let others = judgement.standings.iter().filter_map(|standing| {
        Some((standing.specification?.to_string(), standing.scorecard.as_ref()?, Some(standing)))
    });
    let tidy = format() == Format::Csv;
    let share = |mean: Mean| format!("{:.3} \u{b1} {:.3} %", mean.value * 100.0, mean.standard_error * 100.0);
    for (name, card, standing) in walk.chain(others) {
        for ahead in &card.horizons {
            // For people each name once; for a spreadsheet every row says whose it is.
            let of_first = |text: String| if ahead.horizon == 1 || tidy { text } else { String::new() };
            let odds = |odds: Option<f64>| of_first(odds.map_or_else(|| "-".to_owned(), figure));
            let held: Vec<String> = ahead
                .levels
                .iter()
                .map(|level| format!("{} %: {:.1}", level.level, level.coverage.value * 100.0))
                .collect();
            rows.add_row([
                of_first(name.clone()),
                odds(standing.map(|standing| standing.evidence)),
                odds(standing.map(|standing| standing.asked)),
                ahead.horizon.to_string(),
                share(ahead.mae),
                format!("{:.3}", ahead.mase.value),
                share(ahead.crps),
                share(ahead.pinball),
                held.join(", "),
            ]);
        }
    }
    tabulate(&mut rows);
    let Judgement { sessions, year, scale, .. } = judgement;
    print(&format!("{ticker}: {sessions} sessions on record, year {year} of its nights, scale {}", scale.as_str()));
}

pub(super) fn scores(ticker: &Ticker, scores: &[VersionScore]) {
    if scores.is_empty() {
        print(&format!("No session that a forecast of {ticker} was made for has come yet."));
        return;
    }
    let levels: Vec<Level> = scores[0].score.inside.iter().map(|(level, _)| *level).collect();
    let mut header: Vec<String> =
        ["Session", "Ahead", "Forecast", "Actual", "Error", "Random-walk error"].map(str::to_owned).to_vec();
    header.extend(levels.iter().map(|level| format!("In {level} %")));
    header.push("Version".to_owned());
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut rows = table(&header, &[1, 2, 3, 4, 5]);
    for VersionScore { version, score, .. } in scores {
        let cell = |value: Option<f64>| value.map(price).unwrap_or_default();
        let share = |value: f64| format!("{:.2} %", value * 100.0);
        let mut row = vec![
            score.date.to_string(),
            score.horizon.to_string(),
            cell(score.prices.map(|p| p.mean)),
            cell(score.prices.map(|p| p.actual)),
            share(score.error),
            share(score.naive_error),
        ];
        row.extend(levels.iter().map(|level| {
            let held = score.inside.iter().find(|(l, _)| l == level).map(|(_, held)| *held);
            held.map_or("", |held| if held { "yes" } else { "no" }).to_owned()
        }));
        row.push(version.to_string());
        rows.add_row(row);
    }
    tabulate(&mut rows);
    let record = LiveRecord::of(scores.iter().map(|scored| &scored.score));
    print(&format!("{} forecasts, skill over a random walk {}", record.n, percent(record.skill)));
}

/// What all nights add up to.
pub(super) fn results(results: &Results) {
    let Results { runs, tickers, done, not_done, forecasts, .. } = results;
    let sessions = results.sessions.map(|(from, to)| format!(" from {from} to {to}")).unwrap_or_default();
    print(&format!("{runs} runs{sessions}, {tickers} tickers: {done} nights of a ticker done, {not_done} not.\n"));
    let mut rows = table(&["Verdict", "Times", "Share"], &[1, 2]);
    let all: usize = results.verdicts.values().sum();
    for (verdict, times) in &results.verdicts {
        let share = format!("{:.1} %", *times as f64 / all.max(1) as f64 * 100.0);
        rows.add_row([(*verdict).to_owned(), times.to_string(), share]);
    }
    tabulate(&mut rows);
    let skill = |skill: Option<SkillInterval>| {
        skill.map_or_else(
            || "-".to_owned(),
            |s| format!("{:+.2} % ({:+.2} to {:+.2})", s.value * 100.0, s.lower * 100.0, s.upper * 100.0),
        )
    };
    let (structured, structured_skill) = results.structured;
    print("");
    let mut rows = table(&["Live forecasts", "Scored", "Skill over the random walk (95 % interval)"], &[1, 2]);
    rows.add_row(["all".to_owned(), forecasts.to_string(), skill(results.skill)]);
    rows.add_row(["of models that are no baseline".to_owned(), structured.to_string(), skill(structured_skill)]);
    tabulate(&mut rows);
    let Results { structured_tickers, expected_false, .. } = results;
    print(&format!(
        "\nStructure or a drift served {structured_tickers} of {tickers} tickers at some time; by the error budget at most {expected_false:.1} of them are expected to be false.\n"
    ));
    let loss = |loss: Option<f64>| loss.map_or_else(|| "-".to_owned(), |loss| format!("{:.4} %", loss * 100.0));
    let header = ["Intervals", "Level", "Held", "Lowest and highest ticker", "Mean pinball loss"];
    let mut rows = table(&header, &[1, 2, 3, 4]);
    for kind in &results.intervals {
        for (coverage, (_, lowest, highest)) in kind.coverage.iter().zip(&kind.by_ticker) {
            rows.add_row([
                name(kind.kind).to_owned(),
                format!("{} %", coverage.level),
                format!("{:.1} %", coverage.realised * 100.0),
                format!("{:.1} to {:.1} %", lowest * 100.0, highest * 100.0),
                loss(kind.pinball),
            ]);
        }
    }
    tabulate(&mut rows);
    print("");
    let mut rows = table(&["Intervals", "Sessions ahead", "Held", "Mean pinball loss"], &[1, 2, 3]);
    for kind in &results.intervals {
        for ahead in &kind.horizons {
            let held: Vec<String> =
                ahead.coverage.iter().map(|c| format!("{} %: {:.1} %", c.level, c.realised * 100.0)).collect();
            let horizon = ahead.horizon.to_string();
            rows.add_row([name(kind.kind).to_owned(), horizon, held.join(", "), loss(ahead.pinball)]);
        }
    }
    tabulate(&mut rows);
}

fn name(kind: IntervalKind) -> &'static str {
    if kind == IntervalKind::Adaptive { "adaptive" } else { "the model's own" }
}
