//! `gatepost platform`: updates the callback templates in the operator's account at a platform from
//! the config.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use data_encoding::HEXLOWER;
use gatepost::Config;
use gatepost_editor::{TemplateView, config_file};
use http::Uri;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ring::hmac::{self, HMAC_SHA256};
use serde_json::Value as Json;

use super::admin_client::{AdminClient, AdminUrl, TokenArguments};
use super::config_argument::ConfigArgument;
use super::confirmation::Confirmation;
use super::error::CommandError;
use super::print::{err, out};
use crate::platform::{
    self, AccountState, Credentials, ENDPOINT, Plan, PlanOptions, PlatformAccount, SECRET_ID,
    SECRET_KEY, Site, WantedTemplate, plan, wanted,
};
use crate::trusting_client::TrustingClient;

#[derive(Debug, Subcommand)]
pub(super) enum PlatformCommand {
    /// Show the changes that the account needs. Change nothing. On a conflict, exit with 1.
    Plan(PlanArguments),
    /// Show the changes that the account needs, ask for confirmation, and carry the changes out.
    Apply {
        #[command(flatten)]
        plan: PlanArguments,
        /// Carry out the changes without a confirmation.
        #[arg(long)]
        yes: bool,
    },
}

/// Arguments of both commands.
#[derive(Debug, Args)]
pub(super) struct PlanArguments {
    /// Platform of the account.
    platform: Platform,
    #[command(flatten)]
    config: ConfigArgument,
    /// Address at which the platform reaches gatepost, without a path, for example
    /// https://gate.example.com.
    #[arg(long, value_name = "URL")]
    url: Uri,
    /// Application in the push addresses, to bind with each domain. Repeat the option for several
    /// applications.
    #[arg(long, value_name = "NAME", default_value = "live")]
    app: Vec<String>,
    /// Site of the account. Only the API of mainland China can set the addresses of
    /// recording_status, audio_moderation and recording_exception.
    #[arg(long, value_enum, default_value_t)]
    site: Site,
    /// Name of a callback template that gatepost did not create in the account. The option permits
    /// gatepost to change this template. Repeat the option for several callback templates.
    #[arg(long, value_name = "NAME")]
    adopt: Vec<String>,
    /// Also remove the rules and callback templates that gatepost has made and that are not in the
    /// config.
    #[arg(long)]
    prune: bool,
    /// Address of the admin listener of the running gatepost. There, the command checks that
    /// gatepost accepts a key before the command sends the key to the platform. Default: `admin` of
    /// the config.
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<AdminUrl>,
    #[command(flatten)]
    token: TokenArguments,
    #[command(flatten)]
    access: AccessArguments,
    /// Format of the output.
    #[arg(long, value_enum, default_value_t)]
    format: PlanFormat,
}

