//! `sql`: one question over all that is on record. The tables are made in memory, those alone that the question names, so that nothing it
//! does changes anything.

use std::process::ExitCode;

use forecasting::{Stamp, Ticker};
use jiff::civil::Date;
use pipeline::{Archive, Forecasted, Ledger, Stage};
use rusqlite::{Connection, ToSql, limits::Limit, params_from_iter, types::ValueRef};
use serde::Serialize;
use serde_json::{Map, Number, Value};

use super::{Failure, arguments::StoreArguments, output, stores::Stores};

/// What there is to ask about.
const TABLES: [(&str, &str); 5] = [
    (
        "bars",
        "ticker TEXT, at TEXT, open REAL, high REAL, low REAL, close REAL, volume REAL, adj_close REAL, dividend REAL, split REAL",
    ),
    (
        "forecasts",
        "ticker TEXT, origin TEXT, date TEXT, horizon INTEGER, mean REAL, level REAL, lower REAL, upper REAL, version TEXT, model TEXT",
    ),
    (
        "scores",
        "ticker TEXT, version TEXT, model TEXT, origin TEXT, date TEXT, horizon INTEGER, forecast REAL, actual REAL, error REAL, naive_error REAL",
    ),
    ("verdicts", "ticker TEXT, run TEXT, as_of TEXT, decision TEXT, reason TEXT, version TEXT, model TEXT"),
    ("runs", "run TEXT, as_of TEXT, trigger TEXT, status TEXT, tickers INTEGER, opened_at TEXT, closed_at TEXT"),
];
/// So many of the newest nights' forecasts of a ticker, and runs.
const NIGHTS: usize = 10_000;
/// So many of the newest runs tell which series are watched.
const RUNS: usize = 1_000;

pub(super) async fn sql(question: &str, store: &StoreArguments) -> Result<ExitCode, Failure> {
    let stores = Stores::read(&store.place).await?;
    let wrong = |error: rusqlite::Error| Failure::Usage(format!("{error}"));
    let memory = Connection::open_in_memory().map_err(wrong)?;
    // No other file is opened by a question.
    memory.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0).map_err(wrong)?;
    for (name, columns) in TABLES {
        memory.execute_batch(&format!("CREATE TABLE {name} ({columns});")).map_err(wrong)?;
    }
    let watched = pipeline::watched(&*stores.archive, &*stores.ledger, RUNS).await?.tickers;
    let tickers: Vec<Ticker> = watched.into_iter().map(|known| known.ticker).collect();
    let asked = |table: &str| question.to_ascii_lowercase().contains(table);
    memory.execute_batch("BEGIN").map_err(wrong)?;
    let filling = Filling { archive: &*stores.archive, ledger: &*stores.ledger, tickers: &tickers, memory: &memory };
    for (name, _) in TABLES.into_iter().filter(|(name, _)| asked(name)) {
        filling.fill(name).await?;
    }
    memory.execute_batch("COMMIT; PRAGMA query_only = ON").map_err(wrong)?;
    let mut statement = memory.prepare(question).map_err(wrong)?;
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query([]).map_err(wrong)?;
    let mut answer: Vec<Vec<Value>> = Vec::new();
    while let Some(row) = rows.next().map_err(wrong)? {
        let field = |place: usize| row.get_ref(place).map(value).map_err(wrong);
        answer.push((0..names.len()).map(field).collect::<Result<_, _>>()?);
    }
    print(&names, &answer, store.json);
    Ok(ExitCode::SUCCESS)
}

/// A word as it is written in JSON.
fn word(of: &impl Serialize) -> Option<String> {
    serde_json::to_value(of).ok().and_then(|word| word.as_str().map(str::to_owned))
}

fn value(field: ValueRef<'_>) -> Value {
    match field {
        ValueRef::Null | ValueRef::Blob(_) => Value::Null,
        ValueRef::Integer(number) => Value::from(number),
        ValueRef::Real(number) => Number::from_f64(number).map_or(Value::Null, Value::Number),
        ValueRef::Text(text) => Value::from(String::from_utf8_lossy(text)),
    }
}

fn print(names: &[String], rows: &[Vec<Value>], json: bool) {
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if json {
        let object = |row: &Vec<Value>| names.iter().cloned().zip(row.iter().cloned()).collect::<Map<_, _>>();
        return output::json(&rows.iter().map(object).collect::<Vec<_>>());
    }
    let header: Vec<&str> = names.iter().map(String::as_str).collect();
    let is_number = |place: &usize| rows.first().is_some_and(|row| row[*place].is_number());
    let mut table = output::table(&header, &(0..names.len()).filter(is_number).collect::<Vec<_>>());
    for row in rows {
        table.add_row(row.iter().map(text));
    }
    output::tabulate(&mut table);
}

/// The stores, and the tables that are made of them.
struct Filling<'a> {
    archive: &'a dyn Archive,
    ledger: &'a dyn Ledger,
    tickers: &'a [Ticker],
    memory: &'a Connection,
}

