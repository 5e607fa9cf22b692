//! The track record: what it may know, what a night adds, what a verdict needs.

mod support;

use forecasting::{
    Bar, Calibrations, Challenge, Contender, Decision, Deposed, Detail, Error, Family, Judgement, Kind, Outlook,
    PriceSeries, Promotion, Record, RecordPlan, Sample, Scale, ScaleEstimates, Scorecard, Seasons, Seat, Specification,
    Standing, Verdict, Window,
};

use support::{levels, prices, series, uniform};

const ARIMA: Contender = Contender::Family(Family::Arima);

fn plan() -> RecordPlan {
    RecordPlan::new(&[ARIMA], 5, Window::All, Seasons::NONE, Kind::Price)
}

fn built(series: &PriceSeries) -> (Record, Option<ScaleEstimates>) {
    Record::of_history(plan(), series, |_, _| None).expect("a record")
}

/// Tonight's row, as of a night that trains.
fn tonight(record: &mut Record, scales: &mut Option<ScaleEstimates>, series: &PriceSeries) -> Specification {
    let sample = Sample::of(series.bars(), Kind::Price);
    let specification = ARIMA.select(&sample, Kind::Price, Seasons::NONE).expect("selects");
    let model = specification.fit(&sample, Kind::Price).expect("fits");
    let last = series.last();
    let centres = |contender: Contender, bars: &[Bar]| -> Result<Outlook, Error> {
        if contender == Contender::DRIFT {
            let growth = forecasting::average_growth(bars, Kind::Price);
            return Ok(Outlook::growth(growth, 5));
        }
        model.outlook_from(last.day, last.adjusted_close, (series, bars.len()), 5)
    };
    record.extend(series, scales, centres).expect("extends");
    specification
}

fn judged(prices: &[f64]) -> (Judgement, Calibrations) {
    let series = series(prices);
    let (mut record, mut scales) = built(&series);
    let specification = tonight(&mut record, &mut scales, &series);
    Judgement::of(&record, &levels(), 0.05, None, &[(ARIMA, specification)], Detail::ByHorizon)
}

/// The canary: whatever comes later changes no earlier row.
#[test]
fn a_row_knows_nothing_later() {
    let honest = prices(500, 0.3, 1);
    let mut poisoned = honest.clone();
    poisoned[430..].iter_mut().for_each(|price| *price *= 3.0);
    let (honest, _) = built(&series(&honest));
    let (poisoned, _) = built(&series(&poisoned));
    // The first row is that of the 20th session.
    assert_eq!(honest.rows[..430 - 19], poisoned.rows[..430 - 19]);
    assert_ne!(honest.rows[430 - 19], poisoned.rows[430 - 19]);
    // And a shorter history gives the same rows.
    let shorter = built(&series(&prices(300, 0.3, 1))).0;
    assert_eq!(honest.rows[..shorter.rows.len()], shorter.rows[..]);
}

/// A split, a dividend or another currency changes no row.
#[test]
fn rows_know_no_basis() {
    let values = prices(400, 0.3, 2);
    let scaled: Vec<f64> = values.iter().map(|price| price * 0.037).collect();
    assert_eq!(built(&series(&values)).0.rows, built(&series(&scaled)).0.rows);
}

/// A night appends its row, one that was missed is made up for, and none is touched.
#[test]
fn nights_append() {
    let values = prices(420, 0.3, 3);
    let first = series(&values[..400]);
    let (mut record, mut scales) = built(&first);
    assert_eq!(record.rows.len(), 400 - 20);
    tonight(&mut record, &mut scales, &first);
    let before = record.rows.clone();
    assert_eq!(before.len(), 381);
    tonight(&mut record, &mut scales, &first);
    assert_eq!(record.rows, before, "the same night again");
    let later = series(&values[..403]);
    let session = later.last().day;
    record
        .extend(&later, &mut scales, |contender, bars| {
            assert!(bars.len() > 400 && bars.last().is_some_and(|bar| bar.day <= session));
            Ok(Outlook { centres: vec![if contender == ARIMA { 0.001 } else { 0.0 }; 5], errors: None })
        })
        .expect("extends");
    assert_eq!(record.rows.len(), 384);
    assert_eq!(record.rows[..381], before[..]);
    let change = (values[402] / values[401]).ln();
    assert!((record.rows[383].change - change).abs() < 1e-9);
}

