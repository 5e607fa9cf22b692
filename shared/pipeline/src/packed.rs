//! Records as a ledger keeps them: JSON, compressed with zlib (RFC 1950), which halves a night's bytes and write units. What earlier
//! releases wrote is plain text.

use std::io::{Read, Write};

use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};

/// No record is larger than this unpacked.
const MAX_BYTES: u64 = 64 << 20;

/// Packs a record.
pub fn pack(json: &str) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(json.as_bytes()).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

/// Unpacks a record.
///
/// # Errors
/// In words, where these bytes are none.
pub fn unpack(bytes: &[u8]) -> Result<String, String> {
    let mut json = String::new();
    let read = ZlibDecoder::new(bytes).take(MAX_BYTES).read_to_string(&mut json).map_err(|error| error.to_string())?;
    if read as u64 == MAX_BYTES { Err("it is larger than a record can be".to_owned()) } else { Ok(json) }
}
