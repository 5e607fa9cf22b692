//! Keys that are set otherwise on the command line.

/// A configuration's table with some keys set otherwise.
pub(super) fn overridden(text: &str, set: &[String]) -> Result<toml::Table, String> {
    let mut whole: toml::Table = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    for assignment in set {
        let wrong = || format!("'{assignment}' sets nothing: write key=value, as in horizon=10");
        let (key, value) = assignment.split_once('=').ok_or_else(wrong)?;
        let (key, value) = (key.trim(), value.trim());
        let read = toml::from_str::<toml::Table>(&format!("value = {value}")).ok();
        let value = read.and_then(|mut table| table.remove("value")).unwrap_or_else(|| value.into());
        let mut table = &mut whole;
        let mut names = key.split('.').peekable();
        while let Some(name) = names.next().filter(|name| !name.is_empty()) {
            if names.peek().is_none() {
                table.insert(name.to_owned(), value);
                break;
            }
            let inner = table.entry(name).or_insert_with(|| toml::Table::new().into());
            table = inner.as_table_mut().ok_or_else(wrong)?;
        }
    }
    Ok(whole)
}