/// The same returns in another order have nothing to find, so whoever finds skill in them has cheated. As they came, these
/// follow each other.
#[test]
fn structure_is_found_and_shuffled_returns_have_none() {
    let (mut found, mut by_chance, mut skill) = (0, 0, 0.0);
    for seed in 0..10 {
        let values = prices(900, 0.35, seed);
        let mut returns: Vec<f64> = values.windows(2).map(|pair| pair[1] / pair[0]).collect();
        let mut random = 1_000 + seed;
        for i in (1..returns.len()).rev() {
            returns.swap(i, (uniform(&mut random) * (i + 1) as f64) as usize);
        }
        let mut price = values[0];
        let reordered: Vec<f64> = std::iter::once(price)
            .chain(returns.iter().map(|change| {
                price *= change;
                price
            }))
            .collect();
        let promoted = |values: &[f64]| {
            let judgement = judged(values).0;
            let arima = judgement.standing(ARIMA).expect("it competes");
            let skill = arima.scorecard.as_ref().and_then(|card| card.skill).expect("outcomes").value;
            (Verdict::of(&judgement, None, Promotion::Evidence).contender == ARIMA, skill)
        };
        found += usize::from(promoted(&values).0);
        let (wins, shuffled) = promoted(&reordered);
        by_chance += usize::from(wins);
        skill += shuffled / 10.0;
    }
    assert!(found >= 9, "an AR(1) of 0.35 is worth promoting, but {found} of 10 were");
    assert!(by_chance == 0 && skill < 0.002, "shuffled: {by_chance} promoted, skill {skill}");
}

/// Volatility that comes in clusters: a calm stretch, then a storm. The intervals hold over both, at every horizon, and the constant
/// scale is not the one that serves.
#[test]
fn intervals_hold_in_calm_and_storm() {
    let calm = prices(1_600, 0.0, 21);
    let mut values = calm.clone();
    for t in 1..values.len() {
        let change = (calm[t] / calm[t - 1]).ln() * if (t / 200) % 2 == 0 { 0.6 } else { 2.4 };
        values[t] = values[t - 1] * change.exp();
    }
    let (judgement, _) = judged(&values);
    let walk = judgement.random_walk.expect("outcomes");
    assert_ne!(judgement.scale, Scale::Constant);
    assert_eq!(walk.horizons.len(), 5);
    for ahead in &walk.horizons {
        let held: Vec<f64> = ahead.levels.iter().map(|level| level.coverage.value).collect();
        assert!((0.77..=0.83).contains(&held[0]) && (0.93..=0.97).contains(&held[1]), "{}: {held:?}", ahead.horizon);
    }
}

/// From 20 sessions on a series is forecast: by the random walk, with an interval that leans on a stated default.
#[test]
fn a_young_series_is_served() {
    let values = prices(20, 0.0, 4);
    let (judgement, calibrations) = judged_young(&values);
    let verdict = Verdict::of(&judgement, None, Promotion::Evidence);
    assert_eq!((verdict.decision, verdict.contender), (Decision::Promote, Contender::RANDOM_WALK));
    let deviation = calibrations[0].1.deviations[0];
    // 19 changes of 1 % and 20 sessions' worth of 2 %.
    assert!((0.012..0.02).contains(&deviation), "{deviation}");
    let refused =
        |values: &[f64]| Record::of_history(plan(), &series(values), |_, _| None).expect_err("refused").to_string();
    assert!(refused(&values[..19]).contains("19 sessions since 2018-01-02 are too few: 20 are needed"));
    assert!(refused(&[5.0; 200]).contains("the price stands still"));
    let mut halted = prices(200, 0.0, 1);
    halted.splice(130.., vec![halted[129]; 70]);
    assert!(refused(&halted).contains("the price stands still"));
}

