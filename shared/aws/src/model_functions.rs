//! Models that are not ours, as Lambda functions. Each call tells a series up to one period and no further, so that a function cannot
//! read ahead; docs/models.md has the messages.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_lambda::{
    Client,
    config::{Builder, retry::RetryConfig, timeout::TimeoutConfig},
    error::{DisplayErrorContext, SdkError},
    primitives::Blob,
};
use forecasting::Outlook;
use futures::{StreamExt, TryStreamExt, stream};
use pipeline::{
    Programs, Question, Said,
    programs::{
        Failures, Silence,
        conversation::{Fitted, Forecast, Message, Nothing},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The functions of an account. Kept for one batch: who does not answer is not asked again for it.
#[derive(Debug)]
pub struct ModelFunctions {
    client: Client,
    failures: Failures,
}

/// Forecasts of one series' past that are asked for at once.
const AT_ONCE: usize = 8;
/// For all calls about one series; the train function has 50 s for a batch.
const PATIENCE: Duration = Duration::from_secs(30);
/// A call that broke off, or found the function busy, is made again.
const ATTEMPTS: u32 = 3;

/// All that is said in one call: the series is opened, sent up to a period, and closed.
#[derive(Serialize)]
struct Invocation<'a> {
    messages: [Message<'a>; 3],
}

/// An answer for each message.
#[derive(Deserialize)]
struct Answered {
    answers: Vec<Box<RawValue>>,
}

impl ModelFunctions {
    /// Over this client.
    pub fn new(client: Client) -> ModelFunctions {
        ModelFunctions { client, failures: Failures::default() }
    }

    /// What a function forecasts once it knows so many periods, and what it has fitted then.
    async fn call(
        &self,
        question: &Question<'_>,
        known: usize,
        model: Option<&str>,
        fit: bool,
    ) -> Result<(Outlook, Option<String>), Silence> {
        let messages = [question.begin(model), question.step(0, known, fit), Message::End { end: true }];
        let payload = serde_json::to_vec(&Invocation { messages }).expect("messages are plain data");
        let answers = self.invoke(question, payload).await?;
        let [begun, forecast, fitted] = &answers[..] else {
            return Err(Silence::Other(format!("it gives {} answers to 3 messages", answers.len())));
        };
        let _: Nothing = read(begun)?;
        let forecast: Forecast = read(forecast)?;
        let fitted: Fitted = read(fitted)?;
        let outlook = question.outlook(&forecast, known).map_err(Silence::Other)?;
        Ok((outlook, fitted.model().map_err(Silence::Other)?))
    }

    async fn invoke(&self, question: &Question<'_>, payload: Vec<u8>) -> Result<Vec<Box<RawValue>>, Silence> {
        let Some(function) = &question.settings.function else {
            return Err(Silence::Other(
                "it is a command, which a machine of one's own starts: name a function".to_owned(),
            ));
        };
        let patience = Duration::from_secs(question.settings.timeout);
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(patience).operation_timeout(patience);
        let config = Builder::default()
            .timeout_config(timeouts.build())
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS));
        let call = self.client.invoke().function_name(function).payload(Blob::new(payload));
        let answer = call.customize().config_override(config).send().await.map_err(|error| match error {
            SdkError::TimeoutError(_) => Silence::TooSlow(format!("it did not answer within {} s", patience.as_secs())),
            error => Silence::Other(format!("{function} cannot be asked: {}", DisplayErrorContext(&error))),
        })?;
        let body = answer.payload.map(Blob::into_inner).unwrap_or_default();
        if let Some(failed) = answer.function_error {
            let said: String = String::from_utf8_lossy(&body).chars().take(400).collect();
            // Lambda's own word for a function that ran out of its time.
            let slow = said.contains("Task timed out");
            let reason = format!("it failed ({failed}): {said}");
            return Err(if slow { Silence::TooSlow(reason) } else { Silence::Other(reason) });
        }
        let answered: Answered = serde_json::from_slice(&body).map_err(|error| {
            let shown: String = String::from_utf8_lossy(&body).chars().take(80).collect();
            Silence::Other(format!("its answer '{shown}' cannot be read: {error}"))
        })?;
        Ok(answered.answers)
    }

    async fn hold(&self, question: &Question<'_>) -> Result<Said, Silence> {
        let periods = question.series.bars().len();
        let mut outlooks = Vec::with_capacity(periods + 1 - question.from);
        let mut model = question.model.map(str::to_owned);
        let mut fitted = None;
        let mut known = question.from;
        while known <= periods {
            if question.is_to_fit(known) {
                let (outlook, anew) = self.call(question, known, model.as_deref(), true).await?;
                outlooks.push(outlook);
                fitted.clone_from(&anew);
                model = anew;
                known += 1;
            }
            // Up to the next fit all forecasts are of one model, and need not wait for each other.
            let until = (known..=periods).find(|known| question.is_to_fit(*known)).unwrap_or(periods + 1);
            let each = stream::iter(known..until).map(|known| self.call(question, known, model.as_deref(), false));
            let between: Vec<(Outlook, Option<String>)> = each.buffered(AT_ONCE).try_collect().await?;
            outlooks.extend(between.into_iter().map(|(outlook, _)| outlook));
            known = until;
        }
        Ok(Said { outlooks, model: fitted })
    }
}

fn read<'a, T: Deserialize<'a>>(answer: &'a RawValue) -> Result<T, Silence> {
    let shown = || answer.get().chars().take(80).collect::<String>();
    serde_json::from_str(answer.get())
        .map_err(|error| Silence::Other(format!("its answer '{}' cannot be read: {error}", shown())))
}

#[async_trait]
impl Programs for ModelFunctions {
    async fn ask(&self, question: &Question<'_>) -> Result<Said, String> {
        self.failures.check(question.program)?;
        let calls = question.series.bars().len() + 1 - question.from;
        let late = |_| {
            let reason = format!("its {calls} forecasts of a series were not there within {} s", PATIENCE.as_secs());
            Err(Silence::TooSlow(reason))
        };
        let said = tokio::time::timeout(PATIENCE, self.hold(question)).await.unwrap_or_else(late);
        self.failures.settle(question.program, said)
    }
}
