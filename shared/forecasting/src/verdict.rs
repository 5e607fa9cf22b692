//! The verdict on a record, with its reason in words.

use serde::{Deserialize, Serialize};

use crate::{Contender, Judgement, Scale, Seat, Standing, standing::ASKED_BACK};

/// What becomes of the model in service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Decision {
    /// Another contender takes its place, on evidence that it is better.
    Promote,
    /// It lost its evidence, and gives way to the random walk.
    Demote,
    /// The same specification, estimated on newer data, took its place: a verdict of earlier releases.
    Refit,
    /// Who served goes on serving.
    Keep,
    /// A person put a version into service that had served before; it stays until it is released.
    Rollback,
    /// A person released it.
    Release,
}

impl Decision {
    /// `promote`, `demote`, `refit`, `keep`, `rollback` or `release`.
    pub fn as_str(self) -> &'static str {
        match self {
            Decision::Promote => "promote",
            Decision::Demote => "demote",
            Decision::Refit => "refit",
            Decision::Keep => "keep",
            Decision::Rollback => "rollback",
            Decision::Release => "release",
        }
    }

    /// Whether another contender serves by it than before.
    pub fn changes_who_serves(self) -> bool {
        matches!(self, Decision::Promote | Decision::Demote | Decision::Rollback)
    }
}

/// What a challenger must bring to take the champion's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Promotion {
    /// Evidence.
    #[default]
    Evidence,
    /// Nothing: the first family in the configuration serves as soon as it has a model.
    Always,
}

/// A decision, who serves by it, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The decision.
    pub decision: Decision,
    /// Who serves by it.
    pub contender: Contender,
    /// The sentence a person would want.
    pub reason: String,
}

/// A record of values that is shorter tells little of who is better.
const MIN_VALUES: usize = 30;

impl Verdict {
    /// Decides on a night's judgement.
    ///
    /// Whoever is to take the random walk's place needs the evidence that is asked of it, and a lower loss of late than the
    /// walk's. Whoever is to take another's place needs both and, on bets since the other came, as much evidence against it. The one that
    /// serves gives way to the random walk on evidence against it. Of several, the one whose evidence exceeds what is asked
    /// most is chosen. Without a seat nothing serves, or a champion of a release without records: it must prove itself.
    pub fn of(judgement: &Judgement, seat: Option<&Seat>, promotion: Promotion) -> Verdict {
        if promotion == Promotion::Always
            && let Some(first) =
                judgement.standings.iter().find(|s| s.contender != Contender::DRIFT && s.specification.is_some())
        {
            let decision = if seat.is_some_and(|seat| seat.contender == first.contender) {
                Decision::Keep
            } else {
                Decision::Promote
            };
            let reason = format!("{} serves without being asked for evidence, as the configuration says", name(first));
            return Verdict { decision, contender: first.contender, reason };
        }
        let serving = seat.map(|seat| seat.contender);
        match serving.filter(|contender| *contender != judgement.incumbent) {
            None => Verdict::against_the_incumbent(judgement, serving.is_none()),
            Some(champion) => Verdict::against(judgement, champion),
        }
    }

    fn against_the_incumbent(judgement: &Judgement, first: bool) -> Verdict {
        // A handful of values proves nothing, whatever the odds: they are as good as the errors' size is known.
        let known = judgement.scale != Scale::Model || judgement.sessions >= MIN_VALUES;
        if let Some(best) = best(judgement.standings.iter().filter(|standing| known && standing.is_proven())) {
            let reason = format!("{} in place of the {}: {}", name(best), incumbent(judgement), evidence(best));
            return Verdict { decision: Decision::Promote, contender: best.contender, reason };
        }
        let others = judgement.standings.iter().filter(|standing| standing.contender != judgement.incumbent);
        let why = match best(others.filter(|standing| standing.specification.is_some())) {
            _ if judgement.sessions < 2 => "no outcome has come yet".to_owned(),
            Some(closest) => format!("{} has {}", name(closest), shortfall(closest, judgement)),
            None => "there is no challenger yet".to_owned(),
        };
        let decision = if first { Decision::Promote } else { Decision::Keep };
        let word = if first { "first in service" } else { "kept" };
        Verdict { decision, contender: judgement.incumbent, reason: format!("{} {word}: {why}", incumbent(judgement)) }
    }

