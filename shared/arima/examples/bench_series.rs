//! Prints simulated series for `make bench-arima`, in the format of `fit --batch`: KIND COUNT LENGTH PERIOD.

use arima::{Arima, Coefficients, FittedArima, Order, Seasonal};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, rest @ ..] = &arguments[..] else { panic!("KIND COUNT LENGTH PERIOD") };
    let numbers: Vec<usize> = rest.iter().map(|n| n.parse().expect("a whole number")).collect();
    let [count, length, period] = numbers[..] else { panic!("KIND COUNT LENGTH PERIOD") };
    for i in 0..count {
        let mut rng = ChaCha8Rng::seed_from_u64(i as u64);
        let (law, exponential) = match kind.as_str() {
            "walks" => (walk(), false),
            "arima" => (arma(1), false),
            "seasonal" => (airline(period), false),
            "mixed" => match i % 3 {
                0 => (walk(), false),
                1 => (arma(0), false),
                // Like prices: the exponential of a walk whose steps are hardly correlated.
                _ => (walk(), true),
            },
            other => panic!("'{other}' is no kind of series: walks, arima, seasonal, mixed"),
        };
        let path = law.simulate(length, &mut rng).expect("a length");
        let values = path.iter().map(|x| if exponential { (4.0 + 0.015 * x).exp() } else { *x });
        let values: Vec<String> = values.map(|v| v.to_string()).collect();
        println!("{kind}{i},{period},10,{}", values.join(","));
    }
}

/// A law to simulate from: a model at given coefficients, with unit innovation variance, that has just seen a start of zeros.
fn law(model: Arima, at: &Coefficients, lost: usize) -> FittedArima {
    // One value that is off by what makes the mean square of the innovations 1.
    let mut y = vec![0.0; lost + 60];
    y[lost + 30] = (60.0_f64).sqrt();
    model.evaluate(&y, at).expect("stationary")
}

fn walk() -> FittedArima {
    law(Arima::new(Order { p: 0, d: 1, q: 0 }), &Coefficients::default(), 1)
}

fn arma(d: usize) -> FittedArima {
    let at = Coefficients { ar: vec![0.5, -0.3], ma: vec![0.4, 0.2], ..Coefficients::default() };
    law(Arima::new(Order { p: 2, d, q: 2 }), &at, d)
}

fn airline(period: usize) -> FittedArima {
    let at = Coefficients { ma: vec![-0.4], sma: vec![-0.6], ..Coefficients::default() };
    let seasonal = Seasonal { p: 0, d: 1, q: 1, period };
    law(Arima::new(Order { p: 0, d: 1, q: 1 }).with_seasonal(seasonal), &at, period + 1)
}
