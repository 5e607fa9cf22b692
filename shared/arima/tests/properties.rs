//! Laws that hold for every series.

use arima::{Arima, AutoArima, BoxCox, Coefficients, Criterion, Error, FittedArima, Forecast, Order, Search, Seasonal};
use augurs::{Fit, Predict};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Any orders up to 3, with or without the usual constant, now and then with a season.
fn model() -> impl Strategy<Value = Arima> {
    let seasonal = prop_oneof![
        4 => Just(Seasonal::NONE),
        1 => (0..2_usize, 0..2_usize, 0..2_usize).prop_map(|(p, d, q)| Seasonal { p, d, q, period: 4 }),
    ];
    (0..4_usize, 0..3_usize, 0..4_usize, any::<bool>(), seasonal).prop_map(|(p, d, q, constant, seasonal)| {
        let plain = Arima::new(Order { p, d, q }).with_seasonal(seasonal);
        if constant { plain.with_usual_constant() } else { plain }
    })
}

/// A random walk with some noise on top, seeded by its increments.
fn series(length: std::ops::Range<usize>) -> impl Strategy<Value = Vec<f64>> {
    proptest::collection::vec((-1.0..1.0_f64, -0.5..0.5_f64), length).prop_map(|steps| {
        let mut level = 10.0;
        let walk = steps.into_iter().map(|(step, noise)| {
            level += step;
            level + noise
        });
        walk.collect()
    })
}

