//! Choices of the operator, from the arguments and from the input at the terminal.

use std::io::{self, BufRead};
use std::path::Path;

use clap::ValueEnum as _;
use gatepost::{Config, Definition, ProviderInfo};

use super::InitArguments;
use super::config_text::{ConfigText, ConfigUse};
use super::secret_file::SecretFile;
use crate::cli::door::Door;
use crate::cli::error::CommandError;
use crate::cli::print::err;
use crate::cli::providers::{definition, definition_in};

/// Address of the app if the operator gives none.
const DEFAULT_APP: &str = "http://127.0.0.1:3000/events";

/// Address in `listen` of a new config if the operator gives none.
const LISTEN: &str = "127.0.0.1:8080";

/// Address of the admin listener if the operator gives none.
const ADMIN: &str = "127.0.0.1:9900";

/// The choices of the operator.
pub(super) struct Choices {
    pub(super) definition: Definition,
    /// File of the definition, as the config names it; `None` for a built-in definition.
    pub(super) definition_file: Option<String>,
    pub(super) door: Door,
    pub(super) app: Option<String>,
    pub(super) upstream: Option<String>,
    pub(super) listen: String,
    pub(super) admin: String,
    /// True to add a platform to an existing config.
    pub(super) adds: bool,
}

impl Choices {
    /// Takes the choices from the arguments.
    pub(super) fn given(arguments: &InitArguments) -> Result<Self, CommandError> {
        let file = arguments.definition.as_deref();
        let definition = match (&arguments.provider, file) {
            (Some(provider), file) => definition(provider, file)?,
            (None, Some(file)) => definition_in(file)?,
            (None, None) => {
                let problem =
                    "expected a provider, found none; `gatepost providers` lists the providers";
                return Err(CommandError::argument("--provider", problem));
            }
        };
        let door = arguments.door.unwrap_or(Door::Proxy);
        let (app, upstream) = (arguments.app.clone(), arguments.upstream.clone());
        if door == Door::Layer && (app.is_some() || upstream.is_some()) {
            let problem = "expected neither --app nor --upstream with --door layer, found one; \
                           remove the option, because the layer passes events to the inner service";
            return Err(CommandError::argument("--door", problem));
        }
        if door == Door::Layer && (arguments.listen.is_some() || arguments.admin.is_some()) {
            let problem = "expected neither --listen nor --admin with --door layer, found one; \
                           remove the option, because your program listens";
            return Err(CommandError::argument("--door", problem));
        }
        let or = |given: &Option<String>, default: &str| {
            given.clone().unwrap_or_else(|| default.to_owned())
        };
        let (listen, admin) = (or(&arguments.listen, LISTEN), or(&arguments.admin, ADMIN));
        let needs_app = door == Door::Proxy && upstream.is_none();
        let app = app.or_else(|| needs_app.then(|| DEFAULT_APP.to_owned()));
        let definition_file = file.map(|file| within(&arguments.out, file)).transpose()?;
        let adds = arguments.add;
        let listen = if adds { listen_of(&arguments.out)?.unwrap_or(listen) } else { listen };
        Ok(Self { definition, definition_file, door, app, upstream, listen, admin, adds })
    }

    /// Asks the operator for the choices that the arguments omit.
    pub(super) fn asked(
        arguments: &InitArguments,
        input: &mut impl BufRead,
    ) -> Result<Self, CommandError> {
        let mut given = arguments.clone();
        if given.provider.is_none() && given.definition.is_none() {
            for provider in gatepost::providers() {
                err(&format!("  {}  {}", provider.name, provider.title));
            }
            given.provider = Some(ask(input, "Which provider", "")?);
        }
        if given.door.is_none() {
            let door = ask(
                input,
                "Run gatepost as `proxy`, or as `layer` in your own Rust program",
                "proxy",
            )?;
            let parsed = Door::from_str(&door, true);
            given.door = Some(parsed.map_err(|problem| CommandError::argument("door", problem))?);
        }
        let needs_app = given.door == Some(Door::Proxy) && given.upstream.is_none();
        if given.app.is_none() && needs_app {
            given.app = Some(ask(input, "Address of the app that receives events", DEFAULT_APP)?);
        }
        Self::given(&given)
    }

    pub(super) fn text<'c>(
        &'c self,
        provider: &'c ProviderInfo,
        secret: &'c SecretFile,
        token: Option<&'c SecretFile>,
    ) -> ConfigText<'c> {
        ConfigText {
            provider,
            definition_file: self.definition_file.as_deref(),
            secret,
            token,
            purpose: self.purpose(),
            app: self.app.as_deref(),
            upstream: self.upstream.as_deref(),
        }
    }

    pub(super) fn purpose(&self) -> ConfigUse<'_> {
        match self.door {
            _ if self.adds => ConfigUse::Included,
            Door::Proxy => ConfigUse::Proxy { listen: &self.listen, admin: &self.admin },
            Door::Layer => ConfigUse::Layer,
        }
    }
}

/// Returns the first address in `listen` of an existing config.
fn listen_of(config: &Path) -> Result<Option<String>, CommandError> {
    let config = Config::from_file(config)?;
    Ok(config.proxy().listen.first().map(ToString::to_string))
}

/// Returns the path of a definition as the config file `config` names it: paths in a config are
/// relative to its folder.
fn within(config: &Path, file: &Path) -> io::Result<String> {
    let is_here = config.parent().is_none_or(|folder| folder == Path::new(""));
    let path = if is_here { file.to_owned() } else { std::path::absolute(file)? };
    Ok(path.display().to_string())
}

/// Asks the operator at the terminal. Returns `default` for an empty line.
fn ask(input: &mut impl BufRead, question: &str, default: &str) -> Result<String, CommandError> {
    let shown = if default.is_empty() { String::new() } else { format!(" [{default}]") };
    err(&format!("{question}?{shown}"));
    let mut answer = String::new();
    input.read_line(&mut answer)?;
    let answer = answer.trim();
    Ok(if answer.is_empty() { default.to_owned() } else { answer.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_only_for_choices_that_arguments_omit() {
        let arguments = InitArguments {
            provider: None,
            definition: None,
            door: None,
            app: None,
            upstream: None,
            listen: None,
            admin: None,
            out: "gatepost.toml".into(),
            add: false,
            force: false,
        };
        let answers = &mut "mux\n\nhttp://127.0.0.1:9/ev\n".as_bytes();
        let choices = Choices::asked(&arguments, answers).unwrap();
        assert_eq!(&*choices.definition.info().name, "mux");
        assert_eq!(choices.door, Door::Proxy);
        assert_eq!(choices.app.as_deref(), Some("http://127.0.0.1:9/ev"));
        let of_layer = InitArguments { door: Some(Door::Layer), ..arguments };
        let choices = Choices::asked(&of_layer, &mut "srs\n".as_bytes()).unwrap();
        assert_eq!((choices.door, choices.app), (Door::Layer, None));
    }
}
