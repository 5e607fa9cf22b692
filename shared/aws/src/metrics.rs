//! Numbers for CloudWatch, as lines of the log: the embedded metric format costs no request, and a function that is stopped loses none
//! that it has written.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Where CloudWatch has them, by the stack's name.
const NAMESPACE: &str = "ClosingBell";

/// Writes numbers: name, unit, value.
pub fn measured(numbers: &[(&str, &str, f64)]) {
    let stack = std::env::var("CLOSING_BELL_STACK").unwrap_or_default();
    #[allow(clippy::print_stdout, reason = "the log is where CloudWatch reads it")]
    {
        println!("{}", line(&stack, Timestamp::now(), numbers));
    }
}

fn line(stack: &str, now: Timestamp, numbers: &[(&str, &str, f64)]) -> Value {
    let described: Vec<Value> = numbers.iter().map(|(name, unit, _)| json!({ "Name": name, "Unit": unit })).collect();
    let mut line = Map::new();
    let of = json!({ "Namespace": NAMESPACE, "Dimensions": [["Stack"]], "Metrics": described });
    line.insert("_aws".to_owned(), json!({ "Timestamp": now.as_millisecond(), "CloudWatchMetrics": [of] }));
    line.insert("Stack".to_owned(), stack.into());
    line.extend(numbers.iter().map(|(name, _, value)| ((*name).to_owned(), json!(value))));
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_cloudwatch_reads() {
        let now = Timestamp::from_second(1_607_724_000).expect("a moment");
        let line = line("closing-bell", now, &[("Done", "Count", 9.0), ("FailedShare", "Percent", 10.0)]);
        let expected = json!({
            "_aws": {
                "Timestamp": 1_607_724_000_000_i64,
                "CloudWatchMetrics": [{
                    "Namespace": "ClosingBell",
                    "Dimensions": [["Stack"]],
                    "Metrics": [{ "Name": "Done", "Unit": "Count" }, { "Name": "FailedShare", "Unit": "Percent" }],
                }],
            },
            "Stack": "closing-bell",
            "Done": 9.0,
            "FailedShare": 10.0,
        });
        assert_eq!(line, expected);
    }
}
