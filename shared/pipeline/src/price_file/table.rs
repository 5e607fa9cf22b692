use std::collections::BTreeMap;

use csv::StringRecord;
use forecasting::{Row, Stamp};
use jiff::civil::Date;

use super::{ColumnNames, columns::Columns, number, records::Records, stamps};
use crate::{History, legible, ports::MAX_AHEAD};

/// A file's records, and which column is which.
#[derive(Debug, Clone)]
pub struct Table {
    header: StringRecord,
    records: Records,
    stamps: Vec<Stamp>,
    /// The rows of each series, as places in the two above, or why it cannot be read; one without a name where the file is of one.
    series: BTreeMap<String, Result<Vec<usize>, String>>,
    columns: Columns,
    decimal_comma: bool,
    /// Whether a lone row out of order is a mistyped date.
    order_is_meant: bool,
}

/// How a table is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writing {
    pub(super) decimal_comma: bool,
    pub(super) order_is_meant: bool,
}

/// The most rows of a file of one series: ten years of an exchange's minutes are a million.
const MAX_ROWS: usize = 2_000_000;
/// The most rows of a table of several.
pub(super) const MAX_TABLE_ROWS: usize = 50_000_000;

pub(super) fn most_rows(columns: &Columns) -> usize {
    if columns.series.is_some() { MAX_TABLE_ROWS } else { MAX_ROWS }
}

/// Neighbours out of order, as a share of all: a file with more is in no order, one with fewer has a mistyped date.
const SHUFFLED: f64 = 0.2;

impl Table {
    /// Reads a text: its first line names the columns, which may be called otherwise than usual.
    ///
    /// # Errors
    /// One line that says what is wrong, and where.
    pub fn read(text: &str, names: &ColumnNames) -> Result<Table, String> {
        Table::parse(text, names, true)
    }

    /// The same of rows that come in no order, as a database gives them.
    ///
    /// # Errors
    /// As [`Table::read`].
    pub fn of_rows_in_any_order(text: &str, names: &ColumnNames) -> Result<Table, String> {
        Table::parse(text, names, false)
    }

    fn parse(text: &str, names: &ColumnNames, order_is_meant: bool) -> Result<Table, String> {
        let text = text.trim_start_matches('\u{feff}');
        let first = text.lines().next().unwrap_or_default();
        let count = |delimiter: char| first.matches(delimiter).count();
        let delimiter = [';', '\t'].into_iter().find(|delimiter| count(*delimiter) > count(',')).unwrap_or(',');
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .trim(csv::Trim::All)
            .delimiter(delimiter as u8)
            .from_reader(text.as_bytes());
        let header = reader.headers().map_err(|e| e.to_string())?.clone();
        let most = most_rows(&Columns::find(&header, names)?);
        let (mut records, mut record) = (Records::default(), StringRecord::new());
        while reader.read_record(&mut record).map_err(|e| format!("row {}: {e}", records.len() + 1))? {
            if records.len() == most {
                return Err(format!("it has more than {most} rows"));
            }
            records.push(&record)?;
        }
        let writing = Writing { decimal_comma: delimiter == ';', order_is_meant };
        Table::of(&header, names, records, writing)
    }

    /// Of these columns and records.
    ///
    /// # Errors
    /// As [`Table::read`].
    pub(super) fn of(
        header: &StringRecord,
        names: &ColumnNames,
        records: Records,
        Writing { decimal_comma, order_is_meant }: Writing,
    ) -> Result<Table, String> {
        let columns = Columns::find(header, names)?;
        let dates = stamps::read(records.iter().map(|record| record.get(columns.date).unwrap_or_default()))?;
        let uneven = |place: usize| {
            let (fields, named) = (records.get(place).len(), header.len());
            (fields != named).then(|| format!("row {} has {fields} fields, the header has {named}", place + 1))
        };
        let mut places: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (place, record) in records.iter().enumerate() {
            let name = match columns.series {
                None => "",
                // A row that does not even say whose it is could be anyone's.
                Some(column) => record.get(column).ok_or_else(|| uneven(place).unwrap_or_default())?,
            };
            match places.get_mut(name) {
                Some(rows) => rows.push(place),
                None => drop(places.insert(name.to_owned(), vec![place])),
            }
        }
        // What is wrong with a row is wrong with its series, and with no other.
        let undated = |place: usize| {
            let text = records.get(place).get(columns.date).unwrap_or_default();
            dates[place].err().map(|wrong| format!("row {}: {}", place + 1, wrong.of(text)))
        };
        let wrong = |rows: &[usize]| rows.iter().find_map(|place| uneven(*place).or_else(|| undated(*place)));
        let sound: Vec<(String, Result<Vec<usize>, String>)> =
            places.into_iter().map(|(name, rows)| (name, wrong(&rows).map_or(Ok(rows), Err))).collect();
        let stamps = dates.into_iter().map(|date| date.unwrap_or(Stamp::Index(0))).collect();
        let mut table = Table {
            header: header.clone(),
            records,
            stamps,
            series: BTreeMap::new(),
            columns,
            decimal_comma,
            order_is_meant,
        };
        for (name, rows) in sound {
            let ordered = rows.and_then(|rows| table.ordered(rows));
            table.series.insert(name, ordered);
        }
        Ok(table)
    }

    /// The names of its series, where it is a table of several.
    pub fn series(&self) -> impl Iterator<Item = &str> {
        self.series.keys().map(String::as_str).filter(|name| !name.is_empty())
    }

