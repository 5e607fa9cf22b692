//! Rows of a stream.

use pipeline::stream::{Format, Message, read};

use crate::text;

/// A row, or why it is none, and all of it that is kept.
pub(crate) fn rows(bytes: &[u8]) {
    let (first, rest) = bytes.split_first().map_or((0, bytes), |(first, rest)| (*first, rest));
    let format = [Format::Either, Format::Json, Format::Csv][usize::from(first % 3)];
    let (key, body) = match (first & 4 > 0, rest.iter().position(|byte| *byte == b'|')) {
        (true, Some(place)) => (Some(&rest[..place]), &rest[place + 1..]),
        _ => (None, rest),
    };
    let message = Message { key, body, position: None, known: jiff::Timestamp::UNIX_EPOCH };
    match read(format, &message) {
        // What its series cannot take, an infinite value among it, is refused beside that.
        Ok(arrival) => assert!(!arrival.value.is_nan(), "{}", text(body)),
        Err(refused) => assert!(!refused.reason.is_empty() && refused.row.len() <= 16_000, "{}", refused.reason),
    }
}