/// What is kept must be readable again: no prices make a number that JSON has not.
#[test]
fn every_number_can_be_kept() {
    // A straight line, for longer than any history on offer: the drift is never wrong.
    let line: Vec<f64> = (0..3_200).map(|t| 100.0 * (0.0002 * f64::from(t)).exp()).collect();
    // It moved for 20 sessions, and then stood still for as long as a halt may last.
    let mut halted = prices(20, 0.0, 4);
    halted.resize(70, halted[19]);
    for (name, values) in [("line", &line), ("halted", &halted)] {
        let (judgement, calibrations) = judged(values);
        let text = serde_json::to_string(&(&judgement, &calibrations)).expect("plain data");
        assert!(!text.contains("null"), "{name}: {text}");
        let again: (Judgement, Calibrations) = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(again, (judgement, calibrations), "{name}");
    }
}

/// A window that begins on a date is empty before it: there everyone forecasts as the random walk does.
#[test]
fn a_window_from_a_date() {
    let series = series(&prices(400, 0.5, 5));
    let since = series.bars()[250].day.date();
    let plan = RecordPlan { window: Window::Since(since), ..plan() };
    let (record, _) = Record::of_history(plan, &series, |_, _| None).expect("a record");
    let first = record.rows.iter().find(|row| row.centres.iter().any(|centre| *centre != 0.0)).expect("forecasts");
    assert_eq!(first.session, series.bars()[250 + 19].day, "from 20 sessions in the window on");
}

fn judged_young(values: &[f64]) -> (Judgement, Calibrations) {
    let series = series(values);
    let (mut record, mut scales) = built(&series);
    record.extend(&series, &mut scales, |_, _| Ok(Outlook::none(5))).expect("extends");
    assert_eq!((record.rows.len(), scales), (1, None));
    Judgement::of(&record, &levels(), 0.05, None, &[], Detail::Short)
}

fn card() -> Scorecard {
    let (mae, pinball) = (1.0, 1.0);
    Scorecard {
        specification: None,
        origins: 900,
        horizon: 5,
        mae,
        rmse: mae,
        mase: 1.0,
        pinball,
        crps: None,
        skill: None,
        coverage: Vec::new(),
        horizons: Vec::new(),
    }
}

fn standing(contender: Contender, evidence: f64, asked: f64) -> Standing {
    let specification = match contender {
        Contender::Pinned(specification) => specification,
        Contender::Family(_) | Contender::Program(_) => {
            forecasting::Arima::pinned([1, 1, 0], None, false).expect("a model")
        }
    };
    Standing {
        contender,
        specification: Some(specification),
        evidence,
        asked,
        gain: 0.01,
        against_champion: None,
        since_dropped: None,
        scorecard: Some(card()),
    }
}

/// `against` is the evidence against who serves, whose loss has been higher of late.
fn judgement(standings: Vec<Standing>, against: Option<f64>) -> Judgement {
    Judgement {
        rules: String::new(),
        sessions: 1_000,
        year: 1,
        scale: Scale::Ewma,
        incumbent: Contender::RANDOM_WALK,
        random_walk: Some(card()),
        standings,
        challenge: against.map(|evidence| Challenge { evidence, gain: -0.003 }),
    }
}

fn seat(contender: Contender) -> Seat {
    Seat { contender, since: "2020-12-01".parse().expect("a session"), deposed: Vec::new() }
}

