//! `gatepost completions` and `gatepost man`: files for the shell and for `man`, generated from the
//! definition of the command line.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

use super::error::CommandError;

/// Prints the completions of a shell.
pub(super) fn completions(mut command: Command, shell: Shell) -> Result<(), CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "gatepost", &mut script);
    print(&script)
}

/// Writes the man page of the program and of each command to `folder`. Without a folder, prints the
/// man page of the program.
pub(super) fn man(command: Command, folder: Option<&Path>) -> Result<(), CommandError> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let Some(folder) = folder else {
        let mut text = Vec::new();
        page(command).render(&mut text)?;
        return print(&text);
    };
    let written = fs::create_dir_all(folder).and_then(|()| write_pages(command, folder));
    written.map_err(|source| CommandError::File { path: folder.to_owned(), source })
}

fn write_pages(command: Command, folder: &Path) -> io::Result<()> {
    for command in command.get_subcommands().cloned() {
        write_pages(command, folder)?;
    }
    page(command).generate_to(folder).map(drop)
}

/// Returns the page of a command, without a date, so that the same source gives the same page.
fn page(command: Command) -> Man {
    // roff ignores an argument that is empty and has no quotes.
    let source = concat!("gatepost ", env!("CARGO_PKG_VERSION"));
    Man::new(command).date("\"\"").source(source).manual("gatepost manual")
}

/// Writes to standard output. Returns no error if the reader closes the pipe, as `head` does.
fn print(bytes: &[u8]) -> Result<(), CommandError> {
    match io::stdout().write_all(bytes) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
