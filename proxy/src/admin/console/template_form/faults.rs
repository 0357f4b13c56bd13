//! Faults of an edit, shown at the fields of the form.

use gatepost::is_template_character;
use gatepost_editor::{EditError, EditErrorKind};

use super::TemplateForm;
use super::fields::KeyRow;

impl TemplateForm {
    /// Checks a changed description. Returns false if the description has a character that
    /// Tencent's console does not accept. The config file accepts any character.
    pub(in super::super) fn check_description(&mut self, before: &str) -> bool {
        let text = &self.description.value;
        let unfit = text.chars().find(|c| !is_template_character(*c)).filter(|_| text != before);
        if let Some(unfit) = unfit {
            self.description.problem = format!(
                "expected Chinese characters, letters, digits, _ and -, found {unfit:?}; replace it"
            );
        }
        unfit.is_none()
    }

    /// Shows each fault at its field, or in `problems` if the fault has no field.
    pub(in super::super) fn show(&mut self, error: &EditError) {
        if error.kind() == EditErrorKind::NameTaken {
            self.name.problem = error.message().to_owned();
            return;
        }
        for fault in error.faults() {
            let problem = format!("{}; {}", fault.problem, fault.remedy);
            let is_named = |row: &&mut KeyRow| has_word(&fault.problem, &row.name);
            if fault.key.contains(".keys")
                && let Some(row) = self.keys.iter_mut().find(is_named)
            {
                row.problem = problem;
                continue;
            }
            match self.problem_at(&fault.key) {
                Some(field) if field.is_empty() => *field = problem,
                Some(field) => *field = format!("{field}. {problem}"),
                None => self.problems.push(format!("{}: {problem}", fault.key)),
            }
        }
        if error.faults().is_empty() {
            self.problems.push(error.message().to_owned());
        }
    }

    /// Returns the message of the field for a key such as `template[0].on.push`; `None` if the form
    /// has no field for the key.
    pub(super) fn problem_at(&mut self, key: &str) -> Option<&mut String> {
        let (table, key) = key.split_once('.').unwrap_or(("", key));
        if !table.starts_with("template") {
            return None;
        }
        let (word, rest) = key.split_once(['.', '[']).unwrap_or((key, ""));
        let name = rest.split(['.', '[']).next().unwrap_or_default().trim_matches(['"', '\'']);
        match word {
            "name" => Some(&mut self.name.problem),
            "description" => Some(&mut self.description.problem),
            "keys" => Some(&mut self.keys_problem),
            "on" => {
                let kind = self.kinds.iter_mut().find(|kind| kind.name == name)?;
                kind.is_folded = false;
                Some(&mut kind.problem)
            }
            "settings" => {
                let setting = self.settings.iter_mut().find(|setting| setting.name == name)?;
                Some(&mut setting.problem)
            }
            _ => None,
        }
    }

    /// Returns true if at least one field has a fault.
    pub(in super::super) fn has_problem(&self) -> bool {
        let kinds = self.kinds.iter().map(|kind| &kind.problem);
        let settings = self.settings.iter().map(|setting| &setting.problem);
        let keys = self.keys.iter().map(|key| &key.problem);
        let own = [&self.name.problem, &self.description.problem, &self.keys_problem];
        own.into_iter().chain(keys).chain(kinds).chain(settings).any(|problem| !problem.is_empty())
    }
}

/// Returns true if `text` contains `name`, the name of a variable or a file, as a whole word.
fn has_word(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || "_-./".contains(c);
    !name.is_empty() && text.split(|c| !is_part(c)).any(|word| word == name)
}
