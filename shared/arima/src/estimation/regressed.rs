//! Regressions whose errors follow an ARIMA model: y_t = x_t' beta + n_t.
//!
//! The weights beta are concentrated out of the exact likelihood by generalised least squares, as a mean or a drift is (Harvey 1989,
//! section 3.4.2), so weights and errors are estimated together. As in `forecast`, forecasts take them for known, and the columns to
//! come as given (Pankratz 1991, Forecasting with Dynamic Regression Models).

use crate::{
    Arima, AutoArima, Error, FittedArima, Forecast,
    estimation::regression::{regress, without},
    fitted::aicc,
    kalman::innovations::dot,
};

/// A regression with ARIMA errors.
///
/// ```
/// use arima::AutoArima;
///
/// let holiday: Vec<f64> = (0..60).map(|t| f64::from(u8::from(t % 9 == 0))).collect();
/// let y: Vec<f64> = (0..60).map(|t| f64::from(t * t % 7) + 20.0 * holiday[t as usize]).collect();
/// let fitted = AutoArima::default().regress(&y, &[holiday])?;
/// assert!((fitted.weights()[0] - 20.0).abs() < 2.0);
/// let tomorrow = fitted.forecast(1, &[vec![1.0]])?;
/// # Ok::<(), arima::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct ArimaRegression {
    weights: Vec<f64>,
    errors: FittedArima,
}

impl AutoArima {
    /// Selects the orders of the errors, and fits them together with the weights of these columns, each as long as the series. What a
    /// column says of a missing value's period does not count.
    ///
    /// # Errors
    /// [`Error::Columns`]; as [`AutoArima::select`] otherwise.
    pub fn regress(&self, y: &[f64], columns: &[Vec<f64>]) -> Result<ArimaRegression, Error> {
        check(y.len(), columns)?;
        // Whatever is taken out, the weights find what is left: tests of differencing and starting values see less of the columns.
        let first = least_squares(y, columns);
        let rest = without(y, columns, &first);
        let (selected, more) = self.select_on(&rest, columns, || true)?;
        ArimaRegression::of(selected.fitted, &first, &more)
    }
}

impl Arima {
    /// Fits errors of these orders together with the weights of these columns.
    ///
    /// # Errors
    /// As [`AutoArima::regress`].
    pub fn regress(&self, y: &[f64], columns: &[Vec<f64>]) -> Result<ArimaRegression, Error> {
        check(y.len(), columns)?;
        let first = least_squares(y, columns);
        let rest = without(y, columns, &first);
        let (errors, more) = self.fit_on(&rest, columns)?;
        ArimaRegression::of(errors, &first, &more)
    }
}

impl ArimaRegression {
    fn of(errors: FittedArima, first: &[f64], more: &[f64]) -> Result<ArimaRegression, Error> {
        let weights: Vec<f64> = first.iter().zip(more).map(|(a, b)| a + b).collect();
        if weights.iter().all(|weight| weight.is_finite()) {
            Ok(ArimaRegression { weights, errors })
        } else {
            Err(Error::TooLarge)
        }
    }

    /// How much a unit of each column adds; 0 for one that the others, or the constant, say already.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The model of the errors.
    pub fn errors(&self) -> &FittedArima {
        &self.errors
    }

    /// Akaike's criterion corrected for small samples, where the weights are parameters too.
    pub fn aicc(&self) -> f64 {
        let k = self.errors.model().parameters() + self.weights.len();
        aicc(k, self.errors.log_likelihood(), self.errors.observations())
    }

    /// Takes in new observations and their columns without estimating again.
    ///
    /// # Errors
    /// [`Error::Columns`], [`Error::NotFinite`]; the model is then as it was.
    pub fn advance(&mut self, new: &[f64], columns: &[Vec<f64>]) -> Result<(), Error> {
        self.check(new.len(), columns)?;
        self.errors.advance(&without(new, columns, &self.weights))
    }

