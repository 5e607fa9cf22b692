//! Lambda function `report`: closes the run from what is committed, and tells it. Late in the evening it looks whether that has happened.

use std::{collections::BTreeMap, sync::Arc};

use aws::{Cloud, DynamoLedger, Events, S3Archive, measured, published, serve};
use forecasting::{Ticker, TradingDay};
use jiff::Timestamp;
use messages::{Message, Messenger};
use pipeline::{Archive, Closure, Error, Key, Ledger, Market, Overview, Run, RunId, RunStatus, Settings, Signed};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(untagged)]
enum Event {
    /// From the state machine.
    Close {
        run: RunId,
        /// Why the order itself broke off, where it did.
        #[serde(default)]
        error: Option<Broken>,
    },
    /// From a schedule of its own: whether the night of this moment's session is closed.
    Check { check: Timestamp },
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Broken {
    error: String,
    #[serde(default)]
    cause: String,
}

/// What the state machine branches on.
#[derive(Serialize)]
struct Answer {
    /// None while the night is not closed, and on a holiday.
    status: Option<RunStatus>,
    report: Vec<Key>,
}

#[tokio::main]
async fn main() -> Result<(), lambda_runtime::Error> {
    let cloud = Cloud::from_environment().await;
    let stores = Stores { archive: cloud.archive()?, ledger: cloud.ledger()?, events: cloud.events()? };
    serve("report", async |event: Event| match event {
        Event::Close { run, error } => stores.close(&cloud, &run, error).await,
        Event::Check { check } => stores.check(check).await,
    })
    .await
}

struct Stores {
    archive: S3Archive,
    ledger: DynamoLedger,
    events: Events,
}

impl Stores {
    async fn close(&self, cloud: &Cloud, run: &RunId, error: Option<Broken>) -> Result<Answer, Error> {
        let run = self.ledger.opened(run).await?;
        let failures = self.ledger.failures(&run.id).await?;
        let mut reasons: BTreeMap<Ticker, String> =
            failures.into_iter().map(|(ticker, failure)| (ticker, failure.reason)).collect();
        if let Some(Broken { error, cause }) = error {
            for ticker in run.tickers(&self.archive).await? {
                reasons.entry(ticker).or_insert_with(|| format!("the night broke off: {error}: {cause}"));
            }
        }
        let archive: Arc<dyn Archive> = match cloud.signer().await? {
            Some(signer) => Arc::new(Signed::new(Arc::new(self.archive.clone()), signer)),
            None => Arc::new(self.archive.clone()),
        };
        let closure = pipeline::report(&*archive, &self.ledger, &run, &reasons).await?;
        published(self.events.run_closed(&run, &closure).await);
        self.measure(&closure).await;
        if let Err(reason) = self.tell(cloud, &run, &closure).await {
            tracing::warn!(%reason, "the run's end is not sent");
        }
        Ok(Answer { status: Some(closure.status), report: closure.report })
    }

    /// Tells the chat, where one is configured. What goes wrong with that fails no run.
    async fn tell(&self, cloud: &Cloud, run: &Run, closure: &Closure) -> Result<(), String> {
        let in_words = |error: Error| error.to_string();
        let settings = Settings::stored(&self.archive).await.map_err(in_words)?;
        let address = cloud.webhook_address().await.map_err(in_words)?;
        if let Some(messenger) = Messenger::of(&settings.webhook, address.as_deref())? {
            let message = Message::closed(&self.archive, run, closure).await.map_err(in_words)?;
            messenger.tell(&self.archive, &message).await;
        }
        Ok(())
    }

    /// What an alarm and a dashboard are made of.
    async fn measure(&self, closure: &Closure) {
        let tickers = closure.tickers();
        let share = |count: usize| 100.0 * count as f64 / tickers.max(1) as f64;
        let troubled = closure.failed + closure.skipped;
        let mut numbers = vec![
            ("Done", "Count", closure.done as f64),
            ("Failed", "Count", closure.failed as f64),
            ("Skipped", "Count", closure.skipped as f64),
            ("NotDoneShare", "Percent", share(troubled)),
            ("Work", "Seconds", closure.seconds),
        ];
        match Overview::read(&self.archive, closure).await {
            Ok(overview) => {
                let standings =
                    || overview.iter().flat_map(|overview| &overview.tickers).filter_map(|t| t.standing.as_ref());
                let average =
                    |values: Vec<f64>| (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
                let skill = average(standings().filter_map(|standing| standing.skill.value).collect());
                let last =
                    |standing: &pipeline::Standing| standing.coverage.last().map(|level| level.coverage.realised);
                let coverage = average(standings().filter_map(last).collect());
                numbers.extend(skill.map(|skill| ("Skill", "Percent", 100.0 * skill)));
                numbers.extend(coverage.map(|realised| ("Coverage", "Percent", 100.0 * realised)));
            }
            Err(error) => tracing::warn!(%error, "skill and coverage are not measured"),
        }
        measured(&numbers);
    }

    /// Whether the run of tonight's session, as it is configured now, is closed, and whether anything came of it.
    async fn check(&self, moment: Timestamp) -> Result<Answer, Error> {
        let mut answer = Answer { status: None, report: Vec::new() };
        let (mut not_closed, mut no_forecasts) = (0.0, 0.0);
        if let Some(session) = TradingDay::due_at(moment).ok().and_then(|day| TradingDay::new(day).ok()) {
            let settings = Settings::stored(&self.archive).await?;
            if settings.schedule.is_on(session.date()) {
                let assignment = settings.assignment(Market::Tiingo, settings.watchlist.tickers().to_vec());
                let run = self.ledger.run(&RunId::new(session.date(), &assignment.digest())).await?;
                match run.and_then(|entry| entry.closure) {
                    Some(closure) => {
                        no_forecasts = if closure.done == 0 { 1.0 } else { 0.0 };
                        answer = Answer { status: Some(closure.status), report: closure.report };
                    }
                    None => (not_closed, no_forecasts) = (1.0, 1.0),
                }
            }
        }
        measured(&[("NotClosed", "Count", not_closed), ("NoForecasts", "Count", no_forecasts)]);
        Ok(answer)
    }
}
