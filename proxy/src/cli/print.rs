//! Lines for the operator.
//!
//! A reader that has closed its end of the pipe, as `head` does, is no error of the command.

use std::io::{self, Write as _};

/// Writes a line to standard output.
pub(super) fn out(line: &str) {
    let _reader_gone = writeln!(io::stdout(), "{line}");
}

/// Writes a line to standard error.
pub(super) fn err(line: &str) {
    let _reader_gone = writeln!(io::stderr(), "{line}");
}
