//! The rules on prices: what a series accepts, what its scope names, what scores survive.

mod support;

use forecasting::{Kind, LiveRecord, PriceSeries, RandomWalk, Row, Scope, Specification, StandingForecast};
use jiff::civil::date;

use support::{day, levels, prices, rows, series, ticker};

#[test]
fn rows_that_are_refused_are_named() {
    let check = |change: fn(&mut Vec<Row>), expected: &str| {
        let mut rows = rows(&[10.0, 11.0, 12.0, 13.0]);
        change(&mut rows);
        let error = PriceSeries::new(ticker(), rows).expect_err(expected).to_string();
        assert!(error.contains(expected), "'{error}' should say '{expected}'");
    };
    check(|rows| rows[2].date = date(2018, 1, 3).into(), "row 3 (2018-01-03): a second row of the same date");
    check(|rows| rows.swap(0, 1), "row 1 (2018-01-02): it follows 2018-01-03, but dates must increase");
    check(|rows| rows[1].adjusted_close = Some(-1.0), "row 2 (2018-01-03): adjClose is -1");
    check(|rows| rows[1].close = Some(0.0), "row 2 (2018-01-03): close is 0");
    check(|rows| rows[1].adjusted_close = Some(f64::INFINITY), "row 2 (2018-01-03): adjClose is inf");
    check(|rows| rows[3].date = date(2018, 1, 6).into(), "row 4 (2018-01-06): 2018-01-06 is no session");
    check(std::vec::Vec::clear, "no row has a price");
}

#[test]
fn a_series_is_based_on_its_own_last_session() {
    let mut rows = rows(&[10.0, 11.0, 12.0]);
    for row in &mut rows {
        row.adjusted_close = row.close.map(|close| close * 0.5);
    }
    rows.insert(1, Row::new(9, date(2018, 1, 2)));
    rows[1].date = date(2018, 1, 3).into();
    rows[2].date = date(2018, 1, 4).into();
    rows[3].date = date(2018, 1, 5).into();
    let series = PriceSeries::new(ticker(), rows).expect("a series");
    assert_eq!(series.adjusted_closes(), [10.0, 11.0, 12.0]);
    let scope = Scope::of(&series, series.missing().len());
    assert_eq!((scope.sessions, scope.sessions_missing, scope.rows_without_price), (3, 1, 1));
    assert_eq!(scope.gaps[0].after, day("2018-01-02"));
}

/// The same closes, seen before and after a dividend and a split that came later: where a source tells of them, the
/// adjusted closes are the same to the last bit.
#[test]
fn no_digit_depends_on_what_was_paid_later() {
    let closes = prices(120, 0.0, 9);
    let seen = |later_factor: f64| {
        let mut rows = rows(&closes);
        let mut factor = later_factor;
        for row in rows.iter_mut().rev() {
            let close = row.close.expect("a close");
            // As a vendor gives it: ten decimals.
            row.adjusted_close = Some((close * factor * 1e10).round() / 1e10);
            (row.dividend, row.split_factor) = (Some(0.0), Some(1.0));
            if row.number == 60 {
                row.dividend = Some(0.75);
                factor *= close / (close + 0.75);
            }
        }
        PriceSeries::new(ticker(), rows).expect("a series")
    };
    let then = seen(1.0);
    assert_eq!(then, PriceSeries::new(ticker(), now_basis(&seen(0.123_456_789 / 4.0), &closes)).expect("a series"));
    let jump = then.bars()[58].adjusted_close / closes[58];
    assert!((jump - closes[59] / (closes[59] + 0.75)).abs() < 1e-12, "the dividend itself is adjusted for: {jump}");
}

/// Rows of a series that was based on its last session, as any source would give them.
fn now_basis(series: &PriceSeries, closes: &[f64]) -> Vec<Row> {
    let told = series.bars().iter().zip(rows(closes));
    told.map(|(bar, row)| Row {
        adjusted_close: Some(bar.adjusted_close),
        dividend: bar.dividend,
        split_factor: bar.split_factor,
        ..row
    })
    .collect()
}

#[test]
fn the_scope_names_what_stands_out() {
    let mut values = prices(300, 0.0, 3);
    for price in &mut values[200..] {
        *price *= 3.0;
    }
    let mut rows = rows(&values);
    rows[50].dividend = Some(0.25);
    rows[200].split_factor = Some(0.5);
    let close = rows[250].close;
    (rows[250].open, rows[250].high, rows[250].low) = (close, close.map(|c| c * 0.9), close.map(|c| c * 1.1));
    let series = PriceSeries::new(ticker(), rows).expect("a series");
    let scope = Scope::of(&series, 0);
    let refused: Vec<(&str, usize)> = scope.ranges_refused.iter().map(|(why, n)| (why.as_str(), *n)).collect();
    assert_eq!(refused, [("a high below the low", 1), ("no open, high or low", 298)]);
    assert_eq!(scope.outliers, 1);
    assert_eq!(scope.largest_moves[0].day, series.bars()[200].day);
    assert_eq!(scope.last_split.map(|event| event.value), Some(0.5));
    assert_eq!(scope.last_dividend.map(|event| event.day), Some(series.bars()[50].day));
}

/// A split between forecast and outcome rescales every price; the scores must not notice.
#[test]
fn scores_survive_a_split() {
    let values = prices(210, 0.2, 5);
    let model =
        Specification::RandomWalk(RandomWalk { drift: true }).fit(&values[..200].into(), Kind::Price).expect("fits");
    let before = series(&values[..200]);
    let origin = before.last();
    let forecast = model.forecast(5, &[]).expect("forecasts");
    let standing = StandingForecast::new(origin.day, origin.adjusted_close, &forecast, &forecast, &levels());
    let whole = standing.score(&series(&values)).expect("scores");
    let quartered: Vec<f64> = values.iter().map(|price| price / 4.0).collect();
    let split = standing.score(&series(&quartered)).expect("scores");
    assert_eq!(whole.len(), 5);
    for (a, b) in whole.iter().zip(&split) {
        assert!((a.error - b.error).abs() < 1e-12 && (a.naive_error - b.naive_error).abs() < 1e-12);
        assert_eq!((&a.inside, a.date), (&b.inside, b.date));
    }
    // Only sessions that have come are scored.
    assert_eq!(standing.score(&series(&values[..202])).expect("scores").len(), 2);
    let record = LiveRecord::of(&whole);
    assert_eq!((record.n, record.coverage.len(), record.coverage[0].n), (5, 2, 5));
}

/// docs/families.md shows a family's whole file.
#[test]
fn the_documented_family_is_the_one_there_is() {
    let documented = include_str!("../../../docs/families.md");
    assert!(documented.contains(include_str!("../src/families/seasonal_random_walk.rs")), "copy the file there again");
}