#[test]
fn verdicts() {
    let ets = Contender::Family(Family::Ets);
    let walk = Contender::RANDOM_WALK;
    let drift = || standing(Contender::DRIFT, 1.0, 200.0);
    let check = |judgement: &Judgement, serving: Option<Contender>, expected: (Decision, Contender), words: &str| {
        let seat = serving.map(seat);
        let verdict = Verdict::of(judgement, seat.as_ref(), Promotion::Evidence);
        assert_eq!((verdict.decision, verdict.contender), expected, "{}", verdict.reason);
        assert!(verdict.reason.contains(words), "{}", verdict.reason);
    };
    let one = |arima: Standing| judgement(vec![drift(), arima], None);
    // Nothing serves: the random walk, unless someone has the evidence.
    check(&one(standing(ARIMA, 3.0, 22.2)), None, (Decision::Promote, walk), "3.00 to 1; 22.2 to 1 is asked");
    check(
        &one(standing(ARIMA, 34.0, 22.2)),
        None,
        (Decision::Promote, ARIMA),
        "evidence 34.0 to 1; 22.2 to 1 is asked",
    );
    check(&one(standing(ARIMA, 34.0, 22.2)), Some(walk), (Decision::Promote, ARIMA), "in place of the random walk");
    check(&one(standing(ARIMA, 3.0, 22.2)), Some(walk), (Decision::Keep, walk), "random walk kept");
    // Evidence without a lower loss of late, or without any since it was dropped, is not enough.
    let worse = Standing { gain: -0.002, ..standing(ARIMA, 34.0, 22.2) };
    check(&one(worse), Some(walk), (Decision::Keep, walk), "0.20 % higher than the random walk's of late");
    let dropped = Standing { since_dropped: Some(2.0), ..standing(ARIMA, 34.0, 22.2) };
    check(&one(dropped), Some(walk), (Decision::Keep, walk), "only 2.00 to 1 since it was dropped");
    let back = Standing { since_dropped: Some(11.0), ..standing(ARIMA, 34.0, 22.2) };
    check(&one(back), Some(walk), (Decision::Promote, ARIMA), "34.0 to 1");
    // What cannot be estimated cannot serve.
    let none = Standing { specification: None, ..standing(ARIMA, 34.0, 22.2) };
    check(&one(none.clone()), Some(walk), (Decision::Keep, walk), "random walk kept");
    check(&judgement(vec![drift(), none], Some(1.0)), Some(ARIMA), (Decision::Demote, walk), "has no forecast to give");
    check(&judgement(vec![drift()], Some(1.0)), Some(ARIMA), (Decision::Demote, walk), "not configured any more");
    // Who serves stays, even where the evidence for it has shrunk, until there is evidence against it.
    let serving = |against: f64| judgement(vec![drift(), standing(ARIMA, 4.0, 22.2)], Some(against));
    check(&serving(0.3), Some(ARIMA), (Decision::Keep, ARIMA), "0.30 to 1 against it");
    check(
        &serving(10.5),
        Some(ARIMA),
        (Decision::Demote, walk),
        "evidence of 10.5 to 1 against it since its promotion, 10 to 1 is enough, and its loss has been 0.30 % higher",
    );
    let mut better = serving(10.5);
    better.challenge = Some(Challenge { evidence: 10.5, gain: 0.001 });
    check(&better, Some(ARIMA), (Decision::Keep, ARIMA), "10.5 to 1 against it");
    // Another takes its place on evidence against the walk and against the champion.
    let rival = |against: f64| Standing { against_champion: Some(against), ..standing(ets, 90.0, 44.4) };
    let two = |against: f64| judgement(vec![drift(), standing(ARIMA, 60.0, 44.4), rival(against)], Some(0.1));
    check(&two(20.0), Some(ARIMA), (Decision::Keep, ARIMA), "kept");
    check(&two(50.0), Some(ARIMA), (Decision::Promote, ets), "50.0 to 1 against it since its promotion");
    let lost = judgement(vec![drift(), standing(ARIMA, 60.0, 44.4), rival(1.0)], Some(12.0));
    check(&lost, Some(ARIMA), (Decision::Promote, ets), "in place of arima");
    // Of several, the one whose evidence exceeds most what is asked.
    let both = judgement(vec![standing(Contender::DRIFT, 900.0, 200.0), standing(ARIMA, 60.0, 22.2)], None);
    check(&both, None, (Decision::Promote, Contender::DRIFT), "900 to 1");
    // Where nothing is asked, the first family serves.
    let verdict = Verdict::of(&one(standing(ARIMA, 0.1, 22.2)), Some(&seat(walk)), Promotion::Always);
    assert_eq!((verdict.decision, verdict.contender), (Decision::Promote, ARIMA));
    assert!(verdict.reason.contains("without being asked"), "{}", verdict.reason);
}

