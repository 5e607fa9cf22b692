//! Fits an ARIMA model to the numbers on standard input, one a line, and prints one JSON object.
//!
//! ```text
//! seq 1 100 | cargo run --release -p closing-bell-arima --example fit -- --auto --horizon 5 --level 80 --level 95
//! cat lynx.txt | cargo run --release -p closing-bell-arima --example fit -- --order 2,0,2 --mean
//! cat lynx.txt | cargo run --release -p closing-bell-arima --example fit -- --order 2,0,0 --at ar1=1.3,ar2=-.7
//! cat prices.txt | cargo run --release -p closing-bell-arima --example fit -- --auto --transform log --centre mean --table --diagnostics
//! ```
//!
//! Intervals are predictive with `--auto` (the coefficients' uncertainty is in them) and plug-in otherwise, as R's are;
//! `--intervals` asks for either.
//!
//! With `--batch FILE` each line of a file, gzipped or not, is a series: `id,m,h,values...`, the season's length, the steps
//! to forecast, the values. One object a line is printed, in the file's order, with its `id`. Memory does not grow with
//! the number of series.
//!
//! A refusal is `{"error": "..."}` and exit status 1.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    str::FromStr,
    time::Instant,
};

use arima::{
    Arima, AutoArima, BoxCox, Coefficients, Constant, Criterion, FittedArima, Interval, Order, Refusal, Search,
    Seasonal, Tried,
};
use augurs::Fit;
use clap::{Parser, ValueEnum};
use flate2::read::MultiGzDecoder;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde_json::{Value, json};

// Independent switches, each as the command line spells it.
#[allow(clippy::struct_excessive_bools)]
#[derive(Parser)]
#[command(about = "Fit ARIMA models to the numbers on standard input, or to a file of series; prints JSON")]
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
    #[arg(long, required_unless_present_any = ["order", "batch"])]
    auto: bool,
    /// The season's length for the selection [default: none; in a batch, the line's m]
    #[arg(long, value_name = "m")]
    season: Option<usize>,
    /// Largest p and q to select from
    #[arg(long, default_value_t = 5)]
    max_order: usize,
    /// Try every order rather than search step by step
    #[arg(long)]
    grid: bool,
    /// Evaluate the likelihood at these coefficients and estimate none of them
    #[arg(long, value_name = "ar1=..,ma1=..", requires = "order", allow_hyphen_values = true)]
    at: Option<String>,
    /// Steps to forecast [default: 10; in a batch, the line's h]
    #[arg(long)]
    horizon: Option<usize>,
    /// Levels of the prediction intervals, in percent
    #[arg(long, value_name = "PERCENT")]
    level: Vec<f64>,
    /// What the intervals hold [default: predictive with --auto, otherwise plug-in]
    #[arg(long, value_enum)]
    intervals: Option<Intervals>,
    /// Fit the logarithm, or the Box-Cox transform of this power, and transform the forecasts back
    #[arg(long, value_name = "log|POWER", value_parser = transform, allow_hyphen_values = true)]
    transform: Option<BoxCox>,
    /// Which centre of a transformed forecast to print as its mean
    #[arg(long, value_enum, default_value_t = Centre::Median, requires = "transform")]
    centre: Centre,
    /// What ranks the candidates of a selection
    #[arg(long, value_enum, default_value_t = Ranking::Cautious)]
    criterion: Ranking,
    /// End a selection after so many seconds, with the best so far
    #[arg(long, value_name = "SECONDS")]
    budget: Option<f64>,
    /// Print the table of candidates too
    #[arg(long, conflicts_with = "order")]
    table: bool,
    /// Print standard errors of the coefficients, and the Ljung-Box test of the residuals, too
    #[arg(long)]
    diagnostics: bool,
    /// Print so many simulated paths too
    #[arg(long, value_name = "PATHS", conflicts_with_all = ["transform", "batch"])]
    simulate: Option<usize>,
    /// Seed of the simulation
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A file of series, one a line: id,m,h,values...
    #[arg(long, value_name = "FILE", conflicts_with = "at")]
    batch: Option<PathBuf>,
    /// Threads of a batch [default: all cores]
    #[arg(long, value_name = "N", requires = "batch")]
    threads: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Intervals {
    /// From the estimates as if they were known
    PlugIn,
    /// Allowing for their uncertainty
    Predictive,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Centre {
    Median,
    Mean,
}

#[derive(Clone, Copy, ValueEnum)]
enum Ranking {
    Cautious,
    Aicc,
    Aic,
    Bic,
}

fn transform(text: &str) -> Result<BoxCox, String> {
    if text == "log" {
        return Ok(BoxCox::LOG);
    }
    let power = text.parse().map_err(|_| "neither 'log' nor a number".to_owned())?;
    BoxCox::new(power).map_err(|e| e.to_string())
}

/// One series, and what is asked of it.
struct Task {
    y: Vec<f64>,
    period: usize,
    horizon: usize,
}

/// No order and no season that the engine takes is longer.
const MAX_HORIZON: usize = 1_000;

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
        if let Some(order) = numbers.iter().find(|order| **order > MAX_HORIZON) {
            return Err(format!("{order} is beyond any order, at most {MAX_HORIZON}"));
        }
        numbers.try_into().map(Numbers).map_err(|_| format!("{N} numbers are needed, not {count}"))
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match &arguments.batch {
        Some(path) => batch(&arguments, path),
        None => run(&arguments).map(|answer| print(&answer)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if arguments.batch.is_some() => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
        Err(error) => {
            print(&json!({ "error": error }));
            ExitCode::FAILURE
        }
    }
}

/// A reader that has gone away is no fault of the fit.
fn print(answer: &Value) {
    let _ = writeln!(std::io::stdout(), "{answer}");
}

fn run(arguments: &Arguments) -> Result<Value, String> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|e| format!("standard input: {e}"))?;
    let (period, horizon) = (arguments.season.unwrap_or(1), arguments.horizon.unwrap_or(10));
    answer(arguments, &Task { y: read_series(&text)?, period, horizon })
}

