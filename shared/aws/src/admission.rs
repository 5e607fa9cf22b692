//! Executions that are started from the queue of starts: only so many of them run at once.

use aws_sdk_sfn::{Client, operation::start_execution::StartExecutionError, types::ExecutionStatus};
use pipeline::Error;
use serde_json::Value;

use crate::failure::failed;

/// The state machine, for whoever starts it from the queue.
#[derive(Debug, Clone)]
pub struct Executions {
    client: Client,
    machine: String,
    /// At once; the schedule's own come beside them.
    limit: usize,
}

/// What became of a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admitted {
    /// Its execution runs, or has run.
    Begun,
    /// As many as may run do so.
    Later,
}

/// Their names set those that came from the queue apart from the schedule's.
const PREFIX: &str = "start-";

impl Executions {
    pub(crate) fn new(client: Client, machine: String, limit: usize) -> Executions {
        Executions { client, machine, limit }
    }

    /// Starts an execution for an event of the bus, unless enough of them run. The event's id is its name: delivered twice, it is begun once.
    ///
    /// # Errors
    /// [`Error::Request`] for an event without an id, [`Error::Store`] where Step Functions does not start it.
    pub async fn admit(&self, event: &Value) -> Result<Admitted, Error> {
        let id = event.get("id").and_then(Value::as_str).filter(|id| !id.is_empty() && id.len() <= 64);
        let id = id.ok_or_else(|| Error::Request { field: "id", reason: "the event has none".to_owned() })?;
        if self.under_way().await? >= self.limit {
            return Ok(Admitted::Later);
        }
        let start = self.client.start_execution().state_machine_arn(&self.machine);
        match start.name(format!("{PREFIX}{id}")).input(event.to_string()).send().await {
            Ok(_) => Ok(Admitted::Begun),
            Err(error) if error.as_service_error().is_some_and(StartExecutionError::is_execution_already_exists) => {
                Ok(Admitted::Begun)
            }
            Err(error) => Err(failed(&self.machine, "started", &error)),
        }
    }

    async fn under_way(&self) -> Result<usize, Error> {
        let listed = self.client.list_executions().state_machine_arn(&self.machine);
        let mut pages = listed.status_filter(ExecutionStatus::Running).into_paginator().send();
        let mut running = 0;
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failed(&self.machine, "listed", &error))?;
            running += page.executions().iter().filter(|execution| execution.name().starts_with(PREFIX)).count();
            if running >= self.limit {
                break;
            }
        }
        Ok(running)
    }
}
