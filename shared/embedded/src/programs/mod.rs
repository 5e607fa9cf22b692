//! Models that are not ours, as programs on this machine: each is started a few times, kept, and asked about one series after the other.
//! docs/models.md says what crosses the pipe.

mod confined;
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
use pipeline::{
    Digest, ProgramSettings, Programs, Question, Said,
    programs::{
        Failures, Silence,
        conversation::{Fitted, Forecast, Message, Nothing},
    },
};

pub(crate) use confined::{CONFINED, become_confined};
use process::Process;

/// The programs that were started, which end with this.
#[derive(Debug, Default)]
pub struct RunningPrograms {
    started: Mutex<BTreeMap<ProgramName, Started>>,
    failures: Failures,
}

#[derive(Debug, Default)]
struct Started {
    idle: Vec<Process>,
    /// Of its code.
    digest: Option<Digest>,
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
        self.failures.check(program)?;
        let only_tonight = question.from == question.series.bars().len();
        let process = match self.idle(program) {
            Some(process) if only_tonight => Ok(process),
            _ => Process::start(settings).map_err(Silence::Other),
        };
        let said = match process {
            Ok(mut process) => hold(&mut process, question).await.map(|said| (said, process)),
            Err(silence) => Err(silence),
        };
        match self.failures.settle(program, said) {
            Ok((said, process)) => {
                // A program that has seen values must not remember them when another series' past is asked for.
                if only_tonight {
                    let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
                    started.entry(program).or_default().idle.push(process);
                }
                Ok(said)
            }
            Err(reason) => {
                if self.failures.check(program).is_err() {
                    let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
                    started.entry(program).or_default().idle.clear();
                }
                Err(reason)
            }
        }
    }
}

async fn hold(process: &mut Process, question: &Question<'_>) -> Result<Said, Silence> {
    let periods = question.series.bars().len();
    let _: Nothing = process.ask(&question.begin(question.model)).await?;
    let mut outlooks = Vec::with_capacity(periods + 1 - question.from);
    let mut sent = 0;
    for known in question.from..=periods {
        let forecast: Forecast = process.ask(&question.step(sent, known, question.is_to_fit(known))).await?;
        sent = known;
        outlooks.push(question.outlook(&forecast, known).map_err(Silence::Other)?);
    }
    let fitted: Fitted = process.ask(&Message::End { end: true }).await?;
    let model = fitted.model().map_err(Silence::Other)?;
    Ok(Said { outlooks, model: model.filter(|_| !question.fits.is_empty()) })
}

impl RunningPrograms {
    /// Of a program's code as it was when it was first asked.
    fn digest(&self, program: ProgramName, settings: &ProgramSettings) -> Digest {
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        started.entry(program).or_default().digest.get_or_insert_with(|| program_digest(settings)).clone()
    }

    /// One that waits to be asked, if there is one.
    fn idle(&self, program: ProgramName) -> Option<Process> {
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        started.entry(program).or_default().idle.pop()
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