/// Series read, fitted in parallel and printed at a time.
const AT_A_TIME: usize = 256;

fn batch(arguments: &Arguments, path: &Path) -> Result<(), String> {
    let failed = |e: std::io::Error| format!("{}: {e}", path.display());
    let file = File::open(path).map_err(failed)?;
    let gzipped = path.extension().is_some_and(|extension| extension == "gz");
    let unpacked: Box<dyn Read> = if gzipped { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    let threads = rayon::ThreadPoolBuilder::new().num_threads(arguments.threads.unwrap_or(0)).build();
    let threads = threads.map_err(|e| format!("--threads: {e}"))?;

    // What is no text is refused with its own line, not with the file.
    let mut lines = BufReader::new(unpacked).split(b'\n').map(|line| Ok(String::from_utf8_lossy(&line?).into_owned()));
    let mut refused = 0;
    loop {
        let some: Vec<String> = lines.by_ref().take(AT_A_TIME).collect::<Result<_, _>>().map_err(failed)?;
        if some.is_empty() {
            break;
        }
        let some = some.iter().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>();
        let answers: Vec<Value> = threads.install(|| some.par_iter().map(|line| batch_line(arguments, line)).collect());
        refused += answers.iter().filter(|answer| answer.get("error").is_some()).count();
        answers.iter().for_each(print);
    }
    if refused > 0 {
        return Err(format!("{refused} series were refused"));
    }
    Ok(())
}

/// The answer for one line, or its refusal, with its id.
fn batch_line(arguments: &Arguments, line: &str) -> Value {
    let mut fields = line.split(',').map(str::trim);
    let id = fields.next().unwrap_or_default();
    let mut read = || -> Result<Value, String> {
        let mut whole = |name: &str| {
            let text = fields.next().unwrap_or_default();
            text.parse::<usize>().map_err(|_| format!("{name} is '{text}', not a whole number"))
        };
        let (m, h) = (whole("m")?, whole("h")?);
        let values = fields.by_ref().enumerate();
        let task = Task {
            y: values.map(|(i, value)| read_value(value, &format!("value {}", i + 1))).collect::<Result<_, _>>()?,
            period: arguments.season.unwrap_or(m),
            horizon: arguments.horizon.unwrap_or(h),
        };
        answer(arguments, &task)
    };
    match read() {
        Ok(mut answer) => {
            answer["id"] = json!(id);
            answer
        }
        Err(error) => json!({ "id": id, "error": error }),
    }
}

fn answer(arguments: &Arguments, task: &Task) -> Result<Value, String> {
    let y = match &arguments.transform {
        Some(transform) => transform.apply(&task.y).map_err(text)?,
        None => task.y.clone(),
    };
    let start = Instant::now();
    let (fitted, tried) = fit(arguments, &y, task.period)?;
    let seconds = start.elapsed().as_secs_f64();
    let mut answer = describe(&fitted, seconds);
    answer["forecast"] = describe_forecast(arguments, &fitted, task.horizon)?;
    if arguments.diagnostics {
        diagnose(&fitted, &mut answer)?;
    }
    if arguments.table {
        answer["tried"] = tried.iter().map(describe_candidate).collect();
    }
    if let Some(paths) = arguments.simulate {
        let mut rng = ChaCha8Rng::seed_from_u64(arguments.seed);
        let paths = (0..paths).map(|_| fitted.simulate(task.horizon, &mut rng).map_err(text));
        answer["paths"] = json!(paths.collect::<Result<Vec<_>, _>>()?);
    }
    Ok(answer)
}

// By value, as `map_err` gives it.
#[allow(clippy::needless_pass_by_value)]
fn text(error: arima::Error) -> String {
    error.to_string()
}

fn read_series(text: &str) -> Result<Vec<f64>, String> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty())
        .map(|(number, line)| read_value(line, &format!("line {number}")))
        .collect()
}

