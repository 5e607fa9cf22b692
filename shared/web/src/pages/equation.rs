//! A model as an equation of log prices.

use forecasting::{Arima, Regression, Specification};

/// The equation, with y for the log of the price and B for the step back by one session; a program's is its own.
pub(super) fn equation(
    specification: &Specification,
    coefficients: &[(String, f64)],
    sigma2: Option<f64>,
) -> Option<String> {
    let of = |name: &str| coefficients.iter().find(|(other, _)| other == name).map(|(_, value)| *value);
    let noise = sigma2.map(|v| format!(",  \u{3b5} ~ N(0, {:.5}\u{b2})", v.sqrt())).unwrap_or_default();
    let signed = |value: f64| if value < 0.0 { format!(" \u{2212} {:.6}", -value) } else { format!(" + {value:.6}") };
    let law = match specification {
        Specification::RandomWalk(_) => {
            format!(
                "y\u{209c} = y\u{209c}\u{208b}\u{2081}{} + \u{3b5}\u{209c}",
                of("drift").map(signed).unwrap_or_default()
            )
        }
        Specification::SeasonalRandomWalk(walk) => format!("{walk}: y as a season ago + \u{3b5}\u{209c}"),
        Specification::Ets(ets) if !ets.is_plain() => {
            let shown =
                |name: &str, symbol: &str| of(name).map(|value| format!(", {symbol} = {value:.4}")).unwrap_or_default();
            let named = [
                shown("alpha", "\u{3b1}"),
                shown("beta", "\u{3b2}"),
                shown("gamma", "\u{3b3}"),
                shown("phi", "\u{3c6}"),
            ];
            format!("{ets}{}", named.concat())
        }
        Specification::Ets(ets) => {
            let phi = of("phi").map(|phi| format!("{phi:.3} ")).unwrap_or_default();
            let slope = if ets.has_slope() { format!(" + {phi}b\u{209c}\u{208b}\u{2081}") } else { String::new() };
            let level = format!("y\u{209c} = l\u{209c}\u{208b}\u{2081}{slope} + \u{3b5}\u{209c}");
            let alpha = of("alpha")
                .map(|a| format!(",  l\u{209c} = l\u{209c}\u{208b}\u{2081}{slope} + {a:.4} \u{3b5}\u{209c}"));
            let beta =
                of("beta").map(|b| format!(",  b\u{209c} = {phi}b\u{209c}\u{208b}\u{2081} + {b:.4} \u{3b5}\u{209c}"));
            format!("{level}{}{}", alpha.unwrap_or_default(), beta.unwrap_or_default())
        }
        Specification::Theta(_) if of("theta").is_some() => format!(
            "exponential smoothing with \u{3b1} = {:.4}, and 1 \u{2212} 1/{:.3} of the line through all values",
            of("alpha").unwrap_or(1.0),
            of("theta").unwrap_or(1.0)
        ),
        Specification::Theta(_) => format!(
            "exponential smoothing with \u{3b1} = {:.4}, and half the trend{} a session",
            of("alpha").unwrap_or(1.0),
            of("drift").map(signed).unwrap_or_default()
        ),
        Specification::Program(_) => return None,
        Specification::Mstl(mstl) => format!("{mstl}, and each season as in its last turn"),
        Specification::Combination(combination) => format!("the {combination}"),
        Specification::Arima(arima) => arima_law(arima, coefficients, "y"),
        Specification::Regression(Regression { columns, errors }) => {
            let (weights, rest) = coefficients.split_at((*columns).min(coefficients.len()));
            let terms: String = weights.iter().map(|(name, weight)| format!("{} {name}", signed(*weight))).collect();
            format!("y\u{209c} ={terms} + n\u{209c},  {}", arima_law(&Arima { model: *errors }, rest, "n"))
        }
    };
    Some(law + &noise)
}