    /// Means and standard errors of the next observations, where the columns will be these.
    ///
    /// # Errors
    /// [`Error::Columns`], [`Error::Horizon`].
    pub fn forecast(&self, horizon: usize, columns: &[Vec<f64>]) -> Result<Forecast, Error> {
        self.check(horizon, columns)?;
        let mut forecast = self.errors.forecast(horizon)?;
        for (column, weight) in columns.iter().zip(&self.weights) {
            forecast.mean.iter_mut().zip(column).for_each(|(mean, x)| *mean += weight * x);
        }
        Ok(forecast)
    }

    fn check(&self, length: usize, columns: &[Vec<f64>]) -> Result<(), Error> {
        if columns.len() != self.weights.len() {
            let what = format!("the model was fitted on {}, but {} are given", self.weights.len(), columns.len());
            return Err(Error::Columns { what });
        }
        check(length, columns)
    }
}

fn check(length: usize, columns: &[Vec<f64>]) -> Result<(), Error> {
    for (number, column) in columns.iter().enumerate() {
        if column.len() != length {
            let what = format!("column {} has {} rows, but {length} are needed", number + 1, column.len());
            return Err(Error::Columns { what });
        }
        if let Some(row) = column.iter().position(|x| !x.is_finite()) {
            let what = format!("column {}, row {} is {}", number + 1, row + 1, column[row]);
            return Err(Error::Columns { what });
        }
    }
    Ok(())
}

/// The weights by least squares beside a constant, of the values that are there.
fn least_squares(y: &[f64], columns: &[Vec<f64>]) -> Vec<f64> {
    let there: Vec<usize> = (0..y.len()).filter(|t| y[*t].is_finite()).collect();
    let of = |column: &[f64]| there.iter().map(|t| column[*t]).collect::<Vec<f64>>();
    let mut all = vec![vec![1.0; there.len()]];
    all.extend(columns.iter().map(|column| of(column)));
    let lengths: Vec<f64> = all.iter().map(|column| dot(column, column)).collect();
    let weights = regress(&mut of(y), &mut all, &lengths, dot).weights;
    weights[1..].to_vec()
}

#[cfg(test)]
mod tests {
    use augurs::Fit;

    use super::*;
    use crate::{Order, Seasonal};

