//! How well the coefficients are known, and what that adds to a forecast's error.

use crate::{
    Arima, Coefficients, Constant, Error, FittedArima, Forecast,
    estimation::{information::jacobian, parameters::Arma},
    fitted::widening,
    kalman::{
        differenced::{Workspace, regressor_columns},
        matrix,
        series::Series,
    },
    model::polynomial,
};

impl FittedArima {
    /// The covariance of the estimated coefficients, in the order of [`Coefficients::named`]: the inverse of the observed
    /// information, minus the Hessian of the log-likelihood. `None` where the likelihood is flat in some direction, as at
    /// the edge of the invertible region, or where the model explains the series entirely.
    ///
    /// # Errors
    /// [`Error::NoTrainingSeries`] for a model that was read back or advanced; [`Error::Coefficients`] where the moving
    /// average is not invertible.
    pub fn covariance(&self) -> Result<Option<Vec<Vec<f64>>>, Error> {
        let mut surface = Surface::new(self)?;
        let Some(covariance) = surface.hessian().and_then(|hessian| matrix::inverse(&hessian)) else { return Ok(None) };
        // From the optimiser's parameters to the coefficients; mean and drift stay as they are.
        let jacobian = jacobian(&self.model, &surface.u);
        let (k, count) = (surface.u.len(), covariance.len());
        let moved = |i: usize, by: usize| match (i < k, by < k) {
            (true, true) => jacobian[i][by],
            _ => f64::from(u8::from(i == by)),
        };
        let entry = |a: usize, b: usize| {
            (0..count).map(|i| (0..count).map(|j| moved(i, a) * covariance[i][j] * moved(j, b)).sum::<f64>()).sum()
        };
        Ok(Some((0..count).map(|a| (0..count).map(|b| entry(a, b)).collect()).collect()))
    }

    /// The next `horizon` observations, allowing for the coefficients and sigma2 being estimates: a Student distribution
    /// with n - k degrees of freedom, whose variance holds the forecast's own and g' V g, where g is the mean's
    /// derivative by the k coefficients and V their covariance (Fuller 1996, Introduction to Statistical Time Series,
    /// section 8.6). V is the inverse of the innovations' squared derivatives, which is positive wherever they move.
    /// Which orders to fit is taken as known.
    ///
    /// # Errors
    /// [`Error::Horizon`]; [`Error::NoTrainingSeries`] for a model that was read back or advanced;
    /// [`Error::Coefficients`] where the moving average is not invertible.
    pub fn predictive(&self, horizon: usize) -> Result<Forecast, Error> {
        let forecast = self.forecast(horizon)?;
        let surface = Surface::new(self)?;
        if self.sigma2 == 0.0 {
            return Ok(forecast);
        }
        let count = surface.count();
        let directions = (0..count).map(|i| surface.direction(i, horizon)).collect::<Result<Vec<_>, _>>()?;
        let mut information: Vec<Vec<f64>> = directions
            .iter()
            .map(|a| directions.iter().map(|b| product(&a.residuals, &b.residuals) / self.sigma2).collect())
            .collect();
        for (i, row) in information.iter_mut().enumerate() {
            // A coefficient that moves nothing has no part in the error either.
            row[i] += if row[i] > 0.0 { 1e-6 * row[i] } else { 1.0 };
        }
        let covariance = matrix::inverse(&information).unwrap_or_else(|| vec![vec![0.0; count]; count]);

        // A fit has more observations than coefficients.
        let freedom = self.observations.saturating_sub(count).max(1) as f64;
        let inflation = self.observations as f64 / freedom;
        let variances = forecast.standard_error.iter().enumerate().map(|(h, error)| {
            let along = |i: usize| directions[i].forecast[h];
            let estimation: f64 =
                (0..count).map(|i| (0..count).map(|j| along(i) * covariance[i][j] * along(j)).sum::<f64>()).sum();
            inflation * (error * error + estimation.max(0.0))
        });
        let standard_error = widening(&self.model, variances).map(f64::sqrt).collect();
        Ok(Forecast { standard_error, degrees_of_freedom: freedom, ..forecast })
    }
}

/// The likelihood around the estimates.
struct Surface<'a> {
    fitted: &'a FittedArima,
    observed: &'a [f64],
    /// The optimiser's parameters.
    u: Vec<f64>,
    /// Mean and drift, as far as the model has them.
    constants: Vec<f64>,
    /// Steps that move the log-likelihood by far less than 1 and far more than rounding does.
    constant_steps: Vec<f64>,
}

/// What a small move of one parameter changes.
struct Direction {
    /// Of the residuals in units of sigma2's root being 1, by the parameter.
    residuals: Vec<f64>,
    /// Of the forecast means.
    forecast: Vec<f64>,
}

impl<'a> Surface<'a> {
    fn new(fitted: &'a FittedArima) -> Result<Self, Error> {
        let observed = &fitted.in_sample()?.observed;
        let Coefficients { mean, drift, .. } = fitted.coefficients;
        let delta = fitted.model.differencing();
        let sigma = fitted.sigma2.sqrt();
        let constant_steps = regressor_columns(&fitted.model, observed.len(), &[])
            .iter()
            .map(|column| {
                let column = polynomial::difference(column, &delta);
                0.1 * sigma / column.iter().map(|x| x * x).sum::<f64>().sqrt()
            })
            .collect();
        let arma = fitted.coefficients.polynomials();
        if !arma.is_invertible() {
            let what = format!("{}: the moving average is not invertible, and no estimate", fitted.model);
            return Err(Error::Coefficients { what });
        }
        let u = arma.to_unconstrained();
        Ok(Surface { fitted, observed, u, constants: mean.into_iter().chain(drift).collect(), constant_steps })
    }