fn forecasts(fitted: &FittedArima) -> (Vec<f64>, Vec<f64>) {
    let forecast = fitted.forecast(6).expect("a horizon of 6");
    (forecast.mean, forecast.standard_error)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_input_is_answered_or_refused(
        y in proptest::collection::vec(prop_oneof![
            -1e3..1e3_f64,
            Just(0.0), Just(1e300), Just(-1e300), Just(5e-324), Just(1e-200), Just(f64::MAX), Just(f64::NAN),
        ], 0..40),
        model in model(),
    ) {
        for fitted in [model.fit(&y), AutoArima::default().fit(&y)].into_iter().flatten() {
            let (mean, standard_error) = forecasts(&fitted);
            prop_assert!(mean.iter().all(|m| !m.is_nan()), "{model} on {y:?}: means {mean:?}");
            prop_assert!(standard_error.iter().all(|s| *s >= 0.0), "{model} on {y:?}: errors {standard_error:?}");
        }
    }

    #[test]
    fn repeated_values_are_answered_or_refused(value in -1e6..1e6_f64, slope in -10.0..10.0_f64, n in 0..60_usize, model in model()) {
        for step in [0.0, slope] {
            let y: Vec<f64> = (0..n).map(|t| value + step * t as f64).collect();
            for fitted in [model.fit(&y), AutoArima::default().fit(&y)].into_iter().flatten() {
                let (mean, standard_error) = forecasts(&fitted);
                prop_assert!(mean.iter().chain(&standard_error).all(|v| v.is_finite()), "{model} on {y:?}: {mean:?}");
            }
        }
    }

    #[test]
    fn scaling_and_shifting_the_series_scales_and_shifts_the_forecasts(
        y in series(60..120), scale in 1e-3..1e3_f64, shift in -100.0..100.0_f64, p in 0..3_usize, q in 0..2_usize,
    ) {
        for d in [0, 1] {
            let model = Arima::new(Order { p, d, q }).with_usual_constant();
            let moved: Vec<f64> = y.iter().map(|v| (v + shift) * scale).collect();
            let (mean, error) = forecasts(&model.fit(&y).expect("fits"));
            let (moved_mean, moved_error) = forecasts(&model.fit(&moved).expect("fits"));
            for h in 0..mean.len() {
                let expected = (mean[h] + shift) * scale;
                // The optimiser's path differs by rounding alone; its tolerance bounds what that can do.
                prop_assert!((moved_mean[h] - expected).abs() < 1e-3 * error[h] * scale, "{model}: {} {expected}", moved_mean[h]);
                prop_assert!((moved_error[h] / (error[h] * scale) - 1.0).abs() < 1e-3, "{model} error {h}");
            }
        }
    }

    #[test]
    fn advancing_equals_filtering_the_longer_series(y in series(80..140), new in 1..20_usize, model in model()) {
        let (train, rest) = y.split_at(y.len() - new);
        let Ok(mut fitted) = model.fit(train) else { return Ok(()) };
        let at = fitted.coefficients().clone();
        fitted.advance(rest).expect("finite");
        // Estimates at the very edge of the stationary region may be refused on the longer series.
        let Ok(whole) = model.evaluate(&y, &at) else { return Ok(()) };
        let ((mean, _), (expected, errors)) = (forecasts(&fitted), forecasts(&whole));
        for h in 0..mean.len() {
            prop_assert!((mean[h] - expected[h]).abs() < 1e-10 * errors[h].max(expected[h].abs()), "{model} step {h}");
        }
    }

    #[test]
    fn passing_over_missing_values_equals_filtering_the_series_with_them(
        y in series(80..140), missing in proptest::collection::vec(any::<bool>(), 12), model in model(),
    ) {
        let (train, rest) = y.split_at(y.len() - missing.len());
        let Ok(mut fitted) = model.fit(train) else { return Ok(()) };
        let rest: Vec<f64> = rest.iter().zip(&missing).map(|(v, gone)| if *gone { f64::NAN } else { *v }).collect();
        let at = fitted.coefficients().clone();
        fitted.advance(&rest).expect("no infinite value");
        let Ok(whole) = model.evaluate(&[train, &rest].concat(), &at) else { return Ok(()) };
        let ((mean, error), (expected, expected_error)) = (forecasts(&fitted), forecasts(&whole));
        // sigma2 stays that of the training series.
        let sigma = (fitted.sigma2() / whole.sigma2()).sqrt();
        for h in 0..mean.len() {
            prop_assert!((mean[h] - expected[h]).abs() < 1e-4 * error[h], "{model} step {h}: {} {}", mean[h], expected[h]);
            prop_assert!((error[h] / expected_error[h] / sigma - 1.0).abs() < 1e-4, "{model} step {h}");
        }
        let back: FittedArima = serde_json::from_str(&serde_json::to_string(&fitted).expect("serialises")).expect("reads back");
        prop_assert_eq!(forecasts(&back), forecasts(&fitted));
    }

    #[test]
    fn transforms_and_back(y in proptest::collection::vec(1e-3..1e6_f64, 1..20), lambda in -2.0..2.0_f64) {
        for transform in [BoxCox::LOG, BoxCox::new(lambda).expect("a power")] {
            let x = transform.apply(&y).expect("positive values");
            let zero = vec![0.0; y.len()];
            let back = transform.restore(Forecast { mean: x, standard_error: zero, degrees_of_freedom: f64::INFINITY });
            for (y, back) in y.iter().zip(back.median()) {
                // A negative power maps all large values to nearly the same.
                let lost = 1e-14 * (1.0 + y.powf(-lambda)) * y;
                prop_assert!((back - y).abs() <= 1e-11 * y + lost, "{lambda}: {y} {back}");
            }
        }
    }

    #[test]
    fn predictive_intervals_are_wider(y in series(30..120), model in model()) {
        let Ok(fitted) = model.fit(&y) else { return Ok(()) };
        let (plain, predictive) = (fitted.forecast(6).expect("forecasts"), fitted.predictive(6).expect("forecasts"));
        prop_assert_eq!(&plain.mean, &predictive.mean);
        let (plain, predictive) = (plain.interval(0.9).expect("a level"), predictive.interval(0.9).expect("a level"));
        for h in 0..6 {
            let (narrow, wide) = (plain.upper[h] - plain.lower[h], predictive.upper[h] - predictive.lower[h]);
            prop_assert!(wide >= narrow && wide.is_finite(), "{model} step {h}: {narrow} {wide}");
        }
    }

    #[test]
    fn what_is_read_back_forecasts_the_same_bits(y in series(60..120), new in series(1..10), model in model()) {
        let Ok(mut fitted) = model.fit(&y) else { return Ok(()) };
        let json = serde_json::to_string(&fitted).expect("serialises");
        let mut back: FittedArima = serde_json::from_str(&json).expect("reads back");
        prop_assert_eq!(forecasts(&fitted), forecasts(&back));
        fitted.advance(&new).expect("finite");
        back.advance(&new).expect("finite");
        prop_assert_eq!(forecasts(&fitted), forecasts(&back));
        prop_assert_eq!(serde_json::to_string(&back).expect("serialises"), serde_json::to_string(&fitted).expect("serialises"));
    }

    #[test]
    fn intervals_never_shrink_with_the_horizon(y in series(60..120), model in model()) {
        let order = Order { d: model.order.d.max(1), ..model.order };
        let model = Arima::new(order).with_seasonal(model.seasonal).with_usual_constant();
        let Ok(fitted) = model.fit(&y) else { return Ok(()) };
        let (_, errors) = forecasts(&fitted);
        prop_assert!(errors.windows(2).all(|pair| pair[1] >= pair[0] * (1.0 - 1e-12)), "{model}: {errors:?}");
    }
}

