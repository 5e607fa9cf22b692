//! The sign-in page.

use axum::response::Response;
use maud::html;

use super::layout;

/// Asks for the token; `again` where the one before was none.
pub(crate) fn page(next: &str, again: bool) -> Response {
    let content = html! {
        h1 { "Sign in" }
        @if again { p .outcome.partial role="alert" { "That is none of the tokens." } }
        p .lead #token-hint { "With a reader's token, or an operator's, who may start nights. It stays in this browser for a month." }
        form .start method="post" action="/sign-in" {
            input type="hidden" name="next" value=(next);
            div { label for="token" { "Token" }
                input #token name="token" type="password" required autocomplete="current-password" aria-describedby="token-hint"; }
            button type="submit" { "Sign in" }
        }
    };
    layout::page("Sign in", None, &content)
}
