//! Lists of dates that calendars are, in the archive: whatever is stored counts by them.

use forecasting::{Calendar, DatesCalendar};

use crate::{Archive, Configuration, Digest, Error, Key};

/// Archives the lists that a run counts by.
pub(crate) async fn keep(archive: &dyn Archive, configuration: &Configuration) -> Result<(), Error> {
    let cadences = configuration.series.values().map(|reading| reading.cadence).chain([configuration.cadence]);
    let lists = cadences.flatten().filter_map(|cadence| match cadence.calendar {
        Calendar::Dates(dates) => Some(dates),
        _ => None,
    });
    let lists: Vec<DatesCalendar> = lists.collect();
    for dates in lists {
        let text = dates.text();
        let key = Key::calendar(dates.name(), dates.last(), &Digest::of(text.as_bytes()));
        archive.create(&key, text.as_bytes()).await?;
    }
    Ok(())
}

/// Makes all lists in an archive known, which is to be done before anything is read from its ledger.
///
/// # Errors
/// [`Error::Damaged`] for one that is none, or not the one that is known by its name.
pub async fn know_calendars(archive: &dyn Archive) -> Result<(), Error> {
    for listed in archive.list(Key::CALENDARS).await? {
        let Some((key, name)) = Key::of_calendar(&listed) else { continue };
        let damaged = |reason: String| Error::Damaged { key: listed.clone(), reason };
        let bytes = archive.read(&key).await?.ok_or_else(|| Error::Missing { key: listed.clone() })?;
        let text = std::str::from_utf8(&bytes).map_err(|error| damaged(error.to_string()))?;
        DatesCalendar::know(name, text).map_err(damaged)?;
    }
    Ok(())
}
