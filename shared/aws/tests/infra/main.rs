//! Template and state machine against the code and each other: what no linter can see.

mod needs;
mod permissions;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value as Json;
use serde_norway::{Value, value::TaggedValue};

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(project(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn template() -> Value {
    serde_norway::from_str(&read("infra/template.yaml")).expect("YAML")
}

fn state_machine() -> Json {
    serde_json::from_str(&read("infra/state_machine.asl.json")).expect("JSON")
}

/// The tag and text of `!GetAtt A.Arn`, `!Ref A`, `!Sub "..."`.
fn tagged(value: &Value) -> Option<(String, &str)> {
    let Value::Tagged(tagged) = value else { return None };
    let TaggedValue { tag, value } = &**tagged;
    Some((tag.to_string(), value.as_str()?))
}

/// Every function of the template by the name of its folder: `PlanFunction` is functions/plan.
fn functions(template: &Value) -> BTreeMap<String, &Value> {
    let resources = template["Resources"].as_mapping().expect("resources");
    let functions = resources.iter().filter(|(_, resource)| resource["Type"] == "AWS::Serverless::Function");
    let named = functions.map(|(name, resource)| {
        let name = name.as_str().and_then(|name| name.strip_suffix("Function")).expect("is called ...Function");
        (name.to_ascii_lowercase(), &resource["Properties"])
    });
    named.collect()
}

/// Every state of a definition and of the definitions in it, by name.
fn states(definition: &Json) -> Vec<(String, &Json)> {
    let mut found = Vec::new();
    for (name, state) in definition["States"].as_object().expect("states") {
        found.push((name.clone(), state));
        if state["Type"] == "Map" {
            found.extend(states(&state["ItemProcessor"]));
        }
    }
    found
}

#[test]
fn every_substitution_exists_and_is_used() {
    let text = read("infra/state_machine.asl.json");
    let used: BTreeSet<&str> = text.split("${").skip(1).map(|rest| rest.split('}').next().expect("closed")).collect();
    let template = template();
    let given =
        template["Resources"]["Night"]["Properties"]["DefinitionSubstitutions"].as_mapping().expect("a mapping");
    let given: BTreeSet<&str> = given.keys().map(|name| name.as_str().expect("a name")).collect();
    assert_eq!(used, given);
}

#[test]
fn every_task_names_a_function_of_the_template() {
    let (machine, template) = (state_machine(), template());
    let functions = functions(&template);
    let given = &template["Resources"]["Night"]["Properties"]["DefinitionSubstitutions"];
    let mut called = BTreeSet::new();
    for (state, task) in states(&machine).into_iter().filter(|(_, state)| state["Type"] == "Task") {
        let resource = task["Resource"].as_str().expect("a resource");
        if resource == "arn:aws:states:::dynamodb:putItem" {
            continue;
        }
        let name = resource.strip_prefix("${").and_then(|name| name.strip_suffix("Arn}")).expect("a substitution");
        // A version, so that a night ends with the code that it began with.
        let arn = tagged(&given[format!("{name}Arn")]).expect("an attribute");
        assert_eq!(arn, ("!Ref".to_owned(), format!("{name}.Version").as_str()), "{state}");
        let function = name.strip_suffix("Function").expect("is called ...Function").to_ascii_lowercase();
        assert!(functions.contains_key(&function), "{state} calls {function}");
        // Its settings are part of a version: SAM publishes another one where this changes, and Lambda where the function does.
        let release = ("!Ref".to_owned(), "Release");
        assert_eq!(tagged(&functions[&function]["AutoPublishCodeSha256"]), Some(release.clone()), "{function}");
        let variables = &template["Globals"]["Function"]["Environment"]["Variables"];
        assert_eq!(tagged(&variables["CLOSING_BELL_RELEASE"]), Some(release));
        called.insert(function);
    }
    // What is answered over HTTP is not called, nor what a person calls.
    let others = ["admit", "ingest", "operate", "predict", "start"].map(str::to_owned);
    assert_eq!(called, functions.into_keys().filter(|name| !others.contains(name)).collect());
}

/// Of AWS's own errors, those that pass.
const PASSING: [&str; 9] = [
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "DynamoDB.InternalServerErrorException",
    "DynamoDB.ProvisionedThroughputExceededException",
    "DynamoDB.RequestLimitExceededException",
    "DynamoDB.ThrottlingException",
];

#[test]
fn only_errors_that_pass_are_retried() {
    let machine = state_machine();
    for (state, task) in states(&machine).into_iter().filter(|(_, state)| state["Type"] == "Task") {
        let retries = task["Retry"].as_array().unwrap_or_else(|| panic!("{state} retries nothing"));
        let names: Vec<&str> = retries
            .iter()
            .inspect(|retry| {
                assert_eq!(retry["JitterStrategy"], "FULL", "{state}");
                assert!(retry["BackoffRate"].as_f64().is_some_and(|rate| rate > 1.0), "{state}");
                assert!(retry["MaxAttempts"].as_u64().is_some_and(|attempts| attempts <= 6), "{state}");
            })
            .flat_map(|retry| retry["ErrorEquals"].as_array().expect("names"))
            .map(|name| name.as_str().expect("a name"))
            .collect();
        let lambda = task["Resource"].as_str().is_some_and(|resource| resource.starts_with("${"));
        // What fails of a batch is retried alone.
        let of_a_batch = task["Catch"][0]["Next"].as_str().is_some_and(|next| next.starts_with("AllAreLeft"));
        assert_eq!(names.contains(&aws::TRANSIENT), lambda && !of_a_batch, "{state}");
        for name in names {
            assert!(name == aws::TRANSIENT || PASSING.contains(&name), "{state} retries {name}");
        }
    }
}

/// What a function says of an error that passes is the name that is retried, and nothing else has that name.
#[test]
fn the_name_of_what_passes_is_the_codes() {
    let ticker: forecasting::Ticker = "KO".parse().expect("a ticker");
    let reason = || "?".to_owned();
    let store = |transient| pipeline::Error::Store { what: reason(), action: "read", reason: reason(), transient };
    let quota = |hourly| pipeline::Error::QuotaExceeded { ticker: ticker.clone(), reason: reason(), hourly };
    let errors = [
        store(true),
        store(false),
        quota(true),
        quota(false),
        pipeline::Error::ChampionMoved { ticker: ticker.clone() },
        pipeline::Error::MarketUnavailable { ticker: ticker.clone(), reason: reason() },
        pipeline::Error::UnknownTicker { ticker: ticker.clone(), reason: reason() },
        pipeline::Error::Missing { key: reason() },
        pipeline::Error::Conflict { key: reason() },
    ];
    for error in errors {
        assert_eq!(aws::name(&error) == aws::TRANSIENT, error.is_transient(), "{error:?}");
    }
}

#[test]
fn one_tickers_failure_stops_no_other() {
    let machine = state_machine();
    let maps = || states(&machine).into_iter().filter(|(_, state)| state["Type"] == "Map");
    for (name, map) in maps().filter(|(_, map)| map["ItemProcessor"]["ProcessorConfig"]["Mode"] == "DISTRIBUTED") {
        assert_eq!(map["ToleratedFailurePercentage"], 100, "{name}");
        assert_eq!(map["Catch"][0]["Next"], "Report", "{name}: the report always runs");
        assert_eq!(map["ItemProcessor"]["ProcessorConfig"]["ExecutionType"], "EXPRESS", "{name}");
        for (child, task) in states(&map["ItemProcessor"]) {
            if task["Type"] == "Task" && !child.starts_with("GiveUp") {
                assert_eq!(task["Catch"][0]["ErrorEquals"][0], "States.ALL", "{child}");
                // On record, or each of its tickers tried alone.
                let next = task["Catch"][0]["Next"].as_str().expect("a state");
                assert!(next.starts_with("GiveUp") || next.starts_with("AllAreLeft"), "{child}");
            }
            // A thousand children answer with nothing, or the map's answer would outgrow what a state may hold.
            if task["End"] == true && !child.starts_with("GiveUp") {
                assert_eq!(task.get("OutputPath"), Some(&Json::Null), "{child}");
            }
        }
    }
}

#[test]
fn the_clock_is_new_yorks() {
    let template = template();
    let default = |name: &str| template["Parameters"][name]["Default"].as_str().expect("a default").to_owned();
    let schedule = default("Schedule");
    assert_eq!(schedule, "cron(0 17 ? * MON-FRI *)");
    // AWS writes a year behind the usual five fields, and ? for "whichever".
    let fields = schedule.strip_prefix("cron(").and_then(|rest| rest.strip_suffix(')')).expect("cron(...)");
    let (usual, year) = fields.rsplit_once(' ').expect("six fields");
    assert_eq!((usual.split(' ').count(), year), (5, "*"));
    usual.replace('?', "*").parse::<croner::Cron>().expect("a cron expression");

    let zone = jiff::tz::TimeZone::get(&default("ScheduleTimezone")).expect("a time zone");
    assert_eq!(zone.iana_name(), Some("America/New_York"));
    let weekend =
        &template["Resources"]["Night"]["Properties"]["Events"]["Weekend"]["Properties"]["ScheduleExpression"];
    assert_eq!(weekend, "cron(0 17 ? * SAT,SUN *)", "together with the evenings, every day of the week");
    let evening = &template["Resources"]["Night"]["Properties"]["Events"]["Evening"];
    assert_eq!(evening["Type"], "ScheduleV2", "EventBridge rules know only UTC");
    let properties = &evening["Properties"];
    assert_eq!(tagged(&properties["ScheduleExpression"]), Some(("!Ref".to_owned(), "Schedule")));
    assert_eq!(tagged(&properties["ScheduleExpressionTimezone"]), Some(("!Ref".to_owned(), "ScheduleTimezone")));
}

#[test]
fn functions_are_the_templates_and_each_has_an_event() {
    let names = |path: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(project(path)).expect("a folder");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    };
    let template = template();
    let functions = functions(&template);
    let of_template: BTreeSet<String> = functions.keys().cloned().collect();
    assert_eq!(names("functions"), of_template);
    assert_eq!(names("events"), of_template.iter().map(|name| format!("{name}.json")).collect());
    for (name, function) in functions {
        assert_eq!(function["CodeUri"], format!("../target/lambda/{name}/bootstrap.zip"));
        let event = serde_json::from_str::<Json>(&read(&format!("events/{name}.json")));
        assert!(event.is_ok(), "events/{name}.json: {event:?}");
    }
}

/// Everything that a child may have to do, with every attempt, must end before the five minutes of an express execution do,
/// or its failure would be put on record by nobody.
#[test]
fn a_child_has_time_for_every_attempt() {
    let (machine, template) = (state_machine(), template());
    let functions = functions(&template);
    let default = template["Globals"]["Function"]["Timeout"].as_u64().expect("a default");
    for (name, function) in &functions {
        let seconds = function["Timeout"].as_u64().unwrap_or(default);
        assert!(seconds > aws::OPERATION.as_secs(), "{name}: a store that hangs would be taken for a crash");
    }
    for (name, map) in states(&machine).into_iter().filter(|(_, state)| state["Type"] == "Map") {
        let mut together = 0;
        for (state, task) in states(&map["ItemProcessor"]).into_iter().filter(|(_, state)| state["Type"] == "Task") {
            let function = task["Resource"].as_str().and_then(|resource| resource.strip_prefix("${"));
            let function = function.and_then(|name| name.strip_suffix("FunctionArn}")).map(str::to_ascii_lowercase);
            let seconds = function.map_or(0, |name| functions[&name]["Timeout"].as_u64().unwrap_or(default));
            together += seconds;
            for retry in task["Retry"].as_array().expect("every task retries something") {
                let number = |name: &str| retry[name].as_u64().unwrap_or_else(|| panic!("{state}: no {name}"));
                let attempts = number("MaxAttempts");
                // Without jitter, which only shortens it.
                let pause = |attempt| {
                    (number("IntervalSeconds") * number("BackoffRate").pow(attempt)).min(number("MaxDelaySeconds"))
                };
                together += (0..u32::try_from(attempts).expect("a few")).map(pause).sum::<u64>();
                // One that is throttled has not begun.
                if retry["ErrorEquals"][0] != "Lambda.TooManyRequestsException" {
                    together += attempts * seconds;
                }
            }
        }
        assert!(together < 295, "{name}: {together} s");
    }
}
