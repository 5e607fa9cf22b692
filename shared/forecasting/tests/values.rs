//! Values of any sign, size, season and cadence, with gaps: never a panic, and never a number that is none.

mod support;

use forecasting::{Cadence, Family, Form, Kind, Period, PriceSeries, Row, Sample, Seasons, Specification, Stamp};
use proptest::prelude::*;
use support::ticker;

fn indexed(numbers: &[Option<f64>]) -> Vec<Row> {
    let row = |(place, value): (usize, &Option<f64>)| Row {
        adjusted_close: *value,
        ..Row::new(place + 1, Stamp::Index(place as u64 + 1))
    };
    numbers.iter().enumerate().map(row).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_series_is_forecast_or_refused(
        numbers in prop::collection::vec(prop::option::weighted(0.9, prop_oneof![
            8 => -100.0..100.0_f64,
            1 => Just(0.0),
            1 => -1e12..1e12_f64,
        ]), 3..90),
        season in prop_oneof![Just(vec![]), Just(vec![4]), Just(vec![12]), Just(vec![4, 12])],
        positive: bool,
    ) {
        let numbers: Vec<Option<f64>> =
            numbers.iter().map(|value| value.map(|v| if positive { v.abs() + 1.0 } else { v })).collect();
        let form = Form { cadence: Some(Cadence::INDEX), kind: Kind::VALUE };
        // More than half of the values missing is another cadence; none is nothing.
        let Ok(series) = PriceSeries::of(ticker(), indexed(&numbers), form) else { return Ok(()) };
        let sample = Sample::of(series.bars(), Kind::VALUE);
        let known = &sample.values;
        prop_assert_eq!(known.iter().filter(|value| !value.is_nan()).count(), series.bars().len());
        let seasons = Seasons::of(&season).expect("seasons");
        for family in Family::ALL {
            let Ok(specification) = Specification::select(*family, &sample, Kind::VALUE, seasons) else { continue };
            let Ok(mut model) = specification.fit(&sample, Kind::VALUE) else { continue };
            for further in [&[][..], &[f64::NAN, 3.0][..]] {
                if model.advance(&further.into()).is_err() {
                    continue;
                }
                let Ok(forecast) = model.forecast(8, &[]) else { continue };
                let central = forecast.central();
                prop_assert!(central.iter().all(|value| value.is_finite()), "{specification}: {central:?} of {known:?}");
            }
            let stored = serde_json::to_string(&model).expect("writes");
            let read: forecasting::PriceModel = serde_json::from_str(&stored).expect("reads");
            prop_assert_eq!(serde_json::to_string(&read).expect("writes"), stored);
        }
    }
}

/// What follows each, written out by hand from the calendars.
#[test]
fn the_periods_that_follow() {
    let check = |text: &str, expected: &[&str]| {
        let mut period: Period = text.parse().expect(text);
        let first = period;
        for expected in expected {
            period = period.next();
            assert_eq!(period.to_string(), *expected, "after {text}");
        }
        assert_eq!(first.periods_until(period), expected.len(), "{text}");
        assert_eq!((0..expected.len()).fold(period, |period, _| period.previous()), first, "back to {text}");
        let stored = String::from(period);
        assert_eq!(stored.parse::<Period>().expect("reads"), period, "{stored}");
    };
    check("2020-12-24", &["2020-12-28", "2020-12-29"]);
    check("417/index", &["418", "419"]);
    check("2024-02-28/1day", &["2024-02-29", "2024-03-01"]);
    check("2024-03-01/1day@24x5", &["2024-03-04", "2024-03-05"]);
    check("2024-12-24/1week", &["2024-12-31", "2025-01-07"]);
    check("1990-01-31/1month", &["1990-02-28", "1990-03-31"]);
    check("1990-01-15/1month", &["1990-02-15", "1990-03-15"]);
    check("2024-01-01/1quarter", &["2024-04-01", "2024-07-01", "2024-10-01", "2025-01-01"]);
    check("2023-12-31/1year", &["2024-12-31", "2025-12-31"]);
    // Crypto over a weekend; currencies close from Friday to Sunday at 17:00 in New York, which is 22:00 in winter.
    check("2024-01-05T22:00Z/1hour", &["2024-01-05T23:00:00Z", "2024-01-06T00:00:00Z"]);
    check("2024-01-05T21:00Z/1hour@24x5", &["2024-01-07T22:00:00Z", "2024-01-07T23:00:00Z"]);
    // Five minutes over a half day (13:00 in New York), the weekend after it, and both changes of the clock.
    check("2020-11-27T17:55Z/5min@XNYS", &["2020-11-30T14:30:00Z", "2020-11-30T14:35:00Z"]);
    check("2024-03-08T20:55Z/5min@XNYS", &["2024-03-11T13:30:00Z"]);
    check("2024-11-01T19:55Z/5min@XNYS", &["2024-11-04T14:30:00Z"]);
    // Hours from the opening bell, as Yahoo has them; and hours of the clock, the first of which holds half an hour.
    check("2024-03-08T20:30Z/1hour@XNYS", &["2024-03-11T13:30:00Z", "2024-03-11T14:30:00Z"]);
    check("2024-03-08T20:00Z/1hour@XNYS", &["2024-03-11T13:00:00Z", "2024-03-11T14:00:00Z"]);
    // Sensors that report five minutes past.
    check("2024-03-08T20:05Z/1hour", &["2024-03-08T21:05:00Z"]);
}

