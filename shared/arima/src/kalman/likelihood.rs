use crate::{
    Arima, Error,
    kalman::{differenced::Workspace, series::Series},
};

/// The exact log-likelihood of a model on one series as a function of unconstrained parameters, for whoever has an
/// optimiser or a sampler of their own: p, q, P, Q values in this order, each any real number.
///
/// ```
/// use arima::{Arima, Likelihood, Order};
///
/// let y: Vec<f64> = (0..100).map(|t| (f64::from(t) * 0.7).sin() + f64::from(t % 5)).collect();
/// let mut likelihood = Likelihood::new(Arima::new(Order { p: 1, d: 0, q: 1 }).with_mean(), &y)?;
/// let mut gradient = [0.0; 2];
/// let value = likelihood.with_gradient(&[0.3, -0.2], &mut gradient);
/// assert_eq!(value, likelihood.value(&[0.3, -0.2]));
/// # Ok::<(), arima::Error>(())
/// ```
#[derive(Debug)]
pub struct Likelihood {
    series: Series,
    workspace: Workspace,
}

impl Likelihood {
    /// Differences and scales the series.
    ///
    /// # Errors
    /// As `Arima::fit`.
    pub fn new(model: Arima, y: &[f64]) -> Result<Self, Error> {
        Ok(Likelihood { series: Series::new(&model, y)?, workspace: Workspace::default() })
    }

    /// The log-likelihood, maximised over sigma2, mean and drift; minus infinity where it is not defined.
    ///
    /// # Panics
    /// Of fewer parameters than the model has.
    pub fn value(&mut self, unconstrained: &[f64]) -> f64 {
        let objective = self.series.value(unconstrained, &mut self.workspace);
        self.series.log_likelihood(objective)
    }

    /// The same, and its derivatives by the parameters.
    ///
    /// # Panics
    /// Of fewer parameters, or derivatives, than the model has.
    pub fn with_gradient(&mut self, unconstrained: &[f64], gradient: &mut [f64]) -> f64 {
        let objective = self.series.objective(unconstrained, &mut self.workspace, gradient);
        gradient.iter_mut().for_each(|g| *g *= -(self.series.len() as f64));
        self.series.log_likelihood(objective)
    }
}