/// The nominal level is what the intervals hold on data that follows the model.
#[test]
fn intervals_cover_simulated_futures() {
    let mut seed = 1_u64;
    let mut uniform = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut normal = || (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
    let (mut inside, mut total) = (0, 0);
    for _ in 0..300 {
        let (mut w, mut e, mut level) = (0.0, 0.0, 0.0);
        let y: Vec<f64> = (0..305)
            .map(|_| {
                let innovation = normal();
                w = 0.5 * w + innovation + 0.3 * e;
                e = innovation;
                level += w;
                level
            })
            .collect();
        let fitted = Arima::new(Order { p: 1, d: 1, q: 1 }).fit(&y[..300]).expect("fits");
        let interval = fitted.forecast(5).expect("a horizon").interval(0.95).expect("a level");
        for h in 0..5 {
            inside += usize::from(interval.lower[h] <= y[300 + h] && y[300 + h] <= interval.upper[h]);
            total += 1;
        }
    }
    let coverage = f64::from(u32::try_from(inside).expect("small")) / f64::from(total);
    assert!((0.93..=0.97).contains(&coverage), "{coverage}");
}

/// Short series, where the estimates' own errors matter: plug-in intervals cover too little, predictive ones what they say.
#[test]
fn predictive_intervals_cover_the_futures_of_short_series() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let model = Arima::new(Order { p: 1, d: 0, q: 0 }).with_mean();
    let at = Coefficients { ar: vec![0.6], mean: Some(10.0), ..Coefficients::default() };
    let truth = model.evaluate(&[10.0, 11.0, 9.0, 10.5, 9.5, 10.0], &at).expect("stationary");
    let (mut plug_in, mut predictive, mut total) = (0, 0, 0);
    for _ in 0..1_500 {
        // The first draws wash out where the simulation started.
        let path = truth.simulate(50, &mut rng).expect("a horizon");
        let (y, future) = path[24..].split_at(20);
        let fitted = model.fit(y).expect("fits");
        let covered = |forecast: Forecast| {
            let interval = forecast.interval(0.95).expect("a level");
            let inside = |h: usize| interval.lower[h] <= future[h] && future[h] <= interval.upper[h];
            (0..future.len()).filter(|h| inside(*h)).count()
        };
        plug_in += covered(fitted.forecast(6).expect("forecasts"));
        predictive += covered(fitted.predictive(6).expect("forecasts"));
        total += future.len();
    }
    let share = |count: usize| count as f64 / total as f64;
    assert!(share(plug_in) < 0.92, "{}", share(plug_in));
    assert!((0.93..=0.97).contains(&share(predictive)), "{}", share(predictive));
}

