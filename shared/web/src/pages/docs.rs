//! The API, from its own description, with examples that run here.

use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use super::layout::{self, Place};

/// What examples ask for.
pub(crate) struct Examples {
    pub(crate) ticker: String,
    pub(crate) run: Option<String>,
}

pub(crate) fn page(document: &Value, examples: &Examples) -> Response {
    let content = html! {
        h1 { "API" }
        p .lead { (text(&document["info"]["description"])) }
        p { "The same as an OpenAPI 3.1 document: " a href="/openapi.json" { "openapi.json" }
            ". Errors are problem documents (RFC 9457) that name the field at fault; longer lists have a " code { "Link" } " to their next page." }
        nav aria-label="Operations" { ul .operations {
            @for (path, operations) in members(&document["paths"]) {
                @for (method, operation) in members(operations) {
                    li { a href={ "#" (anchor(method, path)) } { code { (method.to_uppercase()) " " (path) } } " " (text(&operation["summary"])) }
                }
            }
        } }
        @for (path, operations) in members(&document["paths"]) {
            @for (method, operation) in members(operations) { (described(path, method, operation, examples)) }
        }
        h2 { "Shapes" }
        @for (name, schema) in members(&document["components"]["schemas"]) { (shape(name, schema)) }
    };
    layout::page("API", Some(Place::Api), &content)
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn plain(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A description, what stands between backticks as code.
fn text(value: &Value) -> Markup {
    html! {
        @for (place, part) in plain(value).split('`').enumerate() {
            @if place % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

fn anchor(method: &str, path: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    format!("{method}{}", path.chars().map(plain).collect::<String>())
}

fn described(path: &str, method: &str, operation: &Value, examples: &Examples) -> Markup {
    let anchor = anchor(method, path);
    html! {
        section .operation aria-labelledby=(anchor) {
            h2 id=(anchor) { a href={ "#" (anchor) } { code { (method.to_uppercase()) " " (path) } } }
            p { strong { (text(&operation["summary"])) } " " (text(&operation["description"])) }
            (example(path, method, examples))
            @if let Some(parameters) = operation["parameters"].as_array().filter(|parameters| !parameters.is_empty()) {
                div .scroll role="region" aria-label={ "Parameters of " (method) " " (path) } tabindex="0" { table .narrow {
                    thead { tr { th scope="col" { "Parameter" } th scope="col" { "Where" } th scope="col" { "What" } } }
                    tbody { @for parameter in parameters {
                        tr { th scope="row" { code { (plain(&parameter["name"])) } } td { (plain(&parameter["in"])) }
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

/// A line for a terminal, and a link where a browser can ask the same.
fn example(path: &str, method: &str, examples: &Examples) -> Markup {
    if path.contains("{run}") && examples.run.is_none() {
        return html! {};
    }
    let filled = path
        .replace("{ticker}", &examples.ticker)
        .replace("{run}", examples.run.as_deref().unwrap_or_default())
        .replace("{name}", "colleague")
        .replace("{version}", "2020-12-11-0205106f");
    if method == "get" {
        let runs = !path.contains("{version}") && !path.contains("{name}");
        return html! { p { code { "curl '$CLOSING_BELL" (filled) "'" } @if runs { " " a href=(filled) { "run it here" } } } };
    }
    let body = if path == "/ingest" { "KO,2020-12-14,53.5" } else { "{}" };
    html! { p { code { "curl -X " (method.to_uppercase()) " -H \"Authorization: Bearer $CLOSING_BELL_TOKEN\" -d '" (body) "' '$CLOSING_BELL" (filled) "'" } } }
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