impl Filling<'_> {
    async fn fill(&self, table: &str) -> Result<(), Failure> {
        if table == "runs" {
            return self.runs().await;
        }
        for ticker in self.tickers {
            match table {
                "bars" => self.bars(ticker).await?,
                "forecasts" => self.forecasts(ticker).await?,
                "scores" => self.scores(ticker).await?,
                _ => self.verdicts(ticker).await?,
            }
        }
        Ok(())
    }

    fn insert(&self, table: &str, row: &[&dyn ToSql]) -> Result<(), Failure> {
        let places = vec!["?"; row.len()].join(", ");
        let failed = |error: rusqlite::Error| Failure::Failed(format!("{table}: {error}"));
        let mut insert =
            self.memory.prepare_cached(&format!("INSERT INTO {table} VALUES ({places})")).map_err(failed)?;
        insert.execute(params_from_iter(row)).map(drop).map_err(failed)
    }

    async fn bars(&self, ticker: &Ticker) -> Result<(), Failure> {
        let Some(snapshot) = pipeline::newest_snapshot(self.ledger, ticker).await? else { return Ok(()) };
        for bar in snapshot.series(self.archive, ticker).await?.bars() {
            let at = bar.day.to_string();
            let row: [&dyn ToSql; 10] = [
                &ticker.as_str(),
                &at,
                &bar.open,
                &bar.high,
                &bar.low,
                &bar.close,
                &bar.volume,
                &bar.adjusted_close,
                &bar.dividend,
                &bar.split_factor,
            ];
            self.insert("bars", &row)?;
        }
        Ok(())
    }

    async fn forecasts(&self, ticker: &Ticker) -> Result<(), Failure> {
        let end = Stamp::Date(Date::MAX);
        for record in self.ledger.history(ticker, Stage::Forecast, end, NIGHTS).await? {
            let Forecasted { champion, forecast, .. } = record.parse()?;
            let (version, model) = (champion.version.to_string(), champion.specification.to_string());
            let origin = forecast.origin.to_string();
            for step in forecast.steps.iter().map(|step| &step.served) {
                let (date, horizon) = (step.date.to_string(), i64::try_from(step.horizon).unwrap_or(i64::MAX));
                for interval in &step.intervals {
                    let level = interval.level.percent();
                    let (lower, upper) = (interval.lower, interval.upper);
                    let row: [&dyn ToSql; 10] = [
                        &ticker.as_str(),
                        &origin,
                        &date,
                        &horizon,
                        &step.mean,
                        &level,
                        &lower,
                        &upper,
                        &version,
                        &model,
                    ];
                    self.insert("forecasts", &row)?;
                }
            }
        }
        Ok(())
    }

    async fn scores(&self, ticker: &Ticker) -> Result<(), Failure> {
        let scores = match pipeline::scores(self.ledger, ticker).await {
            Err(pipeline::Error::NoForecast { .. }) => Vec::new(),
            other => other?,
        };
        for scored in scores {
            let score = &scored.score;
            let (version, model) = (scored.version.to_string(), scored.specification.to_string());
            let (origin, date) = (score.origin.to_string(), score.date.to_string());
            let horizon = i64::try_from(score.horizon).unwrap_or(i64::MAX);
            let (forecast, actual) = (score.prices.map(|both| both.mean), score.prices.map(|both| both.actual));
            let row: [&dyn ToSql; 10] = [
                &ticker.as_str(),
                &version,
                &model,
                &origin,
                &date,
                &horizon,
                &forecast,
                &actual,
                &score.error,
                &score.naive_error,
            ];
            self.insert("scores", &row)?;
        }
        Ok(())
    }

    async fn verdicts(&self, ticker: &Ticker) -> Result<(), Failure> {
        for receipt in self.ledger.receipts(ticker).await? {
            let (run, as_of) = (receipt.run.to_string(), receipt.as_of.to_string());
            let (decision, version) = (word(&receipt.decision), receipt.champion.version.to_string());
            let model = receipt.champion.specification.to_string();
            let row: [&dyn ToSql; 7] = [&ticker.as_str(), &run, &as_of, &decision, &receipt.reason, &version, &model];
            self.insert("verdicts", &row)?;
        }
        Ok(())
    }

    async fn runs(&self) -> Result<(), Failure> {
        for entry in self.ledger.runs(NIGHTS).await? {
            let run = &entry.run;
            let (id, as_of) = (run.id.to_string(), run.as_of.to_string());
            let trigger = word(&run.trigger);
            let status = entry.closure.as_ref().map_or_else(|| "open".to_owned(), |closure| closure.status.to_string());
            let tickers = i64::try_from(run.tickers).unwrap_or(i64::MAX);
            let row: [&dyn ToSql; 7] = [&id, &as_of, &trigger, &status, &tickers, &entry.opened_at, &entry.closed_at];
            self.insert("runs", &row)?;
        }
        Ok(())
    }
}
