//! Texts that others wrote, as they may stand in a log, a report or a name.

/// On one line, and as it reads: control characters, line separators and characters that turn the direction of what follows become blanks.
pub fn legible(text: &str) -> String {
    text.chars().map(|c| if is_hidden(c) { ' ' } else { c }).collect()
}

/// The same of a text of several lines.
pub fn legible_lines(text: &str) -> String {
    text.chars().map(|c| if is_hidden(c) && c != '\n' { ' ' } else { c }).collect()
}

/// Control characters; separators of lines and paragraphs; bidirectional marks, embeddings, overrides and isolates (Unicode's UAX 9).
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_read_as_something_else() {
        assert_eq!(legible("KO\n WARN all is well\u{1b}[2J"), "KO  WARN all is well [2J");
        assert_eq!(legible("evil\u{202e}vsc.exe\u{2066}"), "evil vsc.exe ");
        assert_eq!(legible("Stück, 株, \u{1f514}"), "Stück, 株, \u{1f514}");
        assert_eq!(legible_lines("a\nb\r\u{7}"), "a\nb  ");
    }
}
