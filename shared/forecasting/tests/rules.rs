//! The rules on prices: what a series accepts, what a contest may know, what a verdict needs, what scores survive.

use forecasting::{
    Arima, BacktestPlan, Barred, Comparison, Contender, Contest, Decision, Family, IntervalKind, Level, LiveRecord,
    PriceSeries, RandomWalk, Row, Scope, Scorecard, Specification, StandingForecast, Ticker, TradingDay, Verdict,
    Window,
};
use jiff::civil::date;

fn ticker() -> Ticker {
    "NLS".parse().expect("a ticker")
}

fn day(text: &str) -> TradingDay {
    text.parse().expect("a session")
}

fn levels() -> Vec<Level> {
    [80.0, 95.0].into_iter().map(|percent| Level::try_from(percent).expect("a level")).collect()
}

fn plan() -> BacktestPlan {
    BacktestPlan {
        holdout: 60,
        horizon: 5,
        levels: levels(),
        window: Window::All,
        families: vec![Family::Arima],
        season: 1,
        intervals: IntervalKind::Adaptive,
    }
}

/// Uniform on [0, 1), the same on every machine.
fn uniform(seed: &mut u64) -> f64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 11) as f64 / (1_u64 << 53) as f64
}

/// Prices from 2018-01-02 whose log returns follow an AR(1).
fn prices(n: usize, phi: f64, seed: u64) -> Vec<f64> {
    let (mut seed, mut log, mut r) = (seed, 4.0_f64, 0.0);
    (0..n)
        .map(|_| {
            let shock = (0..12).map(|_| uniform(&mut seed)).sum::<f64>() - 6.0;
            r = phi * r + 0.01 * shock;
            log += r;
            log.exp()
        })
        .collect()
}

fn rows(prices: &[f64]) -> Vec<Row> {
    let mut session = day("2018-01-02");
    prices
        .iter()
        .enumerate()
        .map(|(index, price)| {
            let row = Row { close: Some(*price), adjusted_close: Some(*price), ..Row::new(index + 1, session.date()) };
            session = session.next();
            row
        })
        .collect()
}

fn series(prices: &[f64]) -> PriceSeries {
    PriceSeries::new(ticker(), rows(prices)).expect("a series")
}

#[test]
fn rows_that_are_refused_are_named() {
    let check = |change: fn(&mut Vec<Row>), expected: &str| {
        let mut rows = rows(&[10.0, 11.0, 12.0, 13.0]);
        change(&mut rows);
        let error = PriceSeries::new(ticker(), rows).expect_err(expected).to_string();
        assert!(error.contains(expected), "'{error}' should say '{expected}'");
    };
    check(|rows| rows[2].date = date(2018, 1, 3), "row 3 (2018-01-03): a second row of the same date");
    check(|rows| rows.swap(0, 1), "row 1 (2018-01-02): it follows 2018-01-03, but dates must increase");
    check(|rows| rows[1].adjusted_close = Some(-1.0), "row 2 (2018-01-03): adjClose is -1");
    check(|rows| rows[1].close = Some(0.0), "row 2 (2018-01-03): close is 0");
    check(|rows| rows[1].adjusted_close = Some(f64::INFINITY), "row 2 (2018-01-03): adjClose is inf");
    check(|rows| rows[3].date = date(2018, 1, 6), "row 4 (2018-01-06): 2018-01-06 is no session");
    check(std::vec::Vec::clear, "no row has a price");
}

#[test]
fn a_series_is_based_on_its_own_last_session() {
    let mut rows = rows(&[10.0, 11.0, 12.0]);
    for row in &mut rows {
        row.adjusted_close = row.close.map(|close| close * 0.5);
    }
    rows.insert(1, Row::new(9, date(2018, 1, 2)));
    rows[1].date = date(2018, 1, 3);
    rows[2].date = date(2018, 1, 4);
    rows[3].date = date(2018, 1, 5);
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
    let series = PriceSeries::new(ticker(), rows).expect("a series");
    let scope = Scope::of(&series, 0);
    assert_eq!(scope.outliers, 1);
    assert_eq!(scope.largest_moves[0].day, series.bars()[200].day);
    assert_eq!(scope.last_split.map(|event| event.value), Some(0.5));
    assert_eq!(scope.last_dividend.map(|event| event.day), Some(series.bars()[50].day));
}

