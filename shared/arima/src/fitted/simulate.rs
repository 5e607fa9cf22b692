use rand::{Rng, RngExt as _};
use rand_distr::StandardNormal;

use crate::{Error, FittedArima, fitted::check_horizon};

impl FittedArima {
    /// One path of the next `horizon` observations, drawn from their joint distribution: each is drawn from its one-step
    /// prediction and taken in before the next.
    ///
    /// ```
    /// use arima::{Arima, Order};
    /// use augurs::Fit;
    /// use rand::SeedableRng;
    ///
    /// let y: Vec<f64> = (0..100).map(|t| f64::from(t * t % 17)).collect();
    /// let fitted = Arima::new(Order { p: 1, d: 1, q: 1 }).fit(&y)?;
    /// let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    /// assert_eq!(fitted.simulate(5, &mut rng)?.len(), 5);
    /// # Ok::<(), arima::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Horizon`] outside 1..=[`MAX_HORIZON`](crate::MAX_HORIZON).
    pub fn simulate(&self, horizon: usize, rng: &mut (impl Rng + ?Sized)) -> Result<Vec<f64>, Error> {
        check_horizon(horizon)?;
        let mut model = FittedArima { in_sample: None, ..self.clone() };
        let draw = |_| {
            let (mean, standard_error) = model.one_step()?;
            let value = mean + standard_error * rng.sample::<f64, _>(StandardNormal);
            model.take_in(value);
            Some(value)
        };
        Ok((0..horizon).map_while(draw).collect())
    }
}
