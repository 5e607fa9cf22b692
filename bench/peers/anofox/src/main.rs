//! Times anofox-forecast: FILE TASK COUNT, prints `tool TAB task TAB series TAB seconds a series`.

use std::{env, fs, time::Instant};

use anofox_forecast::{
    core::TimeSeries,
    models::{
        Forecaster,
        arima::{ARIMA, AutoARIMA, AutoARIMAConfig},
    },
};
use chrono::{Duration, TimeZone, Utc};

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let [_, file, task, count] = &arguments[..] else { panic!("FILE TASK COUNT") };
    let count: usize = count.parse().expect("a count");
    let (mut seconds, mut done) = (0.0, 0);
    for line in fs::read_to_string(file).expect("the series").lines().take(count) {
        let fields: Vec<&str> = line.split(',').collect();
        let period: usize = fields[1].parse().expect("a period");
        let values: Vec<f64> = fields[3..].iter().map(|v| v.parse().expect("a number")).collect();
        let first = Utc.with_ymd_and_hms(2000, 1, 1, 0, 0, 0).unwrap();
        let times = (0..values.len()).map(|t| first + Duration::days(t as i64)).collect();
        let series = TimeSeries::univariate(times, values).expect("a series");
        let start = Instant::now();
        let fitted = match task.as_str() {
            "fixed" => ARIMA::new(2, 1, 2).fit(&series),
            "seasonal" => AutoARIMA::seasonal(period).fit(&series),
            _ => AutoARIMA::with_config(AutoARIMAConfig { max_p: 5, max_q: 5, ..AutoARIMAConfig::default() }).fit(&series),
        };
        seconds += start.elapsed().as_secs_f64();
        match fitted {
            Ok(_) => done += 1,
            Err(error) => eprintln!("{}: {error}", fields[0]),
        }
    }
    println!("anofox-forecast 0.19.0\t{task}\t{done}\t{}", seconds / count as f64);
}