/// Simulated paths have the means and variances that the forecast says.
#[test]
fn simulated_paths_follow_the_forecast() {
    let y: Vec<f64> = (0..120).map(|t| f64::from(t * t % 17) + 0.1 * f64::from(t)).collect();
    let mut gapped = y.clone();
    gapped[118..].fill(f64::NAN);
    let seasonal = Seasonal { p: 0, d: 1, q: 1, period: 4 };
    let rows = [
        Arima::new(Order { p: 1, d: 1, q: 1 }).with_drift(),
        Arima::new(Order { p: 2, d: 0, q: 0 }).with_mean(),
        Arima::new(Order { p: 0, d: 1, q: 1 }).with_seasonal(seasonal),
    ];
    for model in rows {
        for y in [&y, &gapped] {
            let fitted = model.fit(y).expect("fits");
            let (mean, error) = forecasts(&fitted);
            let mut rng = ChaCha8Rng::seed_from_u64(7);
            let paths: Vec<Vec<f64>> = (0..4_000).map(|_| fitted.simulate(6, &mut rng).expect("a horizon")).collect();
            for h in 0..6 {
                let scaled: Vec<f64> = paths.iter().map(|path| (path[h] - mean[h]) / error[h]).collect();
                let average = scaled.iter().sum::<f64>() / 4_000.0;
                let variance = scaled.iter().map(|z| z * z).sum::<f64>() / 4_000.0;
                assert!(average.abs() < 0.08, "{model} step {h}: mean off by {average} standard errors");
                assert!((variance - 1.0).abs() < 0.12, "{model} step {h}: variance ratio {variance}");
            }
        }
    }
}

#[test]
fn selections_by_criterion_and_budget() {
    let y: Vec<f64> = (0..150).map(|t| (f64::from(t) * 0.7).sin() + f64::from(t * t % 13) * 0.3).collect();
    let lowest = |auto: AutoArima| {
        let selected = auto.select(&y, || true).expect("selects");
        assert!(selected.finished);
        let allowed = selected.tried.iter().filter(|tried| tried.refused.is_none());
        let best = allowed.min_by(|a, b| a.criterion.total_cmp(&b.criterion)).expect("one is allowed");
        assert_eq!(best.model, *selected.fitted.model());
        (selected.fitted, best.criterion)
    };
    for search in [Search::Stepwise, Search::Grid] {
        let of = |criterion| lowest(AutoArima { criterion, search, ..AutoArima::default() });
        let near = |(fitted, criterion): (FittedArima, f64), own: fn(&FittedArima) -> f64| {
            assert!((own(&fitted) - criterion).abs() < 1e-3, "{search:?}: {} {criterion}", own(&fitted));
            fitted.model().parameters()
        };
        let (aicc, aic) = (near(of(Criterion::Aicc), FittedArima::aicc), near(of(Criterion::Aic), FittedArima::aic));
        let bic = near(of(Criterion::Bic), FittedArima::bic);
        assert!(bic <= aicc && aicc <= aic, "{search:?}: {bic} {aicc} {aic} parameters");
    }
    let mut left = 3;
    let hurried = AutoArima::default()
        .select(&y, || {
            left -= 1;
            left > 0
        })
        .expect("selects");
    assert!(!hurried.finished && hurried.tried.len() < 6);
}

#[test]
fn what_looks_back_needs_the_training_series() {
    let y: Vec<f64> = (0..80).map(|t| f64::from(t * t % 17)).collect();
    let mut fitted = Arima::new(Order { p: 1, d: 1, q: 1 }).fit(&y).expect("fits");
    let residuals = fitted.residuals().expect("is there");
    assert!(residuals[0].is_nan() && residuals[1..].iter().all(|e| e.is_finite()));
    assert_eq!(fitted.fitted_values().expect("is there").len(), 80);
    assert!(fitted.ljung_box(2).is_err() && fitted.ljung_box(79).is_err() && fitted.ljung_box(3).is_ok());
    for (residuals, lags, estimated) in
        [(&[0.1, -0.2][..], 5, 0), (&[0.1, -0.2, 0.3], 2, 2), (&[f64::NAN; 9], 3, 0), (&[], 1, 0)]
    {
        assert!(matches!(arima::LjungBox::of(residuals, lags, estimated), Err(Error::Lags { .. })), "{residuals:?}");
    }
    for got in [0.0, -1.0, f64::NAN] {
        let forecast = arima::Forecast { degrees_of_freedom: got, ..fitted.forecast(1).expect("forecasts") };
        assert!(matches!(forecast.interval(0.8), Err(Error::DegreesOfFreedom { .. })), "{got}");
    }
    fitted.advance(&[3.0]).expect("finite");
    assert!(fitted.residuals().is_err() && fitted.predictive(1).is_err() && fitted.covariance().is_err());
}