    fn against(judgement: &Judgement, champion: Contender) -> Verdict {
        let own = judgement.standing(champion);
        let rivals = || judgement.standings.iter().filter(move |s| s.contender != champion && s.is_proven());
        let lost = match (own.map(|own| own.specification), judgement.challenge) {
            (None, _) => Some(format!("{champion} is not configured any more")),
            (Some(None), _) => Some(format!("{champion} has no forecast to give")),
            (_, Some(challenge)) if challenge.suffices() => Some(format!(
                "evidence of {} to 1 against it since its promotion, {ASKED_BACK} to 1 is enough, and its loss has been {:.2} % higher \
                 than the {}'s of late",
                figure(challenge.evidence),
                -challenge.gain * 100.0,
                incumbent(judgement)
            )),
            _ => None,
        };
        if let Some(why) = lost {
            return match best(rivals()) {
                Some(rival) => Verdict {
                    decision: Decision::Promote,
                    contender: rival.contender,
                    reason: format!("{} in place of {champion}: {why}; {}", name(rival), evidence(rival)),
                },
                None => Verdict {
                    decision: Decision::Demote,
                    contender: judgement.incumbent,
                    reason: format!("{} in place of {champion}: {why}", incumbent(judgement)),
                },
            };
        }
        let beats = |rival: &&Standing| rival.against_champion.is_some_and(|evidence| evidence >= rival.asked);
        if let Some(rival) = best(rivals().filter(beats)) {
            let against = rival.against_champion.unwrap_or_default();
            let reason = format!(
                "{} in place of {champion}: evidence of {} to 1 against it since its promotion; {} to 1 is asked",
                name(rival),
                figure(against),
                figure(rival.asked)
            );
            return Verdict { decision: Decision::Promote, contender: rival.contender, reason };
        }
        let own = own.expect("a champion without a standing has been dropped above");
        let reason = format!(
            "{} kept: evidence of {} to 1 for it, and of {} to 1 against it since its promotion",
            name(own),
            figure(own.evidence),
            figure(judgement.challenge.map_or(1.0, |challenge| challenge.evidence))
        );
        Verdict { decision: Decision::Keep, contender: champion, reason }
    }
}

/// The one whose evidence exceeds most what is asked of it.
fn best<'a>(standings: impl Iterator<Item = &'a Standing>) -> Option<&'a Standing> {
    standings.max_by(|a, b| (a.evidence / a.asked).total_cmp(&(b.evidence / b.asked)))
}

/// Who serves by default, in words.
fn incumbent(judgement: &Judgement) -> String {
    judgement.incumbent.to_string().replace('_', " ")
}

/// A model, and the family it was selected by where its name does not say so.
fn name(standing: &Standing) -> String {
    match (standing.contender, standing.specification) {
        (Contender::Family(family), Some(specification)) => format!("{specification} ({family})"),
        (contender, _) => contender.to_string(),
    }
}

fn evidence(standing: &Standing) -> String {
    format!("evidence {} to 1; {} to 1 is asked", figure(standing.evidence), figure(standing.asked))
}

/// What is missing.
fn shortfall(standing: &Standing, judgement: &Judgement) -> String {
    let asked = evidence(standing);
    if standing.evidence < standing.asked {
        asked
    } else if standing.gain <= 0.0 {
        let more = -standing.gain * 100.0;
        format!("{asked}; but its loss has been {more:.2} % higher than the {}'s of late", incumbent(judgement))
    } else {
        let since = figure(standing.since_dropped.unwrap_or_default());
        format!("{asked}; but only {since} to 1 since it was dropped, and {ASKED_BACK} to 1 is asked")
    }
}

/// Three digits, and no more than can be grasped.
pub fn figure(odds: f64) -> String {
    match odds {
        odds if odds >= 1e6 => "over a million".to_owned(),
        odds if odds >= 100.0 => format!("{odds:.0}"),
        odds if odds >= 10.0 => format!("{odds:.1}"),
        odds => format!("{odds:.2}"),
    }
}
