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

use std::{cell::RefCell, sync::LazyLock};

use zstd::{
    bulk::{Compressor, Decompressor},
    dict::{DecoderDictionary, EncoderDictionary},
    zstd_safe::get_frame_content_size,
};

/// The dictionary of records that begin with this byte.
const FIRST: u8 = 1;
const DICTIONARY: &[u8] = include_bytes!("records.dict");
const LEVEL: i32 = 3;
static ENCODER: LazyLock<EncoderDictionary<'static>> = LazyLock::new(|| EncoderDictionary::copy(DICTIONARY, LEVEL));
static DECODER: LazyLock<DecoderDictionary<'static>> = LazyLock::new(|| DecoderDictionary::copy(DICTIONARY));
/// Nothing is larger than this unpacked.
const MAX_BYTES: u64 = 256 << 20;

thread_local! {
    // A context costs more to make than a record to pack.
    static PACKER: RefCell<Compressor<'static>> =
        RefCell::new(packer().expect("there is memory for a context"));
    static UNPACKER: RefCell<Decompressor<'static>> =
        RefCell::new(Decompressor::with_prepared_dictionary(&DECODER).expect("there is memory for a context"));
}

/// With a checksum, for what no digest covers.
fn packer() -> std::io::Result<Compressor<'static>> {
    let mut packer = Compressor::with_prepared_dictionary(&ENCODER)?;
    packer.include_checksum(true)?;
    Ok(packer)
}

/// Packs a ledger's record.
pub fn pack(json: &str) -> Vec<u8> {
    let packed = PACKER.with_borrow_mut(|zstd| zstd.compress(json.as_bytes()));
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
        Some((&FIRST, frame)) => UNPACKER.with_borrow_mut(|zstd| text(zstd, frame)),
        Some((other, _)) => Err(format!("it is packed in a way that this version does not know ({other})")),
        None => Err("it is empty".to_owned()),
    }
}

/// Compresses an archive's object.
pub(crate) fn compress(json: &str) -> Vec<u8> {
    let packed = Compressor::new(LEVEL).and_then(|mut zstd| {
        zstd.include_checksum(true)?;
        zstd.compress(json.as_bytes())
    });
    packed.expect("memory can be written")
}

/// The JSON of an archive's object.
pub(crate) fn decompress(bytes: &[u8]) -> Result<String, String> {
    text(&mut Decompressor::new().map_err(|error| error.to_string())?, bytes)
}

/// The text of a frame, which says how long it is.
fn text(zstd: &mut Decompressor<'_>, frame: &[u8]) -> Result<String, String> {
    let length = get_frame_content_size(frame).ok().flatten().ok_or("it is no frame that says its length")?;
    if length >= MAX_BYTES {
        return Err("it is larger than a record can be".to_owned());
    }
    let bytes = zstd.decompress(frame, length as usize).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| error.to_string())
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
