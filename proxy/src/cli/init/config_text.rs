//! The text of a new config file.

use std::fmt;

use gatepost::{KindInfo, ProviderInfo, SettingInfo};

use super::secret_file::{SecretFile, setting_file};

/// A path for callbacks. `kind` is the kind of these callbacks if their data does not name a kind.
pub(super) struct RoutePath {
    pub(super) path: String,
    kind: Option<Box<str>>,
}

impl RoutePath {
    /// Returns the paths of a provider. If its callbacks name only some of the kinds, each other
    /// kind has its own path.
    pub(super) fn all(provider: &ProviderInfo) -> Vec<Self> {
        let token = if provider.token { "/{token}" } else { "" };
        let base = format!("/callbacks/{}{token}", provider.name);
        let has_named = provider.kinds.iter().any(|kind| kind.named);
        let unnamed = provider.kinds.iter().filter(|kind| has_named && !kind.named);
        let apart = unnamed.map(|kind| Self {
            path: format!("{base}/{}", kind.name),
            kind: Some(kind.name.clone()),
        });
        [Self { path: base.clone(), kind: None }].into_iter().chain(apart).collect()
    }
}

/// The use of a config file.
pub(super) enum ConfigUse<'c> {
    /// The whole config of a proxy, with its addresses for callbacks and for the admin listener.
    Proxy { listen: &'c str, admin: &'c str },
    /// The whole config of the tower layer.
    Layer,
    /// A further platform of another config, which includes the file.
    Included,
}

impl ConfigUse<'_> {
    /// Returns the subject of the file: the start of a sentence that ends with the name of the
    /// platform.
    const fn subject(&self) -> &'static str {
        match self {
            Self::Proxy { .. } => "gatepost in front of an app that receives callbacks of",
            Self::Layer => "Config of gatepost's layer in a Rust app that receives callbacks of",
            Self::Included => "A part of the config that includes this file: callbacks of",
        }
    }

    /// Returns the command that checks a config of this use.
    pub(super) const fn check_command(&self) -> &'static str {
        match self {
            Self::Proxy { .. } | Self::Included => "gatepost check",
            Self::Layer => "gatepost check --door layer",
        }
    }
}

/// The operator's choices for the config.
pub(super) struct ConfigText<'c> {
    pub(super) provider: &'c ProviderInfo,
    /// File of the definition; `None` for a built-in definition.
    pub(super) definition_file: Option<&'c str>,
    pub(super) secret: &'c SecretFile,
    /// File of the secret path segment. `None` if `secret` is this file. Also `None` for a platform
    /// without a secret segment.
    pub(super) token: Option<&'c SecretFile>,
    pub(super) purpose: ConfigUse<'c>,
    pub(super) app: Option<&'c str>,
    pub(super) upstream: Option<&'c str>,
}

impl fmt::Display for ConfigText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { provider, purpose, .. } = self;
        writeln!(f, "# {} {}.", purpose.subject(), provider.title)?;
        writeln!(f, "# The platform's page: {}", provider.docs)?;
        let check = purpose.check_command();
        writeln!(
            f,
            "# After a change, run `{check}`. `gatepost schema config` lists every key.\n"
        )?;
        self.write_server(f)?;
        RoutePath::all(provider).iter().try_for_each(|route| self.write_route(f, route))?;
        self.write_template(f)
    }
}

