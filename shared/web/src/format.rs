//! In which form an answer is asked for: `?format=`, or the `Accept` header.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::Problem;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Csv,
    Html,
}

impl Format {
    /// `?format=` decides; without it the first of the forms that `Accept` likes best, JSON where it does not care.
    pub(crate) fn asked(format: Option<&str>, headers: &HeaderMap, forms: &[Format]) -> Result<Format, Problem> {
        match format {
            None => Ok(preferred(headers, forms)),
            Some(name) => forms.iter().copied().find(|form| form.name() == name).ok_or_else(|| {
                let names: Vec<&str> = forms.iter().map(|form| form.name()).collect();
                Problem::field("format", format_args!("'{}' is none of {}", short(name), names.join(", ")))
            }),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Csv => "csv",
            Format::Html => "html",
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Format::Json => "application/json",
            Format::Csv => "text/csv",
            Format::Html => "text/html",
        }
    }
}

fn preferred(headers: &HeaderMap, forms: &[Format]) -> Format {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut best = (0.0, Format::Json);
    for part in accept.split(',') {
        let mut pieces = part.split(';').map(str::trim);
        let media_type = pieces.next().unwrap_or_default();
        let weight = pieces.find_map(|piece| piece.strip_prefix("q=")?.parse::<f64>().ok()).unwrap_or(1.0);
        if let Some(form) = forms.iter().find(|form| form.media_type() == media_type)
            && weight > best.0
        {
            best = (weight, *form);
        }
    }
    best.1
}

/// Whether a person's browser asks.
pub(crate) fn wants_page(headers: &HeaderMap) -> bool {
    preferred(headers, &[Format::Json, Format::Html]) == Format::Html
}

/// What was typed, short enough to be repeated.
pub(crate) fn short(text: &str) -> String {
    text.chars().take(60).collect()
}

pub(crate) fn json(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => typed("application/json", bytes),
        Err(error) => Problem::internal(&error).into_response(),
    }
}

/// Records of one shape, a header line before them.
pub(crate) fn csv(header: &[&str], mut rows: impl Iterator<Item = Vec<String>>) -> Response {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = writer.write_record(header).and_then(|()| rows.try_for_each(|row| writer.write_record(row)));
    match written.map_err(|error| error.to_string()).and_then(|()| writer.into_inner().map_err(|e| e.to_string())) {
        Ok(bytes) => typed("text/csv; charset=utf-8", bytes),
        Err(error) => Problem::internal(&error).into_response(),
    }
}

pub(crate) fn typed(media_type: &'static str, bytes: Vec<u8>) -> Response {
    let mut response = bytes.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for() {
        let all = [Format::Json, Format::Csv, Format::Html];
        let accept = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, text.parse().expect("a header"));
            Format::asked(None, &headers, &all).expect("a format")
        };
        assert_eq!(accept("*/*"), Format::Json);
        assert_eq!(accept("text/csv"), Format::Csv);
        assert_eq!(accept("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), Format::Html);
        assert_eq!(accept("text/html;q=0.1, application/json"), Format::Json);
        assert_eq!(accept("text/html;q=0, text/csv;q=0.2"), Format::Csv);
        assert_eq!(accept("image/png"), Format::Json);
        let none = HeaderMap::new();
        assert_eq!(Format::asked(Some("csv"), &none, &all), Ok(Format::Csv));
        assert_eq!(Format::asked(Some("xml"), &none, &all).err().and_then(|p| p.field).as_deref(), Some("format"));
    }
}