/// An ARIMA model of a series of this name.
fn arima_law(model: &Arima, coefficients: &[(String, f64)], y: &str) -> String {
    let signed = |value: f64| if value < 0.0 { format!(" \u{2212} {:.6}", -value) } else { format!(" + {value:.6}") };
    let of = |name: &str| coefficients.iter().find(|(other, _)| other == name).map(|(_, value)| *value);
    let (order, seasonal) = (model.model.order, model.model.seasonal);
    let season = seasonal.period;
    let ar = polynomial(coefficients, "ar", 1, -1.0) + &polynomial(coefficients, "sar", season, -1.0);
    let ma = polynomial(coefficients, "ma", 1, 1.0) + &polynomial(coefficients, "sma", season, 1.0);
    let difference = difference(order.d, 1) + &difference(seasonal.d, season);
    let mean = of("mean").map(|mean| signed(-mean)).unwrap_or_default();
    let drift = of("drift").map(|drift| format!("{} t", signed(-drift))).unwrap_or_default();
    let y = if mean.is_empty() && drift.is_empty() {
        format!("{y}\u{209c}")
    } else {
        format!("({y}\u{209c}{mean}{drift})")
    };
    format!("{ar}{difference}{y} = {ma}\u{3b5}\u{209c}")
}

/// (1 + c1 B + c2 B^2 ...), or nothing where there are no coefficients.
fn polynomial(coefficients: &[(String, f64)], prefix: &str, step: usize, sign: f64) -> String {
    let mut text = String::new();
    for (name, value) in coefficients {
        let Some(lag) = name.strip_prefix(prefix).and_then(|lag| lag.parse::<usize>().ok()) else { continue };
        let value = sign * value;
        let symbol = if value < 0.0 { '\u{2212}' } else { '+' };
        text = format!("{text} {symbol} {:.4} {}", value.abs(), back(lag * step));
    }
    if text.is_empty() { text } else { format!("(1{text}) ") }
}

fn difference(times: usize, step: usize) -> String {
    (0..times).map(|_| format!("(1 \u{2212} {}) ", back(step))).collect()
}

/// B, or a power of it.
fn back(power: usize) -> String {
    match power {
        1 => "B".to_owned(),
        2 => "B\u{b2}".to_owned(),
        3 => "B\u{b3}".to_owned(),
        power => format!("B^{power}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn specification(json: &str) -> Specification {
        serde_json::from_str(json).expect("a specification")
    }

    #[test]
    fn laws() {
        let walk = specification(r#"{"family":"random_walk","drift":false}"#);
        assert_eq!(equation(&walk, &[], Some(0.0004)).as_deref(), Some("yₜ = yₜ₋₁ + εₜ,  ε ~ N(0, 0.02000²)"));
        let mut fitted = arima::Arima::new(arima::Order { p: 2, d: 1, q: 1 }).with_drift();
        fitted.seasonal = arima::Seasonal { p: 0, d: 0, q: 1, period: 5 };
        let model = Specification::Arima(forecasting::Arima { model: fitted });
        let named = [("ar1", 0.5), ("ar2", -0.25), ("ma1", -0.3), ("sma1", 0.1), ("drift", 0.001)];
        let named = named.map(|(name, value)| (name.to_owned(), value));
        assert_eq!(
            equation(&model, &named, None).as_deref(),
            Some("(1 − 0.5000 B + 0.2500 B²) (1 − B) (yₜ − 0.001000 t) = (1 − 0.3000 B) (1 + 0.1000 B^5) εₜ")
        );
        // A column may be called as a coefficient.
        let errors = arima::Arima::new(arima::Order { p: 1, d: 0, q: 0 });
        let named = [("holiday", -3.5), ("ar1", 2.0), ("ar1", 0.5)].map(|(name, value)| (name.to_owned(), value));
        assert_eq!(
            equation(&Specification::Regression(Regression { columns: 2, errors }), &named, None).as_deref(),
            Some("yₜ = − 3.500000 holiday + 2.000000 ar1 + nₜ,  (1 − 0.5000 B) nₜ = εₜ")
        );
    }
}
