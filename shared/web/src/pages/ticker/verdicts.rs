//! Every verdict: who was put in service, and on what evidence.

use forecasting::{Contest, Judgement, Ticker};
use maud::{Markup, html};
use pipeline::Receipt;

use super::LISTED;
use crate::{
    pages::{percent, runs, share, verdict, words::Words},
    stores::Stores,
};

pub(super) fn verdicts(ticker: &Ticker, receipts: &[Receipt], words: Words) -> Markup {
    let same = |a: &Receipt, b: &Receipt| {
        a.decision == b.decision && a.champion.specification == b.champion.specification && a.decided_by == b.decided_by
    };
    html! {
        h2 { "Verdicts" }
        ol .verdicts {
            @for equal in receipts.chunk_by(same) {
                li {
                    @match equal {
                        [one] => (receipt_of(one, words)),
                        many => details {
                            summary { (many[many.len() - 1].as_of) " to " (many[0].as_of) " "
                                (verdict(Some(many[0].decision), pipeline::TickerStatus::Done)) " \u{d7} " (many.len()) " " (many[0].champion.specification) }
                            p { (many[0].reason) }
                            ol .verdicts { @for receipt in many.iter().take(LISTED) { li { (receipt_of(receipt, words)) } } }
                            @if many.len() > LISTED { p .hint { "The newest " (LISTED) " of them." } }
                        }
                    }
                }
            }
        }
        p { "With all scorecards as " a href={ "/receipts/" (ticker) } { "JSON" } "." }
    }
}

fn receipt_of(receipt: &Receipt, words: Words) -> Markup {
    html! {
        details {
            summary { (receipt.as_of) " " (verdict(Some(receipt.decision), pipeline::TickerStatus::Done)) " " (receipt.champion.specification) }
            p { (receipt.reason) " (decided by " (receipt.decided_by) ")" }
            @if let Some(training) = &receipt.training { p .hint { "Training: " (training) } }
            @if let Some(judgement) = &receipt.judgement { (judged(judgement, &receipt.as_of.to_string(), words)) }
            @if let Some(contest) = &receipt.contest { (contested(contest, &receipt.as_of.to_string(), words)) }
            p .hint { "Run " a href={ "/runs/" (receipt.run) } { (receipt.run) } }
        }
    }
}

/// What everyone's record amounted to.
fn judged<'a>(judgement: &'a Judgement, as_of: &str, words: Words) -> Markup {
    // Of values it is the naive forecast's card, whatever the season.
    let walk = judgement.random_walk.iter().map(|card| (words.baseline(), card, None));
    let of = |standing: &'a forecasting::Standing| {
        Some((standing.specification?.to_string(), standing.scorecard.as_ref()?, Some(standing)))
    };
    let others = judgement.standings.iter().filter_map(of);
    html! {
        div .scroll role="region" aria-label={ "Track records on " (as_of) } tabindex="0" {
            table .narrow {
                thead { tr {
                    th scope="col" { "Contender" } th scope="col" .number { "Evidence" } th scope="col" .number { "Needed" }
                    th scope="col" .number { "Skill" } th scope="col" .number { "MAE" } th scope="col" .number { "Pinball loss" }
                    th scope="col" .number { "Coverage" }
                } }
                tbody { @for (specification, card, standing) in walk.chain(others) {
                    tr {
                        th scope="row" { (specification) }
                        td .number { (standing.map_or_else(|| "-".to_owned(), |s| format!("{} to 1", forecasting::figure(s.evidence)))) }
                        td .number { (standing.map_or_else(|| "-".to_owned(), |s| format!("{:.0} to 1", s.asked))) }
                        td .number { (percent(card.skill.map(|skill| skill.value))) }
                        td .number { (words.error(card.mae, 3)) }
                        td .number { (words.error(card.pinball, 4)) }
                        td .number { @for c in &card.coverage { (c.level) " %: " (share(c.realised)) " " } }
                    }
                } }
            }
        }
        p .hint {
            "Over " (judgement.sessions) " " (words.unit) "s. Evidence of 20 to 1 comes by chance in at most one of twenty series in a year, however often one looks."
        }
    }
}

/// A contest of an earlier release.
fn contested(contest: &Contest, as_of: &str, words: Words) -> Markup {
    let challengers = contest.contenders().map(|c| (&c.scorecard, Some(&c.against_incumbent)));
    let cards: Vec<_> = contest.champion.iter().map(|card| (card, None)).chain(challengers).collect();
    html! {
        div .scroll role="region" aria-label={ "Scorecards of " (as_of) } tabindex="0" {
            table .narrow {
                thead { tr {
                    th scope="col" { "Contender" } th scope="col" .number { "Pinball loss" } th scope="col" .number { "MAE" }
                    th scope="col" .number { "MASE" } th scope="col" .number { "Coverage" } th scope="col" .number { "Better by" }
                    th scope="col" .number { "p" }
                } }
                tbody { @for (card, comparison) in cards {
                    tr {
                        th scope="row" { @if let Some(specification) = card.specification { (specification) } }
                        td .number { (words.error(card.pinball, 4)) }
                        td .number { (words.error(card.mae, 3)) }
                        td .number { (format!("{:.3}", card.mase)) }
                        td .number { @for c in &card.coverage { (c.level) " %: " (share(c.realised)) " " } }
                        td .number { (comparison.map_or_else(|| "in service".to_owned(), |c| percent(Some(c.improvement)))) }
                        td .number { (comparison.map_or_else(|| "-".to_owned(), |c| format!("{:.3}", c.p_value))) }
                    }
                } }
            }
        }
    }
}

/// Having the newest verdict reached again.
pub(super) fn check(stores: &Stores, ticker: &Ticker) -> Markup {
    html! {
        @if stores.decides_here {
            h2 { "Check the newest" }
            p { "It is reached again from what is stored: the night's row of the record, the evidence, the versions and the reason." }
            form .start method="post" action={ "/tickers/" (ticker) "/verify" } {
                // A form without a field is no form for a program that reads it.
                input type="hidden" name="reason" value="checked on its page";
                @if stores.asks_for_token { (runs::token()) }
                button type="submit" { "Verify" }
            }
        }
    }
}
