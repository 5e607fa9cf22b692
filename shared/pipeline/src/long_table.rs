//! Tables of several series, a row for each period of each, as CSV or Parquet: what any tool reads, and [`crate::price_file`] reads back.

use std::sync::Arc;

use forecasting::Stamp;
use jiff::civil::Date;
use parquet::{
    basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical},
    data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type},
    errors::Result,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::types::{Type, TypePtr},
};

/// A table by its columns, which are equally long.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LongTable {
    columns: Vec<(String, Values)>,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Values {
    /// Names.
    Words(Vec<String>),
    /// Dates, moments or places in a series.
    Stamps(Vec<Stamp>),
    /// Numbers, where there are any.
    Numbers(Vec<Option<f64>>),
}

/// Days, milliseconds or places where all are such; otherwise as they are written.
enum Times {
    Days(Vec<i32>),
    Milliseconds(Vec<i64>),
    Places(Vec<i64>),
    Words(Vec<String>),
}

const EPOCH: Date = Date::constant(1970, 1, 1);

impl LongTable {
    pub(crate) fn new(columns: Vec<(String, Values)>) -> LongTable {
        LongTable { columns }
    }

    /// As CSV. Numbers are in their shortest form that reads back to the same bits.
    pub fn csv(&self) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        // Memory can be written.
        let _ = writer.write_record(self.columns.iter().map(|(name, _)| name));
        let rows = self.columns.first().map_or(0, |(_, values)| values.len());
        for row in 0..rows {
            let _ = writer.write_record(self.columns.iter().map(|(_, values)| values.field(row)));
        }
        writer.into_inner().unwrap_or_default()
    }

    /// As Parquet: dates and moments in types of their own.
    pub fn parquet(&self) -> Vec<u8> {
        self.written().expect("memory can be written")
    }

    fn written(&self) -> Result<Vec<u8>> {
        let properties = WriterProperties::builder()
            .set_created_by("closing-bell".to_owned())
            .set_compression(Compression::ZSTD(parquet::basic::ZstdLevel::default()));
        let columns: Vec<(&String, Column<'_>)> =
            self.columns.iter().map(|(name, values)| (name, values.column())).collect();
        let fields = columns.iter().map(|(name, column)| column.field(name)).collect::<Result<Vec<_>>>()?;
        let schema = Type::group_type_builder("series").with_fields(fields).build().map(Arc::new)?;
        let mut bytes = Vec::new();
        let mut file = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties.build()))?;
        let mut group = file.next_row_group()?;
        for (_, column) in &columns {
            let Some(mut writer) = group.next_column()? else { continue };
            match column {
                Column::Times(Times::Days(days)) => {
                    writer.typed::<Int32Type>().write_batch(days, None, None)?;
                }
                Column::Times(Times::Milliseconds(places) | Times::Places(places)) => {
                    writer.typed::<Int64Type>().write_batch(places, None, None)?;
                }
                Column::Times(Times::Words(words)) => write_words(&mut writer, words)?,
                Column::Words(words) => write_words(&mut writer, words)?,
                Column::Numbers(numbers) => {
                    let present: Vec<f64> = numbers.iter().copied().flatten().collect();
                    let levels: Vec<i16> = numbers.iter().map(|value| i16::from(value.is_some())).collect();
                    writer.typed::<DoubleType>().write_batch(&present, Some(&levels), None)?;
                }
            }
            writer.close()?;
        }
        group.close()?;
        file.close()?;
        Ok(bytes)
    }
}

fn write_words(writer: &mut parquet::file::writer::SerializedColumnWriter<'_>, words: &[String]) -> Result<()> {
    let words: Vec<ByteArray> = words.iter().map(|word| ByteArray::from(word.as_str())).collect();
    writer.typed::<ByteArrayType>().write_batch(&words, None, None).map(drop)
}

