//! `gatepost init`: writes a config file for one platform, with the secrets in separate files. With
//! `--add`, adds a platform to an existing config.

mod addition;
mod config_text;
mod secret_file;

use std::fs::OpenOptions;
use std::io::{self, BufRead, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum as _};
use gatepost::{Config, Definition, KindInfo, ProviderInfo};

use self::addition::Addition;
use self::config_text::{ConfigText, ConfigUse, RoutePath};
use self::secret_file::{SecretFile, setting_file};
use super::config_argument::DEFAULT_CONFIG;
use super::door::Door;
use super::error::CommandError;
use super::print::{err, out};
use super::providers::{definition, definition_in};

/// Arguments of `gatepost init`.
#[derive(Clone, Debug, Args)]
pub(super) struct InitArguments {
    /// Name of the provider; `gatepost providers` lists all providers. At a terminal, the command
    /// asks for a missing name.
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// File with the definition of your own provider. The config lists it in `provider_files`.
    #[arg(long, value_name = "FILE")]
    definition: Option<PathBuf>,
    /// Door through which callbacks reach gatepost: the proxy, or a tower layer in your own Rust
    /// program; default: proxy. At a terminal, the command asks for a missing door.
    #[arg(long, value_enum)]
    door: Option<Door>,
    /// Address of the app that receives events; default: http://127.0.0.1:3000/events. At a
    /// terminal, the command asks for a missing address.
    #[arg(long, value_name = "URL")]
    app: Option<String>,
    /// Server that receives all requests that are not callbacks. If --app is absent, it also
    /// receives the events, on the paths of the callbacks.
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// Address on which the proxy listens for callbacks; default: 127.0.0.1:8080.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Address of the admin listener; default: 127.0.0.1:9900.
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<String>,
    /// Config file to write; with --add, the existing config file.
    #[arg(long, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    out: PathBuf,
    /// Add a platform to an existing config. Write the route and the template into
    /// `PROVIDER.platform.toml` beside the config file. If the config file has no `include`, add an
    /// `include` that matches this file. Change no other line.
    #[arg(long, conflicts_with_all = ["definition", "upstream", "listen", "admin", "force"])]
    add: bool,
    /// Replace the config file if it exists. Keep existing files with secrets.
    #[arg(long)]
    force: bool,
}

/// Address of the app if the operator gives none.
const DEFAULT_APP: &str = "http://127.0.0.1:3000/events";

/// Address in `listen` of a new config if the operator gives none.
const LISTEN: &str = "127.0.0.1:8080";

/// Address of the admin listener if the operator gives none.
const ADMIN: &str = "127.0.0.1:9900";

/// The choices of the operator.
struct Choices {
    definition: Definition,
    /// File of the definition, as the config names it; `None` for a built-in definition.
    definition_file: Option<String>,
    door: Door,
    app: Option<String>,
    upstream: Option<String>,
    listen: String,
    admin: String,
    /// True to add a platform to an existing config.
    adds: bool,
}

pub(super) fn run(arguments: &InitArguments) -> Result<(), CommandError> {
    let path = &arguments.out;
    check_target(path, arguments)?;
    let stdin = io::stdin();
    let choices = if stdin.is_terminal() {
        Choices::asked(arguments, &mut stdin.lock())?
    } else {
        Choices::given(arguments)?
    };
    let provider = choices.definition.info();
    let addition = arguments.add.then(|| Addition::new(path, &provider.name)).transpose()?;
    let secrets = Secrets::create(path, &choices.definition, &provider)?;
    let text = choices.text(&provider, &secrets.key, secrets.token.as_ref()).to_string();
    let written = match &addition {
        Some(addition) => addition.write(&text, !secrets.key.is_missing),
        None => create(path, &text, &secrets.key, arguments.force),
    };
    if let Err(error) = written {
        secrets.all().for_each(SecretFile::remove_if_new);
        return Err(error);
    }
    let file = addition.as_ref().map_or(path, |addition| &addition.file);
    secrets.print_files(file, path, matches!(written, Ok(true)) && addition.is_some());
    choices.print_steps(&provider, &secrets.key, secrets.token.as_ref(), path);
    Ok(())
}

