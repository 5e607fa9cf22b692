//! Fits an ARIMA model to the numbers on standard input, one a line, and prints one JSON object.
//!
//! ```text
//! seq 1 100 | cargo run --release -p arima --example fit -- --auto --horizon 5 --level 80 --level 95
//! cat lynx.txt | cargo run --release -p arima --example fit -- --order 2,0,2 --mean
//! cat lynx.txt | cargo run --release -p arima --example fit -- --order 2,0,0 --at ar1=1.3,ar2=-.7
//! ```
//!
//! A refusal is `{"error": "..."}` and exit status 1.

use std::{
    io::{Read, Write},
    process::ExitCode,
    str::FromStr,
    time::Instant,
};

use arima::{Arima, AutoArima, Coefficients, Constant, FittedArima, Order, Seasonal};
use augurs_core::Fit;
use clap::Parser;
use serde_json::{Value, json};

// Independent switches, each as the command line spells it.
#[allow(clippy::struct_excessive_bools)]
#[derive(Parser)]
#[command(about = "Fit an ARIMA model to one number per line on standard input; prints one JSON object")]
struct Arguments {
    /// Orders p,d,q of the model to fit
    #[arg(long, value_name = "p,d,q", conflicts_with = "auto")]
    order: Option<Numbers<3>>,
    /// Seasonal orders P,D,Q and the season's length m
    #[arg(long, value_name = "P,D,Q,m", requires = "order")]
    seasonal: Option<Numbers<4>>,
    /// With a mean
    #[arg(long, conflicts_with = "no_constant")]
    mean: bool,
    /// With a drift
    #[arg(long, conflicts_with = "no_constant")]
    drift: bool,
    /// With neither mean nor drift; left out, a series that is not differenced gets a mean
    #[arg(long)]
    no_constant: bool,
    /// Select the orders and the constant
    #[arg(long, required_unless_present = "order")]
    auto: bool,
    /// Largest p and q to consider
    #[arg(long, default_value_t = 5, requires = "auto")]
    max_order: usize,
    /// Evaluate the likelihood at these coefficients and estimate none of them
    #[arg(long, value_name = "ar1=..,ma1=..", requires = "order", allow_hyphen_values = true)]
    at: Option<String>,
    /// Steps to forecast
    #[arg(long, default_value_t = 10)]
    horizon: usize,
    /// Levels of the prediction intervals, in percent
    #[arg(long, value_name = "PERCENT")]
    level: Vec<f64>,
}

/// Exactly N comma-separated orders.
#[derive(Clone, Copy)]
struct Numbers<const N: usize>([usize; N]);

impl<const N: usize> FromStr for Numbers<N> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Vec<usize> = text
            .split(',')
            .map(|part| part.trim().parse().map_err(|_| format!("'{part}' is not a whole number")))
            .collect::<Result<_, _>>()?;
        let count = numbers.len();
        numbers.try_into().map(Numbers).map_err(|_| format!("{N} numbers are needed, not {count}"))
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (answer, code) = match run(&arguments) {
        Ok(answer) => (answer, ExitCode::SUCCESS),
        Err(error) => (json!({ "error": error }), ExitCode::FAILURE),
    };
    // A reader that has gone away is no fault of the fit.
    let _ = writeln!(std::io::stdout(), "{answer}");
    code
}

fn run(arguments: &Arguments) -> Result<Value, String> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|e| format!("standard input: {e}"))?;
    let y = read_series(&text)?;
    let start = Instant::now();
    let fitted = fit(arguments, &y)?;
    let forecast = describe_forecast(&fitted, arguments)?;
    let seconds = start.elapsed().as_secs_f64();
    Ok(describe(&fitted, &forecast, seconds))
}

fn read_series(text: &str) -> Result<Vec<f64>, String> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty())
        .map(|(number, line)| match line {
            "NA" => Err(format!("line {number}: gaps (NA) are not supported yet")),
            _ => line.parse().map_err(|_| format!("line {number}: '{line}' is not a number")),
        })
        .collect()
}

