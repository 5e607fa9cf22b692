//! Series whose law is known, the same on every machine.

#![allow(dead_code, unreachable_pub, reason = "each test crate uses its own part")]

use forecasting::{Level, Period, PriceSeries, Row, Ticker};

pub fn ticker() -> Ticker {
    "NLS".parse().expect("a ticker")
}

pub fn day(text: &str) -> Period {
    text.parse().expect("a session")
}

pub fn levels() -> Vec<Level> {
    [80.0, 95.0].into_iter().map(|percent| Level::try_from(percent).expect("a level")).collect()
}

/// Uniform on [0, 1), the same on every machine.
pub fn uniform(seed: &mut u64) -> f64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 11) as f64 / (1_u64 << 53) as f64
}

/// Prices from 2018-01-02 whose log returns follow an AR(1).
pub fn prices(n: usize, phi: f64, seed: u64) -> Vec<f64> {
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

pub fn rows(prices: &[f64]) -> Vec<Row> {
    let mut session = day("2018-01-02");
    prices
        .iter()
        .enumerate()
        .map(|(index, price)| {
            let row = Row { close: Some(*price), adjusted_close: Some(*price), ..Row::new(index + 1, session) };
            session = session.next();
            row
        })
        .collect()
}

pub fn series(prices: &[f64]) -> PriceSeries {
    PriceSeries::new(ticker(), rows(prices)).expect("a series")
}
