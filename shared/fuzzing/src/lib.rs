//! What others send, in every form. A target takes any bytes, has them read as they would be, and panics where what comes of them is not what is
//! promised. `fuzz/` has libFuzzer look for such bytes; `tests/corpora.rs` tries those that are kept, and some near them.

mod http;
mod names;
mod prices;
mod rows;
mod secrets;
mod settings;
mod stored;

/// A target: what is done with bytes.
pub type Target = fn(&[u8]);

/// Every target, by its name.
pub const TARGETS: [(&str, Target); 8] = [
    ("http", http::http),
    ("names", names::names),
    ("price_file", prices::price_file),
    ("rows", rows::rows),
    ("secrets", secrets::secrets),
    ("settings", settings::settings),
    ("stored", stored::stored),
    ("tiingo", prices::tiingo),
];

/// One of them.
///
/// # Panics
/// Where there is none of that name; and where a promise is broken.
pub fn attack(target: &str, bytes: &[u8]) {
    let (_, target) = TARGETS.iter().find(|(name, _)| *name == target).expect("it is one of TARGETS");
    target(bytes);
}

/// A text, whatever the bytes are.
fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// Waits for what is done on this thread.
fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(work)
}