/// A column as Parquet stores it.
enum Column<'a> {
    Words(&'a [String]),
    Times(Times),
    Numbers(&'a [Option<f64>]),
}

impl Column<'_> {
    fn field(&self, name: &str) -> Result<TypePtr> {
        let (physical, logical, repetition) = match self {
            Column::Times(Times::Days(_)) => (Physical::INT32, Some(LogicalType::Date), Repetition::REQUIRED),
            Column::Times(Times::Milliseconds(_)) => {
                let moment = LogicalType::timestamp(true, TimeUnit::MILLIS);
                (Physical::INT64, Some(moment), Repetition::REQUIRED)
            }
            Column::Times(Times::Places(_)) => (Physical::INT64, None, Repetition::REQUIRED),
            Column::Times(Times::Words(_)) | Column::Words(_) => {
                (Physical::BYTE_ARRAY, Some(LogicalType::String), Repetition::REQUIRED)
            }
            Column::Numbers(_) => (Physical::DOUBLE, None, Repetition::OPTIONAL),
        };
        let field = Type::primitive_type_builder(name, physical);
        field.with_logical_type(logical).with_repetition(repetition).build().map(Arc::new)
    }
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Values::Words(words) => words.len(),
            Values::Stamps(stamps) => stamps.len(),
            Values::Numbers(numbers) => numbers.len(),
        }
    }

    fn field(&self, row: usize) -> String {
        match self {
            Values::Words(words) => words[row].clone(),
            Values::Stamps(stamps) => written(stamps[row]),
            Values::Numbers(numbers) => numbers[row].map(|number| number.to_string()).unwrap_or_default(),
        }
    }

    fn column(&self) -> Column<'_> {
        match self {
            Values::Words(words) => Column::Words(words),
            Values::Stamps(stamps) => Column::Times(Times::of(stamps)),
            Values::Numbers(numbers) => Column::Numbers(numbers),
        }
    }
}

/// An index without the zeros that sort it.
fn written(stamp: Stamp) -> String {
    match stamp {
        Stamp::Index(place) => place.to_string(),
        other => other.to_string(),
    }
}

impl Times {
    fn of(stamps: &[Stamp]) -> Times {
        let days = stamps.iter().map(|stamp| match stamp {
            Stamp::Date(date) => Some((*date - EPOCH).get_days()),
            _ => None,
        });
        if let Some(days) = days.collect() {
            return Times::Days(days);
        }
        let moments = stamps.iter().map(|stamp| match stamp {
            Stamp::Moment(at) => Some(at.as_millisecond()),
            _ => None,
        });
        if let Some(moments) = moments.collect() {
            return Times::Milliseconds(moments);
        }
        let places = stamps.iter().map(|stamp| match stamp {
            Stamp::Index(place) => i64::try_from(*place).ok(),
            _ => None,
        });
        match places.collect() {
            Some(places) => Times::Places(places),
            None => Times::Words(stamps.iter().map(|stamp| written(*stamp)).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::price_file::{ColumnNames, Table};

    /// What is written is what is read, in either form.
    #[test]
    fn both_forms_read_back() {
        let check = |stamps: [&str; 3]| {
            let stamps = stamps.map(|stamp| stamp.parse::<Stamp>().expect("a stamp")).to_vec();
            let table = LongTable::new(vec![
                ("unique_id".to_owned(), Values::Words(["A", "A", "b, c"].map(str::to_owned).to_vec())),
                ("ds".to_owned(), Values::Stamps(stamps.clone())),
                ("y".to_owned(), Values::Numbers(vec![Some(0.1), None, Some(-2e-9)])),
            ]);
            let text = String::from_utf8(table.csv()).expect("text");
            let names = ColumnNames::default();
            for read in [Table::read(&text, &names), Table::of_parquet(table.parquet(), &names)] {
                let read = read.expect("reads");
                let rows = |name: &str| read.rows(Some(name), Date::MIN, Stamp::Date(Date::MAX)).expect("rows");
                let (a, b) = (rows("A"), rows("b, c"));
                let read: Vec<_> = a.iter().chain(&b).map(|row| (row.date, row.adjusted_close)).collect();
                assert_eq!(read, [(stamps[0], Some(0.1)), (stamps[1], None), (stamps[2], Some(-2e-9))], "{text}");
            }
        };
        check(["2020-12-10", "2020-12-11", "1969-12-11"]);
        check(["2020-12-10T12:30Z", "2020-12-10T13:30Z", "2020-12-10T12:30Z"]);
        check(["1", "2", "1"]);
    }
}
