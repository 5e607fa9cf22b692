//! Long lists come in pages: `limit` and `offset`, and where more follows a `Link` to it (RFC 8288).

use axum::{
    http::{HeaderValue, Uri, header},
    response::Response,
};

use crate::{Problem, parameters::Parameters};

/// What a list's query may hold, beside its own.
pub(crate) const PARAMETERS: [&str; 2] = ["limit", "offset"];
/// No answer has more rows.
pub(crate) const MAX_LIMIT: usize = 10_000;
/// Rows of an answer that nobody limits.
pub(crate) const LIMIT: usize = 1_000;

/// Which rows of a list are asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Paging {
    limit: usize,
    offset: usize,
    uri: Uri,
}

impl Paging {
    pub(crate) fn read(query: &Parameters, limit: usize, uri: &Uri) -> Result<Paging, Problem> {
        let number = |name: &str, default: usize, from: usize, to: usize| match query.one(name) {
            None => Ok(default),
            Some(text) => match text.parse() {
                Ok(number) if (from..=to).contains(&number) => Ok(number),
                _ => Err(Problem::field(name, format_args!("it is a whole number from {from} to {to}"))),
            },
        };
        let (limit, offset) = (number("limit", limit, 1, MAX_LIMIT)?, number("offset", 0, 0, 1_000_000_000)?);
        Ok(Paging { limit, offset, uri: uri.clone() })
    }

    /// How many rows must be known to tell whether more follow.
    pub(crate) fn needed(&self) -> usize {
        self.offset + self.limit + 1
    }

    /// The rows of this page, and whether more follow.
    pub(crate) fn of<T>(&self, all: Vec<T>) -> (Vec<T>, bool) {
        let more = all.len() > self.offset + self.limit;
        (all.into_iter().skip(self.offset).take(self.limit).collect(), more)
    }

    /// The answer with a link to the next page, where there is one.
    pub(crate) fn linked(&self, mut response: Response, more: bool) -> Response {
        if more {
            let mut query = form_urlencoded::Serializer::new(String::new());
            let others = form_urlencoded::parse(self.uri.query().unwrap_or_default().as_bytes());
            query.extend_pairs(others.filter(|(name, _)| !PARAMETERS.contains(&&**name)));
            query.append_pair("limit", &self.limit.to_string());
            query.append_pair("offset", &(self.offset + self.limit).to_string());
            let link = format!("<{}?{}>; rel=\"next\"", self.uri.path(), query.finish());
            if let Ok(link) = HeaderValue::from_str(&link) {
                response.headers_mut().insert(header::LINK, link);
            }
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    #[test]
    fn pages_follow_each_other() {
        let read = |query: &str| {
            let uri = format!("/scores/KO?{query}").parse().expect("a path");
            Paging::read(&Parameters::read(Some(query), &["format", "limit", "offset"], &[])?, LIMIT, &uri)
        };
        let page = read("format=csv&limit=2&offset=1").expect("reads");
        assert_eq!(page.of(vec![0, 1, 2, 3]), (vec![1, 2], true));
        assert_eq!(page.of(vec![0, 1, 2]), (vec![1, 2], false));
        assert_eq!(page.of(vec![0]), (vec![], false));
        let linked = page.linked(().into_response(), true);
        assert_eq!(linked.headers()[header::LINK], "</scores/KO?format=csv&limit=2&offset=3>; rel=\"next\"");
        assert!(page.linked(().into_response(), false).headers().get(header::LINK).is_none());
        for refused in ["limit=0", "limit=10001", "limit=x", "offset=-1"] {
            let field = read(refused).err().and_then(|problem| problem.field);
            assert_eq!(field.as_deref(), refused.split('=').next(), "{refused}");
        }
    }
}
