//! The configuration that a command works by.

use std::{fs, io::Read, path::Path};

use pipeline::Settings;

use super::{Failure, arguments::PlaceArguments, stores::Stores};
use crate::programs::program_digest;

/// The configuration: the file that was named or found; in the cloud, where none was named, the one in the bucket.
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

/// Reads the file that was named or found; without one every setting has its default.
pub(super) fn read_settings(named: Option<&Path>, set: &[String]) -> Result<Settings, Failure> {
    let Some(path) = named else {
        // What is set on the command line stands by itself.
        let mut settings = Settings::parse_with("", set).map_err(Failure::Usage)?;
        settings.read_dates(|file| read_dates(Path::new(file))).map_err(Failure::Usage)?;
        return Ok(with_programs(settings));
    };
    let cannot = |error| Failure::Usage(format!("{} cannot be read: {error}", path.display()));
    let text = fs::read_to_string(path).map_err(cannot)?;
    let wrong = |message: String| Failure::Usage(format!("{}: {message}", path.display()));
    let mut settings = Settings::parse_with(&text, set).map_err(wrong)?;
    if let Some(file) = settings.watchlist.file() {
        let beside = path.with_file_name(file);
        let listed = fs::read_to_string(&beside)
            .map_err(|error| wrong(format!("its watchlist {} cannot be read: {error}", beside.display())))?;
        settings.watchlist.read(&listed).map_err(wrong)?;
    }
    settings.read_dates(|file| read_dates(&path.with_file_name(file))).map_err(wrong)?;
    Ok(with_programs(settings))
}

/// A calendar's dates: a line each.
fn read_dates(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let file = fs::File::open(path).map_err(|error| format!("it cannot be read: {error}"))?;
    file.take(MAX_LIST).read_to_string(&mut text).map_err(|error| format!("it cannot be read: {error}"))?;
    Ok(text)
}

const MAX_LIST: u64 = 4 << 20;

/// With what is in the files of its programs: another file is another program.
fn with_programs(mut settings: Settings) -> Settings {
    for program in settings.programs().filter(|program| program.command.is_some()) {
        program.sha256 = Some(program_digest(program));
    }
    settings
}
