//! What a service on a machine of one's own refuses before anything is asked of it: names that are not its own, by which a page elsewhere
//! could have a browser read it (DNS rebinding); writes that another site sends; and tokens that are guessed.

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::sync::Semaphore;

use crate::{
    Problem,
    format::short,
    sign_in::{WrongToken, is_foreign},
};

/// A wrong token is answered after this.
const PAUSE: Duration = Duration::from_secs(1);
/// So many are answered in that time.
const REFUSALS: usize = 8;

/// Who may be called how.
pub(crate) struct Doorkeeper {
    /// Its names, beside addresses and `localhost`; none where it may be called anything.
    names: Option<Vec<String>>,
    refusals: Semaphore,
}

impl Doorkeeper {
    pub(crate) fn new(names: Option<Vec<String>>) -> Arc<Doorkeeper> {
        Arc::new(Doorkeeper { names, refusals: Semaphore::new(REFUSALS) })
    }

    fn is_called(&self, host: &str) -> bool {
        let name = name_of(host);
        self.names.is_none()
            || name.parse::<IpAddr>().is_ok()
            || name.eq_ignore_ascii_case("localhost")
            || self.is_named(name)
    }

    fn is_named(&self, name: &str) -> bool {
        self.names.iter().flatten().any(|own| own.eq_ignore_ascii_case(name))
    }

    /// Whether a browser says that another site has it send this.
    fn is_sent_by_another(&self, headers: &HeaderMap, host: &str) -> bool {
        if headers.contains_key("sec-fetch-site") {
            return is_foreign(headers);
        }
        let origin = headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or_default());
        origin.is_some_and(|origin| match origin.split_once("://") {
            Some((_, from)) => from != host && !self.is_named(name_of(from)),
            None => true,
        })
    }
}

/// A host without its port.
fn name_of(host: &str) -> &str {
    if let Some((address, _)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address;
    }
    host.rsplit_once(':').filter(|(name, _)| !name.contains(':')).map_or(host, |(name, _)| name)
}

/// Refuses, or lets through.
pub(crate) async fn keep(State(doorkeeper): State<Arc<Doorkeeper>>, request: Request, next: Next) -> Response {
    let sent = request.headers().get(header::HOST).map(|host| host.to_str().unwrap_or_default().to_owned());
    let host = request.uri().authority().map(ToString::to_string).or(sent);
    if let Some(host) = host.as_ref().filter(|host| !doorkeeper.is_called(host)) {
        let name = short(name_of(host));
        let detail = format!("this service is not called {name}: where it is, start it with --host {name}");
        return Problem::new(StatusCode::MISDIRECTED_REQUEST, detail).into_response();
    }
    if !request.method().is_safe() && doorkeeper.is_sent_by_another(request.headers(), &host.unwrap_or_default()) {
        return Problem::new(StatusCode::FORBIDDEN, "another site sent this").into_response();
    }
    let response = next.run(request).await;
    if response.status() == StatusCode::UNAUTHORIZED || response.extensions().get::<WrongToken>().is_some() {
        tracing::warn!("a token is missing or wrong");
        let _place = doorkeeper.refusals.acquire().await;
        tokio::time::sleep(PAUSE).await;
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_own_names() {
        let doorkeeper = Doorkeeper::new(Some(vec!["bell.example".to_owned()]));
        for own in ["127.0.0.1:8017", "[::1]:8017", "localhost", "Bell.Example:443", "192.168.1.7", "::1"] {
            assert!(doorkeeper.is_called(own), "{own}");
        }
        for other in
            ["evil.example", "evil.example:8017", "127.0.0.1.evil.example", "localhost.evil.example", "", "[::1"]
        {
            assert!(!doorkeeper.is_called(other), "{other}");
        }
        assert!(Doorkeeper::new(None).is_called("evil.example"));
    }

    #[test]
    fn another_site() {
        let doorkeeper = Doorkeeper::new(Some(vec!["bell.example".to_owned()]));
        let sent = |name: &'static str, value: &'static str| {
            let headers = HeaderMap::from_iter([(name.parse().expect("a name"), value.parse().expect("a value"))]);
            doorkeeper.is_sent_by_another(&headers, "127.0.0.1:8017")
        };
        assert!(!sent("accept", "text/html") && !sent("origin", "http://127.0.0.1:8017"));
        assert!(!sent("origin", "https://bell.example") && !sent("sec-fetch-site", "same-origin"));
        assert!(
            sent("origin", "http://evil.example") && sent("origin", "null") && sent("origin", "http://127.0.0.1:8018")
        );
        assert!(sent("sec-fetch-site", "cross-site") && sent("sec-fetch-site", "same-site"));
    }
}
