//! The verdict on a contest, with its reason in words.

use serde::{Deserialize, Serialize};

use crate::{Contender, Contest, Specification};

/// What becomes of the model in service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Decision {
    /// Another specification takes its place.
    Promote,
    /// The same specification, estimated on newer data, takes its place.
    Refit,
    /// It stays as it is.
    Keep,
    /// A version that was in service before takes its place again.
    Rollback,
}

impl Decision {
    /// `promote`, `refit`, `keep` or `rollback`.
    pub fn as_str(self) -> &'static str {
        match self {
            Decision::Promote => "promote",
            Decision::Refit => "refit",
            Decision::Keep => "keep",
            Decision::Rollback => "rollback",
        }
    }
}

/// Who may not enter service, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Barred {
    /// The specification.
    pub specification: Specification,
    /// In words that follow "and" or "for".
    pub reason: String,
}

/// A decision, who enters service by it, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The decision.
    pub decision: Decision,
    /// The specification that enters service; `None` where the champion stays.
    pub nominee: Option<Specification>,
    /// The sentence a person would want.
    pub reason: String,
}

impl Verdict {
    /// The champion stays, because the contest was not held or does not count.
    pub fn keep(reason: String) -> Verdict {
        Verdict { decision: Decision::Keep, nominee: None, reason }
    }

    /// Back to a version that was in service before.
    pub fn rollback(to: Specification, reason: String) -> Verdict {
        Verdict { decision: Decision::Rollback, nominee: Some(to), reason }
    }

    /// Decides a contest.
    ///
    /// A contender takes a champion's place only with a lower mean pinball loss at a Diebold-Mariano p-value of at most
    /// `significance`, and with no higher mean absolute error: narrower intervals alone do not buy a worse forecast. Where
    /// several families challenge with a model that is no baseline, each must pass at `significance` over their number (Bonferroni), so that many tries do not
    /// make a winner. Of several winners it is the one with the lowest loss. Where nothing is in service yet, the random
    /// walk is the incumbent: it enters service unless a contender proves better. Who is `barred` cannot
    /// win, whatever it lost.
    pub fn of(contest: &Contest, significance: f64, barred: &[Barred]) -> Verdict {
        let incumbent = contest.champion.as_ref().unwrap_or_else(|| contest.random_walk());
        let is_other = |contender: &Contender| contender.scorecard.specification != incumbent.specification;
        let tries = contest
            .challengers
            .iter()
            .filter(|c| is_other(c) && !c.scorecard.specification.is_baseline())
            .count()
            .max(1);
        let bar = |specification: &Specification| barred.iter().find(|bar| bar.specification == *specification);
        let proven = |contender: &&Contender| {
            let tries = if contender.scorecard.specification.is_baseline() { 1 } else { tries };
            is_other(contender)
                && bar(&contender.scorecard.specification).is_none()
                && contender.against_incumbent.improvement > 0.0
                && contender.against_incumbent.p_value <= significance / tries as f64
                && contender.scorecard.mae <= incumbent.mae
        };
        let lowest = |a: &&Contender, b: &&Contender| a.scorecard.pinball.total_cmp(&b.scorecard.pinball);
        if let Some(winner) = contest.contenders().filter(proven).min_by(lowest) {
            let specification = winner.scorecard.specification;
            return Verdict {
                decision: Decision::Promote,
                nominee: Some(specification),
                reason: format!(
                    "promoted: the mean pinball loss of the {specification} is {}, {}",
                    than(winner, incumbent.specification),
                    evidence(winner)
                ),
            };
        }
        let why_not = match contest.challengers.first() {
            None => "no challenger could be fitted".to_owned(),
            Some(c) if !is_other(c) => {
                format!("the {} was selected again", incumbent.specification)
            }
            Some(c) => {
                let asked = if tries > 1 {
                    format!(" where {:.3} is asked of each of {tries}", significance / tries as f64)
                } else {
                    String::new()
                };
                let error =
                    if c.scorecard.mae > incumbent.mae { ", and its mean absolute error is higher" } else { "" };
                let bar = bar(&c.scorecard.specification).map(|bar| format!(", and {}", bar.reason));
                format!(
                    "the mean pinball loss of the challenger, the {}, is {}, {}{asked}{error}{}",
                    c.scorecard.specification,
                    than(c, incumbent.specification),
                    evidence(c),
                    bar.unwrap_or_default()
                )
            }
        };
        if contest.champion.is_none() {
            let reason = match &contest.forfeited {
                None => format!("promoted: the first model in service is the {}: {why_not}", incumbent.specification),
                Some(why) => {
                    format!(
                        "promoted: the {} in place of the champion, which cannot be estimated: {why}",
                        incumbent.specification
                    )
                }
            };
            return Verdict { decision: Decision::Promote, nominee: Some(incumbent.specification), reason };
        }
        if let Some(bar) = bar(&incumbent.specification) {
            return Verdict::keep(format!("kept as it is, for {}: {why_not}", bar.reason));
        }
        if contest.contenders().any(|c| c.scorecard.specification == incumbent.specification) {
            return Verdict {
                decision: Decision::Refit,
                nominee: Some(incumbent.specification),
                reason: format!("refitted on newer data: {why_not}"),
            };
        }
        Verdict::keep(format!("kept: {why_not}"))
    }
}

fn than(contender: &Contender, incumbent: Specification) -> String {
    let percent = contender.against_incumbent.improvement * 100.0;
    let which = if percent >= 0.0 { "lower" } else { "higher" };
    format!("{:.2} % {which} than that of the {incumbent}", percent.abs())
}

fn evidence(contender: &Contender) -> String {
    let comparison = &contender.against_incumbent;
    match comparison.statistic {
        Some(_) => format!("p = {:.3} over {} origins", comparison.p_value, comparison.n),
        None => format!("and {} origins are too few to tell from chance", comparison.n),
    }
}
