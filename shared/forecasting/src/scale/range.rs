//! The variance of one session by its range: Garman & Klass (1980, J. Business 53, 67-78), their practical estimator of
//! section 4, 0.5 (ln H/L)^2 - (2 ln 2 - 1) (ln C/O)^2, and the squared overnight change before it.

use crate::Bar;

/// Highs and lows may be off by the rounding of an adjustment, not by more.
const ROUNDING: f64 = 1e-9;
/// A close of less than half or more than twice the open: rather a basis that changed within the row than a session's trade.
const MAX_WITHIN: f64 = std::f64::consts::LN_2;

/// `change` is the log change of the adjusted close. So a split or a dividend overnight is no shock.
///
/// # Errors
/// Why the row's range is not to be believed: then its close alone is.
pub(crate) fn variance(bar: &Bar, change: f64) -> Result<f64, &'static str> {
    let (Some(open), Some(high), Some(low)) = (bar.open, bar.high, bar.low) else {
        return Err("no open, high or low");
    };
    if ![open, high, low].iter().all(|price| *price > 0.0 && price.is_finite()) {
        return Err("an open, high or low that is no positive number");
    }
    if high < low {
        return Err("a high below the low");
    }
    if high < open.max(bar.close) * (1.0 - ROUNDING) || low > open.min(bar.close) * (1.0 + ROUNDING) {
        return Err("an open or close outside high and low");
    }
    if high == low {
        return Err("one price all day");
    }
    let within = (bar.close / open).ln();
    if within.abs() > MAX_WITHIN {
        return Err("a close far from the open, as of another basis");
    }
    let overnight = change - within;
    let range = (high / low).ln();
    let garman_klass = 0.5 * range * range - (2.0 * std::f64::consts::LN_2 - 1.0) * within * within;
    Ok(overnight * overnight + garman_klass.max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(open: f64, high: f64, low: f64, close: f64) -> Bar {
        Bar {
            day: "2020-12-11".parse().expect("a session"),
            open: Some(open),
            high: Some(high),
            low: Some(low),
            close,
            volume: None,
            adjusted_close: close,
            dividend: None,
            split_factor: None,
            regressors: Vec::new(),
        }
    }

    /// By hand: opens 1 % up, ends where it opened, and was 2 % apart.
    #[test]
    fn by_hand() {
        let (open, e) = (101.0_f64, std::f64::consts::E);
        let bar = bar(open, open * e.powf(0.01), open * e.powf(-0.01), open);
        let variance = variance(&bar, 0.01).expect("sound");
        assert!((variance - (0.0001 + 0.5 * 0.0004)).abs() < 1e-12, "{variance}");
    }

    #[test]
    fn what_is_not_believed() {
        let check = |bar: Bar, reason: &str| assert_eq!(variance(&bar, 0.0), Err(reason));
        check(bar(10.0, 9.0, 11.0, 10.0), "a high below the low");
        check(bar(10.0, 10.5, 9.5, 11.0), "an open or close outside high and low");
        check(bar(0.0, 10.5, 9.5, 10.0), "an open, high or low that is no positive number");
        check(bar(10.0, 10.0, 10.0, 10.0), "one price all day");
        check(bar(40.0, 41.0, 9.0, 10.0), "a close far from the open, as of another basis");
        check(Bar { high: None, ..bar(1.0, 1.0, 1.0, 1.0) }, "no open, high or low");
    }
}
