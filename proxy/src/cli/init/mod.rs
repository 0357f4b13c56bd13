//! `gatepost init`: writes a config file for one platform, with the secrets in separate files. With
//! `--add`, adds a platform to an existing config.

mod addition;
mod choices;
mod config_text;
mod next_steps;
mod option_faults;
mod secret_file;

use std::fs::OpenOptions;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use gatepost::{Config, Definition, ProviderInfo};

use self::addition::Addition;
use self::choices::Choices;
use self::option_faults::error_of_options;
use self::secret_file::SecretFile;
use super::config_argument::DEFAULT_CONFIG;
use super::door::Door;
use super::error::CommandError;
use super::print::out;

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

/// Checks the path of the config file. With `--add`, the file must exist. Without `--add` and
/// `--force`, the file must not exist. The folder of the file must exist.
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

/// Writes a new config. Checks the config first. If the file of the platform's public key is
/// missing, checks only the values of the options.
fn create(path: &Path, text: &str, key: &SecretFile, force: bool) -> Result<bool, CommandError> {
    if let Err(error) = Config::from_text(text, path) {
        if let Some(of_options) = error_of_options(&error, |_| true) {
            return Err(of_options);
        }
        if !key.is_missing {
            return Err(error.into());
        }
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
