//! `completions` and `man`: what a package installs beside the command.

use std::{fs, path::Path, process::ExitCode};

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Failure, arguments::Arguments, output};

const NAME: &str = "closing-bell";

pub(super) fn completions(shell: Shell) -> ExitCode {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), NAME, &mut text);
    output::file(&text);
    ExitCode::SUCCESS
}

/// One page for the command, and one for each of its commands.
pub(super) fn man(folder: &Path) -> Result<ExitCode, Failure> {
    let failed =
        |error: std::io::Error| Failure::Unavailable(format!("{} cannot be written: {error}", folder.display()));
    fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(Arguments::command(), folder).map_err(failed)?;
    Ok(ExitCode::SUCCESS)
}