/// The exchanges' own notices: bank holidays, jubilee, funeral and coronation; the ten days of 2019; New Year by the moon.
#[test]
fn the_sessions_of_other_exchanges() {
    let check = |text: &str, expected: &str| {
        let period: Period = text.parse().expect(text);
        assert_eq!(period.next().to_string(), expected, "after {text}");
        assert_eq!(period.next().previous(), period, "back to {text}");
        assert_eq!(String::from(period).parse::<Period>().expect("reads"), period);
    };
    check("2022-06-01/session@XLON", "2022-06-06");
    check("2022-09-16/1day@XLON", "2022-09-20");
    check("2023-05-05/1day@XLON", "2023-05-09");
    check("2024-08-23/1day@XLON", "2024-08-27");
    check("2024-12-23/1day@XETR", "2024-12-27");
    check("2024-12-30/1day@XETR", "2025-01-02");
    check("2019-04-26/1day@XTKS", "2019-05-07");
    check("2024-02-09/1day@XHKG", "2024-02-14");
    check("2024-10-11/1day@XTSE", "2024-10-15");
    check("2024-07-03/1day@XNAS", "2024-07-05");
    // London closes at 12:30 on Christmas Eve; Tokyo has a lunch break, and half an hour more since 5 November 2024.
    check("2024-12-24T12:00Z/1hour@XLON", "2024-12-27T08:00:00Z");
    check("2024-03-28T16:00Z/1hour@XLON", "2024-04-02T07:00:00Z");
    check("2024-11-01T02:00Z/30min@XTKS", "2024-11-01T03:30:00Z");
    check("2024-11-01T05:30Z/30min@XTKS", "2024-11-05T00:00:00Z");
    check("2024-11-05T05:30Z/30min@XTKS", "2024-11-05T06:00:00Z");
    let ends = |text: &str| text.parse::<Period>().expect(text).ends().to_string();
    assert_eq!(ends("2024-12-24/1day@XLON"), "2024-12-24T12:30:00Z");
    assert_eq!(ends("2024-12-24T12:00Z/1hour@XLON"), "2024-12-24T12:30:00Z");
    assert_eq!(ends("2024-07-26/1day@XTKS"), "2024-07-26T06:00:00Z");
    assert_eq!(ends("2024-03-08T20:55Z/5min@XNYS"), "2024-03-08T21:00:00Z");
    let refused = |text: &str| text.parse::<Period>().expect_err(text).to_string();
    assert!(refused("2024-08-26/1day@XLON").contains("holiday"));
    assert!(refused("2024-08-27T03:15Z/1hour@XLON").contains("closed"));
}