    fn series(n: usize) -> Vec<f64> {
        let mut state = 7_u64;
        let mut level = 20.0;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64 / f64::from(1 << 24) - 0.5
        };
        (0..n)
            .map(|_| {
                level = 12.0 + 0.4 * level + noise();
                level
            })
            .collect()
    }

    fn promotion(n: usize) -> Vec<f64> {
        (0..n).map(|t| f64::from(u8::from(t * t % 11 == 4))).collect()
    }

    /// A constant and a trend are columns as well: the model's own mean and drift, which are held to R's elsewhere.
    #[test]
    fn a_mean_and_a_drift_are_columns() {
        let y = series(90);
        let trend: Vec<f64> = (1..=90).map(f64::from).collect();
        let seasonal = Seasonal { p: 1, d: 0, q: 0, period: 4 };
        for model in
            [Arima::new(Order { p: 1, d: 0, q: 1 }), Arima::new(Order { p: 2, d: 0, q: 0 }).with_seasonal(seasonal)]
        {
            let own = model.with_mean().with_drift().fit(&y).expect("fits");
            let given = model.regress(&y, &[vec![1.0; 90], trend.clone()]).expect("fits");
            let close = |a: f64, b: f64| (a - b).abs() < 1e-4 * (1.0 + b.abs());
            assert!(close(given.errors().log_likelihood(), own.log_likelihood()), "{model}");
            let constants = [own.coefficients().mean, own.coefficients().drift].map(Option::unwrap_or_default);
            assert!(given.weights().iter().zip(constants).all(|(a, b)| close(*a, b)), "{:?}", given.weights());
            assert!(close(given.aicc(), own.aicc()), "{} {}", given.aicc(), own.aicc());
            let ahead = [vec![1.0; 3], vec![91.0, 92.0, 93.0]];
            let (given, own) = (given.forecast(3, &ahead).expect("ahead"), own.forecast(3).expect("ahead"));
            assert!(given.mean.iter().zip(&own.mean).all(|(a, b)| close(*a, *b)));
            assert!(given.standard_error.iter().zip(&own.standard_error).all(|(a, b)| close(*a, *b)));
        }
    }

    /// The weights are those that no other is likelier than, with and without gaps.
    #[test]
    fn the_weights_are_the_likeliest() {
        let n = 120;
        let x = promotion(n);
        let mut y: Vec<f64> = series(n).iter().zip(&x).map(|(v, x)| v + 3.0 * x).collect();
        let model = Arima::new(Order { p: 1, d: 1, q: 1 });
        for gaps in [vec![], vec![4, 50, 51, 52, 100]] {
            gaps.iter().for_each(|t: &usize| y[*t] = f64::NAN);
            let fitted = model.regress(&y, std::slice::from_ref(&x)).expect("fits");
            let weight = fitted.weights()[0];
            assert!((weight - 3.0).abs() < 0.2, "{weight}");
            let likelihood = |weight: f64| {
                let rest: Vec<f64> = y.iter().zip(&x).map(|(v, x)| v - weight * x).collect();
                model.evaluate(&rest, fitted.errors().coefficients()).expect("evaluates").log_likelihood()
            };
            let best = likelihood(weight);
            assert!((best - fitted.errors().log_likelihood()).abs() < 1e-6, "{best}");
            assert!(likelihood(weight + 1e-3) < best && likelihood(weight - 1e-3) < best);
        }
    }

    #[test]
    fn a_selection_finds_what_the_column_says() {
        let x = promotion(200);
        let y: Vec<f64> = series(200).iter().zip(&x).map(|(v, x)| v + 3.0 * x).collect();
        let mut fitted = AutoArima::default().regress(&y[..190], &[x[..190].to_vec()]).expect("fits");
        assert_eq!(fitted.errors().model().order.d, 0, "{}", fitted.errors().model());
        let plain = AutoArima::default().fit(&y[..190]).expect("fits");
        assert!(fitted.aicc() < plain.aicc() - 100.0);
        fitted.advance(&y[190..195], &[x[190..195].to_vec()]).expect("advances");
        let forecast = fitted.forecast(5, &[x[195..].to_vec()]).expect("forecasts");
        assert!(forecast.mean.iter().zip(&y[195..]).all(|(a, b)| (a - b).abs() < 1.5), "{:?}", forecast.mean);
    }

    #[test]
    fn what_says_nothing_new_has_no_weight() {
        let y = series(80);
        let x = promotion(80);
        let twice: Vec<f64> = x.iter().map(|x| 2.0 * x + 1.0).collect();
        let columns = [x, twice, vec![5.0; 80], vec![0.0; 80]];
        let model = Arima::new(Order { p: 1, d: 0, q: 0 }).with_mean();
        let fitted = model.regress(&y, &columns).expect("fits");
        assert_eq!(fitted.weights()[1..], [0.0; 3], "{:?}", fitted.weights());
        for (columns, said) in [
            (vec![vec![1.0; 79]], "column 1 has 79 rows, but 80 are needed"),
            (vec![vec![1.0; 80], vec![f64::NAN; 80]], "column 2, row 1 is NaN"),
        ] {
            let error = AutoArima::default().regress(&y, &columns).expect_err("is refused").to_string();
            assert!(error.contains(said), "{error}");
        }
        assert!(
            fitted.forecast(2, &[vec![1.0; 2]]).expect_err("is refused").to_string().contains("fitted on 4, but 1")
        );
        assert!(AutoArima::default().regress(&y[..4], &columns.map(|c| c[..4].to_vec())).is_err());
    }
}
