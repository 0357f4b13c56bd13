//! The file that is being served, and changed while it is.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use gatepost::{Config, Gate};

use super::edit::Edit;
use super::problem::{Code, Problem};
use super::store;
use super::view::{View, views};

/// A gate, and the file that it was made from.
pub(crate) struct Served {
    path: PathBuf,
    gate: Gate,
    /// What the gate judges by now; one edit after the other. Never printed: it may hold secrets.
    text: Mutex<String>,
    /// Read without waiting for an edit.
    views: Mutex<Vec<View>>,
}

impl Served {
    /// Reads and checks the file.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let text = store::read(path).map_err(|problem| problem.to_string())?;
        let config = Config::from_text(&text, path).map_err(|error| error.to_string())?;
        let views = views(&text, Some(&config)).map_err(|problem| problem.to_string())?;
        let (text, views) = (Mutex::new(text), Mutex::new(views));
        Ok(Self { path: path.to_owned(), gate: Gate::new(config), text, views })
    }

    /// The gate, which follows every edit.
    pub(crate) const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The templates that are served.
    pub(super) fn views(&self) -> Vec<View> {
        lock(&self.views).clone()
    }

    /// The template of that name.
    pub(super) fn view(&self, name: &str) -> Result<View, Problem> {
        let found = lock(&self.views).iter().find(|view| view.name == name).cloned();
        found.ok_or_else(|| {
            Problem::new(Code::TemplateNotFound, format!("there is no template `{name}`"))
        })
    }

    /// Makes an edit in the file, and judges by it from now on.
    pub(super) fn edit(&self, edit: &Edit) -> Result<(), Problem> {
        let mut text = lock(&self.text);
        let edited = edit.apply(&text);
        // Whoever changed the file has not seen it served: not even the listeners may fit it.
        if store::read(&self.path)? != *text {
            let other = edited.as_deref().ok().filter(|edited| *edited != text.as_str());
            let problem = store::changed(&self.path, other);
            let message = format!("{}; restart gatepost to serve it", problem.message);
            return Err(Problem { message, ..problem });
        }
        let edited = edited?;
        let config = store::check(&self.path, &edited)?;
        let shown = views(&edited, Some(&config))?;
        store::replace(&self.path, &text, &edited)?;
        for warning in config.warnings() {
            tracing::warn!("{}:{warning}", self.path.display());
        }
        self.gate.replace(config);
        *text = edited;
        *lock(&self.views) = shown;
        tracing::info!(template = edit.template(), "{} over the API", edit.verb());
        Ok(())
    }
}

/// What stands in it is replaced whole, so it is sound even if somebody panicked beside it.
fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