/// A year and a half of an exchange's days, or two weeks of its hours, say whose they are, even with a date mistyped.
#[test]
fn exchanges_are_found_in_the_rows() {
    for name in ["XNYS", "XTSE", "XLON", "XETR", "XTKS", "XHKG"] {
        let mut period: Period = format!("2023-06-15/1day@{name}").parse().expect("a session");
        let mut stamps = vec![];
        for _ in 0..380 {
            stamps.push(period.stamp());
            period = period.next();
        }
        let expected = if name == "XNYS" { "session".to_owned() } else { format!("1day@{name}") };
        assert_eq!(Cadence::of(&stamps).expect("found").to_string(), expected);
        stamps.push("2023-12-25".parse().expect("a date"));
        stamps.sort();
        stamps.dedup();
        assert_eq!(Cadence::of(&stamps).expect("found").to_string(), expected);
        let first = ["13:30", "13:30", "07:00", "07:00", "00:00", "01:30"];
        let at = ["XNYS", "XTSE", "XLON", "XETR", "XTKS", "XHKG"].iter().position(|other| *other == name).expect("one");
        let mut bar: Period = format!("2024-05-17T{}Z/30min@{name}", first[at]).parse().expect("a bar");
        let mut stamps = vec![];
        for _ in 0..200 {
            stamps.push(bar.stamp());
            bar = bar.next();
        }
        let found = Cadence::of(&stamps).expect("found");
        // Those that share hours and had no holiday of their own cannot be told apart: the first of them is said.
        assert!(stamps.iter().all(|stamp| found.period(*stamp).is_ok()), "{name}: {found}");
        assert!(found.to_string().starts_with("30min@X"), "{name}: {found}");
    }
}

#[test]
fn cadences_are_found_in_the_rows() {
    let check = |stamps: &[&str], expected: &str| {
        let stamps: Vec<Stamp> = stamps.iter().map(|text| text.parse().expect("a stamp")).collect();
        let found = Cadence::of(&stamps).map_or_else(|error| error.to_string(), |cadence| cadence.to_string());
        assert!(found.contains(expected), "{stamps:?}: {found}");
    };
    check(&["2020-12-09", "2020-12-10", "2020-12-11", "2020-12-14"], "session");
    check(&["2020-12-11", "2020-12-12", "2020-12-13", "2020-12-14"], "1day");
    check(
        &["2020-12-23", "2020-12-24", "2020-12-25", "2020-12-28", "2021-01-01", "2021-01-04", "2021-01-05"],
        "1day@24x5",
    );
    check(&["2020-12-01", "2020-12-08", "2020-12-15", "2020-12-22"], "1week");
    check(&["2020-10-31", "2020-11-30", "2020-12-31"], "1month");
    check(&["2020-03-31", "2020-06-30", "2020-09-30", "2020-12-31"], "1quarter");
    check(&["2018-12-31", "2019-12-31", "2020-12-31"], "1year");
    check(&["2020-12-11T10:00Z", "2020-12-11T10:05Z", "2020-12-11T10:10Z"], "5min");
    check(&["2020-12-11T10:00Z", "2020-12-11T11:00Z", "2020-12-11T13:00Z"], "1hour");
    check(&["1", "2", "3"], "index");
    check(&["2020-12-01", "2020-12-03", "2020-12-05"], "2020-12-01, 2020-12-03, 2020-12-05");
}

/// A file that is not what it is declared to be is refused with the rows that prove it.
#[test]
fn a_wrong_declaration_is_refused() {
    let tuesdays = ["2020-09-01", "2020-09-08", "2020-09-15", "2020-09-22"];
    let rows = tuesdays.iter().enumerate().map(|(place, day)| Row {
        adjusted_close: Some(10.0 + place as f64),
        ..Row::new(place + 1, day.parse::<Stamp>().expect("a stamp"))
    });
    let error = PriceSeries::of(ticker(), rows, Form::PRICES).expect_err("refused").to_string();
    assert!(
        error.contains("2020-09-08, 2020-09-15, 2020-09-22") || error.contains("2020-09-01, 2020-09-08, 2020-09-15"),
        "{error}"
    );
    assert!(error.contains("cadence = \"session\""), "{error}");
}

/// Working days have a week; their prices do not follow it.
#[test]
fn the_usual_seasons() {
    let usual = |cadence: &str, kind| {
        let seasons = Seasons::usual(cadence.parse().expect("a cadence"), kind);
        (seasons.short(), seasons.longest())
    };
    assert_eq!(usual("session", Kind::Price), (1, 1));
    assert_eq!(usual("1day@XLON", Kind::Price), (1, 1));
    assert_eq!(usual("1day@XLON", Kind::VALUE).0, 5);
    assert_eq!(usual("1hour", Kind::VALUE), (24, 168));
    // A whole session: 13 half hours in New York, 10 in Tokyo before November 2024, and 11 since.
    assert_eq!(usual("30min@XNYS", Kind::VALUE).0, 13);
    assert_eq!(usual("30min@XTKS", Kind::VALUE).0, 11);
    assert_eq!(usual("1month", Kind::VALUE).0, 12);
}