fn fit(arguments: &Arguments, y: &[f64]) -> Result<FittedArima, String> {
    let Some(Numbers([p, d, q])) = arguments.order else {
        let auto = AutoArima { max_order: arguments.max_order, ..AutoArima::default() };
        return auto.fit(y).map_err(|e| e.to_string());
    };
    let mut model = Arima::new(Order { p, d, q });
    if let Some(Numbers([p, d, q, period])) = arguments.seasonal {
        model = model.with_seasonal(Seasonal { p, d, q, period });
    }
    model.constant = match (arguments.mean, arguments.drift, arguments.no_constant) {
        (true, true, _) => Constant::Trend,
        (true, false, _) => Constant::Mean,
        (false, true, _) => Constant::Drift,
        (false, false, false) if d + model.seasonal.d == 0 => Constant::Mean,
        (false, false, _) => Constant::None,
    };
    match &arguments.at {
        None => model.fit(y),
        Some(at) => model.evaluate(y, &coefficients(&model, at)?),
    }
    .map_err(|e| e.to_string())
}

/// Reads `ar1=0.5,ma1=-0.2`; a coefficient of the model that is left out is 0.
fn coefficients(model: &Arima, text: &str) -> Result<Coefficients, String> {
    let mut at = Coefficients {
        ar: vec![0.0; model.order.p],
        ma: vec![0.0; model.order.q],
        sar: vec![0.0; model.seasonal.p],
        sma: vec![0.0; model.seasonal.q],
        ..Coefficients::default()
    };
    for pair in text.split(',').filter(|pair| !pair.trim().is_empty()) {
        let unreadable = || format!("--at: '{pair}' is not of the form name=number");
        let (name, value) = pair.trim().split_once('=').ok_or_else(unreadable)?;
        let value: f64 = value.trim().parse().map_err(|_| unreadable())?;
        let name = name.trim();
        let digits = name.find(|c: char| c.is_ascii_digit()).unwrap_or(name.len());
        let place = name[digits..].parse::<usize>().ok().and_then(|i| i.checked_sub(1));
        let slot = match (&name[..digits], place) {
            ("mean", None) => at.mean.insert(value),
            ("drift", None) => at.drift.insert(value),
            (family, Some(place)) => match family {
                "ar" => at.ar.get_mut(place),
                "ma" => at.ma.get_mut(place),
                "sar" => at.sar.get_mut(place),
                "sma" => at.sma.get_mut(place),
                _ => None,
            }
            .ok_or_else(|| format!("--at: {model} has no coefficient {name}"))?,
            _ => return Err(format!("--at: {model} has no coefficient {name}")),
        };
        *slot = value;
    }
    Ok(at)
}

fn describe_forecast(fitted: &FittedArima, arguments: &Arguments) -> Result<Value, String> {
    let forecast = fitted.forecast(arguments.horizon).map_err(|e| e.to_string())?;
    let intervals = arguments
        .level
        .iter()
        .map(|&level| {
            let interval = forecast.interval(level / 100.0).map_err(|e| e.to_string())?;
            Ok(json!({ "level": level, "lower": interval.lower, "upper": interval.upper }))
        })
        .collect::<Result<Vec<_>, String>>()?;
    Ok(json!({ "mean": forecast.mean, "intervals": intervals }))
}

fn describe(fitted: &FittedArima, forecast: &Value, seconds: f64) -> Value {
    let Arima { order, seasonal, .. } = fitted.model();
    let coefficients: serde_json::Map<String, Value> =
        fitted.coefficients().named().into_iter().map(|(name, value)| (name, json!(value))).collect();
    json!({
        "order": [order.p, order.d, order.q],
        "seasonal": [seasonal.p, seasonal.d, seasonal.q, seasonal.period],
        "coefficients": coefficients,
        "sigma2": fitted.sigma2(),
        // JSON has no infinity: a series that is explained entirely has null here.
        "loglik": fitted.log_likelihood(),
        "aic": fitted.aic(),
        "aicc": fitted.aicc(),
        "bic": fitted.bic(),
        "nobs": fitted.observations(),
        "converged": fitted.converged(),
        "forecast": forecast,
        "seconds": seconds,
    })
}
