//! What the overview is asked for: which tickers, in which order.

use std::cmp::Ordering;

use pipeline::{Standing, WatchedTicker};

use super::attention::{Attention, Group};
use crate::{
    Problem,
    format::short,
    pages::{day, relative},
    parameters::Parameters,
};

/// The columns that sort, as the query names them. By attention is the order of a morning: what is wrong, what changed, the rest.
pub(super) const COLUMNS: [(&str, &str); 8] = [
    ("attention", "Last verdict"),
    ("ticker", "Ticker"),
    ("close", "Last value"),
    ("day", "Change"),
    ("forecast", "Next period"),
    ("model", "Model"),
    ("skill", "Skill"),
    ("coverage", "Coverage"),
];

/// What can be shown alone: a group, or an outcome.
pub(super) const OUTCOMES: [&str; 8] =
    ["failed", "skipped", "promote", "demote", "rollback", "release", "refit", "keep"];

/// One row of the table.
pub(super) struct Row {
    pub(super) ticker: WatchedTicker,
    pub(super) attention: Attention,
}

/// The query.
pub(super) struct Query {
    pub(super) column: usize,
    pub(super) descending: bool,
    pub(super) text: String,
    pub(super) only: Option<&'static str>,
    pub(super) page: usize,
}

impl Query {
    pub(super) fn read(query: Option<&str>) -> Result<Query, Problem> {
        let query = Parameters::read(query, &["sort", "order", "q", "only", "page"], &[])?;
        let sort = query.one("sort").unwrap_or(COLUMNS[0].0);
        let column = COLUMNS.iter().position(|(name, _)| *name == sort);
        let descending = match query.one("order") {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(_) => return Err(Problem::field("order", "it is asc or desc")),
        };
        let only = match query.one("only") {
            None | Some("") => None,
            Some(word) => {
                let groups = Group::ALL.map(Group::as_str);
                let known = groups.into_iter().chain(OUTCOMES).find(|known| *known == word);
                Some(known.ok_or_else(|| {
                    Problem::field("only", "it is attention, changed, steady, or an outcome, such as failed")
                })?)
            }
        };
        let page = match query.one("page").map(str::parse) {
            None => 1,
            Some(Ok(page @ 1..=100_000)) => page,
            Some(_) => return Err(Problem::field("page", "it is a number from 1 on")),
        };
        let column = column.ok_or_else(|| Problem::field("sort", "there is no such column"))?;
        Ok(Query { column, descending, text: short(query.one("q").unwrap_or_default().trim()), only, page })
    }

    /// Whether rows are grouped by the attention they need.
    pub(super) fn is_grouped(&self) -> bool {
        COLUMNS[self.column].0 == "attention" && !self.descending
    }

    pub(super) fn admits(&self, row: &Row) -> bool {
        let text = self.text.to_ascii_uppercase();
        let model = row.ticker.standing.as_ref().map(|s| s.model.to_ascii_uppercase()).unwrap_or_default();
        let found = row.ticker.ticker.as_str().contains(&text) || model.contains(&text);
        let of = |only| row.attention.group.as_str() == only || outcome(&row.ticker) == only;
        found && self.only.is_none_or(of)
    }

    pub(super) fn order(&self, a: &Row, b: &Row) -> Ordering {
        let (of, or) = (a.ticker.standing.as_ref(), b.ticker.standing.as_ref());
        let numbers =
            |value: fn(&Standing) -> Option<f64>| self.by(of.and_then(value), or.and_then(value), f64::total_cmp);
        let ordering = match COLUMNS[self.column].0 {
            "close" => numbers(|s| Some(s.last_close())),
            "day" => numbers(day),
            "forecast" => numbers(change),
            "skill" => numbers(|s| s.skill.value),
            "coverage" => numbers(|s| s.coverage.first().map(|c| c.coverage.realised)),
            "model" => self.by(of.map(|s| &s.model), or.map(|s| &s.model), Ord::cmp),
            "ticker" => self.by(Some(&a.ticker.ticker), Some(&b.ticker.ticker), Ord::cmp),
            _ => self.by(Some(a.attention.group), Some(b.attention.group), Ord::cmp),
        };
        ordering.then_with(|| a.ticker.ticker.cmp(&b.ticker.ticker))
    }

    /// What is not known comes last, whichever way it is sorted.
    fn by<T>(&self, a: Option<T>, b: Option<T>, order: impl Fn(&T, &T) -> Ordering) -> Ordering {
        match (a, b) {
            (Some(a), Some(b)) if self.descending => order(&b, &a),
            (Some(a), Some(b)) => order(&a, &b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        }
    }

    /// The same page, sorted by this column; by the column that sorts already, the other way round.
    pub(super) fn sorted(&self, column: usize) -> String {
        self.link(column, column == self.column && !self.descending, self.only, 1)
    }

    /// The same page, these rows alone.
    pub(super) fn alone(&self, only: Option<&str>) -> String {
        self.link(self.column, self.descending, only, 1)
    }

    /// Another page of the same rows.
    pub(super) fn turned(&self, page: usize) -> String {
        self.link(self.column, self.descending, self.only, page)
    }

    fn link(&self, column: usize, descending: bool, only: Option<&str>, page: usize) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if column > 0 || descending {
            query.append_pair("sort", COLUMNS[column].0).append_pair("order", if descending { "desc" } else { "asc" });
        }
        if !self.text.is_empty() {
            query.append_pair("q", &self.text);
        }
        if let Some(only) = only {
            query.append_pair("only", only);
        }
        if page > 1 {
            query.append_pair("page", &page.to_string());
        }
        format!("/?{}", query.finish())
    }
}

pub(super) fn outcome(row: &WatchedTicker) -> &'static str {
    match row.status {
        pipeline::TickerStatus::Failed => "failed",
        pipeline::TickerStatus::Skipped => "skipped",
        pipeline::TickerStatus::Done => row.verdict.map_or("keep", forecasting::Decision::as_str),
    }
}

/// The forecast of the next period as a change.
pub(super) fn change(standing: &Standing) -> Option<f64> {
    relative(standing.steps.first()?.mean, standing.last_close())
}