/// Checks the path of the config file. With `--add`, the file must exist. If neither `--add` nor
/// `--force` is set, the file must not exist. The folder of the file must exist.
fn check_target(path: &Path, arguments: &InitArguments) -> Result<(), CommandError> {
    let wrong = |problem: &str| Err(CommandError::argument(path.display().to_string(), problem));
    if arguments.add && !path.exists() {
        return wrong(
            "expected an existing config for --add, found none; write one with `gatepost init` \
             without --add, or name the config with --out",
        );
    }
    if path.exists() && !arguments.force && !arguments.add {
        return wrong(
            "expected a new file, found an existing one; add the platform to it with --add, name \
             another with --out, or add --force to replace it",
        );
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        let folder = folder.display();
        return wrong(&format!(
            "expected an existing folder, found none; create it with `mkdir -p {folder}`"
        ));
    }
    Ok(())
}

/// Writes a new config. Checks the config first, unless the file of the platform's public key is
/// missing.
fn create(path: &Path, text: &str, key: &SecretFile, force: bool) -> Result<bool, CommandError> {
    if !key.is_missing {
        Config::from_text(text, path)?;
    }
    let wrong = |source| CommandError::File { path: path.to_owned(), source };
    write(path, text, force).map_err(wrong)?;
    Ok(true)
}

/// The files with the secrets of a platform.
struct Secrets {
    key: SecretFile,
    token: Option<SecretFile>,
    settings: Vec<SecretFile>,
}

impl Secrets {
    fn create(
        config: &Path,
        definition: &Definition,
        provider: &ProviderInfo,
    ) -> Result<Self, CommandError> {
        let folder = config.parent().unwrap_or_else(|| Path::new(""));
        Ok(Self {
            key: SecretFile::create(folder, definition, provider)?,
            token: SecretFile::create_token(folder, provider)?,
            settings: SecretFile::create_settings(folder, provider)?,
        })
    }

    fn all(&self) -> impl Iterator<Item = &SecretFile> {
        [&self.key].into_iter().chain(&self.token).chain(&self.settings)
    }

    /// Prints each file that the command has written, and each file that it has kept.
    fn print_files(&self, file: &Path, config: &Path, has_changed_config: bool) {
        let new = self.all().filter(|secret| secret.is_new).map(|secret| &*secret.path);
        let names: Vec<_> =
            [file].into_iter().chain(new).map(|p| p.display().to_string()).collect();
        out(&format!("wrote {}", listed(&names)));
        let kept = self.all().filter(|secret| !secret.is_new && !secret.is_missing);
        let kept: Vec<_> = kept.map(|secret| secret.path.display().to_string()).collect();
        if !kept.is_empty() {
            out(&format!("kept {}", listed(&kept)));
        }
        if has_changed_config {
            out(&format!("added include to {}", config.display()));
        }
    }
}

/// Joins names with commas and `and`.
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn write(path: &Path, text: &str, force: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    options.open(path)?.write_all(text.as_bytes())
}

