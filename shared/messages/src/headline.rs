//! The headline in the user's own words: a template (<https://docs.rs/minijinja>) of what a message has.

use std::sync::Arc;

use minijinja::{Environment, UndefinedBehavior, Value, context};

use crate::Message;

/// Steps that a template may take: a list of thousands of tickers needs no more.
const FUEL: u64 = 200_000;
/// No headline is longer.
const MAX_CHARACTERS: usize = 1_000;

/// A template that was read.
#[derive(Clone)]
pub(crate) struct Headline {
    environment: Arc<Environment<'static>>,
}

const NAME: &str = "webhook.text";

impl Headline {
    /// Reads a template, and tries it on a message.
    ///
    /// # Errors
    /// In words, where it is none, or asks for what no message has.
    pub(crate) fn new(text: &str) -> Result<Headline, String> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.add_template_owned(NAME, text.to_owned()).map_err(|error| format!("{NAME}: {error}"))?;
        let headline = Headline { environment: Arc::new(environment) };
        headline.of(&Message::example(), Some("https://bell.example.com"))?;
        Ok(headline)
    }

    /// The headline of a message: what it has, and `link`, where the run's page is.
    pub(crate) fn of(&self, message: &Message, site: Option<&str>) -> Result<String, String> {
        let link = site.zip(message.run.as_ref()).map(|(site, run)| format!("{site}/runs/{run}")).unwrap_or_default();
        let values = context! { link, ..Value::from_serialize(message) };
        let template = self.environment.get_template(NAME).map_err(|error| error.to_string())?;
        let text = template.render(values).map_err(|error| format!("{NAME}: {error}"))?;
        Ok(text.trim().chars().take(MAX_CHARACTERS).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_words_of_ones_own() {
        let text = "{% if troubles %}:fire: {{ troubles | length }} failed ({{ troubles | map(attribute='ticker') | join(', ') }}){% else %}fine{% endif %} {{ as_of }} {{ link }}";
        let headline = Headline::new(text).expect("a template");
        let message = Message::example();
        assert_eq!(
            headline.of(&message, Some("https://bell.example.com")).as_deref(),
            Ok(":fire: 1 failed (KO) 2020-12-11 https://bell.example.com/runs/2020-12-11-0e133b81")
        );
        assert!(
            Headline::new("{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}").is_err()
        );
    }
}
