use axum::response::Response;
use maud::{DOCTYPE, Markup, html};

use crate::{
    assets::{ICON, STYLE},
    format::typed,
};

/// Where a page stands in the navigation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Tickers,
    Runs,
    Judged,
    Stream,
    Docs,
}

pub(super) fn page(title: &str, place: Option<Place>, content: &Markup) -> Response {
    with_scripts(title, place, content, &[])
}

/// A page that scripts make livelier; it says the same without them.
pub(super) fn with_scripts(title: &str, place: Option<Place>, content: &Markup, scripts: &[&str]) -> Response {
    let here = |other: Place| (place == Some(other)).then_some("page");
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " \u{b7} Closing Bell" }
                link rel="icon" href=(ICON.path) type="image/svg+xml";
                link rel="stylesheet" href=(STYLE.path);
                @for script in scripts { script src=(script) defer {} }
            }
            body {
                a .skip href="#main" { "Skip to the content" }
                header {
                    a .brand href="/" { img src=(ICON.path) alt="" width="28" height="28"; "Closing Bell" }
                    nav aria-label="Main" {
                        a href="/" aria-current=[here(Place::Tickers)] { "Tickers" }
                        a href="/runs" aria-current=[here(Place::Runs)] { "Nights" }
                        a href="/stream" aria-current=[here(Place::Stream)] { "Stream" }
                        a href="/judged" aria-current=[here(Place::Judged)] { "Other forecasts" }
                        a href="/docs" aria-current=[here(Place::Docs)] { "Interface" }
                    }
                }
                main #main tabindex="-1" { (content) }
                footer { p { "No forecast here is investment advice." } }
            }
        }
    };
    typed("text/html; charset=utf-8", page.into_string().into_bytes())
}