    /// The rows of a series within a range; of the only one where no name is given.
    ///
    /// # Errors
    /// One line that says what is wrong, and where.
    pub fn rows(&self, series: Option<&str>, from: Date, to: Stamp) -> Result<Vec<Row>, String> {
        let mut rows = Vec::new();
        for &place in self.places(series)? {
            if self.stamps[place].is_within(from, to) {
                rows.push(self.row(place)?);
            }
        }
        Ok(rows)
    }

    /// The rows of a series within a range, and what is known of the periods after it.
    ///
    /// # Errors
    /// As [`Table::rows`].
    pub fn history(&self, series: Option<&str>, from: Date, to: Stamp) -> Result<History, String> {
        let mut ahead = Vec::new();
        if !self.columns.regressors.is_empty() {
            let later = self.places(series)?.iter().filter(|place| self.stamps[**place] > to).take(MAX_AHEAD);
            for &place in later {
                ahead.push(Row { regressors: self.regressors(place)?, ..Row::new(place + 1, self.stamps[place]) });
            }
        }
        let rows = self.rows(series, from, to)?;
        Ok(History { rows, read_at: None, ahead, closes_alone: self.columns.closes_alone })
    }

    /// The stamps of a series' rows that have a value; of the only one where no name is given.
    ///
    /// # Errors
    /// As [`Table::rows`]; but a value that cannot be read is none.
    pub fn known_stamps(&self, series: Option<&str>) -> Result<Vec<Stamp>, String> {
        let has_value = |place: &&usize| matches!(self.value(**place), Ok(Some(_)));
        Ok(self.places(series)?.iter().filter(has_value).map(|place| self.stamps[*place]).collect())
    }

    /// A series' rows as a file of its own.
    pub fn csv_of(&self, series: &str) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let places = self.places(Some(series)).map(Vec::as_slice).unwrap_or_default();
        // Memory can be written.
        drop(writer.write_record(&self.header));
        places.iter().for_each(|place| drop(writer.write_record(self.records.get(*place).fields())));
        writer.into_inner().unwrap_or_default()
    }

    fn places(&self, series: Option<&str>) -> Result<&Vec<usize>, String> {
        const NONE: &Vec<usize> = &Vec::new();
        match series {
            Some(name) => match self.series.get(name) {
                Some(places) => places.as_ref().map_err(Clone::clone),
                None => Err(format!("it has no series {}", quoted(name))),
            },
            None if self.series.len() > 1 => Err(format!(
                "it is a table of several series ({}, ...): give the file itself, not a folder",
                self.series().take(3).map(quoted).collect::<Vec<_>>().join(", ")
            )),
            None => self.series.values().next().map_or(Ok(NONE), |places| places.as_ref().map_err(Clone::clone)),
        }
    }

    fn row(&self, place: usize) -> Result<Row, String> {
        let record = self.records.get(place);
        let at = |e: String| self.at(place, &e);
        let other = |i: usize| {
            self.columns.others[i].map_or(Ok(None), |column| {
                number::read(record.get(column).unwrap_or_default(), self.decimal_comma).map_err(at)
            })
        };
        Ok(Row {
            adjusted_close: self.value(place).map_err(at)?,
            open: other(0)?,
            high: other(1)?,
            low: other(2)?,
            close: other(3)?,
            volume: other(4)?,
            dividend: other(5)?,
            split_factor: other(6)?,
            regressors: self.regressors(place)?,
            ..Row::new(place + 1, self.stamps[place])
        })
    }

    fn regressors(&self, place: usize) -> Result<Vec<Option<f64>>, String> {
        let read =
            |column: &usize| number::read(self.records.get(place).get(*column).unwrap_or_default(), self.decimal_comma);
        self.columns.regressors.iter().map(read).collect::<Result<_, _>>().map_err(|error| self.at(place, &error))
    }

    fn value(&self, place: usize) -> Result<Option<f64>, String> {
        number::read(self.records.get(place).get(self.columns.value).unwrap_or_default(), self.decimal_comma)
    }

    fn at(&self, place: usize, what: &str) -> String {
        format!("row {} ({}): {what}", place + 1, self.stamps[place])
    }

    /// Rows in the order of their stamps, each once. A file that is in no order, or newest first, is sorted; one that nearly is has a
    /// mistyped date, which must not just drop a day.
    fn ordered(&self, mut rows: Vec<usize>) -> Result<Vec<usize>, String> {
        let falls = |pair: &&[usize]| self.stamps[pair[0]] > self.stamps[pair[1]];
        let falling = rows.windows(2).filter(falls).count();
        if falling > 0 {
            let descending = falling == rows.len() - 1;
            if self.order_is_meant && !descending && (falling == 1 || (falling as f64) < SHUFFLED * rows.len() as f64) {
                let pair = rows.windows(2).find(falls).expect("one falls");
                let what = format!("it follows {}, but dates must increase", self.stamps[pair[0]]);
                return Err(self.at(pair[1], &what));
            }
            rows.sort_by_key(|place| self.stamps[*place]);
        }
        let mut ordered: Vec<usize> = Vec::with_capacity(rows.len());
        for place in rows {
            match ordered.last() {
                Some(&last) if self.stamps[last] == self.stamps[place] => {
                    if !self.records.get(last).fields().eq(self.records.get(place).fields()) {
                        return Err(self.at(last.max(place), "another row of the same date says otherwise"));
                    }
                }
                _ => ordered.push(place),
            }
        }
        Ok(ordered)
    }
}

/// One line of bounded length.
pub(super) fn quoted(text: &str) -> String {
    legible(text).chars().take(80).collect()
}
