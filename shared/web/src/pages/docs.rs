//! The interface for programs, from its own description.

use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use super::layout::{self, Place};

pub(crate) fn page(document: &Value) -> Response {
    let content = html! {
        h1 { "Interface" }
        p .lead { (text(&document["info"]["description"])) }
        p { "The same as an OpenAPI 3.1 document: " a href="/openapi.json" { "openapi.json" }
            ". Errors are problem documents (RFC 9457): the field at fault is named." }
        @for (path, operations) in members(&document["paths"]) {
            @for (method, operation) in members(operations) { (described(path, method, operation)) }
        }
        h2 { "Shapes" }
        @for (name, schema) in members(&document["components"]["schemas"]) { (shape(name, schema)) }
    };
    layout::page("Interface", Some(Place::Docs), &content)
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn described(path: &str, method: &str, operation: &Value) -> Markup {
    html! {
        section .operation {
            h2 { code { (method.to_uppercase()) " " (path) } }
            p { strong { (text(&operation["summary"])) } " " (text(&operation["description"])) }
            @if let Some(parameters) = operation["parameters"].as_array() {
                div .scroll role="region" aria-label={ "Parameters of " (method) " " (path) } tabindex="0" { table .narrow {
                    thead { tr { th scope="col" { "Parameter" } th scope="col" { "Where" } th scope="col" { "What" } } }
                    tbody { @for parameter in parameters {
                        tr { th scope="row" { code { (text(&parameter["name"])) } } td { (text(&parameter["in"])) }
                            td { (text(&parameter["description"])) } }
                    } }
                } }
            }
            dl .facts { @for (status, response) in members(&operation["responses"]) {
                dt { code { (status) } } dd { (text(&response["description"])) " " (media(response)) }
            } }
        }
    }
}

fn media(response: &Value) -> Markup {
    html! { @for (media_type, _) in members(&response["content"]) { code .media { (media_type) } " " } }
}

fn shape(name: &str, schema: &Value) -> Markup {
    html! {
        details #(name) {
            summary { code { (name) } " " (text(&schema["description"])) }
            pre tabindex="0" { (serde_json::to_string_pretty(schema).unwrap_or_default()) }
        }
    }
}
