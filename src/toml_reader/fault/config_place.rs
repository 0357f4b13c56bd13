//! Places in a config for faults that gatepost finds after it has read the config.

use std::ops::Range;

use super::Fault;
use crate::toml_reader::excerpt::Excerpt;
use crate::toml_reader::fault_kind::FaultKind;

/// The place of a value in a config file or an included file, with its line.
///
/// The proxy parses certificates after gatepost has read the config. With the place, its faults
/// name the same line and key as the faults of the config.
#[derive(Clone, Debug)]
pub struct ConfigPlace {
    pub(super) file: Option<Box<str>>,
    pub(super) span: Range<usize>,
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) key: String,
    pub(super) excerpt: Excerpt,
}

impl ConfigPlace {
    /// Creates a fault or a warning at this place. `problem` has the form `expected X, found Y`,
    /// and `remedy` is an imperative for the operator.
    #[must_use]
    pub fn fault(
        &self,
        kind: FaultKind,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Fault {
        Fault {
            file: self.file.clone(),
            text: None,
            kind,
            span: self.span.clone(),
            line: self.line,
            column: self.column,
            key: self.key.clone(),
            problem: problem.into(),
            remedy: remedy.into(),
            suggestion: None,
            excerpt: self.excerpt.clone(),
            count: 1,
            absent: Vec::new(),
        }
    }
}
