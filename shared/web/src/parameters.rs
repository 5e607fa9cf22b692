//! The query of a request: every parameter is known, and none is given twice that has one value.

use crate::Problem;

pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads a query that may hold these parameters; those in `many` may be repeated.
    pub(crate) fn read(query: Option<&str>, once: &[&str], many: &[&str]) -> Result<Parameters, Problem> {
        let mut read: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            let known = |names: &[&str]| names.contains(&&*name);
            if known(once) && read.iter().any(|(other, _)| *other == name) {
                return Err(Problem::field(&name, "it is given twice"));
            }
            if !known(once) && !known(many) {
                let all: Vec<&str> = once.iter().chain(many).copied().collect();
                let there = if all.is_empty() { "none is".to_owned() } else { format!("known are {}", all.join(", ")) };
                return Err(Problem::field(&name, format_args!("there is no such parameter; {there}")));
            }
            read.push((name.into_owned(), value.into_owned()));
        }
        Ok(Parameters(read))
    }

    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_and_once() {
        let read = Parameters::read(Some("horizon=3&level=80&level=97.5"), &["horizon"], &["level"]).expect("reads");
        assert_eq!((read.one("horizon"), read.all("level").count()), (Some("3"), 2));
        assert_eq!(read.one("format"), None);
        let refused = |query| Parameters::read(Some(query), &["horizon"], &["level"]).err().and_then(|p| p.field);
        assert_eq!(refused("horizon=1&horizon=2").as_deref(), Some("horizon"));
        assert_eq!(refused("horizn=3").as_deref(), Some("horizn"));
        assert_eq!(refused("level=1&level=2"), None);
    }
}
