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
    /// One edit after the other.
    state: Mutex<State>,
}

/// What the gate judges by now. Never printed: a text may hold secrets.
struct State {
    text: String,
    views: Vec<View>,
}

impl Served {
    /// Reads and checks the file.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let text = store::read(path).map_err(|problem| problem.to_string())?;
        let config = Config::from_text(&text, path).map_err(|error| error.to_string())?;
        let views = views(&text, Some(&config)).map_err(|problem| problem.to_string())?;
        let state = Mutex::new(State { text, views });
        Ok(Self { path: path.to_owned(), gate: Gate::new(config), state })
    }

    /// The gate, which follows every edit.
    pub(crate) const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The templates that are served.
    pub(super) fn views(&self) -> Vec<View> {
        self.state().views.clone()
    }

    /// The template of that name.
    pub(super) fn view(&self, name: &str) -> Result<View, Problem> {
        let found = self.state().views.iter().find(|view| view.name == name).cloned();
        found.ok_or_else(|| {
            Problem::new(Code::TemplateNotFound, format!("there is no template `{name}`"))
        })
    }

    /// Makes an edit in the file, and judges by it from now on.
    pub(super) fn edit(&self, edit: &Edit) -> Result<(), Problem> {
        let mut state = self.state();
        let edited = edit.apply(&state.text);
        // Whoever changed the file has not seen it served: not even the listeners may fit it.
        if store::read(&self.path).ok().as_ref() != Some(&state.text) {
            let problem = store::changed(&self.path, edited.as_deref().ok());
            let message = format!("{}; restart gatepost to serve it", problem.message);
            return Err(Problem { message, ..problem });
        }
        let edited = edited?;
        let config = store::replace(&self.path, &state.text, &edited)?;
        let views = views(&edited, Some(&config))?;
        self.gate.replace(config);
        *state = State { text: edited, views };
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is replaced whole, so it is sound even if somebody panicked beside it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
