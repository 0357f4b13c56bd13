//! Edits gatepost's config file, and keeps its comments, order and formatting.
//!
//! 1. An [`Edit`] is a pure function from the text of the config to the new text.
//! 2. [`config_file::replace`] writes a new text that has passed [`config_file::check`]. If the
//!    file has changed since gatepost read it, `replace` does not write to it.
//! 3. A comment belongs to the line below it. Removing a template also removes the comment lines
//!    directly above its header, and keeps comments that a blank line separates from the header.
//!
//! ```
//! use gatepost_editor::Edit;
//!
//! let before = "[[template]]\nname = 'prod' # as in the console\nbind = ['a.example.com']\n";
//! let tenants = vec!["b.example.com".to_owned()];
//! let after = Edit::Bind { name: "prod".into(), tenants }.apply(before)?;
//! assert_eq!(after, before.replace("']", "', \"b.example.com\"]"));
//!
//! let refused = Edit::Delete { name: "prod".into() }.apply(&after).unwrap_err();
//! assert_eq!(refused.kind().as_str(), "template_in_use");
//! # Ok::<_, gatepost_editor::EditError>(())
//! ```

pub mod config_file;
mod document;
mod edit;
mod error;
mod modify;
mod template_change;
mod template_view;
mod toml_array;
mod toml_comments;
mod toml_table;
mod toml_value;

pub use edit::Edit;
pub use error::{EditError, EditErrorKind, EditFault};
pub use template_change::{KeyChange, KeySource, KindEntry, NewTemplate, TemplateChange};
pub use template_view::{KeyView, TemplateView};
pub use toml_value::{TomlTable, TomlValue};
