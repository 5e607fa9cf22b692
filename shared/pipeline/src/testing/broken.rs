/// A promise that a store in memory does not keep, so that a test can show that it would notice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Broken {
    /// All of them are kept.
    #[default]
    Nothing,
    /// An object is created although another is there: no conditional write.
    Overwrites,
    /// The newest objects are gone once a process dies: they were not on the disk yet.
    Forgets,
    /// A ticker's records are appended although some of them stand: nothing is known by its key.
    Repeats,
    /// The champion pointer moves from wherever it is: no compare-and-swap.
    Moves,
    /// The champion pointer does not move with the verdict, but when the ticker's next records come: no transaction.
    Lags,
    /// "Newest" is decided by something else than the place in the log, as by a clock.
    Disorders,
    /// Rows are kept whatever head they were derived from: no version.
    Races,
    /// How far a partition is read is kept before its rows are, and the rows of every seventh step are lost.
    Drops,
}
