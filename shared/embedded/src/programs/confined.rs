//! How a program is kept to itself: no network, no other processes to be seen or spoken to, a bound on the memory of each of its own, and no
//! files but those of the system, of its interpreter, and its code. util-linux's `unshare` and `prlimit` do the first three; this command
//! itself, started once more, does the last by Landlock before it becomes the program.

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
/// What it sees of the environment.
const VARIABLES: [&str; 6] = ["HOME", "LANG", "LC_ALL", "PATH", "PYTHONPATH", "VIRTUAL_ENV"];
/// Libraries that would otherwise take all cores, each process of them.
const ONE_THREAD: [&str; 4] = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"];

/// Languages whose programs are files: code of the same kind beside one belongs to it.
const CODE: [&str; 8] = ["jl", "js", "lua", "pl", "py", "r", "R", "rb"];

/// Whether namespaces can be made here, or why not.
static NAMESPACES: LazyLock<Result<(), String>> =
    LazyLock::new(|| tried("unshare", &[&ISOLATED[1..], &["-n", "true"]]));
static LIMITS: LazyLock<bool> = LazyLock::new(|| tried("prlimit", &[&["--core=0", "true"]]).is_ok());
/// Its own processes, mounts and user; what it starts ends with it.
const ISOLATED: [&str; 7] = ["unshare", "-r", "-m", "-p", "-f", "--mount-proc", "--kill-child"];
/// Where other processes listen, and where they would read what it leaves: both are empty for it.
const EMPTIED: &str =
    "for folder in /run /dev/shm; do [ ! -d $folder ] || mount -t tmpfs tmpfs $folder || exit 1; done; exec \"$@\"";

fn tried(program: &str, arguments: &[&[&str]]) -> Result<(), String> {
    match Direct::new(program).args(arguments.concat()).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Said once: what this system cannot do.
static LANDLOCK: LazyLock<()> = LazyLock::new(|| {
    if !has_landlock() {
        tracing::warn!("this system has no Landlock: programs may read every file that you may");
    }
});

/// The command that starts a program.
pub(super) fn command(settings: &ProgramSettings, words: &[String], folder: &Path) -> Result<Command, String> {
    let itself = env::current_exe().map_err(|error| format!("this command cannot be found: {error}"))?;
    let mut line: Vec<OsString> = Vec::new();
    match &*NAMESPACES {
        Ok(()) => {
            line.extend(ISOLATED.map(OsString::from));
            line.extend((!settings.network).then(|| OsString::from("-n")));
            line.extend(["--", "sh", "-c", EMPTIED, "sh"].map(OsString::from));
        }
        Err(why) if !settings.network => {
            return Err(format!("it cannot be kept from the network here ({why}); network = true lets it have it"));
        }
        Err(_) => tracing::warn!("programs are not kept from other processes here"),
    }
    if *LIMITS {
        line.push("prlimit".into());
        line.push(format!("--as={}", settings.memory << 20).into());
        line.extend(["--core=0", "--nofile=512", "--nproc=512", "--fsize=1073741824", "--"].map(OsString::from));
    } else {
        tracing::warn!("there is no prlimit here: programs may take up all memory");
    }
    LazyLock::force(&LANDLOCK);
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
    let mut paths = code(words);
    paths.extend(settings.files.iter().map(PathBuf::from));
    let path = env::var_os("PATH").unwrap_or_default();
    let program = env::split_paths(&path).map(|folder| folder.join(&words[0])).find(|file| file.is_file());
    let program = program.unwrap_or_else(|| PathBuf::from(&words[0]));
    let here = env::current_dir().unwrap_or_default();
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let is_apart = |folder: &Path| !here.starts_with(folder) && !home.starts_with(folder);
    // An interpreter's own folder is two above it; where that would be everything, the program alone.
    for found in [fs::canonicalize(&program).ok(), Some(program)].into_iter().flatten() {
        let own = found.parent().and_then(Path::parent).filter(|own| own.parent().is_some() && is_apart(own));
        paths.extend(own.map(Path::to_owned));
        paths.push(found);
    }
    paths.push(home.join(".local/lib"));
    let modules = env::var_os("PYTHONPATH");
    paths.extend(modules.iter().flat_map(env::split_paths).filter(|folder| folder.is_absolute() && is_apart(folder)));
    paths.retain(|path| path.exists());
    paths
}

/// The files that a command names, and code of the same kind beside them.
pub(super) fn code(words: &[String]) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for word in words.iter().skip(1) {
        let path = Path::new(word);
        if !path.is_file() {
            continue;
        }
        paths.push(path.to_owned());
        let kind = path.extension().filter(|kind| CODE.iter().any(|code| kind == code));
        let beside = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let others =
            fs::read_dir(beside).into_iter().flatten().filter_map(|entry| entry.ok().map(|entry| entry.path()));
        paths.extend(others.filter(|other| kind.is_some() && other.extension() == kind && other.is_file()));
    }
    paths
}

/// Becomes a program that may read these files and no others: `PATH... -- COMMAND...`
pub(crate) fn become_confined(arguments: &[OsString]) -> ExitCode {
    let Some(place) = arguments.iter().position(|argument| argument == AND_THEN) else { return ExitCode::from(2) };
    let (paths, words) = (&arguments[..place], &arguments[place + 1..]);
    let Some((program, rest)) = words.split_first() else { return ExitCode::from(2) };
    if let Err(error) = keep_to(paths) {
        eprintln!("it cannot be kept to its own files: {error}");
        return ExitCode::from(2);
    }
    let error = Direct::new(program).args(rest).exec();
    eprintln!("{}: {error}", program.to_string_lossy());
    ExitCode::from(2)
}

#[cfg(not(target_os = "linux"))]
#[allow(clippy::unnecessary_wraps, reason = "elsewhere it may fail")]
fn keep_to(_: &[OsString]) -> Result<(), Box<dyn std::error::Error>> {
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn has_landlock() -> bool {
    false
}

#[cfg(target_os = "linux")]
fn has_landlock() -> bool {
    use landlock::{ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr};

    let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    ruleset.handle_access(AccessFs::from_all(ABI::V1)).and_then(Ruleset::create).is_ok()
}

/// As far as the kernel can: whoever started this has said what it cannot.
#[cfg(target_os = "linux")]
fn keep_to(paths: &[OsString]) -> Result<(), Box<dyn std::error::Error>> {
    use landlock::{ABI, Access, AccessFs, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr};

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
    rules.restrict_self()?;
    Ok(())
}
