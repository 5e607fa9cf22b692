//! Stored formats. Each carries a version or a fixed header; every past one is read for ever, only the newest is written.

pub(crate) mod forecast_table;
pub(crate) mod forecasted;
pub(crate) mod model_version;
pub(crate) mod overview;
pub(crate) mod receipt;
pub(crate) mod record;
pub(crate) mod score_table;
pub(crate) mod snapshot;
