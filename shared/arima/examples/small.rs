//! Picks a model for monthly passengers, and forecasts a year: `cargo run --example small`.

use arima::{AutoArima, Fit};

fn main() -> Result<(), arima::Error> {
    // A trend, a season of twelve, and a little noise that is the same each time.
    let passengers: Vec<f64> = (0..120)
        .map(|month| {
            let (month, noise) = (f64::from(month), f64::from(month * 7919 % 13) / 13.0);
            (4.8 + 0.01 * month + 0.1 * (month * std::f64::consts::TAU / 12.0).sin() + 0.02 * noise).exp()
        })
        .collect();
    let logarithms: Vec<f64> = passengers.iter().map(|value| value.ln()).collect();
    let fitted = AutoArima::default().fit(&logarithms)?;
    let forecast = fitted.forecast(12)?;
    let interval = forecast.interval(0.95)?;
    println!("{:>5} {:>8} {:>8} {:>8}", "month", "lower", "median", "upper");
    for month in 0..12 {
        let [lower, median, upper] = [interval.lower[month], forecast.mean[month], interval.upper[month]].map(f64::exp);
        println!("{:>5} {lower:>8.1} {median:>8.1} {upper:>8.1}", month + 1);
    }
    Ok(())
}
