//! What every page has: its head, where one can go from it, and its foot.

use axum::response::Response;
use maud::{DOCTYPE, Markup, html};

use crate::{
    assets::{ICON, SITE, STYLE},
    format::typed,
};

/// Where a page stands in the navigation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Tickers,
    Nights,
    Results,
    Stream,
    Judged,
    Api,
}

const PLACES: [(Place, &str, &str); 6] = [
    (Place::Tickers, "/", "Tickers"),
    (Place::Nights, "/runs", "Nights"),
    (Place::Results, "/results", "Results"),
    (Place::Stream, "/stream", "Stream"),
    (Place::Judged, "/judged", "Other forecasts"),
    (Place::Api, "/docs", "API"),
];

pub(super) fn page(title: &str, place: Option<Place>, content: &Markup) -> Response {
    with_scripts(title, place, content, &[])
}

/// A page that scripts make livelier; it says the same without them.
pub(super) fn with_scripts(title: &str, place: Option<Place>, content: &Markup, scripts: &[&str]) -> Response {
    searched(title, place, "", content, scripts)
}

/// A page that shows what was searched for.
pub(super) fn searched(
    title: &str,
    place: Option<Place>,
    searched: &str,
    content: &Markup,
    scripts: &[&str],
) -> Response {
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
                // Before anything is drawn: the theme that was chosen last.
                script src=(SITE.path) {}
                @for script in scripts { script src=(script) defer {} }
            }
            body {
                a .skip href="#main" { "Skip to the content" }
                header {
                    div .inner {
                        a .brand href="/" { img src=(ICON.path) alt="" width="24" height="24"; "Closing Bell" }
                        nav aria-label="Main" {
                            @for (there, path, name) in PLACES {
                                a href=(path) aria-current=[(place == Some(there)).then_some("page")] { (name) }
                            }
                        }
                        form .search method="get" action="/" role="search" aria-label="Search tickers" {
                            input #search name="q" type="search" value=(searched) maxlength="60" placeholder="Search tickers"
                                aria-label="Search tickers" aria-keyshortcuts="/" autocomplete="off";
                            kbd aria-hidden="true" { "/" }
                        }
                        button .theme type="button" hidden aria-label="Switch between light and dark" title="Switch between light and dark" {
                            svg width="18" height="18" viewBox="0 0 18 18" aria-hidden="true" {
                                circle cx="9" cy="9" r="7" {} path d="M9 2a7 7 0 0 1 0 14z" {}
                            }
                        }
                    }
                }
                main #main tabindex="-1" { (content) }
                footer { div .inner { p { "No forecast here is investment advice." } } }
            }
        }
    };
    typed("text/html; charset=utf-8", page.into_string().into_bytes())
}