impl ConfigText<'_> {
    fn write_server(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let ConfigUse::Proxy { listen, admin } = self.purpose {
            writeln!(
                f,
                "# Address on which gatepost listens. The platform needs a public address."
            )?;
            writeln!(f, "listen = [{}]\n", quoted(listen))?;
            writeln!(f, "# Address of /healthz, /readyz and /metrics.")?;
            writeln!(f, "admin = {}\n", quoted(admin))?;
            writeln!(
                f,
                "# gatepost compares this file and the files with secrets every 2 s, and loads the config again after a change."
            )?;
            writeln!(f, "watch = true\n")?;
        }
        if let Some(upstream) = self.upstream {
            writeln!(f, "# Server for all requests that are not callbacks.")?;
            writeln!(f, "upstream = {}\n", quoted(upstream))?;
        }
        if let Some(file) = self.definition_file {
            writeln!(f, "# Definition of the provider.")?;
            writeln!(f, "provider_files = [{file:?}]\n")?;
        }
        Ok(())
    }

    fn write_route(&self, f: &mut fmt::Formatter<'_>, route: &RoutePath) -> fmt::Result {
        let Self { provider, .. } = self;
        writeln!(f, "[[route]]")?;
        if route.kind.is_none() {
            writeln!(f, "# Path of the callbacks. gatepost refuses any other request to it.")?;
        }
        writeln!(f, "path     = {:?}", route.path)?;
        writeln!(f, "provider = {:?}", provider.name)?;
        if let Some(kind) = &route.kind {
            writeln!(f, "kind     = {kind:?}")?;
        }
        if provider.token {
            if route.kind.is_none() {
                let unsigned = if provider.keys { "challenges" } else { "callbacks" };
                writeln!(
                    f,
                    "# The platform does not sign {unsigned}: only this secret proves their origin."
                )?;
            }
            let token = self.token.unwrap_or(self.secret);
            writeln!(f, "token    = {{ file = {:?} }}", token.name())?;
        }
        writeln!(f)
    }

    fn write_template(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { provider, .. } = self;
        writeln!(f, "[[template]]")?;
        writeln!(f, "name     = {:?}", provider.name)?;
        writeln!(f, "provider = {:?}", provider.name)?;
        if provider.keys {
            writeln!(
                f,
                "# The platform's key. While you change the key, list the new and the old one."
            )?;
            writeln!(f, "keys     = [{{ file = {:?} }}]", self.secret.name())?;
        }
        writeln!(f, "# Tenants. \"*\" means all tenants; see `gatepost help bind`.")?;
        writeln!(f, "bind     = [\"*\"]")?;
        if !provider.settings.is_empty() {
            let has_secret = provider.settings.iter().any(|setting| setting.secret);
            writeln!(f, "\n{}[template.settings]", if has_secret { "" } else { "# " })?;
            provider.settings.iter().try_for_each(|setting| write_setting(f, provider, setting))?;
        }
        writeln!(f)?;
        match self.app {
            Some(app) => {
                writeln!(
                    f,
                    "# Addresses of the app. \"*\" means every kind that this table does not list."
                )?;
                writeln!(f, "[template.on]\n\"*\" = {}", quoted(app))?;
                self.write_on_failure(f, app)?;
                self.write_kinds(f, app)
            }
            None => writeln!(f, "# Events keep the path of the callback."),
        }
    }

    /// Returns the first decision whose reply has a result and a message.
    fn kind_with_message(&self) -> Option<&KindInfo> {
        let has = |kind: &KindInfo, name: &str| kind.reply.iter().any(|field| &*field.name == name);
        let fits = |kind: &&KindInfo| kind.decision && has(kind, "result") && has(kind, "message");
        self.provider.kinds.iter().find(fits)
    }

    /// Writes a comment with the reply after a failure of the app, for the kind that
    /// `kind_with_message` returns.
    fn write_on_failure(&self, f: &mut fmt::Formatter<'_>, app: &str) -> fmt::Result {
        let Some(kind) = self.kind_with_message() else { return Ok(()) };
        writeln!(
            f,
            "# The reply if the app fails. Without on_failure, gatepost denies, and sends no message."
        )?;
        writeln!(
            f,
            "# {} = {{ url = {}, on_failure = {{ result = 0, message = \"Please try again\" }} }}",
            key_of(kind),
            quoted(app)
        )
    }

    /// Writes addresses of single kinds, as comments. A line with `Or` precedes the second line of
    /// the kind for which `write_on_failure` has written the first line.
    fn write_kinds(&self, f: &mut fmt::Formatter<'_>, app: &str) -> fmt::Result {
        const MAX_KINDS: usize = 12;
        let Self { provider, .. } = self;
        let app = app.trim_end_matches('/');
        for kind in provider.kinds.iter().take(MAX_KINDS) {
            let answer = match (kind.decision, kind.reply.is_empty()) {
                (false, _) => String::new(),
                (true, false) => "  # answer {\"allow\":true} or false".to_owned(),
                (true, true) => {
                    format!("  # answer: gatepost providers {}.{}", provider.name, kind.name)
                }
            };
            let key = key_of(kind);
            if self.kind_with_message().is_some_and(|own| own.name == kind.name) {
                writeln!(f, "# Or, in place of the first line of {key}:")?;
            }
            writeln!(f, "# {key} = {}{answer}", quoted(&format!("{app}/{}", kind.name)))?;
        }
        if provider.kinds.len() > MAX_KINDS {
            writeln!(
                f,
                "# … and {} more: gatepost providers {}",
                provider.kinds.len() - MAX_KINDS,
                provider.name
            )?;
        }
        Ok(())
    }
}

/// Returns the text as a string of TOML. Unlike the escapes of Rust, those of JSON are valid TOML.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// Returns the kind as a TOML key.
fn key_of(kind: &KindInfo) -> String {
    let is_bare = kind.name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if is_bare { kind.name.to_string() } else { format!("{:?}", kind.name) }
}

fn write_setting(
    f: &mut fmt::Formatter<'_>,
    provider: &ProviderInfo,
    setting: &SettingInfo,
) -> fmt::Result {
    if setting.secret {
        writeln!(f, "# {}", setting.about)?;
        return writeln!(
            f,
            "{} = {{ file = {:?} }}",
            setting.name,
            setting_file(provider, setting)
        );
    }
    let value = match &setting.default {
        Some(word) => format!("{word:?}"),
        None => {
            let name = format!("{}_{}", provider.name, setting.name).to_uppercase();
            format!("{{ env = \"{}\" }}", name.replace('-', "_"))
        }
    };
    writeln!(f, "# {} = {value}  # {}", setting.name, setting.about)
}
