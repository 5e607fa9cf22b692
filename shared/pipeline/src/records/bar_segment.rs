//! A segment of bars as a Parquet file, which any tool opens: a row a bar, compressed with zstd. Prices as they were traded have few
//! digits that repeat, so no column has a dictionary; statistics and indexes would outweigh the rows of a small segment.

use std::{error::Error, sync::Arc};

use bytes::Bytes;
use forecasting::TradingDay;
use jiff::{SignedDuration, civil::Date};
use parquet::{
    basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel},
    column::reader::ColumnReader,
    data_type::{DoubleType, Int32Type},
    errors::Result,
    file::{
        properties::{EnabledStatistics, WriterProperties},
        reader::{FileReader, RowGroupReader},
        serialized_reader::SerializedFileReader,
        writer::SerializedFileWriter,
    },
    schema::types::{Type, TypePtr},
};

use super::bar_log::{KnownBar, numbers, row};

/// When the bar was, and the session of the run that got to know it.
const DAYS: [&str; 2] = ["session", "known"];
const NUMBERS: [&str; 8] = ["open", "high", "low", "close", "volume", "adjClose", "divCash", "splitFactor"];
const EPOCH: Date = Date::constant(1970, 1, 1);
/// No segment has more: a millennium of sessions.
const MAX_ROWS: i64 = 1 << 18;

pub(super) fn write(bars: &[KnownBar]) -> Vec<u8> {
    written(bars).expect("memory can be written")
}

fn written(bars: &[KnownBar]) -> Result<Vec<u8>> {
    let properties = WriterProperties::builder()
        .set_created_by("closing-bell".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(6)?))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true);
    let mut bytes = Vec::new();
    let mut file = SerializedFileWriter::new(&mut bytes, schema()?, Arc::new(properties.build()))?;
    let mut group = file.next_row_group()?;
    let sessions = bars.iter().map(|bar| days(bar.row.date)).collect();
    let known = bars.iter().map(|bar| days(bar.known.date())).collect();
    for days in [sessions, known] {
        let days: Vec<i32> = days;
        let Some(mut column) = group.next_column()? else { continue };
        column.typed::<Int32Type>().write_batch(&days, None, None)?;
        column.close()?;
    }
    for place in 0..NUMBERS.len() {
        let values: Vec<Option<f64>> = bars.iter().map(|bar| numbers(&bar.row)[place]).collect();
        let present: Vec<f64> = values.iter().copied().flatten().collect();
        let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
        let Some(mut column) = group.next_column()? else { continue };
        column.typed::<DoubleType>().write_batch(&present, Some(&levels), None)?;
        column.close()?;
    }
    group.close()?;
    file.close()?;
    Ok(bytes)
}

fn schema() -> Result<TypePtr> {
    let day = |name| Type::primitive_type_builder(name, Physical::INT32).with_logical_type(Some(LogicalType::Date));
    let days = DAYS.map(|name| day(name).with_repetition(Repetition::REQUIRED).build());
    let number = |name| Type::primitive_type_builder(name, Physical::DOUBLE).with_repetition(Repetition::OPTIONAL);
    let columns = days.into_iter().chain(NUMBERS.map(|name| number(name).build()));
    let columns = columns.map(|column| column.map(Arc::new)).collect::<Result<Vec<_>>>()?;
    Type::group_type_builder("bars").with_fields(columns).build().map(Arc::new)
}

/// Reads a segment whose digest has been compared already.
pub(super) fn read(bytes: Vec<u8>) -> std::result::Result<Vec<KnownBar>, String> {
    rows_of(bytes).map_err(|error| error.to_string())
}

fn rows_of(bytes: Vec<u8>) -> std::result::Result<Vec<KnownBar>, Box<dyn Error>> {
    let file = SerializedFileReader::new(Bytes::from(bytes))?;
    let rows = file.metadata().file_metadata().num_rows();
    if file.metadata().file_metadata().schema() != &*schema()? {
        return Err("it has other columns".into());
    }
    if !(1..=MAX_ROWS).contains(&rows) || file.num_row_groups() != 1 {
        return Err(format!("{rows} rows in {} groups", file.num_row_groups()).into());
    }
    let rows = usize::try_from(rows)?;
    let group = file.get_row_group(0)?;
    let days = [days_of(&*group, 0, rows)?, days_of(&*group, 1, rows)?];
    let mut columns = Vec::with_capacity(NUMBERS.len());
    for place in 0..NUMBERS.len() {
        columns.push(numbers_of(&*group, DAYS.len() + place, rows)?);
    }
    let bar = |index: usize| KnownBar {
        known: days[1][index],
        row: row(days[0][index], std::array::from_fn(|place| columns[place][index])),
    };
    Ok((0..rows).map(bar).collect())
}

fn days_of(
    group: &dyn RowGroupReader,
    place: usize,
    rows: usize,
) -> std::result::Result<Vec<TradingDay>, Box<dyn Error>> {
    let ColumnReader::Int32ColumnReader(mut column) = group.get_column_reader(place)? else {
        return Err(format!("column {place} holds no days").into());
    };
    let mut days = Vec::with_capacity(rows);
    column.read_records(rows, None, None, &mut days)?;
    if days.len() != rows {
        return Err(format!("{} of {rows} rows", days.len()).into());
    }
    days.into_iter()
        .map(|days| Ok(TradingDay::new(EPOCH.checked_add(SignedDuration::from_hours(24 * i64::from(days)))?)?))
        .collect()
}

fn numbers_of(
    group: &dyn RowGroupReader,
    place: usize,
    rows: usize,
) -> std::result::Result<Vec<Option<f64>>, Box<dyn Error>> {
    let ColumnReader::DoubleColumnReader(mut column) = group.get_column_reader(place)? else {
        return Err(format!("column {place} holds no numbers").into());
    };
    let (mut values, mut levels) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
    column.read_records(rows, Some(&mut levels), None, &mut values)?;
    let mut values = values.into_iter();
    let numbers: Vec<Option<f64>> =
        levels.into_iter().map(|level| (level > 0).then(|| values.next()).flatten()).collect();
    if numbers.len() == rows { Ok(numbers) } else { Err(format!("{} of {rows} rows", numbers.len()).into()) }
}

fn days(date: Date) -> i32 {
    (date - EPOCH).get_days()
}