#[test]
fn augurs_interface() {
    let y: Vec<f64> = (0..100).map(|t| (f64::from(t) * 0.7).sin() + f64::from(t % 5)).collect();
    let fitted = AutoArima::default().fit(&y).expect("fits");
    assert_eq!(fitted.training_data_size(), 100);
    let in_sample = fitted.predict_in_sample(0.95).expect("predicts");
    assert_eq!(in_sample.point.len(), 100);
    let ahead = fitted.predict(7, 0.8).expect("predicts");
    let intervals = ahead.intervals.expect("asked for");
    assert_eq!((ahead.point.len(), intervals.lower.len(), intervals.upper.len()), (7, 7, 7));
    assert!(fitted.predict(0, None).is_err() && fitted.predict(5, 1.0).is_err());
}

#[test]
fn damaged_stored_models_are_refused() {
    let y: Vec<f64> = (0..60).map(|t| f64::from(t * t % 17)).collect();
    let fitted = Arima::new(Order { p: 1, d: 1, q: 1 }).fit(&y).expect("fits");
    let good = serde_json::to_value(&fitted).expect("serialises");
    let check = |path: &str, value: serde_json::Value| {
        let mut bad = good.clone();
        *bad.pointer_mut(path).expect("the path exists") = value;
        let error = serde_json::from_value::<FittedArima>(bad).expect_err(path).to_string();
        assert!(!error.is_empty());
    };
    check("/format", 2.into());
    check("/sigma2", (-1.0).into());
    check("/model/order/p", 3.into());
    check("/coefficients/ar", serde_json::json!([0.1, 0.2]));
    check("/coefficients/ar", serde_json::json!([1.5]));
    check("/position/recent", serde_json::json!([]));
    check("/position/state/mean", serde_json::json!([0.0]));
}

/// Orders of a seasonal series with gaps are ranked with the gaps imputed; what is chosen is fitted to the values there are, and is nearly
/// what the whole series would have chosen.
#[test]
fn seasonal_orders_across_gaps() {
    let law = Arima::new(Order { p: 0, d: 1, q: 1 }).with_seasonal(Seasonal { p: 0, d: 1, q: 1, period: 12 });
    let at = Coefficients { ma: vec![-0.4], sma: vec![-0.6], ..Coefficients::default() };
    let mut calm = vec![0.0; 80];
    calm[50] = 1.0;
    let law = law.evaluate(&calm, &at).expect("invertible");
    for seed in 0..6 {
        let whole = law.simulate(180, &mut ChaCha8Rng::seed_from_u64(seed)).expect("a length");
        let mut gapped = whole.clone();
        (7..180).step_by(19).for_each(|t| gapped[t] = f64::NAN);
        let rules = AutoArima { period: 12, ..AutoArima::default() };
        let chosen = rules.fit(&gapped).expect("a model");
        let again = chosen.model().fit(&gapped).expect("fits");
        assert!((chosen.log_likelihood() / again.log_likelihood() - 1.0).abs() < 1e-4, "{}", chosen.model());
        let best = rules.fit(&whole).expect("a model");
        let other = best.model().fit(&gapped).expect("fits");
        assert!(chosen.aicc() < other.aicc() + 3.0, "{} for {}", chosen.model(), best.model());
    }
}
