//! Editor for gatepost's TOML config files that keeps comments, key order and formatting.
//!
//! 1. [`Edit::apply_to`] is a pure function from the files of a config to the edited files. An edit
//!    changes one file.
//! 2. [`config_file::check`] checks the edited files.
//! 3. [`config_file::replace`] writes the edited text to its file. If the file has changed since
//!    gatepost read it, `replace` returns an error and does not change the file.
//!
//! A comment line belongs to the line directly below. The removal of a template therefore removes
//! the comment lines directly above `[[template]]`. Comments above a blank line remain.
//!
//! ```
//! use gatepost_editor::Edit;
//!
//! let before = "[[template]]\nname = 'prod' # production\nbind = ['a.example.com']\n";
//! let tenants = vec!["b.example.com".to_owned()];
//! let after = Edit::Bind { name: "prod".into(), tenants }.apply(before)?;
//! assert_eq!(after, before.replace("']", "', \"b.example.com\"]"));
//!
//! let error = Edit::Delete { name: "prod".into() }.apply(&after).unwrap_err();
//! assert_eq!(error.kind().as_str(), "template_in_use");
//! # Ok::<_, gatepost_editor::EditError>(())
//! ```

pub mod config_file;
mod document;
mod edit;
mod error;
mod file_access;
mod key_files;
mod modify;
mod template_change;
mod template_view;
mod temporary_file;
mod toml_array;
mod toml_comments;
mod toml_table;
mod toml_value;

pub use edit::{Edit, EditedFile};
pub use error::{EditError, EditErrorKind, EditFault};
pub use key_files::KeyFolders;
pub use template_change::{KeyChange, KeySource, KindEntry, NewTemplate, TemplateChange};
pub use template_view::{KeyView, TemplateView};
pub use toml_value::{TomlTable, TomlValue};
