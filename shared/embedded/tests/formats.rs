//! What was stored once is read for ever. One file for each format that was ever written; a new format adds files and
//! leaves these alone.

mod support;

use forecasting::{Contender, Family, IntervalKind, Window};
use pipeline::{Assignment, Evaluated, Forecasted, ModelVersion, Receipt};
use support::Bench;

#[test]
fn model_format_1() {
    let text = include_str!("stored/model_1.json");
    let version: ModelVersion = serde_json::from_str(text).expect("reads");
    assert_eq!(version.version.as_str(), "2020-12-11-ce400754");
    assert_eq!(version.to_json(), text.as_bytes(), "the newest format is written as it was read");
    // As the release that wrote it forecast, on log prices, to the last bit.
    let forecast = version.model.forecast(1, &[]).expect("forecasts").central();
    assert_eq!(forecast, [5.361_957_661_823_888_f64.exp()]);
}

#[test]
fn receipt_format_1() {
    let text = include_str!("stored/receipt_1.json").trim();
    let receipt: Receipt = serde_json::from_str(text).expect("reads");
    assert_eq!((receipt.format, receipt.champion.version.as_str()), (1, "2020-12-11-ce400754"));
    let contest = receipt.contest.expect("a contest");
    assert_eq!((contest.challengers.len(), contest.baselines.len()), (1, 2));
    assert_eq!(contest.challengers[0].against_incumbent.p_value, 0.040_178_764_866_821_29);
}

/// What the first release left in a ledger: every night reads runs, evaluations and forecasts of the nights before.
#[test]
fn first_results_of_stages() {
    let Assignment { configuration, .. } =
        serde_json::from_str(include_str!("stored/configuration_1.json")).expect("reads");
    assert_eq!((configuration.window, configuration.families), (Window::All, vec![Contender::Family(Family::Arima)]));
    assert_eq!(configuration.intervals, IntervalKind::Model);
    let evaluated: Evaluated = serde_json::from_str(include_str!("stored/evaluated_1.json")).expect("reads");
    let score = &evaluated.scores[0].score;
    assert_eq!((score.inside_of(IntervalKind::Model).len(), score.inside_of(IntervalKind::Adaptive).len()), (2, 0));
    let forecasted: Forecasted = serde_json::from_str(include_str!("stored/forecasted_1.json")).expect("reads");
    let step = &forecasted.forecast.steps[0];
    assert_eq!((forecasted.forecast.intervals, step.served.intervals.len()), (IntervalKind::Model, 2));
    assert!(step.other_intervals.is_empty() && step.standard_error.is_none());
}

#[test]
fn receipt_format_2() {
    let text = include_str!("stored/receipt_2.json").trim();
    let receipt: Receipt = serde_json::from_str(text).expect("reads");
    assert_eq!((receipt.format, receipt.champion.version.as_str()), (2, "2020-12-11-158583d2"));
    let contest = receipt.contest.expect("a contest");
    assert_eq!((contest.challengers.len(), contest.baselines.len()), (1, 2));
    assert!(receipt.champion.seat.is_none() && receipt.champion.record_skill.is_some(), "it has no record");
}

/// Trained again from the recorded sample, the model has the bytes that were stored. Where this fails although nothing but
/// the numbers was touched, the engine gives other results than before: raise the version of `shared/arima`, and store a
/// model of the new one instead. (Other systems' mathematical libraries may round a logarithm otherwise.)
#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn the_engine_is_the_one_it_says_it_is() {
    let bench = Bench::new();
    bench.write("closing-bell.toml", "");
    bench.run("run --market recorded --ticker MSFT").expect(0);
    let text = include_str!("stored/model_of_this_engine.json");
    let stored: ModelVersion = serde_json::from_str(text).expect("reads");
    let archive = bench.archive("closing-bell-data");
    let again = archive.get(&format!("models/MSFT/{}.json", stored.version)).expect("the same inputs give the same id");
    assert!(again == text.as_bytes(), "the same inputs give other bytes");
}

#[test]
fn receipt_format_3() {
    let text = include_str!("stored/receipt_3.json").trim();
    let receipt: Receipt = serde_json::from_str(text).expect("reads");
    assert_eq!(receipt.format, 3);
    assert_eq!(serde_json::to_string(&receipt).expect("writes"), text, "the newest format is written as it was read");
}

/// The same for records: built and judged again over the recorded sample, every number is as stored. Where this fails, raise the
/// version of `shared/forecasting`, and store a receipt of the new rules instead.
#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn the_rules_are_those_they_say_they_are() {
    let bench = Bench::new();
    bench.write("closing-bell.toml", "");
    bench.run("run --market recorded --ticker GOOGL").expect(0);
    let receipts: Vec<Receipt> =
        serde_json::from_str(&bench.run("receipts GOOGL --json").expect(0).out).expect("receipts");
    let stored: Receipt = serde_json::from_str(include_str!("stored/receipt_3.json")).expect("reads");
    assert_eq!(receipts[0].judgement, stored.judgement);
    assert_eq!((&receipts[0].champion, &receipts[0].reason), (&stored.champion, &stored.reason));
}
