//! When a bar is: stamps as sources write them, periods of a cadence, and the exchange's sessions.

mod cadence;
mod calendar;
mod dates;
mod exchange;
mod infer;
mod listed;
mod new_york;
mod period;
mod stamp;
mod trading_day;

pub use cadence::Cadence;
pub(crate) use cadence::Step;
pub use calendar::Calendar;
pub use dates::DatesCalendar;
pub use exchange::Exchange;
pub use period::Period;
pub use stamp::Stamp;
pub use trading_day::TradingDay;

/// In schemas they are words.
#[cfg(feature = "openapi")]
mod schemas {
    use utoipa::{
        PartialSchema, ToSchema,
        openapi::{ObjectBuilder, RefOr, schema::Schema, schema::Type},
    };

    use super::{Cadence, Period, Stamp};

    macro_rules! word {
        ($Word:ident, $description:literal, $example:literal) => {
            impl PartialSchema for $Word {
                fn schema() -> RefOr<Schema> {
                    let word = ObjectBuilder::new().schema_type(Type::String).description(Some($description));
                    word.examples([serde_json::Value::from($example)]).into()
                }
            }

            impl ToSchema for $Word {}
        };
    }

    word!(Cadence, "How a series goes on.", "session");
    word!(
        Period,
        "A period of a series: a date, a time or an index, and its cadence where that is not the session.",
        "2020-12-11"
    );
    word!(Stamp, "A date, a time or an index.", "2020-12-11");
}
