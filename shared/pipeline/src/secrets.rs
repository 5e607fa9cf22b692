//! What must not be repeated, taken out of what others say.

/// A text without these secrets, however a server has escaped them in JSON. What it says there otherwise means the same.
pub fn without_secrets(text: &str, secrets: &[&str]) -> String {
    let mut plain = unescaped(text);
    // What is no JSON may come to an escape that was none. Each time it is shorter.
    loop {
        let again = unescaped(&plain);
        if again == plain {
            break;
        }
        plain = again;
    }
    secrets.iter().filter(|secret| !secret.is_empty()).fold(plain, |text, secret| text.replace(secret, "(secret)"))
}

/// Escapes of JSON that need not be, undone: `\/`, and `\u0053` where it is a visible character that has no meaning there.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = rest.find('\\') {
        plain.push_str(&rest[..place]);
        rest = &rest[place..];
        let code = rest.strip_prefix("\\u").and_then(|digits| u32::from_str_radix(digits.get(..4)?, 16).ok());
        let plainly = |c: &char| c.is_ascii_graphic() && !matches!(c, '"' | '\\');
        if let Some(c) = code.and_then(char::from_u32).filter(plainly) {
            plain.push(c);
            rest = &rest[6..];
        } else if let Some(after) = rest.strip_prefix("\\/") {
            plain.push('/');
            rest = after;
        } else {
            // With what it escapes, so that an escaped backslash begins nothing.
            let end = rest.char_indices().nth(2).map_or(rest.len(), |(place, _)| place);
            plain.push_str(&rest[..end]);
            rest = &rest[end..];
        }
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_they_are_escaped() {
        for said in ["a Secret7 b", r"a \u0053ecret7 b", r"a \u0053\u0065cret\u0037 b", r"a S\u0065cret7 b"] {
            assert_eq!(without_secrets(said, &["Secret7"]), "a (secret) b", "{said}");
        }
        assert_eq!(without_secrets(r"S\u0\u003065cret7", &["Secret7"]), "(secret)");
        assert_eq!(without_secrets(r"at \/services\/T0\/x", &["/services/T0/x"]), "at (secret)");
        assert_eq!(without_secrets("nothing", &[""]), "nothing");
    }

    #[test]
    fn what_json_says_otherwise_stays() {
        for said in [r#"{"a": "\"\\u0053\\\n\u000a\u00e9\u0022\u005c"}"#, r"\", r"\u00", "\\u0é53", r"\\/"] {
            assert_eq!(without_secrets(said, &["x"]), said);
        }
        let said = r#"{"detail": "\u0054oken \u2028 \/"}"#;
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        assert_eq!(value(&without_secrets(said, &["zzz"])), value(said));
    }
}
