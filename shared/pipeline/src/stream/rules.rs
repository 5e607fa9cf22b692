//! What a row means that is of a period which has rows already.

use std::cmp::Ordering;

use super::{Kept, Mark};

/// What is to be done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It says what is known.
    Repeated,
    /// It says what is known, with a newer revision: what comes with an older one is outdated.
    Confirmed,
    /// It says otherwise, and is newer.
    Revised,
    /// A newer revision has replaced it before it came.
    Outdated,
    /// It returns to a value that was replaced, or contradicts another with the same revision, and nothing tells which one is newer.
    Ambiguous,
}

/// `rows` are those of its period, in the order in which they were kept: the last one counts.
pub(super) fn meaning(rows: &[Kept], value: f64, mark: &Mark) -> Option<Meaning> {
    let current = rows.last()?;
    let order = order(mark, &current.mark);
    if current.value.to_bits() == value.to_bits() {
        let newer = order == Some(Ordering::Greater) && mark.revision.is_some();
        return Some(if newer { Meaning::Confirmed } else { Meaning::Repeated });
    }
    let returns = || rows.iter().any(|row| row.value.to_bits() == value.to_bits());
    Some(match order {
        Some(Ordering::Less) => Meaning::Outdated,
        Some(Ordering::Equal) => Meaning::Ambiguous,
        None if returns() => Meaning::Ambiguous,
        Some(Ordering::Greater) | None => Meaning::Revised,
    })
}

/// The producer's revisions decide where both have one; otherwise positions of one partition. Anything else has no order.
fn order(new: &Mark, old: &Mark) -> Option<Ordering> {
    if let (Some(new), Some(old)) = (new.revision, old.revision) {
        return Some(new.cmp(&old));
    }
    let (new, old) = (new.position.as_ref()?, old.position.as_ref()?);
    ((&new.source, new.partition) == (&old.source, old.partition)).then(|| new.offset.cmp(&old.offset))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::stream::{Form, How, Position, arrival::Offset};

    fn at(offset: i64) -> Mark {
        let position = Position { source: "topic".to_owned(), partition: 0, offset: Offset::from(offset) };
        Mark { revision: None, position: Some(position) }
    }

    fn revision(revision: i64) -> Mark {
        Mark { revision: Some(revision), position: None }
    }

    /// Values with their marks, as they arrive; what becomes of each, and what counts in the end.
    fn check(rows: &[(f64, Mark)], expected: &[Option<Meaning>], counts: f64) {
        let mut kept: Vec<Kept> = Vec::new();
        for ((value, mark), expected) in rows.iter().zip(expected) {
            let meaning = meaning(&kept, *value, mark);
            assert_eq!(meaning, *expected, "{rows:?}");
            if matches!(meaning, None | Some(Meaning::Revised | Meaning::Confirmed)) {
                let (form, how) = (Form::Date, How::Waiting);
                let (sequence, known) = (kept.len() as u64 + 1, Timestamp::UNIX_EPOCH);
                kept.push(Kept {
                    sequence,
                    at: 0,
                    form,
                    value: *value,
                    mark: mark.clone(),
                    known,
                    how,
                    forecast: None,
                });
            }
        }
        assert_eq!(kept.last().map(|row| row.value), Some(counts), "{rows:?}");
    }

    #[test]
    fn ten_eleven_and_ten_again() {
        use Meaning::{Ambiguous, Confirmed, Outdated, Repeated, Revised};
        let none = Mark::default;
        // The producer goes back to 10: the partition tells that it does.
        check(&[(10.0, at(1)), (11.0, at(2)), (10.0, at(3))], &[None, Some(Revised), Some(Revised)], 10.0);
        // An old 10 that is delivered again does not undo 11.
        check(&[(10.0, at(1)), (11.0, at(2)), (10.0, at(1))], &[None, Some(Revised), Some(Outdated)], 11.0);
        check(&[(10.0, at(9)), (11.0, at(10)), (10.0, at(9))], &[None, Some(Revised), Some(Outdated)], 11.0);
        // Revisions order what partitions and transports do not.
        check(
            &[(10.0, revision(1)), (11.0, revision(2)), (10.0, revision(3))],
            &[None, Some(Revised), Some(Revised)],
            10.0,
        );
        check(&[(11.0, revision(2)), (10.0, revision(1))], &[None, Some(Outdated)], 11.0);
        check(
            &[(10.0, revision(1)), (10.0, revision(3)), (11.0, revision(2))],
            &[None, Some(Confirmed), Some(Outdated)],
            10.0,
        );
        check(&[(10.0, revision(1)), (11.0, revision(1))], &[None, Some(Ambiguous)], 10.0);
        // Nothing tells: a value that is new is a correction, and a return is anybody's guess.
        check(&[(10.0, none()), (11.0, none()), (11.0, none())], &[None, Some(Revised), Some(Repeated)], 11.0);
        check(&[(10.0, none()), (11.0, none()), (10.0, none())], &[None, Some(Revised), Some(Ambiguous)], 11.0);
        check(&[(10.0, at(1)), (11.0, none()), (10.0, at(1))], &[None, Some(Revised), Some(Ambiguous)], 11.0);
    }
}