/// Who lost its place on evidence is remembered, whoever takes it.
#[test]
fn who_was_dropped_is_remembered() {
    let ets = Contender::Family(Family::Ets);
    let day = "2020-12-11".parse().expect("a session");
    let after = |judgement: &Judgement, before: &Seat| {
        let verdict = Verdict::of(judgement, Some(before), Promotion::Evidence);
        Seat::after(Some(before), &verdict, judgement, day)
    };
    let dropped = |seat: &Seat| seat.deposed.iter().map(|dropped| dropped.contender).collect::<Vec<_>>();
    let lost = after(&judgement(vec![standing(ARIMA, 4.0, 22.2)], Some(12.0)), &seat(ARIMA));
    assert_eq!((lost.contender, dropped(&lost)), (Contender::RANDOM_WALK, vec![ARIMA]));
    let replaced =
        after(&judgement(vec![standing(ARIMA, 60.0, 44.4), standing(ets, 90.0, 44.4)], Some(12.0)), &seat(ARIMA));
    assert_eq!((replaced.contender, dropped(&replaced)), (ets, vec![ARIMA]));
    // Beaten by another, it is not dropped; and who serves again is not dropped any more.
    let better = Standing { against_champion: Some(50.0), ..standing(ets, 90.0, 44.4) };
    let beaten = after(&judgement(vec![standing(ARIMA, 60.0, 44.4), better], Some(0.1)), &seat(ARIMA));
    assert_eq!((beaten.contender, dropped(&beaten)), (ets, vec![]));
    let back = Standing { since_dropped: Some(11.0), ..standing(ARIMA, 60.0, 44.4) };
    let returned = after(&judgement(vec![back], None), &lost);
    assert_eq!((returned.contender, dropped(&returned)), (ARIMA, vec![]));
}

/// Promotion and demotion renew nothing: the evidence against the walk is the same, whoever serves and whatever was dropped.
#[test]
fn evidence_belongs_to_the_record() {
    let series = series(&prices(700, 0.35, 5));
    let (mut record, mut scales) = built(&series);
    let models = [(ARIMA, tonight(&mut record, &mut scales, &series))];
    let since = record.rows[600].session.stamp();
    let seats = [
        None,
        Some(Seat { since, ..seat(ARIMA) }),
        Some(Seat { since, deposed: vec![Deposed { contender: ARIMA, since }], ..seat(Contender::RANDOM_WALK) }),
    ];
    let of = |seat: &Option<Seat>| Judgement::of(&record, &[], 0.05, seat.as_ref(), &models, Detail::Short).0;
    let judgements: Vec<Judgement> = seats.iter().map(of).collect();
    let evidence = |judgement: &Judgement| judgement.standing(ARIMA).map(|standing| standing.evidence);
    assert!(judgements.iter().all(|judgement| evidence(judgement) == evidence(&judgements[0])));
    assert!(judgements[1].challenge.is_some() && judgements[0].challenge.is_none());
    assert!(judgements[2].standing(ARIMA).is_some_and(|standing| standing.since_dropped.is_some()));
}