/// Arguments for the access to the platform's API.
#[derive(Debug, Args)]
struct AccessArguments {
    /// Environment variable with the SecretId of the account's API key.
    #[arg(long, value_name = "NAME", default_value = SECRET_ID)]
    secret_id_env: String,
    /// File with the SecretId.
    #[arg(long, value_name = "FILE", conflicts_with = "secret_id_env")]
    secret_id_file: Option<PathBuf>,
    /// Environment variable with the SecretKey.
    #[arg(long, value_name = "NAME", default_value = SECRET_KEY)]
    secret_key_env: String,
    /// File with the SecretKey.
    #[arg(long, value_name = "FILE", conflicts_with = "secret_key_env")]
    secret_key_file: Option<PathBuf>,
    /// Address of the platform's API.
    #[arg(long, value_name = "URL", default_value = ENDPOINT)]
    endpoint: Uri,
    /// File with the certificate authorities in PEM that may sign the certificate of --endpoint,
    /// besides those of the machine.
    #[arg(long, value_name = "FILE")]
    cacert: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Platform {
    TencentCss,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum PlanFormat {
    #[default]
    Text,
    Json,
}

/// Runs a `gatepost platform` command.
pub(super) fn run(command: &PlatformCommand) -> Result<(), CommandError> {
    let (PlatformCommand::Plan(arguments) | PlatformCommand::Apply { plan: arguments, .. }) =
        command;
    let Platform::TencentCss = arguments.platform;
    let (config, wanted) = arguments.wanted()?;
    let account = arguments.access.account()?;
    let state = account.state()?;
    let options = arguments.options();
    let running = arguments.running(&config);
    let plan = plan(&wanted, &state, &options, &|template, key| {
        accepts(running.as_ref().map_err(String::clone)?, template, key)
    });
    arguments.print(&plan, &state);
    match (command, plan.conflicts.len()) {
        (_, conflicts @ 1..) => Err(CommandError::Conflicts(conflicts)),
        (PlatformCommand::Plan(_), 0) => Ok(()),
        (PlatformCommand::Apply { .. }, 0) if plan.changes.is_empty() => Ok(()),
        (PlatformCommand::Apply { yes, .. }, 0) => {
            if !yes {
                confirm_plan(&plan)?;
            }
            Ok(platform::apply(&plan, &account, &state, arguments.site, err)?)
        }
    }
}

/// Asks the running gatepost whether it accepts a key. The request does not contain the key.
fn accepts(running: &AdminClient, template: &str, key: &[u8]) -> Result<bool, String> {
    let name = utf8_percent_encode(template, NON_ALPHANUMERIC);
    let mut nonce = [0; 16];
    let random = rustls::crypto::ring::default_provider().secure_random;
    random.fill(&mut nonce).map_err(|_| "the system has no random bytes".to_owned())?;
    let nonce = HEXLOWER.encode(&nonce);
    let mac = hmac::sign(&hmac::Key::new(HMAC_SHA256, key), nonce.as_bytes());
    let mac = HEXLOWER.encode(mac.as_ref());
    let path = format!("/api/templates/{name}/accepts?nonce={nonce}&mac={mac}");
    let reply: Json = running.get(&path).map_err(|error| error.to_string())?;
    reply["accepted"].as_bool().ok_or_else(|| "it is another version".to_owned())
}

fn confirm_plan(plan: &Plan<'_>) -> Result<(), CommandError> {
    let stdin = io::stdin();
    let confirmation = Confirmation {
        warning: "the platform uses each change immediately",
        question: &format!("carry out {}", platform::counted(plan.changes.len(), "change")),
        refused: "gatepost changed nothing",
    };
    confirmation.ask(stdin.is_terminal(), stdin.lock(), err)
}

impl PlanArguments {
    /// Returns the config, and the callback templates that it needs in the account.
    fn wanted(&self) -> Result<(Config, Vec<WantedTemplate>), CommandError> {
        let checked = platform::check_public_url(&self.url);
        checked.map_err(|problem| CommandError::argument("--url", problem))?;
        let files = config_file::read(self.config.path()?)?;
        let config = Config::from_files(&files)?;
        let views = TemplateView::all(&files, Some(&config))?;
        let wanted = wanted(&config, &views, &self.url, self.site)?;
        Ok((config, wanted))
    }

    /// Returns a client of the running gatepost, or the reason why there is none.
    fn running(&self, config: &Config) -> Result<AdminClient, String> {
        let address = match (&self.admin, &config.proxy().admin) {
            (Some(given), _) => Some(given.clone()),
            (None, Some(own)) => AdminUrl::of(own),
            (None, None) => return Err("the config has no `admin`".to_owned()),
        };
        let address = address.ok_or("its admin listener has TLS; name it with --admin")?;
        let client = AdminClient::at(&address, &self.token, self.access.cacert.as_deref());
        client.map_err(|error| error.to_string())
    }

    fn options(&self) -> PlanOptions {
        PlanOptions {
            url: self.url.clone(),
            apps: self.app.clone(),
            site: self.site,
            adopt: self.adopt.clone(),
            prune: self.prune,
        }
    }

    fn print(&self, plan: &Plan<'_>, state: &AccountState) {
        match self.format {
            PlanFormat::Text => platform::lines(plan, state).iter().for_each(|line| out(line)),
            PlanFormat::Json => out(&platform::document(plan, state).to_string()),
        }
    }
}

impl AccessArguments {
    fn account(&self) -> Result<PlatformAccount, CommandError> {
        let checked = platform::check_endpoint(&self.endpoint);
        checked.map_err(|problem| CommandError::argument("--endpoint", problem))?;
        let id = secret(self.secret_id_file.as_ref(), &self.secret_id_env, "secret-id")?;
        let key = secret(self.secret_key_file.as_ref(), &self.secret_key_env, "secret-key")?;
        let client = TrustingClient::new(self.cacert.as_deref())?;
        Ok(PlatformAccount::new(self.endpoint.clone(), Credentials { id, key }, client)?)
    }
}

/// Reads a secret from a file or an environment variable.
fn secret(file: Option<&PathBuf>, variable: &str, option: &str) -> Result<String, CommandError> {
    if let Some(path) = file {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|source| CommandError::File { path: path.clone(), source })?;
        return Ok(text.trim().to_owned());
    }
    std::env::var(variable).map_err(|_| {
        let problem =
            format!("expected a value, found none; set one, or name a file with --{option}-file");
        CommandError::argument(format!("the environment variable {variable}"), problem)
    })
}
