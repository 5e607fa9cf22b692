//! What becomes of one seed.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::future::{FutureExt, LocalBoxFuture, join_all};
use pipeline::testing::Broken;
use rand::RngExt;

use crate::{
    actors::{Order, Work, World, everyone},
    chance::{Chance, Happened, Place},
    check::check,
    market::{MAX_NIGHTS, STREAMED, TICKERS, bars},
    stores::{Content, Kind, Stores},
};

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// What must not be, and was.
    pub violations: Vec<String>,
    /// The faults that led to it.
    pub happened: Vec<Happened>,
}

/// How the seeds are tried.
#[derive(Debug, Clone, Copy)]
pub struct Trial {
    /// What stores are made of.
    pub kind: Kind,
    /// A promise that those in memory break.
    pub broken: Broken,
}

/// Follows one seed to its end.
pub fn follow(seed: u64, trial: Trial, only: Option<BTreeSet<Place>>) -> Found {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(seeded(seed, trial, only))
}

async fn seeded(seed: u64, trial: Trial, only: Option<BTreeSet<Place>>) -> Found {
    let chance = Arc::new(Chance::new(seed, only));
    let mut random = chance.stream("scenario", 0);
    let nights = random.random_range(2..=MAX_NIGHTS);
    let in_order = random.random_bool(0.5);
    let remembers = random.random_bool(0.5);
    let order = if random.random_bool(0.5) { Order::Machine } else { Order::Cloud };
    let world = Arc::new(World {
        chance: chance.clone(),
        stores: Stores::new(trial.kind, trial.broken),
        bars: bars(),
        numbers: 1.into(),
        violations: Mutex::default(),
        decided: !in_order && random.random_bool(0.5),
    });
    if in_order {
        for night in 0..nights {
            world.ingest(night, remembers).await;
            join_all(of_night(&world, night, order)).await;
        }
    } else {
        at_once(&world, nights, order, remembers).await;
    }
    // What is still on its way arrives.
    tokio::time::sleep(Duration::from_mins(5)).await;
    let before = Content::read(&world.stores, &everyone()).await.expect("reads");
    for night in 0..nights {
        world.ingest(night, remembers).await;
        world.night(night, Work::Bars, Order::Machine).await;
        world.night(night, Work::Rows, Order::Machine).await;
    }
    check(&world, nights, &before, in_order.then_some(remembers)).await;
    let violations = std::mem::take(&mut *world.violations.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    Found { violations, happened: chance.happened() }
}

/// Both runs of a night, and who asks meanwhile.
fn of_night(world: &Arc<World>, night: usize, order: Order) -> Vec<LocalBoxFuture<'_, ()>> {
    let ask = |name, number| world.ask(name, 4, number).boxed_local();
    vec![
        world.night(night, Work::Bars, order).boxed_local(),
        world.night(night, Work::Rows, order).boxed_local(),
        ask(TICKERS[0], 2 * night as u64),
        ask(STREAMED, 2 * night as u64 + 1),
    ]
}

/// Everything at once: nights of several days, the topic, and people.
async fn at_once(world: &Arc<World>, nights: usize, order: Order, remembers: bool) {
    let mut random = world.chance.stream("beginnings", 0);
    let mut all: Vec<LocalBoxFuture<'_, ()>> = Vec::new();
    let within = [3, 60, 600][random.random_range(0..3)];
    for night in 0..nights {
        let delay = Duration::from_secs(random.random_range(0..within));
        all.push(
            async move {
                tokio::time::sleep(delay).await;
                world.ingest(night, remembers).await;
                join_all(of_night(world, night, order)).await;
            }
            .boxed_local(),
        );
    }
    if world.decided {
        all.push(world.decide(Duration::from_secs(within)).boxed_local());
    }
    join_all(all).await;
}
