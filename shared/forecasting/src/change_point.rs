//! Has the law of the forecast errors changed? Page's cumulative sums (1954, Biometrika 41, 100-115) of log-likelihood ratios:
//! of the ways in which a market changes, against a model that holds.

use std::fmt;

/// How errors may have changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Alternative {
    /// Their mean is this many standard errors.
    Level(f64),
    /// Their standard deviation is this many standard errors.
    Volatility(f64),
    /// They follow from the errors this many sessions before, with this coefficient.
    Dependence(usize, f64),
}

impl Alternative {
    /// Log-likelihood ratio of the last error given those before it: unit normal under the model that holds.
    fn evidence(self, errors: &[f64]) -> f64 {
        let (last, before) = errors.split_last().map_or((0.0, errors), |(last, before)| (*last, before));
        match self {
            Alternative::Level(mean) => mean * last - 0.5 * mean * mean,
            Alternative::Volatility(deviation) => {
                0.5 * last * last * (1.0 - 1.0 / (deviation * deviation)) - deviation.ln()
            }
            Alternative::Dependence(lag, coefficient) => {
                let predicted = before.len().checked_sub(lag).map_or(0.0, |at| coefficient * before[at]);
                predicted * last - 0.5 * predicted * predicted
            }
        }
    }
}

impl fmt::Display for Alternative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Alternative::Level(mean) if *mean > 0.0 => f.write_str("forecasts have become too low"),
            Alternative::Level(_) => f.write_str("forecasts have become too high"),
            Alternative::Volatility(deviation) if *deviation > 1.0 => f.write_str("errors have grown"),
            Alternative::Volatility(_) => f.write_str("errors have shrunk"),
            Alternative::Dependence(1, coefficient) if *coefficient < 0.0 => {
                f.write_str("errors have come to alternate")
            }
            Alternative::Dependence(1, _) => f.write_str("errors have come to follow each other"),
            Alternative::Dependence(lag, _) => write!(f, "errors have come to recur after {lag} sessions"),
        }
    }
}

/// Where the evidence for a change has passed what chance allows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangePoint {
    /// What changed.
    pub alternative: Alternative,
    /// Errors since the change began, by maximum likelihood.
    pub sessions: usize,
    /// The highest sum of log-likelihood ratios.
    pub evidence: f64,
}

/// Evidence that is enough. A sum of log-likelihood ratios passes h at most once in exp(h) sessions by chance (Lorden 1971,
/// Annals of Mathematical Statistics 42, 1897-1908); that bound is wide, and the seven sums together pass this one once in
/// some 700 sessions of normal errors, and once in some 1,000 where their scale is adaptive, by simulation.
const ENOUGH: f64 = 6.0;
/// One error beyond this is a day's news, not a change of the law.
const NEWS: f64 = 3.0;

impl ChangePoint {
    /// The change for which there is most evidence, and whether that is enough: standardised one-step errors of one model,
    /// oldest first.
    pub fn strongest(errors: &[f64], season: usize) -> (ChangePoint, bool) {
        let errors: Vec<f64> = errors.iter().map(|error| error.clamp(-NEWS, NEWS)).collect();
        let season = if season > 1 { season } else { 5 };
        let alternatives = [
            Alternative::Level(1.0),
            Alternative::Level(-1.0),
            Alternative::Volatility(1.6),
            Alternative::Volatility(0.6),
            Alternative::Dependence(1, 0.6),
            Alternative::Dependence(1, -0.6),
            Alternative::Dependence(season, 0.6),
        ];
        let sums = alternatives.map(|alternative| {
            let (mut evidence, mut sessions) = (0.0_f64, 0);
            for t in 1..=errors.len() {
                evidence += alternative.evidence(&errors[..t]);
                sessions += 1;
                if evidence <= 0.0 {
                    (evidence, sessions) = (0.0, 0);
                }
            }
            ChangePoint { alternative, sessions, evidence }
        });
        let strongest = sums.into_iter().max_by(|a, b| a.evidence.total_cmp(&b.evidence));
        let strongest = strongest.expect("there are alternatives");
        (strongest, strongest.evidence > ENOUGH)
    }
}
