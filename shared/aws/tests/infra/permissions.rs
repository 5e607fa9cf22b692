//! Each role may do what its function needs, and nothing more.

use std::collections::BTreeSet;

use serde_norway::Value;

use crate::{
    functions,
    needs::{Needs, of_the_stages},
    read, tagged, template,
};

#[tokio::test]
async fn each_role_has_what_its_function_needs_and_no_more() {
    let mut needed = Box::pin(of_the_stages()).await;
    let template = template();
    for (name, function) in functions(&template) {
        let needs = needed.entry(name.clone()).or_default();
        // What a function's `main` makes for itself beside archive and ledger.
        let main = read(&format!("functions/{name}/src/main.rs"));
        for (made, action, resource) in [
            ("cloud.archive()|aws::bucket()", "s3:", ""),
            ("cloud.ledger()|aws::table()", "dynamodb:", ""),
            (".events()", "events:PutEvents", "bus"),
            ("cloud.model_functions()", "lambda:InvokeFunction", "models"),
            ("cloud.token_parameter()", "ssm:GetParameter", "parameter"),
            ("cloud.webhook_address()", "ssm:GetParameter", "webhook"),
            ("cloud.signer()", "ssm:GetParameter", "signer"),
            ("cloud.sign_in_folder()", "ssm:GetParameter", "tokens"),
            (".executions()", "states:ListExecutions", "night"),
            (".executions()", "states:StartExecution", "night"),
        ] {
            match (made.split('|').any(|made| main.contains(made)), resource) {
                (makes, "") => assert_eq!(makes, needs.iter().any(|need| need.0.starts_with(action)), "{name}: {made}"),
                (true, _) => {
                    needs.insert((action.to_owned(), resource.to_owned()));
                }
                (false, _) => {}
            }
        }
        assert_eq!(function["Policies"].as_sequence().map(Vec::len), Some(1), "{name}: all of it is looked at");
        let allowed = allowed(&function["Policies"][0]["Statement"]);
        let lacking: BTreeSet<_> = needs.difference(&allowed).collect();
        let too_much: BTreeSet<_> = allowed.difference(needs).collect();
        assert!(lacking.is_empty() && too_much.is_empty(), "{name} lacks {lacking:?}, has too much: {too_much:?}");
    }
}

/// Actions by resource, in the words of `needs`.
fn allowed(statements: &Value) -> Needs {
    let mut allowed = Needs::new();
    for statement in statements.as_sequence().expect("statements") {
        // One that is there under a condition.
        let statement = match statement {
            Value::Tagged(tagged) => &tagged.value[1],
            other => other,
        };
        assert_eq!(statement["Effect"], "Allow");
        for action in one_or_more(&statement["Action"]) {
            let action = action.as_str().expect("an action");
            assert!(!action.contains('*'), "{action}");
            for resource in one_or_more(&statement["Resource"]) {
                allowed.insert((action.to_owned(), named(resource)));
            }
        }
    }
    allowed
}

fn one_or_more(value: &Value) -> Vec<&Value> {
    if matches!(value, Value::Tagged(_)) {
        return vec![value];
    }
    value.as_sequence().map_or_else(|| vec![value], |values| values.iter().collect())
}

fn named(resource: &Value) -> String {
    if resource.as_str() == Some("*") {
        return "network".to_owned();
    }
    if let Value::Tagged(joined) = resource
        && joined.tag == "Join"
    {
        return joined.value[0]
            .as_str()
            .map(|part| part.trim_matches([':', '/']).to_owned())
            .expect("a part of an ARN");
    }
    match tagged(resource) {
        Some((_, "Rows.Arn")) => "rows".to_owned(),
        Some((_, "StreamKinesis" | "StreamKafkaCluster" | "StreamKafkaSecret")) => "stream".to_owned(),
        Some((_, "ModelFunctions")) => "models".to_owned(),
        Some((_, "Night")) => "night".to_owned(),
        Some((_, "arn:${AWS::Partition}:s3:::${Bucket}")) => "bucket".to_owned(),
        Some((_, text)) if text.ends_with(":table/${Table}") => "table".to_owned(),
        Some((_, text)) if text.ends_with("parameter${WebhookParameter}") => "webhook".to_owned(),
        Some((_, text)) if text.ends_with("parameter${SigningParameter}") => "signer".to_owned(),
        Some((_, text)) if text.ends_with("parameter/${AWS::StackName}/sign-in/*") => "tokens".to_owned(),
        Some((_, text)) if text.ends_with("event-bus/${EventBusName}") => "bus".to_owned(),
        Some((_, text)) if text.ends_with("parameter${TokenParameter}") => "parameter".to_owned(),
        Some((_, text)) => {
            text.strip_prefix("arn:${AWS::Partition}:s3:::${Bucket}/").expect("a part of the archive").to_owned()
        }
        None => panic!("a resource of another kind: {resource:?}"),
    }
}
