//! Secrets as written: where they are, or, with a warning, what they are.

use std::path::Path;

use super::Reader;
use crate::document::{Form, Item, Table};
use crate::secret::Secret;

impl<'f> Reader<'f, '_> {
    /// `{ env = "NAME" }`, `{ file = "name" }`, or the secret itself, which is warned of.
    pub(super) fn secret(&self, item: &Item<'f>) -> Option<Secret> {
        let (bytes, place) = match &item.form {
            Form::String(literal) => {
                let remedy = "keep it out of the file: { env = \"NAME\" } or { file = \"name\" }";
                self.warnings.add(&item.place, "this secret is written in the config", remedy);
                (literal.as_bytes().to_vec(), &item.place)
            }
            Form::Table(table) => (self.secret_from(table)?, &table.place),
            Form::Other(_) => {
                let problem = format!("this is {}", item.form.name());
                let remedy = "write { env = \"NAME\" } or { file = \"name\" }";
                self.faults.add(&item.place, problem, remedy);
                return None;
            }
        };
        if bytes.is_empty() {
            self.faults.add(place, "this secret is empty", "set it");
            return None;
        }
        Some(Secret::new(bytes))
    }

    fn secret_from(&self, table: &Table<'f>) -> Option<Vec<u8>> {
        let (env, file) = (table.string("env"), table.string("file"));
        table.finish();
        match (env, file) {
            (Some(env), None) => {
                let value = self.sources.variable(env.value);
                if value.is_none() {
                    self.faults.add(&env.place, not_set(env.value), "set it before the start");
                }
                Some(value?.as_bytes().trim_ascii_end().to_vec())
            }
            (None, Some(file)) => match self.sources.file(Path::new(file.value)) {
                Ok(bytes) => Some(bytes.trim_ascii_end().to_vec()),
                Err(error) => {
                    let problem = format!("the file cannot be read: {}", error.kind());
                    self.faults.add(&file.place, problem, "a name is relative to the config file");
                    None
                }
            },
            (None, None) | (Some(_), Some(_)) => {
                let remedy = "write either { env = \"NAME\" } or { file = \"name\" }";
                self.faults.add(&table.place, "this does not say where the secret is", remedy);
                None
            }
        }
    }
}

/// Names the variable, unless it looks like somebody wrote the secret itself.
fn not_set(name: &str) -> String {
    let usual = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    if name.bytes().all(usual) {
        format!("the environment variable `{name}` is not set")
    } else {
        "this environment variable is not set".to_owned()
    }
}
