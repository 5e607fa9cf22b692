//! Forecasts competition series with automatic ARIMA and scores the forecasts beside those of R's `forecast::auto.arima`
//! on the very same series.
//!
//! ```text
//! cargo run --release -p closing-bell-arima --example accuracy -- ../shared/reference/forecasting
//! ```
//!
//! The folder holds `{m3,m4}_given*.csv.gz` (id,freq,m,h,note,train,test; values separated by spaces) and
//! `r_auto_arima_*.txt.gz` (id|freq|order|seconds|drift|mean|lower95|upper95). Only series that R's files hold are scored.
//!
//! sMAPE and MASE as in the M4 competition (Makridakis, Spiliotis & Assimakopoulos 2020, International J. of Forecasting
//! 36, 54-74), averaged over series; OWA is the mean of their ratios to Naive2's; MSIS and coverage are those of the 95 %
//! intervals. Ours are given twice: predictive, with the coefficients' uncertainty, and plug-in, without.

use std::{
    collections::BTreeMap,
    error::Error,
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    time::Instant,
};

use arima::{AutoArima, Interval};
use augurs::Fit;
use clap::Parser;
use flate2::read::GzDecoder;
use rayon::prelude::*;

type Failure = Box<dyn Error + Send + Sync>;

#[derive(Parser)]
#[command(about = "Score automatic ARIMA beside R's on competition series")]
struct Arguments {
    /// The folder of series and of R's forecasts
    folder: PathBuf,
    /// Threads [default: all cores]
    #[arg(long)]
    threads: Option<usize>,
}

struct Series {
    id: String,
    group: String,
    period: usize,
    train: Vec<f64>,
    test: Vec<f64>,
}

struct Prediction {
    point: Vec<f64>,
    interval: Interval,
    seconds: f64,
}

/// Level of the intervals.
const LEVEL: f64 = 0.95;

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    rayon::ThreadPoolBuilder::new().num_threads(arguments.threads.unwrap_or(0)).build_global()?;
    let theirs = read_predictions(&arguments.folder)?;
    let mut groups: BTreeMap<String, Vec<Series>> = BTreeMap::new();
    for path in files(&arguments.folder, ".csv.gz")? {
        for series in read_series(&path)?.into_iter().filter(|series| theirs.contains_key(&series.id)) {
            groups.entry(series.group.clone()).or_default().push(series);
        }
    }
    println!("| group | n | method | sMAPE | MASE | OWA | coverage | MSIS | s/series |");
    println!("| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    for (group, series) in &groups {
        let ours: Vec<[Prediction; 2]> = series.par_iter().map(predict).collect::<Result<_, _>>()?;
        let naive: Vec<Prediction> = series.iter().map(naive2).collect();
        let naive = Scores::new(series.iter().zip(&naive));
        let rows = [
            ("ours", Scores::new(series.iter().zip(ours.iter().map(|[predictive, _]| predictive)))),
            ("ours, plug-in intervals", Scores::new(series.iter().zip(ours.iter().map(|[_, plug_in]| plug_in)))),
            ("R auto.arima", Scores::new(series.iter().map(|s| (s, &theirs[&s.id])))),
        ];
        for (method, scores) in rows {
            let owa = 0.5 * (scores.smape / naive.smape + scores.mase / naive.mase);
            let Scores { smape, mase, coverage, msis, seconds } = scores;
            println!(
                "| {group} | {} | {method} | {smape:.3} | {mase:.3} | {owa:.3} | {coverage:.3} | {msis:.2} | {seconds:.4} |",
                series.len()
            );
        }
    }
    Ok(())
}

/// With predictive and with plug-in intervals.
fn predict(series: &Series) -> Result<[Prediction; 2], Failure> {
    let start = Instant::now();
    let auto = AutoArima { period: series.period.max(1), ..AutoArima::default() };
    let fitted = auto.fit(&series.train).map_err(|e| format!("{}: {e}", series.id))?;
    let seconds = start.elapsed().as_secs_f64();
    let horizon = series.test.len();
    Ok([fitted.predictive(horizon)?, fitted.forecast(horizon)?].map(|forecast| {
        let interval = forecast.interval(LEVEL).expect("a level");
        Prediction { point: forecast.mean, interval, seconds }
    }))
}

/// The last value, seasonally adjusted by classical multiplicative decomposition where the autocorrelation at lag m is
/// significant at 10 %.
fn naive2(series: &Series) -> Prediction {
    let (train, m) = (&series.train, series.period);
    let seasonal =
        if m > 1 && train.len() >= 3 * m && is_seasonal(train, m) { seasonal_indices(train, m) } else { vec![1.0] };
    let at = |t: usize| seasonal[t % seasonal.len()];
    let n = train.len();
    let level = train[n - 1] / at(n - 1);
    let point: Vec<f64> = (0..series.test.len()).map(|h| level * at(n + h)).collect();
    Prediction { interval: Interval { lower: point.clone(), upper: point.clone() }, point, seconds: 0.0 }
}

