//! The config that the proxy applies to requests, and the file of this config.
//!
//! The admin API edits the file. On `SIGHUP`, the proxy reads the file again.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use gatepost::{Config, Gate, ProxySettings};
use gatepost_editor::{Edit, EditError, EditErrorKind, KeyFolders, TemplateView, config_file};

use crate::app::tls;

/// A gate and the file of its config.
pub(crate) struct ServedConfig {
    path: PathBuf,
    gate: Gate,
    /// Settings at start. A reload fails if it would change a setting that needs a restart.
    started: ProxySettings,
    /// Text of the gate's config. An edit keeps this lock from start to end, so edits run one after
    /// another. Never print the text, because it may contain secrets.
    text: Mutex<String>,
    /// Templates in `text`. They have a separate lock, so that a reader does not wait for an edit.
    templates: Mutex<Vec<TemplateView>>,
}

impl ServedConfig {
    /// Creates a gate for `config`. `text` is the content of the config file at `path`.
    pub(crate) fn new(path: &Path, text: String, config: Config) -> Result<Self, EditError> {
        check_files(&config)?;
        let templates = TemplateView::all(&text, Some(&config))?;
        let started = config.proxy().clone();
        let (text, templates) = (Mutex::new(text), Mutex::new(templates));
        Ok(Self { path: path.to_owned(), gate: Gate::new(config), started, text, templates })
    }

    /// Returns the gate. Each later edit or reload replaces the config of this gate.
    pub(crate) const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Returns the templates of the gate's config.
    pub(crate) fn templates(&self) -> Vec<TemplateView> {
        lock(&self.templates).clone()
    }

    /// Returns the template called `name`.
    pub(crate) fn template(&self, name: &str) -> Result<TemplateView, EditError> {
        let found = lock(&self.templates).iter().find(|template| template.name == name).cloned();
        found.ok_or_else(|| {
            let message = format!("expected a known template, found `{name}`; see /api/templates");
            EditError::new(EditErrorKind::TemplateNotFound, message)
        })
    }

    /// Applies an edit to the file and to the gate.
    pub(crate) fn edit(&self, edit: &Edit) -> Result<(), EditError> {
        let mut text = lock(&self.text);
        let edited = edit.apply(&text);
        // Refuse the edit if the operator has changed the file: the gate still uses the old text.
        if config_file::read(&self.path)? != *text {
            let other = edited.as_deref().ok().filter(|edited| *edited != text.as_str());
            let conflict = config_file::conflict(&self.path, other);
            return Err(conflict.with_remedy("send gatepost a SIGHUP to load the file"));
        }
        let edited = edited?;
        let key_dirs = self.gate.proxy_settings().key_dirs;
        KeyFolders::new(&self.path, &key_dirs).check(&text, &edited)?;
        let config = config_file::check(&self.path, &edited)?;
        check_addresses(&config, config_file::check(&self.path, &text).ok().as_ref())?;
        let templates = TemplateView::all(&edited, Some(&config))?;
        config_file::replace(&self.path, &text, &edited)?;
        self.serve(config, templates);
        *text = edited;
        tracing::info!(template = edit.template(), "{} over the API", edit.log_message());
        Ok(())
    }

    /// Reads the file again and applies the config to the gate. If the file has a fault, keeps the
    /// earlier config.
    pub(crate) fn reload(&self) {
        match self.read_again() {
            Ok(()) => tracing::info!("{}: reloaded the config", self.path.display()),
            Err(error) => tracing::error!("kept the earlier config: {error}"),
        }
    }

    fn read_again(&self) -> Result<(), EditError> {
        let mut text = lock(&self.text);
        let new = config_file::read(&self.path)?;
        let config = config_file::check(&self.path, &new)?;
        check_files(&config)?;
        let templates = TemplateView::all(&new, Some(&config))?;
        // Only a restart applies a new value of such a setting: the running server keeps the
        // values from its start.
        if self.started.needs_restart(config.proxy()) {
            let keys = "listen, upstream, upstream_idle_ms, upstream_http2, admin, threads, max_connections, \
                        max_unjudged_bytes, stop_timeout_secs, upgrade_socket or proxy_protocol";
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

/// Checks the files of `[[outgoing_tls]]`.
fn check_files(config: &Config) -> Result<(), EditError> {
    tls::check(config).map_err(|fault| EditError::invalid(fault.to_string()))
}

/// Checks the addresses that an edit has added.
fn check_addresses(edited: &Config, earlier: Option<&Config>) -> Result<(), EditError> {
    match edited.forbidden_addresses(earlier).first() {
        None => Ok(()),
        Some(server) => Err(EditError::invalid(format!(
            "expected an address that an edit may set, found {server}; add its network, name or \
             socket to allow_addresses in the config file"
        ))),
    }
}

/// Locks a value. Ignores poisoning: each write replaces the whole value.
fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
