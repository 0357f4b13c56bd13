//! Settings: values that an operator sets for each template, such as a key from the platform's
//! console. The definition of the platform declares the settings.

/// A setting that a definition declares.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) name: Box<str>,
    /// A short description for operators.
    pub(crate) about: Box<str>,
    pub(crate) ty: SettingType,
}

/// The type of a setting's value.
#[derive(Clone, Debug)]
pub(crate) enum SettingType {
    /// A secret. The config contains the secret, or names a source such as `{ env = "…" }`.
    Secret,
    /// Any text.
    Text { default: Option<Box<str>> },
    /// One of these words. The first word is the default.
    OneOf(Vec<Box<str>>),
}

impl Setting {
    /// Returns the value for a template that omits the setting; `None` if there is no default.
    pub(crate) fn default(&self) -> Option<&str> {
        match &self.ty {
            SettingType::Secret => None,
            SettingType::Text { default } => default.as_deref(),
            SettingType::OneOf(words) => words.first().map(|word| &**word),
        }
    }
}
