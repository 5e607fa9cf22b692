//! What a ticker needs of whoever looks comes before everything else, with the reason.

use forecasting::{Decision, Stamp};
use pipeline::{TickerStatus, WatchedTicker, plain_reason};

/// In the order of a morning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    Attention,
    Changed,
    Steady,
}

impl Group {
    pub(super) const ALL: [Group; 3] = [Group::Attention, Group::Changed, Group::Steady];

    /// As the query names it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Group::Attention => "attention",
            Group::Changed => "changed",
            Group::Steady => "steady",
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Group::Attention => "Needs attention",
            Group::Changed => "Changed in the last night",
            Group::Steady => "Steady",
        }
    }
}

/// What a ticker needs, and why.
pub(super) struct Attention {
    pub(super) group: Group,
    /// As a row's style: `failed`, `watch`, `changed` or nothing.
    pub(super) style: &'static str,
    pub(super) why: String,
}

impl Attention {
    pub(super) fn of(row: &WatchedTicker, today: Option<Stamp>) -> Attention {
        let needs = |style, why| Attention { group: Group::Attention, style, why };
        let reason = plain_reason(&row.ticker, &row.reason).to_owned();
        if row.status != TickerStatus::Done {
            return needs("failed", reason);
        }
        let troubles = row.troubles(today);
        if !troubles.is_empty() {
            return needs("watch", troubles.join("; "));
        }
        match row.verdict {
            Some(Decision::Promote | Decision::Demote | Decision::Rollback | Decision::Release) => {
                Attention { group: Group::Changed, style: "changed", why: reason }
            }
            _ => Attention { group: Group::Steady, style: "", why: reason },
        }
    }
}
