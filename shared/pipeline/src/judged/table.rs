//! Files of forecasts, as Closing Bell, statsforecast, Prophet and others write them.

use forecasting::{Level, Stamp, Ticker};

use super::submission::Forecast;

/// No file has more rows.
const MAX_ROWS: usize = 2_000_000;

/// Which column is which.
struct Columns {
    series: usize,
    origin: usize,
    date: usize,
    mean: usize,
    /// Level, lower and upper end.
    intervals: Vec<(Level, usize, usize)>,
}

impl Columns {
    fn find(header: &csv::StringRecord) -> Result<Columns, String> {
        let names: Vec<String> = header.iter().map(str::to_ascii_lowercase).collect();
        let find = |known: &[&str]| names.iter().position(|name| known.contains(&name.as_str()));
        let missing = |what: &str, known: &[&str]| format!("it has no column for the {what}: {}", known.join(" or "));
        let need = |what: &str, known: &[&str]| find(known).ok_or_else(|| missing(what, known));
        let series = need("series", &["unique_id", "ticker", "series", "symbol"])?;
        let origin = need("origin", &["origin", "cutoff"])?;
        let date = need("date", &["date", "ds", "timestamp"])?;
        let ends = |lower: &str, upper: &str, level: f64| {
            Some((Level::try_from(level).ok()?, find(&[lower])?, find(&[upper])?))
        };
        let mut intervals = Vec::new();
        for name in &names {
            let level = name.strip_prefix("lower_").or_else(|| name.split_once("-lo-").map(|(_, level)| level));
            if let Some(level) = level.and_then(|text| text.parse::<f64>().ok()) {
                let upper = name.replace("lower_", "upper_").replace("-lo-", "-hi-");
                intervals.extend(ends(name, &upper, level));
            }
            if let Some(share) =
                name.strip_prefix('q').unwrap_or(name).parse::<f64>().ok().filter(|q| *q > 0.0 && *q < 0.5)
            {
                let digits = (1.0 - share).to_string();
                let upper = name.replace(&share.to_string(), &digits[..digits.len().min(5)]);
                intervals.extend(ends(name, &upper, (1.0 - 2.0 * share) * 100.0));
            }
        }
        intervals.extend(ends("yhat_lower", "yhat_upper", 80.0));
        let known = ["mean", "forecast", "yhat", "y_hat", "q0.5", "0.5"];
        let mean = find(&known).or_else(|| {
            // statsforecast calls it as the model.
            let taken = [series, origin, date];
            let ends = intervals.iter().flat_map(|(_, lower, upper)| [*lower, *upper]).collect::<Vec<_>>();
            let others = ["y", "horizon", "version"];
            let mut rest = (0..names.len()).filter(|place| {
                !taken.contains(place) && !ends.contains(place) && !others.contains(&names[*place].as_str())
            });
            rest.next().filter(|_| rest.next().is_none())
        });
        let mean = mean.ok_or_else(|| missing("forecast", &known))?;
        Ok(Columns { series, origin, date, mean, intervals })
    }
}

/// Reads one: CSV whose first line names the columns.
pub(super) fn read(text: &str) -> Result<Vec<(Ticker, Forecast)>, String> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let columns = Columns::find(reader.headers().map_err(|error| error.to_string())?)?;
    let mut rows = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let place = index + 1;
        if index == MAX_ROWS {
            return Err(format!("it has more than {MAX_ROWS} rows"));
        }
        let record = record.map_err(|error| format!("row {place}: {error}"))?;
        let stamp = |column: usize| {
            let text = record[column].trim_end_matches(" 00:00:00");
            text.parse::<Stamp>().map_err(|_| format!("row {place}: '{text}' is no date"))
        };
        let number = |column: usize| {
            let text = &record[column];
            let value = text.parse().ok().filter(|value: &f64| value.is_finite());
            value.ok_or_else(|| format!("row {place}: '{text}' is no number"))
        };
        let mut intervals = Vec::with_capacity(columns.intervals.len());
        for (level, lower, upper) in &columns.intervals {
            intervals.push((*level, number(*lower)?, number(*upper)?));
        }
        let (origin, date) = (stamp(columns.origin)?, stamp(columns.date)?);
        if date <= origin {
            return Err(format!("row {place}: {date} is not after its origin, {origin}"));
        }
        let series = Ticker::of_name(&record[columns.series]).map_err(|error| format!("row {place}: {error}"))?;
        rows.push((series, Forecast { origin, date, mean: number(columns.mean)?, intervals }));
    }
    if rows.is_empty() { Err("it has no row".to_owned()) } else { Ok(rows) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Closing Bell, statsforecast, Prophet and others write them.
    #[test]
    fn files_of_forecasts() {
        let check = |text: &str, levels: &[f64]| {
            let rows = read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let (series, row) = &rows[0];
            assert_eq!(
                (series.as_str(), row.mean, row.origin.to_string().as_str()),
                ("A", 5.0, "2020-12-10"),
                "{text}"
            );
            let given: Vec<f64> = row.intervals.iter().map(|(level, ..)| level.percent()).collect();
            assert_eq!(given, levels, "{text}");
            assert!(row.intervals.iter().all(|(_, lower, upper)| *lower < 5.0 && *upper > 5.0));
        };
        check(
            "ticker,origin,date,horizon,mean,lower_80,upper_80,version\nA,2020-12-10,2020-12-11,1,5,4,6,v\n",
            &[80.0],
        );
        check(
            "unique_id,ds,cutoff,y,AutoARIMA,AutoARIMA-lo-95,AutoARIMA-hi-95\na,2020-12-11 00:00:00,2020-12-10 00:00:00,7,5,3,8\n",
            &[95.0],
        );
        check("series,origin,ds,yhat,yhat_lower,yhat_upper\nA,2020-12-10,2020-12-11,5,4,6\n", &[80.0]);
        check("series,origin,date,0.1,0.5,0.9\nA,2020-12-10,2020-12-11,4,5,6\n", &[80.0]);
        let refused = |text: &str, said: &str| {
            let error = read(text).expect_err("refused");
            assert!(error.contains(said), "{text}: {error}");
        };
        refused("series,date,mean\nA,2020-12-11,5\n", "no column for the origin: origin or cutoff");
        refused("series,origin,date,mean\nA,2020-12-11,2020-12-11,5\n", "row 1: 2020-12-11 is not after its origin");
        refused("series,origin,date,mean\nA,2020-12-10,2020-12-11,dear\n", "row 1: 'dear' is no number");
        refused("series,origin,date,mean\n", "it has no row");
    }
}
