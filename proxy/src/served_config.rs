//! The config that the proxy applies to requests, and the files of this config.
//!
//! An edit over the admin API or in the console changes one of these files. The proxy reads the
//! files again on `SIGHUP`. With `watch = true`, the proxy also reads them after a change.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gatepost::{Config, ConfigFiles, Gate, ProxySettings, RouteInfo, Timestamp, WatchedFiles};
use gatepost_editor::{
    Edit, EditError, EditErrorKind, EditFault, EditedFile, KeyFolders, TemplateView, config_file,
};
use serde::Serialize;

use crate::app::tls;
use crate::capture::CAPTURED;
use crate::clock;
use crate::config_warnings::log_warnings;
use crate::telemetry::log;
use crate::telemetry::metrics::METRICS;
use crate::tls::{LoadedTls, ServedTls};

/// A gate and the files of its config.
pub(crate) struct ServedConfig {
    gate: Gate,
    tls: Arc<ServedTls>,
    /// Settings at start. If a reload changes a setting that needs a restart, the reload fails.
    started: ProxySettings,
    /// Texts of the gate's config. An edit holds this lock from start to end, so edits and reloads
    /// run one after another. Never print the texts, because they may contain secrets.
    files: Mutex<ConfigFiles>,
    /// Description of the gate's config. It has a separate lock, so that a reader does not wait for
    /// an edit.
    loaded: Mutex<LoadedConfig>,
}

/// Value of [`ConfigStatus::last_reload`] for a reload without a fault.
const SUCCESS: &str = "success";

struct LoadedConfig {
    templates: Vec<TemplateView>,
    routes: Arc<[RouteInfo]>,
    watched: WatchedFiles,
    status: ConfigStatus,
    /// Faults of the last reload; empty if no reload has failed since the last success. They
    /// contain no secrets.
    reload_faults: Vec<String>,
}

/// Description of the config that gatepost serves, for `/readyz` and the log.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ConfigStatus {
    pub(crate) file: PathBuf,
    pub(crate) fingerprint: Box<str>,
    /// Number of configs that this process has served: 1 after the start.
    pub(crate) generation: u64,
    #[serde(serialize_with = "as_date")]
    pub(crate) loaded_at: Timestamp,
    /// Result of the last reload: `success`, `failure`, or `null` before the first reload.
    pub(crate) last_reload: Option<&'static str>,
    pub(crate) routes: usize,
    pub(crate) templates: usize,
}

/// Serializes a time in the format of RFC 3339, such as `2026-11-29T01:02:03Z`.
fn as_date<S: serde::Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    match jiff::Timestamp::from_second(time.as_secs()) {
        Ok(date) => to.collect_str(&date),
        Err(_) => to.serialize_i64(time.as_secs()),
    }
}

impl ServedConfig {
    /// Creates a gate for `config`, which gatepost has read from `files`.
    pub(crate) fn new(files: ConfigFiles, config: Config) -> Result<Self, EditError> {
        check_files(&config, files.path())?;
        let templates = TemplateView::all(&files, Some(&config))?;
        let status = ConfigStatus {
            file: files.path().to_owned(),
            fingerprint: Box::default(),
            generation: 0,
            loaded_at: clock::now(),
            last_reload: None,
            routes: 0,
            templates: 0,
        };
        let watched = WatchedFiles::default();
        let started = config.proxy().clone();
        let tls = Arc::<ServedTls>::default();
        tls.replace(load_tls(&tls, &config)?.as_ref());
        log_warnings(&config, files.path());
        let routes = Arc::default();
        let reload_faults = Vec::new();
        let loaded = LoadedConfig { templates, routes, watched, status, reload_faults };
        let loaded = Mutex::new(loaded.followed_by(&config));
        Ok(Self { gate: Gate::new(config), tls, started, files: Mutex::new(files), loaded })
    }

    /// Returns the gate. Each later edit or reload replaces the config of this gate.
    pub(crate) const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Returns the certificates. If the certificates or the TLS settings have changed, a later edit
    /// or reload replaces the certificates.
    pub(crate) const fn tls(&self) -> &Arc<ServedTls> {
        &self.tls
    }

    /// Returns the templates of the gate's config.
    pub(crate) fn templates(&self) -> Vec<TemplateView> {
        lock(&self.loaded).templates.clone()
    }

    /// Returns the template called `name`.
    pub(crate) fn template(&self, name: &str) -> Result<TemplateView, EditError> {
        let loaded = lock(&self.loaded);
        let found = loaded.templates.iter().find(|template| template.name == name).cloned();
        found.ok_or_else(|| {
            let message = format!("expected a known template, found `{name}`; see /api/templates");
            EditError::new(EditErrorKind::TemplateNotFound, message)
        })
    }

    /// Parses the texts of the gate's config again, and reads the secrets that they name.
    pub(crate) fn config(&self) -> Result<Config, EditError> {
        let files = lock(&self.files).clone();
        config_file::check(&files)
    }

