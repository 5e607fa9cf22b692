//! How a program is kept to itself: no network, no other processes to be seen, a bound on its memory, and no files but those of the
//! system, of its interpreter, and its own. util-linux's `unshare` and `prlimit` do the first three; this command itself, started once
//! more, does the last by Landlock before it becomes the program.

use std::{
    env,
    ffi::OsString,
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command as Direct, ExitCode},
    sync::LazyLock,
};

use pipeline::ProgramSettings;
use tokio::process::Command;

/// The name of the command that becomes a program.
pub(crate) const CONFINED: &str = "__confined";
/// What separates the folders that may be read from the program.
const AND_THEN: &str = "--";

/// What every program may read.
const SYSTEM: [&str; 12] =
    ["/bin", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/nix", "/opt", "/proc", "/sbin", "/sys", "/usr"];
/// What is told to it of the environment.
const VARIABLES: [&str; 6] = ["HOME", "LANG", "LC_ALL", "PATH", "PYTHONPATH", "VIRTUAL_ENV"];
/// So many threads, files and megabytes on disk.
const ONE_THREAD: [&str; 4] = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"];

/// Whether namespaces can be made here, or why not.
static NAMESPACES: LazyLock<Result<(), String>> = LazyLock::new(|| {
    let made = Direct::new("unshare").args(["-r", "-n", "-p", "-f", "--kill-child", "true"]).output();
    match made {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Err(error.to_string()),
    }
});

/// The command that starts a program.
pub(super) fn command(settings: &ProgramSettings, words: &[String], folder: &Path) -> Result<Command, String> {
    let itself = env::current_exe().map_err(|error| format!("this command cannot be found: {error}"))?;
    let mut line: Vec<OsString> = Vec::new();
    match &*NAMESPACES {
        Ok(()) => {
            line.extend(["unshare", "-r", "-p", "-f", "--kill-child"].map(OsString::from));
            line.extend((!settings.network).then(|| OsString::from("-n")));
            line.push("--".into());
            line.push("prlimit".into());
            line.push(format!("--as={}", settings.memory << 20).into());
            line.extend(["--core=0", "--nofile=512", "--fsize=1073741824", "--"].map(OsString::from));
        }
        Err(why) if !settings.network => {
            return Err(format!("it cannot be kept from the network here ({why}); network = true lets it have it"));
        }
        Err(_) => {}
    }
    line.push(itself.into());
    line.push(CONFINED.into());
    line.extend(readable(words, settings).into_iter().map(PathBuf::into_os_string));
    line.push(AND_THEN.into());
    line.extend(words.iter().map(OsString::from));
    let mut command = Command::new(&line[0]);
    command.args(&line[1..]).env_clear().env("TMPDIR", folder);
    for name in VARIABLES {
        if let Some(value) = env::var_os(name) {
            command.env(name, value);
        }
    }
    for name in ONE_THREAD {
        command.env(name, "1");
    }
    // The same answers each time: Python's hashes differ from process to process otherwise.
    command.env("PYTHONHASHSEED", "0").env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(command)
}

/// The files and folders of a program: what its command names, code beside that, its interpreter, and what the configuration lets it read.
fn readable(words: &[String], settings: &ProgramSettings) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = settings.files.iter().map(PathBuf::from).collect();
    for word in &words[1..] {
        let path = Path::new(word);
        if !path.is_file() {
            continue;
        }
        paths.push(path.to_owned());
        let beside = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let code = fs::read_dir(beside).into_iter().flatten().filter_map(|entry| entry.ok().map(|entry| entry.path()));
        paths.extend(code.filter(|other| other.extension().is_some() && other.extension() == path.extension()));
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let program = env::split_paths(&path).map(|folder| folder.join(&words[0])).find(|file| file.is_file());
    let program = program.unwrap_or_else(|| PathBuf::from(&words[0]));
    let here = env::current_dir().unwrap_or_default();
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    // An interpreter's own folder is two above it; where that would be everything, the program alone.
    for found in [fs::canonicalize(&program).ok(), Some(program)].into_iter().flatten() {
        let own = found.parent().and_then(Path::parent).filter(|own| own.parent().is_some() && **own != home);
        paths.extend(own.filter(|own| !here.starts_with(own)).map(Path::to_owned));
        paths.push(found);
    }
    paths.push(home.join(".local/lib"));
    paths.extend(env::var_os("PYTHONPATH").iter().flat_map(env::split_paths));
    paths.retain(|path| path.exists());
    paths
}

/// Becomes a program that may read these files and no others: `PATH... -- COMMAND...`
pub(crate) fn become_confined(arguments: &[OsString]) -> ExitCode {
    let Some(place) = arguments.iter().position(|argument| argument == AND_THEN) else { return ExitCode::from(2) };
    let (paths, words) = (&arguments[..place], &arguments[place + 1..]);
    let Some((program, rest)) = words.split_first() else { return ExitCode::from(2) };
    match keep_to(paths) {
        Ok(true) => {}
        Ok(false) => eprintln!("this system has no Landlock: files are not kept from it"),
        Err(error) => {
            eprintln!("it cannot be kept to its own files: {error}");
            return ExitCode::from(2);
        }
    }
    let error = Direct::new(program).args(rest).exec();
    eprintln!("{}: {error}", program.to_string_lossy());
    ExitCode::from(2)
}

#[cfg(not(target_os = "linux"))]
#[allow(clippy::unnecessary_wraps, reason = "elsewhere it may fail")]
fn keep_to(_: &[OsString]) -> Result<bool, Box<dyn std::error::Error>> {
    Ok(false)
}

/// Answers whether the kernel can.
#[cfg(target_os = "linux")]
fn keep_to(paths: &[OsString]) -> Result<bool, Box<dyn std::error::Error>> {
    use landlock::{
        ABI, Access, AccessFs, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus,
    };

    let abi = ABI::V3;
    let (read, all) = (AccessFs::from_read(abi), AccessFs::from_all(abi));
    let file = AccessFs::from_file(abi);
    let mut rules = Ruleset::default().handle_access(all)?.create()?;
    let temporary = env::var_os("TMPDIR");
    let readable = SYSTEM.iter().map(PathBuf::from).chain(paths.iter().map(PathBuf::from)).map(|path| (path, read));
    let writable = temporary.iter().map(PathBuf::from).map(|path| (path, all));
    // Python looks for modules in the folder of its file: at their names, and then into those that it may read.
    let beside = |path: &OsString| {
        let folder = Path::new(path).parent().filter(|_| Path::new(path).is_file())?;
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        Some((folder.to_owned(), AccessFs::ReadDir.into()))
    };
    let listed = paths.iter().filter_map(beside);
    let devices = [(PathBuf::from("/dev/null"), all), (PathBuf::from("/dev/shm"), all)];
    for (path, access) in readable.chain(writable).chain(listed).chain(devices) {
        // What is not there needs no rule.
        let Ok(opened) = PathFd::new(&path) else { continue };
        let access = if path.is_dir() { access } else { access & file };
        rules = rules.add_rule(PathBeneath::new(opened, access))?;
    }
    Ok(rules.restrict_self()?.ruleset != RulesetStatus::NotEnforced)
}
