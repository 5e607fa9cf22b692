//! What a server repeats of what it was sent.

use pipeline::without_secrets;
use serde_json::Value;

use crate::text;

const SECRET: &str = "Secret7/token";

/// No output holds a secret, as it is or once it is decoded.
pub(crate) fn secrets(bytes: &[u8]) {
    let (said, without) = (text(bytes), without_secrets(&text(bytes), &[SECRET]));
    assert!(!without.contains(SECRET), "{without}");
    assert!(!decoded(&without).contains(SECRET), "{without}");
    // What is JSON stays JSON.
    if serde_json::from_str::<Value>(&said).is_ok() {
        assert!(serde_json::from_str::<Value>(&without).is_ok(), "{said} became {without}");
    }
}

/// A text with all its escapes of JSON undone, as whoever shows it might; and the texts of the document that it may be.
pub(crate) fn decoded(text: &str) -> String {
    fn texts(value: &Value, all: &mut String) {
        match value {
            Value::String(text) => all.push_str(text),
            Value::Array(values) => values.iter().for_each(|value| texts(value, all)),
            Value::Object(fields) => fields.iter().for_each(|(name, value)| {
                all.push_str(name);
                all.push('\n');
                texts(value, all);
            }),
            _ => {}
        }
        all.push('\n');
    }
    let mut all = String::new();
    if let Ok(value) = serde_json::from_str(text) {
        texts(&value, &mut all);
    }
    all
}
