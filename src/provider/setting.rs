//! Settings: what a definition leaves to each template, such as a key of the platform's console.

/// A declared setting.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) name: Box<str>,
    /// What it is, in a few words.
    pub(crate) about: Box<str>,
    pub(crate) ty: SettingType,
}

/// What a setting holds.
#[derive(Clone, Debug)]
pub(crate) enum SettingType {
    /// A secret: `{ env = "…" }` or `{ file = "…" }`.
    Secret,
    /// Any text.
    Text { default: Option<Box<str>> },
    /// One of these words; the first is the default.
    OneOf(Vec<Box<str>>),
}

impl Setting {
    /// What it is without the template's word.
    pub(crate) fn default(&self) -> Option<&str> {
        match &self.ty {
            SettingType::Secret => None,
            SettingType::Text { default } => default.as_deref(),
            SettingType::OneOf(words) => words.first().map(|word| &**word),
        }
    }
}
