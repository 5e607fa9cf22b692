//! What a ledger in the cloud holds beside the port's records: who works on a run, and what became of it.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use forecasting::Ticker;
use jiff::Timestamp;
use pipeline::{Error, Ledger, Run, RunId};
use serde::Deserialize;

use crate::{
    DynamoLedger, TRANSIENT,
    dynamo_ledger::run_key,
    failure::failed,
    item::{item, text},
    name,
    table::{Range, now, passing},
};

/// Why a ticker was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// When it was given up.
    pub failed_at: Timestamp,
    /// In words.
    pub reason: String,
    /// Whether trying again may help: so it is with all but the errors that our own stages call by their name.
    pub may_pass: bool,
}

impl DynamoLedger {
    /// A run that `plan` has opened.
    pub async fn opened(&self, run: &RunId) -> Result<Run, Error> {
        let entry = self.run(run).await?;
        Ok(entry.ok_or_else(|| Error::Missing { key: format!("run {run}") })?.run)
    }

    /// Whether this execution is the one to work on a run for this request. The first that asks is, whenever it asks again;
    /// what delivers a trigger twice starts two executions, and the second is not.
    pub async fn claim(&self, run: &RunId, request: &str, execution: &str) -> Result<bool, Error> {
        let sort = format!("START#{request}");
        let mut claim = item(&run_key(run), &sort, [("execution", execution.to_owned()), ("started_at", now())]);
        claim.extend(passing());
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(claim))
            .condition_expression("attribute_not_exists(pk) OR execution = :execution")
            .expression_attribute_values(":execution", text(execution));
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Ok(false)
            }
            Err(error) => Err(failed(&self.table, "written", &error)),
        }
    }

    /// Puts on record that a ticker was given up. The state machine writes the same where a function died, which could not.
    pub(crate) async fn give_up(
        &self,
        run: &RunId,
        ticker: &Ticker,
        execution: &str,
        error: &Error,
    ) -> Result<(), Error> {
        let attributes = [
            ("ticker", ticker.to_string()),
            ("execution", execution.to_owned()),
            ("error", name(error).to_owned()),
            ("cause", error.to_string()),
            ("failed_at", now()),
        ];
        let mut failure = item(&run_key(run), &format!("FAILURE#{ticker}"), attributes);
        failure.extend(passing());
        self.put(failure, None).await.map(|_| ())
    }

    /// The tickers of a run that were given up, each by the last to do so.
    pub async fn failures(&self, run: &RunId) -> Result<BTreeMap<Ticker, Failure>, Error> {
        let mut failures = BTreeMap::new();
        for item in self.query(&run_key(run), Range::StartingWith("FAILURE#"), None).await? {
            let stored = self.stored(&item);
            let error = stored.string("error")?;
            let reason = reason(error, stored.string("cause")?);
            // AWS's own have a dot in their names: throttled, timed out, died.
            let may_pass = error.contains('.') || error == TRANSIENT;
            let failure = Failure { failed_at: stored.word("failed_at")?, reason, may_pass };
            failures.insert(stored.word("ticker")?, failure);
        }
        Ok(failures)
    }
}

/// What Step Functions calls a cause is the function's own answer where it gave one, and prose where it did not.
fn reason(error: &str, cause: &str) -> String {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer {
        error_type: String,
        error_message: String,
    }
    match serde_json::from_str::<Answer>(cause) {
        // Ours are whole sentences; the runtime's own (`Runtime.ExitError`, `Sandbox.Timedout`) need their name.
        Ok(answer) if answer.error_type.contains('.') => format!("{}: {}", answer.error_type, answer.error_message),
        Ok(answer) => answer.error_message,
        Err(_) if cause.is_empty() => error.to_owned(),
        Err(_) if error.contains('.') => format!("{error}: {cause}"),
        // Ours, put on record by ourselves.
        Err(_) => cause.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::reason;

    #[test]
    fn reasons_from_causes() {
        let ours = r#"{"errorType":"UnknownTicker","errorMessage":"FB: Tiingo answers 404"}"#;
        assert_eq!(reason("UnknownTicker", ours), "FB: Tiingo answers 404");
        let crash = r#"{"errorType":"Runtime.ExitError","errorMessage":"exit status 1"}"#;
        assert_eq!(reason("Runtime.ExitError", crash), "Runtime.ExitError: exit status 1");
        assert_eq!(reason("States.Timeout", ""), "States.Timeout");
        assert_eq!(reason("Lambda.Unknown", "it broke"), "Lambda.Unknown: it broke");
        assert_eq!(reason("Stale", "FB: no bar since 2022-06-08"), "FB: no bar since 2022-06-08");
    }
}
