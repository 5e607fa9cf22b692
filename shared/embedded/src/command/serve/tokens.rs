//! Who may read, where that is not everyone.

use async_trait::async_trait;
use pipeline::Digest;
use web::{Keys, Problem, Role};

/// Tokens, as digests: how long comparing takes tells nothing of them.
pub(super) struct Tokens {
    reader: Digest,
    operator: Digest,
}

impl Tokens {
    pub(super) fn new(reader: &str, operator: &str) -> Tokens {
        let digest = |token: &str| Digest::of(token.as_bytes());
        Tokens { reader: digest(reader), operator: digest(operator) }
    }
}

#[async_trait]
impl Keys for Tokens {
    async fn role(&self, token: &str) -> Result<Option<Role>, Problem> {
        let sent = Digest::of(token.as_bytes());
        Ok(match (sent == self.operator, sent == self.reader) {
            (true, _) => Some(Role::Operator),
            (false, true) => Some(Role::Reader),
            (false, false) => None,
        })
    }
}
