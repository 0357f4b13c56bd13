//! The conversion of one message, with the list of its misfits or dropped members. A *misfit* is a
//! missing field, or a value that gatepost cannot convert to the declared type.

use super::Field;
use crate::printable::printable;

/// The maximum number of undeclared members that gatepost lists for one answer. Without this
/// maximum, only the length of the answer limits the list.
const MAX_DROPPED: usize = 16;

/// The sender of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SentBy {
    /// The app. From the app, integer fields accept `true` as 1 and `false` as 0.
    App,
    /// The operator, in a config or a definition. The rules for an answer apply, but an undeclared
    /// member is an error.
    Operator,
    /// The platform. From the platform, integer fields do not accept `true` or `false`.
    Platform,
}

/// The conversion of one message to the declared types.
#[derive(Debug)]
pub(crate) struct Conversion {
    pub(crate) sent_by: SentBy,
    /// The paths of a callback's misfits, or of an answer's undeclared members.
    ///
    /// A path has the form `a.b` or `a[].b`. The list contains each path once, even if the path
    /// occurs in several elements of an array. The number of declared fields therefore limits the
    /// length of the list for a callback.
    pub(crate) noted: Vec<Box<str>>,
}

impl Conversion {
    pub(crate) const fn of_callback() -> Self {
        Self { sent_by: SentBy::Platform, noted: Vec::new() }
    }

    pub(crate) const fn of_answer() -> Self {
        Self { sent_by: SentBy::App, noted: Vec::new() }
    }

    pub(crate) const fn of_config() -> Self {
        Self { sent_by: SentBy::Operator, noted: Vec::new() }
    }

    /// Returns `true` if gatepost copies a misfit at this position and does not refuse the message.
    pub(super) const fn permits_misfit(&self, at: &FieldPath<'_>) -> bool {
        matches!(self.sent_by, SentBy::Platform) && !at.is_essential
    }

    /// Adds the undeclared member `name` of an answer to the list. Leaves a full list unchanged.
    #[cold]
    pub(crate) fn note_dropped(&mut self, at: &FieldPath<'_>, name: &str) {
        if self.noted.len() < MAX_DROPPED {
            self.note(at, &printable(name));
        }
    }

    /// Adds the field `name` of the object at `at` to the list. For an empty `name`, adds `at`
    /// itself.
    #[cold]
    pub(super) fn note(&mut self, at: &FieldPath<'_>, name: &str) {
        let path = at.join(name);
        if !self.noted.contains(&path) {
            self.noted.push(path);
        }
    }
}

/// The position of a value in a message: the fields and arrays that contain the value.
///
/// A linked list on the stack, so that a message without a misfit needs no allocation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FieldPath<'p> {
    outer: Option<&'p Self>,
    step: PathStep<'p>,
    /// True if the field that contains the position is essential.
    is_essential: bool,
}

#[derive(Clone, Copy, Debug)]
enum PathStep<'p> {
    Root,
    Field(&'p str),
    Element,
}

impl FieldPath<'_> {
    /// The message itself.
    pub(crate) const ROOT: FieldPath<'static> =
        FieldPath { outer: None, step: PathStep::Root, is_essential: false };

    /// Returns the position of a field's value in the object at this position.
    pub(super) fn field<'p>(&'p self, field: &'p Field) -> FieldPath<'p> {
        let step = PathStep::Field(&field.name);
        FieldPath { outer: Some(self), step, is_essential: field.essential }
    }

    /// Returns the position of the elements of the array at this position.
    pub(super) const fn element(&self) -> FieldPath<'_> {
        FieldPath { outer: Some(self), step: PathStep::Element, is_essential: self.is_essential }
    }

    /// Returns the path of the member `name` of the object at this position. If `name` is
    /// empty, returns the path of the position itself.
    fn join(&self, name: &str) -> Box<str> {
        let mut path = String::new();
        self.write(&mut path);
        if !path.is_empty() && !name.is_empty() {
            path.push('.');
        }
        path.push_str(name);
        path.into()
    }

    fn write(&self, path: &mut String) {
        if let Some(outer) = self.outer {
            outer.write(path);
        }
        match self.step {
            PathStep::Root => {}
            PathStep::Field(name) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
            }
            PathStep::Element => path.push_str("[]"),
        }
    }
}