#[test]
fn structure_is_found_and_noise_is_not() {
    // Overlapping horizons leave few independent origins: 60 held-out sessions seldom prove anything, 250 do.
    let plan = BacktestPlan { holdout: 250, ..plan() };
    let contest = |phi: f64, seed: u64| Contest::run(&series(&prices(900, phi, seed)), &plan, None).expect("runs");
    let structured = (0..20).filter(|seed| {
        let verdict = Verdict::of(&contest(0.6, *seed), 0.05, &[]);
        verdict.nominee.is_some_and(|nominee| !nominee.is_baseline())
    });
    let structured = structured.count();
    assert!(structured >= 15, "an AR(1) of 0.6 is worth promoting, but only {structured} of 20 were");
    let noise = (0..20).filter(|seed| {
        let verdict = Verdict::of(&contest(0.0, 100 + *seed), 0.05, &[]);
        verdict.nominee.is_some_and(|nominee| !nominee.is_baseline())
    });
    let noise = noise.count();
    assert!(noise <= 3, "white noise is not, but {noise} of 20 were");
}

/// The canary: the same returns in another order have nothing to find, so whoever finds skill in them has cheated. As they
/// came, these returns follow each other.
#[test]
fn shuffled_returns_have_no_skill() {
    let plan = BacktestPlan { holdout: 120, ..plan() };
    let skill = |prices: &[f64]| {
        let contest = Contest::run(&series(prices), &plan, None).expect("a contest");
        let promoted = Verdict::of(&contest, 0.05, &[]).nominee.is_some_and(|nominee| !nominee.is_baseline());
        (contest.challengers[0].scorecard.skill.expect("the walk errs").value, promoted)
    };
    let (mut honest, mut shuffled, mut promoted) = (0.0, 0.0, 0);
    for seed in 0..10 {
        let values = prices(700, 0.6, seed);
        let mut returns: Vec<f64> = values.windows(2).map(|pair| pair[1] / pair[0]).collect();
        let mut random = 1_000 + seed;
        for i in (1..returns.len()).rev() {
            returns.swap(i, (uniform(&mut random) * (i + 1) as f64) as usize);
        }
        let reordered: Vec<f64> = returns
            .iter()
            .scan(values[0], |price, change| {
                *price *= change;
                Some(*price)
            })
            .collect();
        honest += skill(&values).0 / 10.0;
        let (found, wins) = skill(&reordered);
        shuffled += found / 10.0;
        promoted += usize::from(wins);
    }
    assert!(honest > 0.05, "as they came: {honest}");
    assert!(shuffled < 0.005 && promoted <= 1, "shuffled: {shuffled}, {promoted} promoted");
}

#[test]
fn several_families_must_prove_more() {
    let arma = |p: usize| Arima::named(arima::Arima::new(arima::Order { p, d: 1, q: 1 }));
    let [walk, drift] = Specification::BASELINES;
    let no = |specification| contender(specification, 1.1, -0.1, 0.9);
    let contest = |p_value: f64| Contest {
        rules: None,
        intervals: IntervalKind::Adaptive,
        champion: Some(card(walk, 1.0, 1.0)),
        forfeited: None,
        challengers: vec![contender(arma(2), 0.9, 0.1, p_value), no(arma(3))],
        baselines: vec![contender(walk, 1.0, 0.0, 1.0), no(drift)],
    };
    let verdict = Verdict::of(&contest(0.02), 0.05, &[]);
    assert_eq!(verdict.nominee, Some(arma(2)), "{}", verdict.reason);
    let verdict = Verdict::of(&contest(0.03), 0.05, &[]);
    assert_eq!(verdict.decision, Decision::Refit, "{}", verdict.reason);
    assert!(
        verdict.reason.contains("p = 0.030 over 56 origins where 0.025 is asked of each of 2"),
        "{}",
        verdict.reason
    );
    // Who is barred does not win, and the reason says why.
    let bar = Barred { specification: arma(2), reason: "it was rolled back from not long ago".to_owned() };
    let verdict = Verdict::of(&contest(0.02), 0.05, std::slice::from_ref(&bar));
    assert!(verdict.nominee == Some(walk) && verdict.reason.contains(&bar.reason), "{}", verdict.reason);
    // A champion that cannot be estimated any more gives way.
    let forfeited = Contest { champion: None, forfeited: Some("it diverges".to_owned()), ..contest(0.9) };
    let verdict = Verdict::of(&forfeited, 0.05, &[]);
    assert!(verdict.decision == Decision::Promote && verdict.reason.contains("it diverges"), "{}", verdict.reason);
}

/// Volatility that comes in clusters: a calm stretch, then a storm. The model's one sigma fits neither; the adaptive intervals
/// hold in both.
#[test]
fn adaptive_intervals_hold_in_calm_and_storm() {
    let mut values = prices(1_400, 0.0, 21);
    let calm = values.clone();
    for t in 1..values.len() {
        let change = (calm[t] / calm[t - 1]).ln() * if (t / 200) % 2 == 0 { 0.6 } else { 2.4 };
        values[t] = values[t - 1] * change.exp();
    }
    let coverage = |intervals: IntervalKind| {
        let plan = BacktestPlan { holdout: 400, intervals, families: Vec::new(), ..plan() };
        let contest = Contest::run(&series(&values), &plan, None).expect("a contest");
        (contest.random_walk().coverage[0].realised, contest.random_walk().coverage[1].realised)
    };
    let (own_80, own_95) = coverage(IntervalKind::Model);
    let (held_80, held_95) = coverage(IntervalKind::Adaptive);
    assert!((0.76..=0.84).contains(&held_80) && (0.92..=0.98).contains(&held_95), "{held_80} {held_95}");
    assert!((held_95 - 0.95).abs() < (own_95 - 0.95).abs(), "the model's own held {own_80} and {own_95}");
}