fn is_seasonal(y: &[f64], m: usize) -> bool {
    let n = y.len() as f64;
    let mean = y.iter().sum::<f64>() / n;
    let product = |lag: usize| y[lag..].iter().zip(y).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>();
    let correlation = |lag: usize| product(lag) / product(0);
    let limit = 1.645 * ((1.0 + 2.0 * (1..m).map(|k| correlation(k).powi(2)).sum::<f64>()) / n).sqrt();
    correlation(m).abs() > limit
}

fn seasonal_indices(y: &[f64], m: usize) -> Vec<f64> {
    let half = m / 2;
    let mut ratios = vec![(0.0, 0.0); m];
    for t in half..y.len() - half {
        let trend = if m.is_multiple_of(2) {
            let inner: f64 = y[t - half + 1..t + half].iter().sum();
            (inner + 0.5 * (y[t - half] + y[t + half])) / m as f64
        } else {
            y[t - half..=t + half].iter().sum::<f64>() / m as f64
        };
        ratios[t % m].0 += y[t] / trend;
        ratios[t % m].1 += 1.0;
    }
    let indices: Vec<f64> = ratios.iter().map(|(sum, count)| sum / count).collect();
    let mean = indices.iter().sum::<f64>() / m as f64;
    indices.iter().map(|index| index / mean).collect()
}

/// Means over series.
struct Scores {
    smape: f64,
    mase: f64,
    coverage: f64,
    msis: f64,
    seconds: f64,
}

impl Scores {
    fn new<'a>(pairs: impl Iterator<Item = (&'a Series, &'a Prediction)>) -> Scores {
        let mut sum = Scores { smape: 0.0, mase: 0.0, coverage: 0.0, msis: 0.0, seconds: 0.0 };
        let mut count = 0.0;
        for (series, Prediction { point, interval, seconds }) in pairs {
            let Series { train, test, period: m, .. } = series;
            let steps = test.len() as f64;
            let naive = train[*m..].iter().zip(train).map(|(a, b)| (a - b).abs()).sum::<f64>();
            let scale = naive / (train.len() - m) as f64;
            for (h, y) in test.iter().enumerate() {
                let (forecast, lower, upper) = (point[h], interval.lower[h], interval.upper[h]);
                let error = (y - forecast).abs();
                sum.smape += 200.0 * error / (y.abs() + forecast.abs()) / steps;
                sum.mase += error / scale / steps;
                sum.coverage += f64::from(u8::from(lower <= *y && *y <= upper)) / steps;
                let missed = (lower - y).max(0.0) + (y - upper).max(0.0);
                sum.msis += (upper - lower + 2.0 / (1.0 - LEVEL) * missed) / scale / steps;
            }
            sum.seconds += seconds;
            count += 1.0;
        }
        let Scores { smape, mase, coverage, msis, seconds } = sum;
        Scores {
            smape: smape / count,
            mase: mase / count,
            coverage: coverage / count,
            msis: msis / count,
            seconds: seconds / count,
        }
    }
}

fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, Failure> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    paths.retain(|path| path.to_string_lossy().ends_with(ending));
    paths.sort();
    Ok(paths)
}

fn open(path: &Path) -> Result<impl Read, Failure> {
    Ok(GzDecoder::new(File::open(path).map_err(|e| format!("{}: {e}", path.display()))?))
}

fn read_series(path: &Path) -> Result<Vec<Series>, Failure> {
    let competition = if path.to_string_lossy().contains("m3_") { "M3" } else { "M4" };
    let mut lines = csv::Reader::from_reader(open(path)?);
    let mut all = Vec::new();
    for line in lines.deserialize() {
        let (id, freq, period, _, note, train, test): (String, String, usize, usize, String, String, String) = line?;
        // Cut by others than the competition: no published number compares with it.
        if !note.starts_with("truncated") {
            let group = format!("{competition} {}", freq.to_lowercase());
            all.push(Series { id, group, period, train: numbers(&train)?, test: numbers(&test)? });
        }
    }
    Ok(all)
}

fn read_predictions(folder: &Path) -> Result<BTreeMap<String, Prediction>, Failure> {
    let mut all = BTreeMap::new();
    for path in files(folder, ".txt.gz")? {
        for line in BufReader::new(open(&path)?).lines() {
            let line = line?;
            let fields: Vec<&str> = line.split('|').collect();
            let [id, _, _, seconds, _, mean, lower, upper] = fields[..] else {
                return Err(format!("{}: '{line}' has not 8 fields", path.display()).into());
            };
            if id != "id" {
                let interval = Interval { lower: numbers(lower)?, upper: numbers(upper)? };
                all.insert(id.to_owned(), Prediction { point: numbers(mean)?, interval, seconds: seconds.parse()? });
            }
        }
    }
    Ok(all)
}

fn numbers(text: &str) -> Result<Vec<f64>, Failure> {
    text.split_whitespace().map(|word| word.parse().map_err(|_| format!("'{word}' is not a number").into())).collect()
}
