use crate::{Arima, Error, estimation::parameters::Arma};

/// Coefficients of an ARIMA model, signs as in [`Arima`].
#[derive(Debug, Clone, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Coefficients {
    /// phi_1 .. phi_p.
    pub ar: Vec<f64>,
    /// theta_1 .. theta_q.
    pub ma: Vec<f64>,
    /// Phi_1 .. Phi_P.
    pub sar: Vec<f64>,
    /// Theta_1 .. Theta_Q.
    pub sma: Vec<f64>,
    /// Mean, in the series' units.
    pub mean: Option<f64>,
    /// Drift, in the series' units per observation.
    pub drift: Option<f64>,
}

impl Coefficients {
    pub(crate) fn new(model: &Arima, arma: &Arma, constants: &[f64]) -> Self {
        let mut constants = constants.iter().copied();
        Coefficients {
            ar: arma.ar.clone(),
            ma: arma.ma.clone(),
            sar: arma.seasonal_ar.clone(),
            sma: arma.seasonal_ma.clone(),
            mean: if model.has_mean() { constants.next() } else { None },
            drift: if model.has_drift() { constants.next() } else { None },
        }
    }

    /// The ARMA part, after checking that it belongs to this model.
    pub(crate) fn arma(&self, model: &Arima) -> Result<Arma, Error> {
        let expected = [
            ("ar", self.ar.len(), model.order.p),
            ("ma", self.ma.len(), model.order.q),
            ("sar", self.sar.len(), model.seasonal.p),
            ("sma", self.sma.len(), model.seasonal.q),
        ];
        if let Some((name, got, wanted)) = expected.into_iter().find(|(_, got, wanted)| got != wanted) {
            return Err(Error::Coefficients { what: format!("{model} has {wanted} {name} coefficients, not {got}") });
        }
        for (name, given, has) in [("mean", self.mean, model.has_mean()), ("drift", self.drift, model.has_drift())] {
            if given.is_some() && !has {
                return Err(Error::Coefficients { what: format!("{model} has no {name}") });
            }
        }
        if let Some((name, value)) = self.named().into_iter().find(|(_, value)| !value.is_finite()) {
            return Err(Error::Coefficients { what: format!("{name} is {value}") });
        }
        Ok(self.polynomials())
    }

    pub(crate) fn polynomials(&self) -> Arma {
        let Coefficients { ar, ma, sar, sma, .. } = self.clone();
        Arma { ar, ma, seasonal_ar: sar, seasonal_ma: sma }
    }

    /// Each coefficient with its name: `ar1`, `ma1`, `sar1`, `sma1`, `mean`, `drift`.
    pub fn named(&self) -> Vec<(String, f64)> {
        let numbered = |name: &'static str, values: &[f64]| {
            values.iter().enumerate().map(move |(i, v)| (format!("{name}{}", i + 1), *v)).collect::<Vec<_>>()
        };
        let mut all = numbered("ar", &self.ar);
        all.extend(numbered("ma", &self.ma));
        all.extend(numbered("sar", &self.sar));
        all.extend(numbered("sma", &self.sma));
        all.extend(self.mean.map(|v| ("mean".to_owned(), v)));
        all.extend(self.drift.map(|v| ("drift".to_owned(), v)));
        all
    }
}