    /// Returns the routes of the gate's config.
    pub(crate) fn routes(&self) -> Arc<[RouteInfo]> {
        Arc::clone(&lock(&self.loaded).routes)
    }

    /// Returns the description of the gate's config.
    pub(crate) fn status(&self) -> ConfigStatus {
        lock(&self.loaded).status.clone()
    }

    /// Returns the faults of the last reload; empty if no reload has failed since the last success.
    pub(crate) fn reload_faults(&self) -> Vec<String> {
        lock(&self.loaded).reload_faults.clone()
    }

    /// Returns the files from which gatepost has read the config, including the certificates and
    /// secrets.
    pub(crate) fn watched_files(&self) -> WatchedFiles {
        lock(&self.loaded).watched.clone()
    }

    /// Applies an edit to a file of the config and to the gate.
    pub(crate) fn edit(&self, edit: &Edit, caller: Option<IpAddr>) -> Result<(), EditError> {
        self.edit_in("over the API", edit, caller, |_| true)
    }

    /// Applies an edit of the console. If `is_seen` returns false for the current template, refuses
    /// the edit, because the operator has not seen this version of the template.
    pub(crate) fn edit_if(
        &self,
        edit: &Edit,
        caller: Option<IpAddr>,
        is_seen: impl Fn(&TemplateView) -> bool,
    ) -> Result<(), EditError> {
        self.edit_in("from gatepost's console", edit, caller, is_seen)
    }

    fn edit_in(
        &self,
        place: &'static str,
        edit: &Edit,
        caller: Option<IpAddr>,
        is_seen: impl Fn(&TemplateView) -> bool,
    ) -> Result<(), EditError> {
        let mut files = lock(&self.files);
        if self.template(edit.template()).is_ok_and(|now| !is_seen(&now)) {
            let message = "expected an unchanged template, found a change by another operator; \
                           read the template again";
            return Err(EditError::new(EditErrorKind::FileChanged, message));
        }
        let edited = edit.apply_to(&files);
        check_unchanged(&files, edited.as_ref().ok())?;
        let edited = edited?;
        self.check_key_files(&files, &edited)?;
        let config = config_file::check(&edited.files)?;
        check_addresses(&config, config_file::check(&files).ok().as_ref())?;
        let templates = TemplateView::all(&edited.files, Some(&config))?;
        let tls = load_tls(&self.tls, &config)?;
        config_file::write(&files, &edited)?;
        self.serve(config, tls.as_ref(), templates, files.path());
        *files = edited.files;
        tracing::info!(
            template = edit.template(),
            tenants = edit.tenants().map(|tenants| tenants.join(" ")),
            caller = caller.map(tracing::field::display),
            "{} {place}",
            edit.log_message()
        );
        Ok(())
    }

    /// Checks the key files that an edit adds. An edit may name files in the folder of the config,
    /// in the folder of the edited file, and in `key_dirs`.
    fn check_key_files(&self, files: &ConfigFiles, edited: &EditedFile) -> Result<(), EditError> {
        let (before, after) = (files.iter().nth(edited.index), edited.text());
        let Some(((path, before), (_, after))) = before.zip(after) else { return Ok(()) };
        let mut folders = self.gate.proxy_settings().key_dirs;
        folders.push(match files.path().parent() {
            Some(folder) if folder != Path::new("") => folder.to_owned(),
            _ => PathBuf::from("."),
        });
        KeyFolders::new(path, &folders).check(before, after)
    }

    /// Reads the config files again, and the certificates and secrets that they name. Applies the
    /// config to the gate. After a fault of a file, or a change that needs a restart, gatepost
    /// keeps the served config and certificates.
    pub(crate) fn reload(&self) -> Result<(), EditError> {
        self.reload_locked(&mut lock(&self.files))
    }

    /// Reloads the config if its files differ from the served config. `seen` is the state of the
    /// files when the caller last looked. If the files have changed since then, does nothing,
    /// because a program may still be writing them. Returns the first changed file, and the result
    /// of the reload.
    pub(crate) fn reload_if_changed(
        &self,
        seen: &WatchedFiles,
    ) -> Option<(PathBuf, Result<(), EditError>)> {
        let mut files = lock(&self.files);
        let watched = self.watched_files();
        let now = watched.look();
        let changed = watched.difference(&now)?.to_owned();
        (now == *seen).then(|| (changed, self.reload_locked(&mut files)))
    }

    fn reload_locked(&self, files: &mut ConfigFiles) -> Result<(), EditError> {
        let result = self.read_again(files).map_err(|error| error.in_config_file(files.path()));
        let word = if result.is_ok() { SUCCESS } else { "failure" };
        let mut loaded = lock(&self.loaded);
        loaded.status.last_reload = Some(word);
        loaded.reload_faults = result.as_ref().err().map(fault_lines).unwrap_or_default();
        drop(loaded);
        result
    }

    /// Notes that the operator has undone the change that a reload has refused.
    pub(crate) fn fault_undone(&self) {
        let mut loaded = lock(&self.loaded);
        loaded.status.last_reload = Some(SUCCESS);
        loaded.reload_faults.clear();
    }

