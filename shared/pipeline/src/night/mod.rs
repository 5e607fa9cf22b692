//! A night: the stages that write, one file each, and their order.

mod evaluate;
mod fetch;
mod forecast;
mod forget;
mod heard;
mod migrate;
mod order;
mod pass;
mod patience;
mod place;
mod plan;
mod promote;
mod recover;
mod report;
mod retention;
mod rollback;
mod train;

use evaluate::evaluate;
pub use fetch::{Fetched, fetch};
use forecast::{Known, forecast};
pub use forget::forget;
pub(crate) use forget::remains;
pub(crate) use heard::Heard;
use heard::{asked_alone, outlook_of};
pub use migrate::{migrate, to_migrate};
pub use order::{Attempts, work};
pub use pass::{Next, Pass};
pub use patience::Patience;
use place::Tonight;
pub(crate) use place::{Place, StageResults};
pub use plan::{Planned, give_reason, plan};
use promote::promote;
pub(crate) use promote::{RULE, reach, released, restored};
pub use recover::{Recovered, recover};
pub use report::report;
pub(crate) use rollback::{PERSON, in_words, released_in_words};
pub use rollback::{release, rollback};
use train::train;
pub(crate) use train::{Night, Voices};

/// Of more tickers than this a market tells tonight's bars together, in an answer of some megabytes, rather than one by one; and a market
/// that has not published yet is asked about one of them alone.
const FEW: usize = 20;
