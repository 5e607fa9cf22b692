use std::collections::{BTreeMap, btree_map::Entry};

use async_trait::async_trait;
use forecasting::Ticker;

use super::{Broken, MemoryLedger};
use crate::{
    Error,
    stream::{Head, Kept, Kin, Source, Step, Streams},
};

/// What arrived, of all series; a step of theirs is one.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Arrived {
    pub(super) series: BTreeMap<Ticker, (Head, Vec<Kept>)>,
    positions: BTreeMap<(String, i32), i64>,
    sources: BTreeMap<String, Source>,
}

impl MemoryLedger {
    pub(super) fn rows_where(&self, ticker: &Ticker, wanted: impl Fn(&Kept) -> bool) -> Vec<Kept> {
        let content = self.locked();
        let rows = content.arrived.series.get(ticker).map(|(_, rows)| rows.iter());
        rows.into_iter().flatten().filter(|row| wanted(row)).cloned().collect()
    }
}

#[async_trait]
impl Streams for MemoryLedger {
    async fn positions(&self, source: &str) -> Result<BTreeMap<i32, i64>, Error> {
        let content = self.locked();
        let own = content.arrived.positions.iter().filter(|((of, _), _)| of == source);
        Ok(own.map(|((_, partition), next)| (*partition, *next)).collect())
    }

    async fn of_periods(&self, ticker: &Ticker, periods: &[i64]) -> Result<Vec<Kept>, Error> {
        Ok(self.rows_where(ticker, |row| periods.contains(&row.at)))
    }

    async fn rows(&self, ticker: &Ticker) -> Result<Vec<Kept>, Error> {
        Ok(self.rows_where(ticker, |_| true))
    }

    async fn keep(&self, step: &Step) -> Result<(), Error> {
        let mut content = self.locked();
        let broken = content.broken;
        let arrived = &mut content.arrived;
        let raced = |what: String| Err(Error::Raced { what });
        for (ticker, kin) in &step.series {
            let version = arrived.series.get(ticker).map_or(0, |(head, _)| head.version);
            if version != kin.before && broken != Broken::Races {
                return raced(format!("the stream of {ticker}"));
            }
        }
        let place = |partition: &i32| (step.source.clone(), *partition);
        for (partition, (before, _)) in &step.positions {
            if arrived.positions.get(&place(partition)) != before.as_ref() {
                return raced(format!("partition {partition} of {}", step.source));
            }
        }
        let lost = |kin: &Kin| broken == Broken::Drops && kin.before % 7 == 6;
        for (ticker, kin) in step.series.iter().filter(|(_, kin)| !lost(kin)) {
            match arrived.series.entry(ticker.clone()) {
                Entry::Vacant(entry) => drop(entry.insert((kin.head.clone(), kin.rows.clone()))),
                Entry::Occupied(mut entry) => {
                    let (head, rows) = entry.get_mut();
                    *head = kin.head.clone();
                    rows.extend(kin.rows.iter().cloned());
                }
            }
        }
        for (partition, (_, next)) in &step.positions {
            arrived.positions.insert(place(partition), *next);
        }
        let source = arrived.sources.entry(step.source.clone()).or_default();
        source.counts.add(&step.counts);
        (source.lag, source.at) = (step.lag, step.at.or(source.at));
        Ok(())
    }

    async fn streamed(&self) -> Result<Vec<Ticker>, Error> {
        Ok(self.locked().arrived.series.keys().cloned().collect())
    }

    async fn sources(&self) -> Result<BTreeMap<String, Source>, Error> {
        Ok(self.locked().arrived.sources.clone())
    }
}
