//! How JSON is kept. In an archive: a zstd frame (RFC 8878), which any tool reads. In a ledger: the same with a dictionary, a byte before it
//! saying which, so that a record of some two kilobytes takes a few hundred bytes, and one of DynamoDB's write units. What earlier releases wrote
//! is plain text.
//!
//! The dictionary is text: records of a night on the recorded sample. It never changes, since what was packed with it is read with it for
//! ever; a better one would be another file with another number. Without this program:
//!
//! ```text
//! tail -c +2 record | zstd -d -D shared/pipeline/src/records.dict
//! ```

use std::{
    io::{self, Read},
    sync::LazyLock,
};

use zstd::{
    bulk::Compressor,
    dict::{DecoderDictionary, EncoderDictionary},
    stream::read::Decoder,
};

/// The dictionary of records that begin with this byte.
const FIRST: u8 = 1;
const DICTIONARY: &[u8] = include_bytes!("records.dict");
const LEVEL: i32 = 3;
static ENCODER: LazyLock<EncoderDictionary<'static>> = LazyLock::new(|| EncoderDictionary::copy(DICTIONARY, LEVEL));
static DECODER: LazyLock<DecoderDictionary<'static>> = LazyLock::new(|| DecoderDictionary::copy(DICTIONARY));
/// Nothing is larger than this unpacked.
const MAX_BYTES: u64 = 256 << 20;

/// Packs a ledger's record.
pub fn pack(json: &str) -> Vec<u8> {
    let packed = Compressor::with_prepared_dictionary(&ENCODER).and_then(|mut zstd| zstd.compress(json.as_bytes()));
    let mut bytes = vec![FIRST];
    bytes.extend(packed.expect("memory can be written"));
    bytes
}

/// Unpacks a ledger's record.
///
/// # Errors
/// In words, where these bytes are none.
pub fn unpack(bytes: &[u8]) -> Result<String, String> {
    match bytes.split_first() {
        Some((&FIRST, frame)) => text(Decoder::with_prepared_dictionary(frame, &DECODER)),
        Some((other, _)) => Err(format!("it is packed in a way that this version does not know ({other})")),
        None => Err("it is empty".to_owned()),
    }
}

/// Compresses an archive's object.
pub(crate) fn compress(json: &str) -> Vec<u8> {
    zstd::bulk::compress(json.as_bytes(), LEVEL).expect("memory can be written")
}

/// The JSON of an archive's object.
pub(crate) fn decompress(bytes: &[u8]) -> Result<String, String> {
    text(Decoder::with_buffer(bytes))
}

fn text<'a>(decoder: io::Result<impl Read + 'a>) -> Result<String, String> {
    let mut json = String::new();
    let read = decoder.and_then(|decoder| decoder.take(MAX_BYTES).read_to_string(&mut json));
    match read.map_err(|error| error.to_string())? as u64 {
        MAX_BYTES => Err("it is larger than a record can be".to_owned()),
        _ => Ok(json),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Digest;

    #[test]
    fn what_is_packed_is_unpacked() {
        let records: Vec<&str> = str::from_utf8(DICTIONARY).expect("text").lines().collect();
        for json in records.iter().copied().chain(["{}", "", "\u{fc}ber"]) {
            assert_eq!(unpack(&pack(json)).as_deref(), Ok(json));
            assert_eq!(decompress(&compress(json)).as_deref(), Ok(json));
        }
        let one = pack(records[4]);
        for bytes in [&[][..], &[7, 1], &one[..1], &one[..10], &one[..one.len() - 1], b"{}"] {
            assert!(unpack(bytes).is_err(), "{bytes:?}");
        }
        // It may bomb.
        assert!(unpack(&pack(&"a".repeat(1 << 28))).is_err());
    }

    /// What is on record is read with this dictionary and no other.
    #[test]
    fn the_dictionary_never_changes() {
        assert_eq!(Digest::of(DICTIONARY).short(), "a281b8b8");
    }
}
