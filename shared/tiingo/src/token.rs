use std::fmt;

use reqwest::header::HeaderValue;

/// A Tiingo token. It goes into one request header and nowhere else: it is not printed, not logged, not in any URL, and
/// taken out of every answer.
#[derive(Clone)]
pub struct Token {
    header: HeaderValue,
    text: String,
}

impl Token {
    /// Takes the token as it stands in the environment or a parameter store.
    ///
    /// # Errors
    /// A message, without the token, where it is empty or holds what no token does.
    pub fn new(text: &str) -> Result<Token, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("the Tiingo token is empty".to_owned());
        }
        if !text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
            return Err("the Tiingo token holds a character that no token has".to_owned());
        }
        let mut header = HeaderValue::try_from(format!("Token {text}"))
            .map_err(|_| "the Tiingo token does not fit into a request header".to_owned())?;
        header.set_sensitive(true);
        Ok(Token { header, text: text.to_owned() })
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.header.clone()
    }

    /// The text without the token, should a server have echoed it.
    pub(crate) fn scrub(&self, text: &str) -> String {
        pipeline::without_secrets(text, &[&self.text])
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}