#[test]
fn too_short_or_still() {
    let refused = |prices: &[f64]| Contest::run(&series(prices), &plan(), None).expect_err("refused").to_string();
    assert!(refused(&prices(119, 0.0, 1)).contains("119 sessions since 2018-01-02 are too few: 120 are needed"));
    assert!(refused(&[5.0; 200]).contains("the price stands still"));
    let mut halted = prices(200, 0.0, 1);
    for t in 130..200 {
        halted[t] = halted[129];
    }
    assert!(refused(&halted).contains("the price stands still"));
}

fn card(specification: Specification, mae: f64, pinball: f64) -> Scorecard {
    Scorecard {
        specification,
        origins: 56,
        horizon: 5,
        mae,
        rmse: mae,
        mase: 1.0,
        pinball,
        crps: None,
        skill: None,
        coverage: Vec::new(),
        multipliers: None,
        horizons: Vec::new(),
    }
}

fn contender(specification: Specification, mae: f64, improvement: f64, p_value: f64) -> Contender {
    Contender {
        scorecard: card(specification, mae, 1.0 - improvement),
        against_incumbent: Comparison { improvement, statistic: Some(0.0), p_value, n: 56 },
    }
}

#[test]
fn verdicts() {
    let arma = |p: usize| Arima::named(arima::Arima::new(arima::Order { p, d: 1, q: 1 }));
    let [walk, drift] = Specification::BASELINES;
    let check =
        |champion: Option<Specification>, contenders: [Contender; 3], expected: (Decision, Option<Specification>)| {
            let [challenger, walk, drift] = contenders;
            let contest = Contest {
                champion: champion.map(|specification| card(specification, 1.0, 1.0)),
                rules: None,
                intervals: IntervalKind::Adaptive,
                forfeited: None,
                challengers: vec![challenger],
                baselines: vec![walk, drift],
            };
            let verdict = Verdict::of(&contest, 0.05, &[]);
            assert_eq!((verdict.decision, verdict.nominee), expected, "{}", verdict.reason);
            assert!(!verdict.reason.is_empty());
        };
    let no = |specification| contender(specification, 1.1, -0.1, 0.9);
    // Better, and surely so.
    check(Some(arma(1)), [contender(arma(2), 0.9, 0.1, 0.01), no(walk), no(drift)], (Decision::Promote, Some(arma(2))));
    // Better, but perhaps by chance.
    check(Some(arma(1)), [contender(arma(2), 0.9, 0.1, 0.06), no(walk), no(drift)], (Decision::Keep, None));
    // Surely narrower intervals around a worse forecast.
    check(Some(arma(1)), [contender(arma(2), 1.1, 0.1, 0.01), no(walk), no(drift)], (Decision::Keep, None));
    // The same specification on newer data.
    check(Some(arma(1)), [contender(arma(1), 1.0, 0.0, 1.0), no(walk), no(drift)], (Decision::Refit, Some(arma(1))));
    // The baseline may win, against the challenger too.
    check(
        Some(arma(1)),
        [contender(arma(2), 0.9, 0.1, 0.01), contender(walk, 0.8, 0.2, 0.01), no(drift)],
        (Decision::Promote, Some(walk)),
    );
    // A baseline in service is refitted like any other.
    check(Some(walk), [no(arma(1)), contender(walk, 1.0, 0.0, 1.0), no(drift)], (Decision::Refit, Some(walk)));
    // Nothing in service: the random walk, unless someone proves better than it.
    check(None, [no(arma(1)), contender(walk, 1.0, 0.0, 1.0), no(drift)], (Decision::Promote, Some(walk)));
    let better = contender(arma(1), 0.01, 0.1, 0.01);
    check(None, [better, contender(walk, 1.0, 0.0, 1.0), no(drift)], (Decision::Promote, Some(arma(1))));
}

/// A split between forecast and outcome rescales every price; the scores must not notice.
#[test]
fn scores_survive_a_split() {
    let values = prices(210, 0.2, 5);
    let model = Specification::RandomWalk(RandomWalk { drift: true }).fit(&values[..200]).expect("fits");
    let before = series(&values[..200]);
    let origin = before.last();
    let forecast = model.forecast(5).expect("forecasts");
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
