//! The configuration that a command works by.

use std::{fs, io::ErrorKind, path::Path};

use pipeline::Settings;

use super::{Failure, arguments::PlaceArguments, stores::Stores};
use crate::programs::program_digest;

/// The configuration: the file that was named; otherwise the one in the bucket, or the usual one beside this command.
pub(super) async fn settings(
    named: Option<&Path>,
    set: &[String],
    place: &PlaceArguments,
) -> Result<Settings, Failure> {
    match (named, place.in_cloud()) {
        (None, true) if set.is_empty() => Ok(Settings::stored(&*Stores::read(place).await?.archive).await?),
        _ => read_settings(named, set),
    }
}

pub(super) const USUAL_FILE: &str = "closing-bell.toml";

/// Reads the file that was named, or the usual one where it exists.
pub(super) fn read_settings(named: Option<&Path>, set: &[String]) -> Result<Settings, Failure> {
    let path = named.unwrap_or(Path::new(USUAL_FILE));
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == ErrorKind::NotFound => {
            // What is set on the command line stands by itself.
            return Settings::parse_with("", set).map(with_programs).map_err(Failure::Usage);
        }
        Err(error) => return Err(Failure::Usage(format!("{} cannot be read: {error}", path.display()))),
    };
    let wrong = |message: String| Failure::Usage(format!("{}: {message}", path.display()));
    let mut settings = Settings::parse_with(&text, set).map_err(wrong)?;
    if let Some(file) = settings.watchlist.file() {
        let beside = path.with_file_name(file);
        let listed = fs::read_to_string(&beside)
            .map_err(|error| wrong(format!("its watchlist {} cannot be read: {error}", beside.display())))?;
        settings.watchlist.read(&listed).map_err(wrong)?;
    }
    Ok(with_programs(settings))
}

/// With what is in the files of its programs: another file is another program.
fn with_programs(mut settings: Settings) -> Settings {
    for program in settings.programs().filter(|program| program.command.is_some()) {
        program.sha256 = Some(program_digest(program));
    }
    settings
}
