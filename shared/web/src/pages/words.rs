use forecasting::{Cadence, Kind, Period, Specification};

/// How a page speaks of a series.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words {
    /// What one of its periods is called.
    pub(super) unit: &'static str,
    cadence: Cadence,
    kind: Kind,
}

impl Words {
    pub(super) fn of(origin: Period, kind: Kind) -> Words {
        let cadence = origin.cadence();
        Words { unit: cadence.unit(), cadence, kind }
    }

    /// The unit as a heading.
    pub(super) fn heading(self) -> String {
        self.cadence.heading()
    }

    /// What is drawn.
    pub(super) fn numbers(self) -> &'static str {
        match self.kind {
            Kind::Price => "Adjusted closes",
            Kind::Value(_) => "Values",
        }
    }

    /// What models are of.
    pub(super) fn level(self) -> &'static str {
        match self.kind {
            Kind::Price => "the logarithm of the adjusted close",
            Kind::VALUE => "the value",
            Kind::Value(_) => "a power of the value",
        }
    }

    /// What observations of a model are.
    pub(super) fn changes(self) -> &'static str {
        match self.kind {
            Kind::Price => "returns",
            Kind::Value(_) => "values",
        }
    }

    /// Whom skill is over.
    pub(super) fn baseline(self) -> String {
        match self.kind {
            Kind::Price => Specification::BASELINES[0].to_string(),
            Kind::Value(_) => "(seasonal) naive forecast".to_owned(),
        }
    }

    /// What becomes of a period without a bar.
    pub(super) fn missing(self) -> &'static str {
        match self.kind {
            Kind::Price => "they are read as if they had not been",
            Kind::Value(_) => "models take their values as missing",
        }
    }

    /// An error, or a loss: of a price in percent of it, with so many decimals, otherwise in the series' own unit.
    pub(super) fn error(self, error: f64, decimals: usize) -> String {
        match self.kind {
            Kind::Price => format!("{:.decimals$} %", error * 100.0),
            Kind::Value(_) => super::price(error),
        }
    }
}
