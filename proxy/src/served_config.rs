//! The config file that is being served: edited over the API, and read again on `SIGHUP`.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use gatepost::{Config, Gate, ProxySettings};
use gatepost_editor::{Edit, EditError, EditErrorKind, TemplateView, config_file};

/// A gate and the file that its config comes from.
pub(crate) struct ServedConfig {
    path: PathBuf,
    gate: Gate,
    /// Settings that the listeners were started with; they cannot change while serving.
    started: ProxySettings,
    /// Text that the gate serves. Its lock is held for a whole edit, so that edits follow one
    /// another. Never printed: it may hold secrets.
    text: Mutex<String>,
    /// Apart from the text, so that they can be read while an edit writes the file.
    templates: Mutex<Vec<TemplateView>>,
}

impl ServedConfig {
    /// Starts to serve `config`, which is the content `text` of the file.
    pub(crate) fn new(path: &Path, text: String, config: Config) -> Result<Self, EditError> {
        let templates = TemplateView::all(&text, Some(&config))?;
        let started = config.proxy().clone();
        let (text, templates) = (Mutex::new(text), Mutex::new(templates));
        Ok(Self { path: path.to_owned(), gate: Gate::new(config), started, text, templates })
    }

    /// Returns the gate, which follows every edit.
    pub(crate) const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Returns the templates that are served.
    pub(crate) fn templates(&self) -> Vec<TemplateView> {
        lock(&self.templates).clone()
    }

    /// Returns the template of that name.
    pub(crate) fn template(&self, name: &str) -> Result<TemplateView, EditError> {
        let found = lock(&self.templates).iter().find(|template| template.name == name).cloned();
        found.ok_or_else(|| {
            let message = format!("there is no template `{name}`");
            EditError::new(EditErrorKind::TemplateNotFound, message)
        })
    }

    /// Makes an edit in the file, and serves the result.
    pub(crate) fn edit(&self, edit: &Edit) -> Result<(), EditError> {
        let mut text = lock(&self.text);
        let edited = edit.apply(&text);
        // A file changed by hand is not served yet, and may need other listeners: it is left alone.
        if config_file::read(&self.path)? != *text {
            let other = edited.as_deref().ok().filter(|edited| *edited != text.as_str());
            let conflict = config_file::conflict(&self.path, other);
            return Err(conflict.with_remedy("send gatepost a SIGHUP to serve it"));
        }
        let edited = edited?;
        let config = config_file::check(&self.path, &edited)?;
        let templates = TemplateView::all(&edited, Some(&config))?;
        config_file::replace(&self.path, &text, &edited)?;
        self.serve(config, templates);
        *text = edited;
        tracing::info!(template = edit.template(), "{} over the API", edit.log_message());
        Ok(())
    }

    /// Serves the present content of the file, or keeps the earlier config if that has a fault.
    pub(crate) fn reload(&self) {
        match self.read_again() {
            Ok(()) => tracing::info!("{}: the config was read again", self.path.display()),
            Err(error) => tracing::error!("the config is still the earlier one: {error}"),
        }
    }

    fn read_again(&self) -> Result<(), EditError> {
        let mut text = lock(&self.text);
        let new = config_file::read(&self.path)?;
        let config = config_file::check(&self.path, &new)?;
        let templates = TemplateView::all(&new, Some(&config))?;
        // The config is checked against these settings, but the listeners and the upstream stay
        // those of the start: the two must agree.
        let fixed = |own: &ProxySettings| {
            let sockets = (own.listen.clone(), own.admin, own.proxy_protocol);
            let handover = own.upgrade_socket.clone();
            (sockets, handover, own.upstream.clone(), own.threads, own.stop_timeout)
        };
        if fixed(config.proxy()) != fixed(&self.started) {
            let keys = "listen, upstream, admin, threads, stop_timeout_secs, upgrade_socket or \
                        proxy_protocol";
            return Err(EditError::invalid(format!("{keys} changed; restart gatepost")));
        }
        self.serve(config, templates);
        *text = new;
        Ok(())
    }

    fn serve(&self, config: Config, templates: Vec<TemplateView>) {
        for warning in config.warnings() {
            tracing::warn!("{}:{warning}", self.path.display());
        }
        self.gate.replace(config);
        *lock(&self.templates) = templates;
    }
}

/// Locks a value. A poisoned lock is as good: the value is only ever replaced as a whole.
fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
