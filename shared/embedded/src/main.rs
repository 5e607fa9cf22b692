//! The `closing-bell` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    embedded::command::main()
}
