/// A number, or none.
///
/// # Errors
/// What it is, and what to write instead where that is known.
pub(super) fn read(text: &str, decimal_comma: bool) -> Result<Option<f64>, String> {
    if matches!(text, "" | "null" | "NULL" | "NA" | "N/A" | "NaN" | "nan" | "None") {
        return Ok(None);
    }
    let refused = || format!("'{}' is no number", super::table::quoted(text));
    if decimal_comma && text.contains(',') {
        // 1,234.5 has a comma for thousands, whatever the file's other commas are.
        if text.rfind('.') > text.rfind(',') {
            return Err(format!("{}: write {}", refused(), text.replace(',', "")));
        }
        // 1.234,5 has a point for thousands.
        return text.replace('.', "").replace(',', ".").parse().map(Some).map_err(|_| refused());
    }
    text.parse().map(|number: f64| Some(number).filter(|number| !number.is_nan())).map_err(|_| {
        let without = text.replace([',', '\'', ' '], "");
        let grouped = text.contains([',', '\'', ' ']) && without.parse::<f64>().is_ok();
        if grouped { format!("{}: write {without}", refused()) } else { refused() }
    })
}
