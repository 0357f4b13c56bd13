//! Templates managed as in a platform's console: listed, created, modified, bound and deleted, from
//! the command line and over the admin listener, in the one config file.
//!
//! 1. An [`Edit`] is pure: a text comes in, and the text with the edit made goes out, or what
//!    forbids it. Comments, order and form of everything else stay as they are.
//! 2. What comes out is written only if it checks as a whole, and only if nobody changed the file
//!    meanwhile; otherwise the file stays as it is.
//! 3. A comment goes with what it stands on: a template takes along the lines directly above its
//!    header, and leaves what a blank line parts from it.

mod array;
mod comments;
mod document;
pub(crate) mod draft;
pub(crate) mod edit;
mod entries;
mod fields;
pub(crate) mod json;
mod modify;
pub(crate) mod problem;
mod rules;
pub(crate) mod store;
pub(crate) mod view;
