//! Output of lines for the operator.
//!
//! If the reader closes the pipe, as `head` does, the command does not fail.

use std::io::{self, Write as _};

/// Writes a line to standard output.
pub(super) fn out(line: &str) {
    let _reader_gone = writeln!(io::stdout(), "{line}");
}

/// Writes a line to standard error.
pub(super) fn err(line: &str) {
    let _reader_gone = writeln!(io::stderr(), "{line}");
}