/// A number; `NA`, or nothing between two commas, is a missing one.
fn read_value(text: &str, place: &str) -> Result<f64, String> {
    match text {
        "" | "NA" => Ok(f64::NAN),
        _ => text.parse().map_err(|_| format!("{place}: '{text}' is not a number")),
    }
}

fn fit(arguments: &Arguments, y: &[f64], period: usize) -> Result<(FittedArima, Vec<Tried>), String> {
    let Some(Numbers([p, d, q])) = arguments.order else {
        let auto = AutoArima {
            max_order: arguments.max_order,
            period: period.max(1),
            search: if arguments.grid { Search::Grid } else { Search::Stepwise },
            criterion: match arguments.criterion {
                Ranking::Cautious => Criterion::Cautious,
                Ranking::Aicc => Criterion::Aicc,
                Ranking::Aic => Criterion::Aic,
                Ranking::Bic => Criterion::Bic,
            },
            ..AutoArima::default()
        };
        let start = Instant::now();
        let in_time = || arguments.budget.is_none_or(|seconds| start.elapsed().as_secs_f64() < seconds);
        let selected = auto.select(y, in_time).map_err(text)?;
        return Ok((selected.fitted, selected.tried));
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
    .map(|fitted| (fitted, Vec::new()))
    .map_err(text)
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
            ("mean", None) if name == "mean" => at.mean.insert(value),
            ("drift", None) if name == "drift" => at.drift.insert(value),
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

fn describe_forecast(arguments: &Arguments, fitted: &FittedArima, horizon: usize) -> Result<Value, String> {
    let usual = if arguments.order.is_some() { Intervals::PlugIn } else { Intervals::Predictive };
    let forecast = match arguments.intervals.unwrap_or(usual) {
        Intervals::PlugIn => fitted.forecast(horizon),
        Intervals::Predictive => fitted.predictive(horizon),
    };
    let forecast = forecast.map_err(text)?;
    let Some(transform) = arguments.transform else {
        let intervals = describe_intervals(&arguments.level, |level| forecast.interval(level))?;
        return Ok(json!({ "mean": forecast.mean, "intervals": intervals }));
    };
    let restored = transform.restore(forecast);
    let centre = match arguments.centre {
        Centre::Median => restored.median(),
        // A predictive forecast has no mean once it is transformed back.
        Centre::Mean => transform.restore(fitted.forecast(horizon).map_err(text)?).mean().map_err(text)?,
    };
    let intervals = describe_intervals(&arguments.level, |level| restored.interval(level))?;
    Ok(json!({ "mean": centre, "intervals": intervals }))
}

fn describe_intervals(
    levels: &[f64],
    interval: impl Fn(f64) -> Result<Interval, arima::Error>,
) -> Result<Vec<Value>, String> {
    let describe = |&level: &f64| {
        let interval = interval(level / 100.0).map_err(text)?;
        Ok(json!({ "level": level, "lower": interval.lower, "upper": interval.upper }))
    };
    levels.iter().map(describe).collect()
}

/// Adds the coefficients' standard errors and the test of the residuals.
fn diagnose(fitted: &FittedArima, answer: &mut Value) -> Result<(), String> {
    let names = fitted.coefficients().named();
    let covariance = fitted.covariance().map_err(text)?;
    let error = |i: usize| covariance.as_ref().map(|covariance| covariance[i][i].sqrt());
    let errors = names.iter().enumerate().map(|(i, (name, _))| (name.clone(), json!(error(i))));
    answer["standard_errors"] = Value::Object(errors.collect());
    // As many lags as Hyndman & Athanasopoulos (2021, section 5.4) recommend, and always more than coefficients.
    let period = fitted.model().seasonal.period;
    let lags = if period > 1 { 2 * period } else { 10 };
    let lags = lags.min(fitted.observations() / 5).max(fitted.model().arma_parameters() + 1);
    answer["ljung_box"] = fitted.ljung_box(lags).map_or(
        Value::Null,
        |test| json!({ "lags": lags, "statistic": test.statistic, "df": test.degrees_of_freedom, "p": test.p_value }),
    );
    Ok(())
}

fn describe_candidate(tried: &Tried) -> Value {
    let refused = tried.refused.map(|refusal| match refusal {
        Refusal::NearUnitRoot => "near unit root",
        Refusal::NotConverged => "not converged",
        Refusal::TooShort => "too short",
    });
    let finite = |value: f64| value.is_finite().then_some(value);
    json!({
        "model": tried.model.to_string(),
        "loglik": finite(tried.log_likelihood),
        "criterion": finite(tried.criterion),
        "refused": refused,
    })
}

fn describe(fitted: &FittedArima, seconds: f64) -> Value {
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
        "seconds": seconds,
    })
}
