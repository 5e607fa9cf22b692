//! The fields of all records of a table, one after the other in one text: a record costs a few bytes more than it is long, however short.

use csv::StringRecord;

/// Records in their order.
#[derive(Debug, Clone, Default)]
pub(super) struct Records {
    text: String,
    /// Where each field ends in the text.
    ends: Vec<u32>,
    /// Where each record ends among the fields.
    rows: Vec<u32>,
}

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    all: &'a Records,
    first: usize,
    end: usize,
}

impl Records {
    /// Adds one.
    ///
    /// # Errors
    /// In words, where the table is larger than any that is read.
    pub(super) fn push(&mut self, record: &StringRecord) -> Result<(), String> {
        let place = |length: usize| u32::try_from(length).map_err(|_| "it is larger than 4 GB".to_owned());
        for field in record {
            self.text.push_str(field);
            self.ends.push(place(self.text.len())?);
        }
        self.rows.push(place(self.ends.len())?);
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn get(&self, place: usize) -> Record<'_> {
        let first = if place == 0 { 0 } else { self.rows[place - 1] as usize };
        Record { all: self, first, end: self.rows[place] as usize }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        (0..self.len()).map(|place| self.get(place))
    }
}

impl<'a> Record<'a> {
    pub(super) fn len(&self) -> usize {
        self.end - self.first
    }

    pub(super) fn get(&self, column: usize) -> Option<&'a str> {
        let field = Some(self.first + column).filter(|field| *field < self.end)?;
        let start = if field == 0 { 0 } else { self.all.ends[field - 1] as usize };
        self.all.text.get(start..self.all.ends[field] as usize)
    }

    pub(super) fn fields(self) -> impl Iterator<Item = &'a str> {
        (0..self.len()).filter_map(move |column| self.get(column))
    }
}
