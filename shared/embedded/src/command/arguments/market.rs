use std::{path::PathBuf, str::FromStr};

use pipeline::Market;

use crate::postgres::Address;

/// A market as the command line names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::command) enum MarketName {
    /// Tiingo's interface.
    Tiingo,
    /// Tiingo's interface for crypto currencies, currencies, or shares within the day.
    TiingoBars(Market),
    /// The recorded sample.
    Recorded,
    /// A folder of files, or a table.
    Csv(PathBuf),
    /// A PostgreSQL server.
    Postgres(Address),
    /// What has arrived row by row.
    Stream,
}

/// How the address of a PostgreSQL server begins.
const POSTGRES: [&str; 2] = ["postgres://", "postgresql://"];

impl MarketName {
    /// A folder, a table, or a server.
    pub(in crate::command) fn of_place(place: &str) -> MarketName {
        if POSTGRES.iter().any(|scheme| place.starts_with(scheme)) {
            // Whatever is wrong with it, clap must not repeat it.
            return MarketName::Postgres(Address(place.to_owned()));
        }
        MarketName::Csv(place.into())
    }
}

impl FromStr for MarketName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "tiingo" => Ok(MarketName::Tiingo),
            "tiingo-crypto" => Ok(MarketName::TiingoBars(Market::TiingoCrypto)),
            "tiingo-fx" => Ok(MarketName::TiingoBars(Market::TiingoFx)),
            "tiingo-iex" => Ok(MarketName::TiingoBars(Market::TiingoIex)),
            "recorded" => Ok(MarketName::Recorded),
            "stream" => Ok(MarketName::Stream),
            _ if POSTGRES.iter().any(|scheme| text.starts_with(scheme)) => Ok(MarketName::of_place(text)),
            _ => match text.strip_prefix("csv:") {
                Some(folder) if !folder.is_empty() => Ok(MarketName::Csv(folder.into())),
                _ => Err(
                    "a market is tiingo, tiingo-crypto, tiingo-fx, tiingo-iex, recorded, stream, csv:PATH or postgres://..."
                        .to_owned(),
                ),
            },
        }
    }
}
