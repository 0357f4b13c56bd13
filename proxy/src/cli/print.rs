//! What every command of the command line uses: lines for the operator, and a definition by its name.

use std::io;
use std::path::Path;

use gatepost::Definition;

/// What went wrong, for the operator.
pub(crate) type Problem = String;

/// Writes a line; whoever reads it may have gone.
pub(crate) fn say(mut to: impl io::Write, line: &str) {
    let _gone = writeln!(to, "{line}");
}

/// A built-in definition, or one from a file.
pub(crate) fn definition(name: &str, file: Option<&Path>) -> Result<Definition, Problem> {
    let Some(path) = file else {
        return Definition::built_in(name).ok_or_else(|| {
            format!("{name}: there is no such provider; `gatepost providers` lists them")
        });
    };
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| format!("{}: {error}", path.display()))?;
    let definition = Definition::parse(&text).map_err(|error| error.at(path).to_string())?;
    match &*definition.info().name {
        own if own == name => Ok(definition),
        own => Err(format!("{}: this defines {own}, not {name}", path.display())),
    }
}
