//! `init`: writes a commented configuration, and asks for nothing that it can find.

use std::{
    collections::BTreeSet,
    env, fs,
    io::{ErrorKind, Write},
    path::Path,
    process::ExitCode,
};

use forecasting::Ticker;

use super::{
    Failure,
    arguments::{CommonArguments, Format, USUAL_FILE},
    output,
};

/// The configuration that says every default: this repository's own.
const EVERY_SETTING: &str = include_str!("../../../../closing-bell.toml");
/// The line of it that names the watchlist.
const WATCHLIST: &str = "\nwatchlist = ";
/// More files than this are no list for a configuration: the market reads them by itself.
const MAX_LISTED: usize = 100;

/// Where a configuration would find prices, and which.
struct Found {
    tickers: Vec<Ticker>,
    /// How the first run is called, and the service.
    run: &'static str,
    serve: &'static str,
    why: String,
}

pub(super) fn init(tickers: &[Ticker], common: &CommonArguments) -> Result<ExitCode, Failure> {
    let mut found = found(tickers);
    let mut seen = BTreeSet::new();
    found.tickers.retain(|ticker| seen.insert(ticker.clone()));
    let text = configuration(&found.tickers);
    let path = Path::new(USUAL_FILE);
    let file = fs::OpenOptions::new().write(true).create_new(true).open(path);
    match file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all())) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let what = "it is left as it is (`closing-bell check` reads it; remove it to write another)";
            return Err(Failure::Usage(format!("{USUAL_FILE} exists already: {what}")));
        }
        Err(error) => return Err(Failure::Unavailable(format!("{USUAL_FILE} cannot be written: {error}"))),
    }
    if common.format() == Format::Json {
        output::json(&serde_json::json!({ "configuration": USUAL_FILE, "watchlist": found.tickers, "run": found.run }));
    } else {
        output::print(&format!("{USUAL_FILE} is written: {}.", found.why));
        output::print(&format!("Next: {}", found.run));
        output::print(&format!(
            "Then: {}, for the pages and each night; closing-bell status shows the state.",
            found.serve
        ));
    }
    Ok(ExitCode::SUCCESS)
}

const SERVE: &str = "closing-bell serve";

fn found(named: &[Ticker]) -> Found {
    let has_token = env::var("TIINGO_API_KEY").is_ok_and(|token| !token.trim().is_empty());
    let tiingo = if has_token { "closing-bell run" } else { "TIINGO_API_KEY=... closing-bell run" };
    if !named.is_empty() {
        return Found {
            tickers: named.to_vec(),
            run: tiingo,
            serve: SERVE,
            why: "its watchlist has what was named".to_owned(),
        };
    }
    let places = [
        (".", "closing-bell import .", "closing-bell serve --market csv:."),
        ("prices", "closing-bell import prices", "closing-bell serve --market csv:prices"),
    ];
    for (folder, run, serve) in places {
        let files = price_files(Path::new(folder));
        if !files.is_empty() {
            let why = format!("{} price files are in {folder}, which --market csv:{folder} reads", files.len());
            let listed = if files.len() <= MAX_LISTED { files.into_iter().collect() } else { Vec::new() };
            return Found { tickers: listed, run, serve, why };
        }
    }
    let why = if has_token {
        "TIINGO_API_KEY is set, and its watchlist has ten well-known stocks to begin with"
    } else {
        "its watchlist has ten well-known stocks; a free account at tiingo.com has the token for newer prices, and without one \
         `closing-bell run` works on recorded ones"
    };
    let run = if has_token { tiingo } else { "closing-bell run" };
    Found { tickers: Vec::new(), run, serve: SERVE, why: why.to_owned() }
}

/// Series of which a folder has a file of its own.
fn price_files(folder: &Path) -> BTreeSet<Ticker> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let stem = |name: String| -> Option<Ticker> {
        let endings = [".csv", ".csv.gz", ".parquet"];
        endings.iter().find_map(|ending| name.strip_suffix(ending)).and_then(|stem| stem.parse().ok())
    };
    names.filter_map(stem).collect()
}

/// Every setting with its default, and this watchlist.
fn configuration(tickers: &[Ticker]) -> String {
    if tickers.is_empty() {
        return EVERY_SETTING.to_owned();
    }
    let names: Vec<String> = tickers.iter().map(|ticker| format!("\"{ticker}\"")).collect();
    match EVERY_SETTING.split_once(WATCHLIST) {
        Some((before, rest)) => {
            let after = rest.split_once('\n').map_or("", |(_, after)| after);
            format!("{before}{WATCHLIST}[{}]\n{after}", names.join(", "))
        }
        None => EVERY_SETTING.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use pipeline::Settings;

    use super::*;

    #[test]
    fn what_is_written_can_be_used() {
        assert!(EVERY_SETTING.contains(WATCHLIST));
        let named: Vec<Ticker> = ["BRK-A", "KO"].map(|name| name.parse().expect("a ticker")).to_vec();
        let settings = Settings::parse(&configuration(&named)).expect("it can be read");
        assert_eq!(settings.watchlist.tickers(), named);
        assert!(Settings::parse(&configuration(&[])).is_ok_and(|settings| settings.watchlist.tickers().len() == 10));
    }
}