    fn count(&self) -> usize {
        self.u.len() + self.constants.len()
    }

    /// The parameters with one of them moved by some of its steps; and the step.
    fn moved(&self, i: usize, steps: f64) -> (Vec<f64>, Vec<f64>, f64) {
        let (mut u, mut constants) = (self.u.clone(), self.constants.clone());
        let k = u.len();
        let (value, step) = if i < k {
            let step = 1e-4 * u[i].abs().max(1.0);
            (&mut u[i], step)
        } else {
            (&mut constants[i - k], self.constant_steps[i - k])
        };
        *value += steps * step;
        (u, constants, step)
    }

    fn coefficients(&self, u: &[f64], constants: &[f64]) -> Coefficients {
        Coefficients::new(&self.fitted.model, &Arma::from_unconstrained(&self.fitted.model, u), constants)
    }

    /// By central differences; from one side at the edge of the stationary region.
    fn direction(&self, i: usize, horizon: usize) -> Result<Direction, Error> {
        let at = |steps: f64| {
            let (u, constants, step) = self.moved(i, steps);
            let at = self.coefficients(&u, &constants);
            let forecast = self.fitted.model.evaluate(self.observed, &at).and_then(|moved| moved.forecast(horizon));
            let residuals = self.innovations(&at).ok_or(Error::Unstable { model: self.fitted.model });
            forecast.and_then(|forecast| Ok((residuals?, forecast.mean, steps * step)))
        };
        let ((above, mean_above, end), (below, mean_below, start)) = match (at(1.0), at(-1.0)) {
            (Ok(above), Ok(below)) => (above, below),
            (Ok(above), Err(_)) => (above, at(0.0)?),
            (Err(_), below) => (at(0.0)?, below?),
        };
        let slope = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b) / (end - start)).collect();
        Ok(Direction { residuals: slope(&above, &below), forecast: slope(&mean_above, &mean_below) })
    }

    /// Whitened innovations at these coefficients, in the series' units.
    fn innovations(&self, at: &Coefficients) -> Option<Vec<f64>> {
        let model = Arima { constant: Constant::None, ..self.fitted.model };
        Series::new(&model, &self.without_constant(at)).ok()?.whitened(&at.polynomials())
    }

    /// The observations less mean and drift.
    fn without_constant(&self, at: &Coefficients) -> Vec<f64> {
        let (mean, drift) = (at.mean.unwrap_or(0.0), at.drift.unwrap_or(0.0));
        self.observed.iter().enumerate().map(|(t, y)| y - mean - drift * (t + 1) as f64).collect()
    }

    /// -log-likelihood at these parameters, and its derivatives by u.
    fn value(&self, u: &[f64], constants: &[f64]) -> Option<(f64, Vec<f64>)> {
        let rest = self.without_constant(&self.coefficients(u, constants));
        let series = Series::new(&Arima { constant: Constant::None, ..self.fitted.model }, &rest).ok()?;
        let mut gradient = vec![0.0; u.len()];
        let objective = series.objective(u, &mut Workspace::default(), &mut gradient);
        let value = -series.log_likelihood(objective);
        gradient.iter_mut().for_each(|g| *g *= series.len() as f64);
        value.is_finite().then_some((value, gradient))
    }

    /// Shortens the constants' steps until each moves the log-likelihood by less than 0.05: near a moving-average root of
    /// 1 the level is known far better than its variance over n.
    fn shorten_steps(&mut self) -> Option<()> {
        let (centre, _) = self.value(&self.u, &self.constants)?;
        for i in 0..self.constants.len() {
            for _ in 0..8 {
                let (u, constants, _) = self.moved(self.u.len() + i, 1.0);
                if self.value(&u, &constants).is_some_and(|(value, _)| value - centre < 0.05) {
                    break;
                }
                self.constant_steps[i] *= 0.2;
            }
        }
        Some(())
    }

    /// Of -log-likelihood by u and the constants: differences of the gradient where there is one, of values otherwise.
    fn hessian(&mut self) -> Option<Vec<Vec<f64>>> {
        self.shorten_steps()?;
        let (k, count) = (self.u.len(), self.count());
        let at = |i: usize, steps: f64| {
            let (u, constants, step) = self.moved(i, steps);
            self.value(&u, &constants).map(|(value, gradient)| (value, gradient, step))
        };
        let (centre, _) = self.value(&self.u, &self.constants)?;
        let mut hessian = vec![vec![0.0; count]; count];
        let mut curvature = vec![0.0; count];
        for i in 0..count {
            let ((above, slope_above, step), (below, slope_below, _)) = (at(i, 1.0)?, at(i, -1.0)?);
            curvature[i] = (above - 2.0 * centre + below) / (step * step);
            for j in 0..k {
                hessian[i][j] = (slope_above[j] - slope_below[j]) / (2.0 * step);
            }
        }
        for i in 0..k {
            for j in 0..i {
                let both = 0.5 * (hessian[i][j] + hessian[j][i]);
                (hessian[i][j], hessian[j][i]) = (both, both);
            }
        }
        for i in k..count {
            for j in 0..k {
                hessian[j][i] = hessian[i][j];
            }
            hessian[i][i] = curvature[i];
        }
        if let [mean, drift] = self.constant_steps[..] {
            let value = |a: f64, b: f64| {
                let constants = [self.constants[0] + a * mean, self.constants[1] + b * drift];
                self.value(&self.u, &constants).map(|(value, _)| value)
            };
            let crossed = value(1.0, 1.0)? - value(1.0, -1.0)? - value(-1.0, 1.0)? + value(-1.0, -1.0)?;
            hessian[k][k + 1] = crossed / (4.0 * mean * drift);
            hessian[k + 1][k] = hessian[k][k + 1];
        }
        Some(hessian)
    }
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}
