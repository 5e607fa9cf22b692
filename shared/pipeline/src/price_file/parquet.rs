//! Tables that are Parquet files, each field as a CSV file would write it.

use bytes::Bytes;
use csv::StringRecord;
use parquet::{
    file::{reader::FileReader, serialized_reader::SerializedFileReader},
    record::Field,
};

use super::{
    ColumnNames, Table,
    columns::Columns,
    records::Records,
    table::{Writing, most_rows},
};

impl Table {
    /// Reads a Parquet file.
    ///
    /// # Errors
    /// One line that says what is wrong.
    pub fn of_parquet(bytes: Vec<u8>, names: &ColumnNames) -> Result<Table, String> {
        // Its reader panics on some damaged files (found by fuzzing): they are no more than one bad ticker.
        let read = std::panic::catch_unwind(|| Table::read_parquet(bytes, names));
        read.unwrap_or_else(|_| Err("no Parquet file that can be read: it is damaged".to_owned()))
    }

    fn read_parquet(bytes: Vec<u8>, names: &ColumnNames) -> Result<Table, String> {
        let wrong = |error: parquet::errors::ParquetError| format!("no Parquet file that can be read: {error}");
        let file = SerializedFileReader::new(Bytes::from(bytes)).map_err(wrong)?;
        let meta = file.metadata().file_metadata();
        let header: StringRecord = meta.schema().get_fields().iter().map(|field| field.name()).collect();
        let most = most_rows(&Columns::find(&header, names)?);
        if usize::try_from(meta.num_rows()).unwrap_or(usize::MAX) > most {
            return Err(format!("it has more than {most} rows"));
        }
        let mut records = Records::default();
        for row in file.get_row_iter(None).map_err(wrong)? {
            let row = row.map_err(wrong)?;
            records.push(&row.get_column_iter().map(|(_, field)| text(field)).collect())?;
        }
        Table::of(&header, names, records, Writing { decimal_comma: false, order_is_meant: true })
    }
}

fn text(field: &Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Double(value) => value.to_string(),
        Field::Float(value) => value.to_string(),
        Field::TimestampMillis(at) => at.to_string(),
        Field::TimestampMicros(at) => (at / 1000).to_string(),
        // 2020-12-11, and numbers as they are.
        other => other.to_string(),
    }
}
