//! Contents of a checked config: its files, variables, addresses, routes, templates and warnings.

use std::sync::Arc;

use super::Config;
use super::network::is_permitted;
use super::proxy::ProxySettings;
use super::watched_files::WatchedFiles;
use crate::address::Address;
use crate::outgoing_tls::OutgoingTls;
use crate::template::{Reach, Template};
use crate::toml_reader::Fault;

impl Config {
    /// Returns the files from which gatepost has read the config.
    #[must_use]
    pub const fn watched_files(&self) -> &WatchedFiles {
        &self.watched
    }

    /// Returns 16 hexadecimal digits that change with the text of the config file, of an included
    /// file or of a definition. Secrets in other files do not change the fingerprint.
    ///
    /// # Examples
    ///
    /// ```
    /// let config: gatepost::Config = "[[route]]\npath = '/hook'\nprovider = 'mux'".parse()?;
    /// assert_eq!(config.fingerprint(), "08a3b50b8c9d35db");
    /// # Ok::<(), gatepost::ConfigError>(())
    /// ```
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Returns the largest `max_body_bytes` of all routes.
    #[must_use]
    pub fn longest_body(&self) -> usize {
        self.routes.iter().map(|route| route.max_body_bytes).max().unwrap_or_default()
    }

    /// Returns each key whose value came from an environment variable, and the name of the
    /// variable. Omits keys with secrets.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(key, name)| (&**key, &**name))
    }

    /// Returns the addresses of the apps of all templates. An address of several kinds occurs
    /// several times.
    pub fn app_addresses(&self) -> impl Iterator<Item = &Address> {
        self.templates.iter().flat_map(|template| template.addresses()).map(|(own, _)| own)
    }

    /// Returns every `[[outgoing_tls]]`, in the order of the file. An entry may cover no address.
    pub fn outgoing_tls(&self) -> impl Iterator<Item = &Arc<OutgoingTls>> {
        self.outgoing_tls.iter()
    }

    /// Returns the servers of the app addresses that a client of the admin API must not set. Omits
    /// the upstream, and the servers of app addresses in `earlier`, the config before the edit.
    #[must_use]
    pub fn forbidden_addresses(&self, earlier: Option<&Self>) -> Vec<String> {
        let upstream = self.proxy.upstream.iter().flat_map(|upstream| upstream.as_slice());
        // The API cannot change the upstream, and an address that is a path alone is on the
        // upstream.
        let earlier = earlier.iter().flat_map(|config| config.app_addresses());
        let known: Vec<_> = earlier.chain(upstream).collect();
        let is_new = |new: &Address| {
            known.iter().all(|own| own.server().to_string() != new.server().to_string())
        };
        let guard = &self.proxy.allow_addresses;
        let refused = |address: &&Address| is_new(address) && !is_permitted(guard, address);
        self.app_addresses().filter(refused).map(|address| address.server().to_string()).collect()
    }

    /// Returns the settings that only the proxy uses.
    #[must_use]
    pub const fn proxy(&self) -> &ProxySettings {
        &self.proxy
    }

    /// Returns the paths of the routes, in the order of the file.
    pub fn routes(&self) -> impl Iterator<Item = &str> {
        self.routes.iter().map(|route| &*route.pattern)
    }

    /// Returns the templates, in the order of the file.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        self.templates.iter().map(|template| &**template)
    }

    /// Returns the reserved paths. If a request for a reserved path is not a callback, gatepost
    /// refuses the request. If gatepost also reserves everything below a path, the path ends in
    /// `/*`. If gatepost reserves a path only for requests with the parameters of a route, the path
    /// ends in these parameters.
    ///
    /// A layer reserves only the paths of addresses and routes, and nothing below these paths.
    pub fn reserved_paths(&self) -> impl Iterator<Item = String> {
        let reserved = self.routes.reserved().into_iter().map(|(path, reach)| match reach {
            Reach::Exact => path.to_owned(),
            Reach::Subtree => format!("{path}/*"),
        });
        reserved.chain(self.routes.reserved_with_parameters())
    }

    /// Returns true if gatepost signs the events of at least one template.
    pub(crate) fn signs_events(&self) -> bool {
        self.templates.iter().any(|template| template.signing.is_some())
    }

    /// Returns a warning for each setting that gatepost allows but does not recommend, in the order
    /// of the file.
    #[must_use]
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }
}
