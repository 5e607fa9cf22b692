use std::collections::BTreeMap;

use forecasting::{Arima, Contender, Family, Program, ProgramName};
use jiff::SignedDuration;
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::ProgramSettings;

/// The families and pinned specifications that compete, and the programs among them.
#[derive(Debug, Clone, Default)]
pub(super) struct Families {
    pub(super) contenders: Vec<Contender>,
    pub(super) programs: BTreeMap<ProgramName, ProgramSettings>,
}

/// `{ family = "arima", order = [1, 1, 0], seasonal = [0, 1, 1, 5], constant = true }`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pinned {
    family: Family,
    order: Vec<usize>,
    seasonal: Option<Vec<usize>>,
    #[serde(default)]
    constant: bool,
}

/// `{ name = "forest", command = "python3 forest.py", timeout = "30s", memory = 2000, files = ["weights"], network = true }`, or
/// `{ function = "forest:3" }`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: Option<ProgramName>,
    command: Option<String>,
    function: Option<String>,
    timeout: Option<SignedDuration>,
    memory: Option<u64>,
    #[serde(default)]
    files: Vec<String>,
    #[serde(default)]
    network: bool,
}

/// Seconds.
const USUAL_TIMEOUT: u64 = 30;
const MAX_TIMEOUT: i64 = 600;
/// Megabytes.
const USUAL_MEMORY: u64 = 4000;

impl<'de> Deserialize<'de> for Families {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Families, D::Error> {
        let mut families = Families::default();
        for entry in Vec::<toml::Value>::deserialize(deserializer)? {
            match entry {
                toml::Value::String(word) if word == "all" => families.contenders.extend(all()),
                toml::Value::Table(table) if ["command", "function"].iter().any(|who| table.contains_key(*who)) => {
                    families.add(read(table).map_err(D::Error::custom)?).map_err(D::Error::custom)?;
                }
                toml::Value::Table(table) => {
                    let contender = read(table).and_then(pinned).map_err(D::Error::custom)?;
                    families.contenders.push(contender);
                }
                other => families.contenders.push(family(other).map_err(D::Error::custom)?),
            }
        }
        Ok(families)
    }
}

impl Families {
    fn add(&mut self, written: Written) -> Result<(), String> {
        let Written { name, command, function, timeout, memory, files, network } = written;
        if let Some(command) = command.as_ref().filter(|text| words_of(text).is_none_or(|words| words.is_empty())) {
            return Err(format!("the command '{command}' is one that a shell could not part into words"));
        }
        if let Some(function) = function.as_ref().filter(|text| !is_function(text)) {
            return Err(format!(
                "'{function}' is no Lambda function: give its name or ARN, with :VERSION or :ALIAS after it"
            ));
        }
        let name = match (name, &command, &function) {
            (Some(name), ..) => name,
            (None, Some(command), _) => named_after(command)?,
            (None, None, function) => named_after_function(function.as_deref().unwrap_or_default())?,
        };
        let timeout = match timeout {
            None => USUAL_TIMEOUT,
            Some(time) if time >= SignedDuration::from_secs(1) && time.as_secs() <= MAX_TIMEOUT => {
                time.as_secs().unsigned_abs()
            }
            Some(time) => return Err(format!("the timeout of {name} is {time:#}, but must be within 1s and 10m")),
        };
        let memory = memory.unwrap_or(USUAL_MEMORY);
        if !(64..=1_000_000).contains(&memory) {
            return Err(format!("the memory of {name} is {memory}, but must be within 64 and 1000000 megabytes"));
        }
        self.contenders.push(Contender::Program(Program { program: name }));
        let settings = ProgramSettings { command, function, files, timeout, memory, network, sha256: None };
        match self.programs.insert(name, settings) {
            None => Ok(()),
            Some(_) => Err(format!("two programs are called {name}: give each a name")),
        }
    }
}

/// The words of a command, as a shell would part them; `None` where a quotation does not end.
pub fn words_of(command: &str) -> Option<Vec<String>> {
    shlex::split(command)
}

/// After the last word's file: `forest` for `python3 models/forest.py`.
fn named_after(command: &str) -> Result<ProgramName, String> {
    let words = words_of(command).unwrap_or_default();
    let last = words.iter().rev().find(|word| !word.starts_with('-')).map_or("", String::as_str);
    let file = last.rsplit('/').next().unwrap_or_default();
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem).to_ascii_lowercase().replace(' ', "-");
    stem.parse().map_err(|error| format!("{error}: give the program of '{command}' a name"))
}

/// `name:3`, or `arn:aws:lambda:us-east-1:123456789012:function:name:3`: a function that a deployment of its code does not change.
fn is_function(text: &str) -> bool {
    let usual =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let (name, qualifier) = parts_of_function(text);
    text.len() <= 256 && usual(name) && qualifier.is_some_and(usual)
}

/// Its name, and its version or alias.
fn parts_of_function(function: &str) -> (&str, Option<&str>) {
    let rest = function.split_once(":function:").map_or(function, |(_, rest)| rest);
    rest.split_once(':').map_or((rest, None), |(name, qualifier)| (name, Some(qualifier)))
}

fn named_after_function(function: &str) -> Result<ProgramName, String> {
    let name = parts_of_function(function).0.to_ascii_lowercase();
    name.parse().map_err(|error| format!("{error}: give the function '{function}' a name"))
}

fn read<T: serde::de::DeserializeOwned>(table: toml::Table) -> Result<T, String> {
    toml::Value::Table(table).try_into().map_err(|error: toml::de::Error| error.message().to_owned())
}

/// Every family but the random walk, which is there anyway; the regression, which is there where there is something to regress on; and
/// programs, which are named one by one.
pub(super) fn all() -> Vec<Contender> {
    Family::ALL
        .iter()
        .filter(|family| ![Family::RandomWalk, Family::Regression, Family::Program].contains(family))
        .map(|family| Contender::Family(*family))
        .collect()
}

fn family(word: toml::Value) -> Result<Contender, String> {
    match word.try_into().map_err(|error: toml::de::Error| error.message().to_owned())? {
        Family::Program => Err("a program is named by its command: { command = \"python3 my_model.py\" }".to_owned()),
        family => Ok(Contender::Family(family)),
    }
}

fn pinned(Pinned { family, order, seasonal, constant }: Pinned) -> Result<Contender, String> {
    if family != Family::Arima {
        return Err(format!("only arima takes an order, {family} does not"));
    }
    let [p, d, q] = order[..] else { return Err(format!("an order is [p, d, q], not {order:?}")) };
    let seasonal = match seasonal.as_deref() {
        None => None,
        Some(&[p, d, q, period]) => Some([p, d, q, period]),
        Some(other) => return Err(format!("a seasonal order is [P, D, Q, sessions], not {other:?}")),
    };
    Arima::pinned([p, d, q], seasonal, constant).map(Contender::Pinned).map_err(|error| error.to_string())
}
