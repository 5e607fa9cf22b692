//! A segment of bars as a Parquet file, which any tool opens: a row a bar, a large one compressed with zstd. Prices as they were traded
//! have few digits that repeat, so no column has a dictionary; statistics and indexes would outweigh the rows of a small segment.

use std::{error::Error, sync::Arc};

use bytes::Bytes;
use forecasting::{Row, Stamp};
use jiff::{SignedDuration, civil::Date};
use parquet::{
    basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel},
    column::reader::ColumnReader,
    data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type},
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
/// Fewer rows are not compressed. Each column's reader makes a zstd context of its own, which takes longer than all that is read with it:
/// over a year of nights, as the small segments of a history grew in number, they came to a fifth of a night.
const MIN_COMPRESSED: usize = 128;

/// What the columns to regress on are called begins with this: they may be called as those above.
const REGRESSOR: &str = "regressor ";

pub(super) fn write(bars: &[KnownBar], regressors: &[String]) -> Vec<u8> {
    written(bars, regressors).expect("memory can be written")
}

fn written(bars: &[KnownBar], regressors: &[String]) -> Result<Vec<u8>> {
    let compression =
        if bars.len() < MIN_COMPRESSED { Compression::UNCOMPRESSED } else { Compression::ZSTD(ZstdLevel::try_new(6)?) };
    let properties = WriterProperties::builder()
        .set_created_by("closing-bell".to_owned())
        .set_compression(compression)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true);
    let columns = [Stamps::of(bars.iter().map(|bar| bar.row.date)), Stamps::of(bars.iter().map(|bar| bar.known))];
    let mut bytes = Vec::new();
    let regressors = regressors.iter().map(|name| format!("{REGRESSOR}{name}")).collect::<Vec<_>>();
    let schema = schema(columns.each_ref().map(|column| matches!(column, Stamps::Days(_))), &regressors)?;
    let mut file = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties.build()))?;
    let mut group = file.next_row_group()?;
    for stamps in columns {
        let Some(mut column) = group.next_column()? else { continue };
        match stamps {
            Stamps::Days(days) => column.typed::<Int32Type>().write_batch(&days, None, None)?,
            Stamps::Words(words) => column.typed::<ByteArrayType>().write_batch(&words, None, None)?,
        };
        column.close()?;
    }
    let number = |bar: &KnownBar, place: usize| match place.checked_sub(NUMBERS.len()) {
        None => numbers(&bar.row)[place],
        Some(place) => bar.row.regressors.get(place).copied().flatten(),
    };
    for place in 0..NUMBERS.len() + regressors.len() {
        let values: Vec<Option<f64>> = bars.iter().map(|bar| number(bar, place)).collect();
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

/// A column of stamps: dates as days since 1970, others as they are written.
enum Stamps {
    Days(Vec<i32>),
    Words(Vec<ByteArray>),
}

impl Stamps {
    fn of(stamps: impl Iterator<Item = Stamp> + Clone) -> Stamps {
        let days: Option<Vec<i32>> =
            stamps.clone().map(|stamp| matches!(stamp, Stamp::Date(_)).then(|| stamp.date().map(days))?).collect();
        days.map_or_else(
            || Stamps::Words(stamps.map(|stamp| ByteArray::from(&*stamp.to_string())).collect()),
            Stamps::Days,
        )
    }
}

/// With dates in the first two columns, or words, and these columns at the end.
fn schema(dates: [bool; 2], regressors: &[String]) -> Result<TypePtr> {
    let day = |name| Type::primitive_type_builder(name, Physical::INT32).with_logical_type(Some(LogicalType::Date));
    let word =
        |name| Type::primitive_type_builder(name, Physical::BYTE_ARRAY).with_logical_type(Some(LogicalType::String));
    let stamp = |(name, is_date)| if is_date { day(name) } else { word(name) };
    let days = [0, 1].map(|i| stamp((DAYS[i], dates[i])).with_repetition(Repetition::REQUIRED).build());
    let number = |name| Type::primitive_type_builder(name, Physical::DOUBLE).with_repetition(Repetition::OPTIONAL);
    let numbers = NUMBERS.into_iter().chain(regressors.iter().map(String::as_str));
    let columns = days.into_iter().chain(numbers.map(|name| number(name).build()));
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
    let found = file.metadata().file_metadata().schema();
    let more = found.get_fields().iter().skip(DAYS.len() + NUMBERS.len()).map(|field| field.name());
    let regressors: Vec<String> = more.filter(|name| name.starts_with(REGRESSOR)).map(str::to_owned).collect();
    let mut known = false;
    for dates in [[true, true], [true, false], [false, true], [false, false]] {
        known |= found == &*schema(dates, &regressors)?;
    }
    if !known {
        return Err("it has other columns".into());
    }
    if !(1..=MAX_ROWS).contains(&rows) || file.num_row_groups() != 1 {
        return Err(format!("{rows} rows in {} groups", file.num_row_groups()).into());
    }
    let rows = usize::try_from(rows)?;
    let group = file.get_row_group(0)?;
    let days = [stamps_of(&*group, 0, rows)?, stamps_of(&*group, 1, rows)?];
    let mut columns = Vec::with_capacity(NUMBERS.len() + regressors.len());
    for place in 0..NUMBERS.len() + regressors.len() {
        columns.push(numbers_of(&*group, DAYS.len() + place, rows)?);
    }
    let bar = |index: usize| KnownBar {
        known: days[1][index],
        row: Row {
            regressors: columns[NUMBERS.len()..].iter().map(|column| column[index]).collect(),
            ..row(days[0][index], std::array::from_fn(|place| columns[place][index]))
        },
    };
    Ok((0..rows).map(bar).collect())
}

fn stamps_of(group: &dyn RowGroupReader, place: usize, rows: usize) -> std::result::Result<Vec<Stamp>, Box<dyn Error>> {
    let stamps: Vec<Stamp> = match group.get_column_reader(place)? {
        ColumnReader::Int32ColumnReader(mut column) => {
            let mut days = Vec::with_capacity(rows);
            column.read_records(rows, None, None, &mut days)?;
            let date = |days| EPOCH.checked_add(SignedDuration::from_hours(24 * i64::from(days))).map(Stamp::Date);
            days.into_iter().map(date).collect::<std::result::Result<_, _>>()?
        }
        ColumnReader::ByteArrayColumnReader(mut column) => {
            let mut words = Vec::with_capacity(rows);
            column.read_records(rows, None, None, &mut words)?;
            let mut stamps = Vec::with_capacity(rows);
            for word in words {
                stamps.push(word.as_utf8()?.parse()?);
            }
            stamps
        }
        _ => return Err(format!("column {place} holds no stamps").into()),
    };
    if stamps.len() == rows { Ok(stamps) } else { Err(format!("{} of {rows} rows", stamps.len()).into()) }
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
