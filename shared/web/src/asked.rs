//! What a path names, read before a handler begins.

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use forecasting::Ticker;
use pipeline::{RunId, VersionId};

use crate::{
    Problem,
    format::Format,
    paging::{self, Paging},
    parameters::Parameters,
};

/// The one name in a path. What is no text is a problem like any other.
pub(crate) struct Named(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = Path::<String>::from_request_parts(parts, state).await;
        read.map(|Path(name)| Named(name)).map_err(|rejection| Problem::field("path", rejection.body_text()))
    }
}

/// A ticker and one of its versions, as a path names them.
pub(crate) struct NamedVersion(pub(crate) Ticker, pub(crate) VersionId);

impl<S: Send + Sync> FromRequestParts<S> for NamedVersion {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((name, version)) = read.map_err(|rejection| Problem::field("path", rejection.body_text()))?;
        let version = version.parse().map_err(|error| Problem::field("version", error))?;
        Ok(NamedVersion(ticker(&name)?, version))
    }
}

/// A list that is on record for a ticker, and the form in which it is asked for.
pub(crate) struct List {
    pub(crate) ticker: Ticker,
    pub(crate) format: Format,
    pub(crate) paging: Paging,
}

impl<S: Send + Sync> FromRequestParts<S> for List {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Named(name) = Named::from_request_parts(parts, state).await?;
        let query = Parameters::read(parts.uri.query(), &["format", "limit", "offset"], &[])?;
        let format = Format::asked(query.one("format"), &parts.headers, &[Format::Json, Format::Csv])?;
        let paging = Paging::read(&query, paging::LIMIT, &parts.uri)?;
        Ok(List { ticker: ticker(&name)?, format, paging })
    }
}

/// A ticker as someone typed it.
pub(crate) fn ticker(text: &str) -> Result<Ticker, Problem> {
    text.parse().map_err(|error| Problem::field("ticker", error))
}

/// A run's id as someone typed it.
pub(crate) fn run_id(text: &str) -> Result<RunId, Problem> {
    text.parse().map_err(|error| Problem::field("run", error))
}
