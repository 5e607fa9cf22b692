//! Models that are not ours, as programs on this machine: each is started a few times, kept, and asked about one series after the other.
//! docs/models.md says what crosses the pipe.

mod confined;
mod conversation;
mod process;

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    path::PathBuf,
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
    /// Of its code.
    digest: Option<Digest>,
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
            && self.digest(program, settings) != *configured
        {
            return Err("its files are not those that it was configured with".to_owned());
        }
        let only_tonight = question.from == question.series.bars().len();
        let process = match self.idle(program) {
            Err(reason) => return Err(reason),
            Ok(Some(process)) if only_tonight => Ok(process),
            Ok(_) => Process::start(settings).map_err(Silence::Other),
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
                // Who was told of the past what was then to come must not remember it when another series' past is asked for.
                if only_tonight {
                    started.idle.push(process);
                }
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
    /// Of a program's code as it was when it was first asked.
    fn digest(&self, program: ProgramName, settings: &ProgramSettings) -> Digest {
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        started.entry(program).or_default().digest.get_or_insert_with(|| program_digest(settings)).clone()
    }

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

/// The digest of a program's code: of the files that its command names, of code beside them, and of the files that it is let read. Of a
/// folder, the names and sizes of what is in it count.
pub(crate) fn program_digest(settings: &ProgramSettings) -> Digest {
    let words = process::words(settings).unwrap_or_default();
    let mut paths = confined::code(&words);
    paths.extend(settings.files.iter().map(PathBuf::from));
    paths.extend(words.first().filter(|word| word.contains('/')).map(PathBuf::from));
    paths.sort();
    paths.dedup();
    let mut all = String::new();
    for path in &paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            let mut inside: Vec<(String, u64)> = fs::read_dir(path)
                .into_iter()
                .flatten()
                .flatten()
                .map(|entry| {
                    (entry.file_name().to_string_lossy().into_owned(), entry.metadata().map_or(0, |meta| meta.len()))
                })
                .collect();
            inside.sort();
            let _ = writeln!(all, "{name} {inside:?}");
        } else if let Ok(bytes) = fs::read(path) {
            let _ = writeln!(all, "{name} {}", Digest::of(&bytes).as_str());
        }
    }
    Digest::of(all.as_bytes())
}