impl Choices {
    /// Takes the choices from the arguments.
    fn given(arguments: &InitArguments) -> Result<Self, CommandError> {
        let file = arguments.definition.as_deref();
        let definition = match (&arguments.provider, file) {
            (Some(provider), file) => definition(provider, file)?,
            (None, Some(file)) => definition_in(file)?,
            (None, None) => {
                let names: Vec<_> = Definition::built_in_names().collect();
                let problem =
                    format!("expected a provider, found none; use one of {}", names.join(", "));
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
    fn asked(arguments: &InitArguments, answers: &mut impl BufRead) -> Result<Self, CommandError> {
        let mut given = arguments.clone();
        if given.provider.is_none() && given.definition.is_none() {
            for provider in gatepost::providers() {
                err(&format!("  {}  {}", provider.name, provider.title));
            }
            given.provider = Some(ask(answers, "Which provider", "")?);
        }
        if given.door.is_none() {
            let door = ask(answers, "Which door, `proxy` or `layer`", "proxy")?;
            let parsed = Door::from_str(&door, true);
            given.door = Some(parsed.map_err(|problem| CommandError::argument("door", problem))?);
        }
        let needs_app = given.door == Some(Door::Proxy) && given.upstream.is_none();
        if given.app.is_none() && needs_app {
            given.app = Some(ask(answers, "Address of the app that receives events", DEFAULT_APP)?);
        }
        Self::given(&given)
    }

    fn text<'c>(
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

    fn purpose(&self) -> ConfigUse<'_> {
        match self.door {
            _ if self.adds => ConfigUse::Included,
            Door::Proxy => ConfigUse::Proxy { listen: &self.listen, admin: &self.admin },
            Door::Layer => ConfigUse::Layer,
        }
    }

    /// Prints the settings for the platform's console, and the next commands.
    fn print_steps(
        &self,
        provider: &ProviderInfo,
        secret: &SecretFile,
        token: Option<&SecretFile>,
        path: &Path,
    ) {
        let key_file = secret.path.display().to_string();
        let urls: Vec<_> = RoutePath::all(provider).iter().map(public_url).collect();
        out(&format!("\nSet up {} ({}):", provider.title, provider.docs));
        let generic = if provider.keys {
            "enter {url} as the address of callbacks, and the same key as in {key_file}"
        } else {
            "enter {url} as the address of callbacks"
        };
        let setup = provider.setup.as_deref().unwrap_or(generic);
        let shown = setup.replace("{url}", &urls[0]).replace("{key_file}", &key_file);
        out(&format!("  {}", shown.trim()));
        let token = token.unwrap_or(secret);
        if provider.token {
            out(&format!("  TOKEN is the content of {}.", token.path.display()));
        }
        urls.iter().skip(1).for_each(|url| out(&format!("  also: {url}")));
        for setting in provider.settings.iter().filter(|setting| setting.secret) {
            let file = path.with_file_name(setting_file(provider, setting));
            out(&format!(
                "  Write into {}, in place of its content: {}.",
                file.display(),
                setting.about
            ));
        }
        if self.door == Door::Layer {
            out(&rust_lines(path, &RoutePath::all(provider)[0].path));
        }
        let check = self.purpose().check_command();
        out(&format!("\nNext:\n  {check}{}", config_option(path)));
        if self.door == Door::Proxy {
            let note = "# keeps running; send from another terminal";
            out(&format!("  gatepost run{}  {note}", config_option(path)));
        }
        if !secret.is_missing {
            out(&format!("  {}", self.send_command(provider, secret, token)));
        }
    }
}

impl Choices {
    /// Returns the command that sends a sample callback to the new route.
    fn send_command(
        &self,
        provider: &ProviderInfo,
        secret: &SecretFile,
        token: &SecretFile,
    ) -> String {
        let file = secret.path.display();
        let path = &RoutePath::all(provider)[0].path;
        let is_like_provider =
            |kind: &&KindInfo| self.definition.signs(&kind.name) == provider.keys;
        let signed = provider.kinds.iter().find(is_like_provider);
        let kind = signed.or(provider.kinds.first()).map_or("", |kind| &kind.name);
        let path = path.replace("{token}", &format!("$(cat {})", token.path.display()));
        let key = if provider.keys { format!(" --key-file {file}") } else { String::new() };
        let listen = &self.listen;
        let own = self.definition_file.as_deref();
        let own = own.map(|file| format!(" --definition {file}")).unwrap_or_default();
        format!("gatepost send {}.{kind}{own} --to \"http://{listen}{path}\"{key}", provider.name)
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
fn ask(answers: &mut impl BufRead, question: &str, default: &str) -> Result<String, CommandError> {
    let shown = if default.is_empty() { String::new() } else { format!(" [{default}]") };
    err(&format!("{question}?{shown}"));
    let mut answer = String::new();
    answers.read_line(&mut answer)?;
    let answer = answer.trim();
    Ok(if answer.is_empty() { default.to_owned() } else { answer.to_owned() })
}

/// Returns the address that the operator enters in the platform's console.
fn public_url(route: &RoutePath) -> String {
    format!("https://YOUR-HOST{}", route.path.replace("{token}", "TOKEN"))
}

fn config_option(path: &Path) -> String {
    if path == Path::new(DEFAULT_CONFIG) {
        String::new()
    } else {
        format!(" -c {}", path.display())
    }
}

fn rust_lines(path: &Path, route: &str) -> String {
    format!(
        "\nIn your program:\n  let gate = gatepost::Gate::from_toml_file({:?})?;\n  let app = \
         axum::Router::new()\n      .route({route:?}, axum::routing::post(handler))\n      \
         .layer(gatepost::GateLayer::new(gate));",
        path.display().to_string()
    )
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
