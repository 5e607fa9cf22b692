//! A cloud to test on: `tests/cloud.sh` starts one (or two) and sets the endpoint.

use aws::{Cloud, DynamoLedger, S3Archive};
use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};

/// Clients, and a name that no other test of this run has.
pub(crate) async fn cloud(name: &str) -> Option<(Cloud, String)> {
    if std::env::var("AWS_ENDPOINT_URL").is_err() {
        eprintln!("AWS_ENDPOINT_URL is not set: the AWS adapters are not tested here (tests/cloud.sh does)");
        return None;
    }
    Some((Cloud::from_environment().await, format!("conformance-{name}-{}", std::process::id())))
}

pub(crate) async fn archive(cloud: &Cloud, bucket: &str) -> S3Archive {
    cloud.s3().create_bucket().bucket(bucket).send().await.expect("makes a bucket");
    S3Archive::new(cloud.s3().clone(), bucket)
}

pub(crate) async fn ledger(cloud: &Cloud, table: &str) -> DynamoLedger {
    let attribute = |name: &str| {
        let definition = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
        definition.build().expect("it has a name and a type")
    };
    let key = |name: &str, kind| {
        KeySchemaElement::builder().attribute_name(name).key_type(kind).build().expect("it has a name and a type")
    };
    let table_of_ours = cloud
        .dynamodb()
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute("pk"))
        .attribute_definitions(attribute("sk"))
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("sk", KeyType::Range));
    table_of_ours.send().await.expect("makes a table");
    DynamoLedger::new(cloud.dynamodb(), table)
}
