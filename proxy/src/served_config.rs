//! The file that is being served, and changed while it is.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use gatepost::{Config, Gate, ProxySettings};

use crate::templates::edit::Edit;
use crate::templates::problem::{Code, Problem};
use crate::templates::store;
use crate::templates::view::{View, views};

/// A gate, and the file that it was made from.
pub(crate) struct Served {
    path: PathBuf,
    gate: Gate,
    /// What the listeners were made from.
    started: ProxySettings,
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
        let started = config.proxy().clone();
        Ok(Self { path: path.to_owned(), gate: Gate::new(config), started, text, views })
    }

    /// The gate, which follows every edit.
    pub(crate) const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The templates that are served.
    pub(crate) fn views(&self) -> Vec<View> {
        lock(&self.views).clone()
    }

    /// The template of that name.
    pub(crate) fn view(&self, name: &str) -> Result<View, Problem> {
        let found = lock(&self.views).iter().find(|view| view.name == name).cloned();
        found.ok_or_else(|| {
            Problem::new(Code::TemplateNotFound, format!("there is no template `{name}`"))
        })
    }

    /// Makes an edit in the file, and judges by it from now on.
    pub(crate) fn edit(&self, edit: &Edit) -> Result<(), Problem> {
        let mut text = lock(&self.text);
        let edited = edit.apply(&text);
        // Whoever changed the file has not seen it served: not even the listeners may fit it.
        if store::read(&self.path)? != *text {
            let other = edited.as_deref().ok().filter(|edited| *edited != text.as_str());
            let problem = store::changed(&self.path, other);
            let message = format!("{}; send gatepost a SIGHUP to serve it", problem.message);
            return Err(Problem { message, ..problem });
        }
        let edited = edited?;
        let config = store::check(&self.path, &edited)?;
        let shown = views(&edited, Some(&config))?;
        store::replace(&self.path, &text, &edited)?;
        self.take_up(config, shown);
        *text = edited;
        tracing::info!(template = edit.template(), "{} over the API", edit.verb());
        Ok(())
    }

    /// Judges by what stands in the file now, or goes on as before if that does not check.
    pub(crate) fn reload(&self) {
        match self.read_again() {
            Ok(()) => tracing::info!("{}: the config was read again", self.path.display()),
            Err(problem) => tracing::error!("the config is still the earlier one: {problem}"),
        }
    }

    fn read_again(&self) -> Result<(), Problem> {
        let mut text = lock(&self.text);
        let new = store::read(&self.path)?;
        let config = store::check(&self.path, &new)?;
        let shown = views(&new, Some(&config))?;
        // The config is checked against these, and so must be what is really listened on and passed
        // on to.
        let fixed = |own: &ProxySettings| {
            let sockets = (own.listen.clone(), own.admin, own.proxy_protocol);
            let handover = own.upgrade_socket.clone();
            (sockets, handover, own.upstream.clone(), own.threads, own.stop_timeout)
        };
        if fixed(config.proxy()) != fixed(&self.started) {
            let keys = "listen, upstream, admin, threads, stop_timeout_secs, upgrade_socket or \
                        proxy_protocol";
            return Err(Problem::invalid(format!("{keys} changed; restart gatepost")));
        }
        self.take_up(config, shown);
        *text = new;
        Ok(())
    }

    fn take_up(&self, config: Config, shown: Vec<View>) {
        for warning in config.warnings() {
            tracing::warn!("{}:{warning}", self.path.display());
        }
        self.gate.replace(config);
        *lock(&self.views) = shown;
    }
}

/// What stands in it is replaced whole, so it is sound even if somebody panicked beside it.
fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
