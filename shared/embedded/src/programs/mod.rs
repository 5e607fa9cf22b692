//! Models that are not ours, as programs on this machine: each is started a few times, kept, and asked about one series after the other.
//! docs/models.md says what crosses the pipe.

mod confined;
mod conversation;
mod process;

use std::{
    collections::BTreeMap,
    fs,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use forecasting::ProgramName;
use pipeline::{Digest, ProgramSettings, Programs, Question, Said};

pub(crate) use confined::{CONFINED, become_confined};
use process::Process;

/// The programs that were started, which end with this.
#[derive(Debug, Default)]
pub struct RunningPrograms {
    started: Mutex<BTreeMap<ProgramName, Started>>,
}

#[derive(Debug, Default)]
struct Started {
    idle: Vec<Process>,
    /// Answers that it owed, one after the other.
    failures: u32,
    /// Why it is not asked any more.
    given_up: Option<String>,
}

/// Who fails so often in a row is not asked any more: it would cost every series the time of a start.
const MAX_FAILURES: u32 = 3;

/// Why a program said nothing.
enum Silence {
    /// It did not answer in time: the next series would wait as long.
    TooSlow(String),
    /// Anything else, which may be about this series.
    Other(String),
}

#[async_trait]
impl Programs for RunningPrograms {
    async fn ask(&self, question: &Question<'_>) -> Result<Said, String> {
        let (program, settings) = (question.program, question.settings);
        if let Some(configured) = &settings.sha256
            && program_digest(settings).as_ref() != Some(configured)
        {
            return Err("its files are not those that it was configured with".to_owned());
        }
        let process = match self.idle(program) {
            Err(reason) => return Err(reason),
            Ok(Some(process)) => Ok(process),
            Ok(None) => Process::start(settings).map_err(Silence::Other),
        };
        let said = match process {
            Ok(mut process) => conversation::hold(&mut process, question).await.map(|said| (said, process)),
            Err(silence) => Err(silence),
        };
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        let started = started.entry(program).or_default();
        match said {
            Ok((said, process)) => {
                started.failures = 0;
                started.idle.push(process);
                Ok(said)
            }
            Err(silence) => {
                started.failures += 1;
                let (reason, slow) = match silence {
                    Silence::TooSlow(reason) => (reason, true),
                    Silence::Other(reason) => (reason, false),
                };
                if slow || started.failures >= MAX_FAILURES {
                    started.given_up = Some(format!("it is not asked any more tonight: {reason}"));
                    started.idle.clear();
                }
                Err(reason)
            }
        }
    }
}

impl RunningPrograms {
    /// One that waits to be asked, if there is one.
    fn idle(&self, program: ProgramName) -> Result<Option<Process>, String> {
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        let started = started.entry(program).or_default();
        match &started.given_up {
            Some(reason) => Err(reason.clone()),
            None => Ok(started.idle.pop()),
        }
    }
}

/// The digest of the files that a command names; `None` where it names none.
pub(crate) fn program_digest(settings: &ProgramSettings) -> Option<Digest> {
    let mut all = Vec::new();
    for word in process::words(settings).ok()?.iter().skip(1).chain(&settings.files) {
        if let Ok(bytes) = fs::read(word) {
            all.extend_from_slice(Digest::of(&bytes).as_str().as_bytes());
        }
    }
    (!all.is_empty()).then(|| Digest::of(&all))
}
