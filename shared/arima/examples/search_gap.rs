//! How far stepwise selection ends from the whole grid's best, and what each costs: FILE.csv[.gz] [EVERY], with the columns m (the period)
//! and train (values, separated by spaces). Every EVERYth series with a season is tried.

use std::{io::Read, time::Instant};

use arima::{AutoArima, Search, Selected};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().expect("a file");
    let every: usize = arguments.next().map_or(1, |n| n.parse().expect("a whole number"));
    let mut text = String::new();
    let file = std::fs::File::open(&path).expect("opens");
    let mut reader: Box<dyn Read> = if std::path::Path::new(&path).extension().is_some_and(|ending| ending == "gz") {
        Box::new(flate2::read::MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    };
    reader.read_to_string(&mut text).expect("reads");
    let mut table = csv::Reader::from_reader(text.as_bytes());
    let header = table.headers().expect("a header").clone();
    let column = |name: &str| header.iter().position(|other| other == name).expect("a column");
    let (id, period, train) = (column("id"), column("m"), column("train"));
    let (mut gaps, mut stepwise, mut grid) = (Vec::new(), 0.0, 0.0);
    let seasonal = table.records().map(|record| record.expect("a row")).filter(|record| &record[period] != "1");
    for record in seasonal.step_by(every) {
        let y: Vec<f64> = record[train].split(' ').map(|v| v.parse().expect("a number")).collect();
        let rules = AutoArima { period: record[period].parse().expect("a period"), ..AutoArima::default() };
        let timed = |search| {
            let begun = Instant::now();
            let selected = AutoArima { search, ..rules }.select(&y, || true).expect("a model");
            (best(&selected), begun.elapsed().as_secs_f64(), selected)
        };
        let ((found, seconds, by_steps), (lowest, all, by_grid)) = (timed(Search::Stepwise), timed(Search::Grid));
        (stepwise, grid) = (stepwise + seconds, grid + all);
        let (Some(found), Some(lowest)) = (found, lowest) else { continue };
        gaps.push(found - lowest);
        if found - lowest > 1.0 {
            let (steps, whole) = (by_steps.fitted.model(), by_grid.fitted.model());
            println!(
                "{} n={} {:.2}: {steps} ({}) for {whole}",
                &record[id],
                y.len(),
                found - lowest,
                by_steps.tried.len()
            );
        }
    }
    gaps.sort_by(f64::total_cmp);
    let quantile = |q: f64| gaps[((gaps.len() - 1) as f64 * q).round() as usize];
    let within = gaps.iter().filter(|gap| **gap <= 1.0).count() as f64 / gaps.len() as f64;
    println!(
        "{} series: within 1 of the grid's best {:.1} %; gap at 50, 90, 95, 99, 100 %: {:.2} {:.2} {:.2} {:.2} {:.2}; seconds {stepwise:.1}, grid {grid:.1}",
        gaps.len(),
        100.0 * within,
        quantile(0.5),
        quantile(0.9),
        quantile(0.95),
        quantile(0.99),
        quantile(1.0)
    );
}

fn best(selected: &Selected) -> Option<f64> {
    let allowed = selected.tried.iter().filter(|tried| tried.refused.is_none());
    allowed.map(|tried| tried.criterion).min_by(f64::total_cmp)
}