    fn read_again(&self, files: &mut ConfigFiles) -> Result<(), EditError> {
        let new = config_file::read(files.path())?;
        let config = config_file::check(&new)?;
        check_files(&config, new.path())?;
        let templates = TemplateView::all(&new, Some(&config))?;
        // The running server keeps some settings from its start, so only a restart applies new
        // values.
        let changed = self.started.restart_keys(config.proxy());
        if !changed.is_empty() {
            let message = format!(
                "expected no change of {}, found a new value; restart gatepost to apply it",
                changed.join(", ")
            );
            return Err(EditError::new(EditErrorKind::RestartNeeded, message));
        }
        let tls = load_tls(&self.tls, &config)?;
        self.serve(config, tls.as_ref(), templates, new.path());
        *files = new;
        Ok(())
    }

    fn serve(
        &self,
        config: Config,
        tls: Option<&Arc<LoadedTls>>,
        templates: Vec<TemplateView>,
        path: &Path,
    ) {
        log_warnings(&config, path);
        let mut loaded = lock(&self.loaded);
        let mut status = loaded.status.clone();
        // The new config has no fault, so the failure of an earlier reload no longer counts.
        status.last_reload = status.last_reload.map(|_| SUCCESS);
        let watched = WatchedFiles::default();
        let routes = Arc::default();
        let reload_faults = Vec::new();
        *loaded =
            LoadedConfig { templates, routes, watched, status, reload_faults }.followed_by(&config);
        self.gate.replace(config);
        self.tls.replace(tls);
    }
}

/// Returns a line for each fault of a config. If the error has no such faults, returns its message.
fn fault_lines(error: &EditError) -> Vec<String> {
    let line = |fault: &EditFault| {
        let file = fault.file.as_deref().map(|file| format!("{file}, ")).unwrap_or_default();
        let line = fault.line.map(|line| format!("line {line}: ")).unwrap_or_default();
        format!("{file}{line}{}: {}; {}", fault.key, fault.problem, fault.remedy)
    };
    match error.faults() {
        [] => vec![error.message().to_owned()],
        faults => faults.iter().map(line).collect(),
    }
}

/// Checks the files of `[[outgoing_tls]]`.
fn check_files(config: &Config, path: &Path) -> Result<(), EditError> {
    let first = tls::faults(config).into_iter().next();
    first.map_or(Ok(()), |fault| Err(EditError::invalid(fault.located_in(path).to_string())))
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

/// Loads the certificates of a config.
fn load_tls(served: &ServedTls, config: &Config) -> Result<Option<Arc<LoadedTls>>, EditError> {
    let loaded = served.load(config.proxy().tls.as_ref());
    loaded.map_err(|error| EditError::invalid(error.to_string()))
}

impl LoadedConfig {
    /// Returns the description of `config`, the next config of this process. Also applies the
    /// settings of `config` to the log, the metrics and the inspector.
    fn followed_by(mut self, config: &Config) -> Self {
        let status = &mut self.status;
        status.fingerprint = config.fingerprint().into();
        status.generation += 1;
        status.loaded_at = clock::now();
        (status.routes, status.templates) = (config.routes().count(), config.templates().count());
        let loaded_at = status.loaded_at.as_secs();
        METRICS.serve(config);
        log::set_callbacks(config.proxy().telemetry.log_callbacks);
        CAPTURED.apply(config.proxy().inspector);
        METRICS.config.serves(status.generation, &status.fingerprint, loaded_at);
        self.routes = config.route_infos().collect();
        self.watched = config.watched_files().clone();
        self
    }
}

/// Returns an error if the operator has changed a file, because the gate still uses the old text.
fn check_unchanged(files: &ConfigFiles, edited: Option<&EditedFile>) -> Result<(), EditError> {
    let changed = match config_file::read(files.path()) {
        Ok(now) if now == *files => return Ok(()),
        Ok(now) => first_difference(files, &now),
        Err(error) if error.kind() == EditErrorKind::Io => return Err(error),
        Err(_) => files.path().to_owned(),
    };
    let text = edited.and_then(EditedFile::text);
    let text = text.filter(|(path, text)| {
        *path == changed && files.iter().all(|(own, before)| own != *path || before != *text)
    });
    let conflict = config_file::conflict(&changed, text.map(|(_, text)| text));
    Err(conflict.with_remedy("send gatepost a SIGHUP to load the file"))
}

/// Returns the first file that differs between the two configs.
fn first_difference(files: &ConfigFiles, other: &ConfigFiles) -> PathBuf {
    let is_new = |(path, text): &(&Path, &str)| !files.iter().any(|file| file == (*path, *text));
    let is_old = |(path, _): &(&Path, &str)| !other.iter().any(|(own, _)| own == *path);
    let path = other.iter().find(is_new).or_else(|| files.iter().find(is_old));
    path.map_or_else(|| files.path().to_owned(), |(path, _)| path.to_owned())
}

/// Locks a value. Ignores poisoning, because each write leaves a consistent value.
fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
