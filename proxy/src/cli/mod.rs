//! The command line.

mod admin_client;
mod capture;
mod check;
#[cfg(test)]
mod commands_page;
mod config_argument;
mod config_keys;
mod confirmation;
mod diagnostics;
mod door;
mod error;
mod explain;
mod generated;
mod health;
mod help;
mod init;
mod memory;
mod platform;
mod print;
mod providers;
mod queue;
mod recorded_request;
mod routes;
mod send;
mod template;
mod types;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use gatepost::{Config, ConfigError, ConfigFiles};

use self::capture::{CaptureCommand, ReplayArguments, TapArguments};
use self::check::{CheckArguments, check};
use self::config_argument::ConfigArgument;
use self::error::CommandError;
use self::explain::ExplainArguments;
use self::init::InitArguments;
use self::platform::PlatformCommand;
use self::providers::ProvidersArguments;
use self::queue::QueueCommand;
use self::routes::RoutesFormat;
use self::send::SendArguments;
use self::template::TemplateCommand;
use self::types::TypesArguments;
use crate::served_config::ServedConfig;
use crate::server::{self, WatchedSignals};
use crate::telemetry::log::{self, LogFormat};

/// Verifies callbacks of live-video platforms, asks your app, and replies to the platform.
#[derive(Debug, Parser)]
#[command(name = "gatepost", version, after_help = AFTER_HELP, disable_help_subcommand = true)]
struct Cli {
    /// Format of the log lines on standard error.
    #[arg(long, value_enum, default_value_t, global = true)]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
The environment variable GATEPOST_LOG filters the log: `gatepost=debug` for every callback, `error` \
for errors only.

Exit codes: 0 success; 1 the config is unreadable or has faults, gatepost refuses the request, or the command \
fails; 2 wrong arguments, or no -c and no gatepost.toml in the current folder.";

const SIGNAL_HELP: &str = "\
Signals:
  TERM, INT, QUIT  finish the requests in flight, then stop; at a second signal, stop immediately
  HUP              read the config again
  USR1             open the access log again
  USR2             no effect";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the proxy. On SIGHUP, read the config again. On SIGTERM, finish requests and stop.
    #[command(after_help = SIGNAL_HELP)]
    Run {
        #[command(flatten)]
        config: ConfigArgument,
        /// Take over the listeners of the running gatepost through its `upgrade_socket`. Then the
        /// running gatepost finishes its requests in flight and stops.
        #[arg(long)]
        upgrade: bool,
    },
    /// Check a config file, and print each fault and warning with line and remedy. On a fault, exit
    /// with 1.
    Check(CheckArguments),
    /// Write a config file for a platform, and print the settings for the platform's console.
    Init(InitArguments),
    /// Explain a code (of a fault, a refusal or a failure), a status, a metric, a config key, a
    /// field of the log, or a command.
    Help {
        /// Code, for example `signature_mismatch`, also as the log writes it: `code="app_timeout"`;
        /// status, for example `401`; metric; config key; field; command; or `codes` or `metrics`
        /// for a list.
        topic: Option<String>,
    },
    /// Show the routes: for each kind, the form of its events and the app that receives them.
    Routes {
        #[command(flatten)]
        config: ConfigArgument,
        /// Format of the output.
        #[arg(long, value_enum, default_value_t)]
        format: RoutesFormat,
    },
    /// List the providers and their kinds, or the fields of a kind.
    Providers(ProvidersArguments),
    /// Send a realistic, signed callback and print the reply.
    Send(SendArguments),
    /// Explain the verdict on a recorded request, without asking the app. On a refusal, exit with
    /// 1.
    Explain(ExplainArguments),
    /// Print the JSON Schema of the config file, or of the events of a kind. `$defs` in the schema
    /// of a kind describes the answer.
    Schema {
        /// `config` or a kind, for example `tencent-css.push`. If the first line of the config
        /// file is `#:schema FILE`, editors use the schema in `FILE`.
        of: String,
        /// File with the definition of your own provider.
        #[arg(long, value_name = "FILE")]
        definition: Option<PathBuf>,
    },
    /// Print types of the events and answers for the language of your app.
    Types(TypesArguments),
    /// List, show and change templates. Keep the comments and the order of the file.
    #[command(subcommand)]
    Template(TemplateCommand),
    /// Bring the callback templates in the account of a platform in line with the config.
    #[command(subcommand)]
    Platform(PlatformCommand),
    /// List, show, replay and drop queued events, also while gatepost runs.
    #[command(subcommand)]
    Queue(QueueCommand),
    /// List, show and save the callbacks that a running gatepost has captured.
    #[command(subcommand)]
    Capture(CaptureCommand),
    /// Print the callbacks of a running gatepost as they arrive.
    Tap(TapArguments),
    /// Send the event of a captured callback to the app again, unchanged or edited. The platform
    /// receives nothing.
    Replay(ReplayArguments),
    /// Check that a running gatepost serves. If it does not, exit with 1.
    Health {
        /// Address on the admin listener: `http://`, `https://`, or
        /// `unix:/run/gatepost.sock:/healthz`.
        #[arg(default_value = "http://127.0.0.1:9900/healthz", value_parser = health::place)]
        url: health::Place,
        /// PEM file with the certificate authorities that may sign the certificate of an admin
        /// listener with TLS.
        #[arg(long)]
        cacert: Option<PathBuf>,
    },
    /// Print the completions of a shell, for example `source <(gatepost completions bash)`.
    Completions {
        /// Shell that completes the commands.
        shell: Shell,
    },
    /// Print the man page, or write one for each command.
    Man {
        /// Folder for the man pages. Without this option, print the page of the program.
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
    },
}

/// Runs the program `gatepost` with the arguments of this process.
#[must_use]
pub fn run_program() -> ExitCode {
    let cli = Cli::parse();
    log::start(cli.log_format);
    let result = match &cli.command {
        Command::Run { config, upgrade } => run(config, *upgrade, cli.log_format),
        Command::Check(arguments) => check(arguments),
        Command::Init(arguments) => init::run(arguments),
        Command::Help { topic } => help::run(topic.as_deref(), &mut Cli::command()),
        Command::Routes { config, format } => {
            config.path().and_then(|path| routes::list(path, *format))
        }
        Command::Providers(arguments) => providers::list(arguments),
        Command::Send(send) => send::run(send),
        Command::Explain(explain) => explain::run(explain),
        Command::Schema { of, definition } => providers::schema(of, definition.as_deref()),
        Command::Types(arguments) => types::run(arguments),
        Command::Template(command) => template::run(command),
        Command::Platform(command) => platform::run(command),
        Command::Queue(command) => queue::run(command),
        Command::Health { url, cacert } => health::ask(url, cacert.as_deref()),
        Command::Capture(command) => capture::run(command),
        Command::Tap(arguments) => capture::tap(arguments),
        Command::Replay(arguments) => capture::replay(arguments),
        Command::Completions { shell } => generated::completions(Cli::command(), *shell),
        Command::Man { out } => generated::man(Cli::command(), out.as_deref()),
    };
    let code = match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The command has printed the faults.
            if !matches!(error, CommandError::Faults) {
                fail(&error, cli.log_format);
            }
            ExitCode::from(error.exit_code())
        }
    };
    log::finish();
    code
}

/// Reports the reason why a command fails, in the format of the log. If the format is text, a
/// second line names the command that explains the error's code. An error without a code has no
/// second line.
fn fail(error: &CommandError, format: LogFormat) {
    let code = error.code();
    match format {
        LogFormat::Json => tracing::error!(code, "{error}"),
        LogFormat::Text => {
            print::err(&error.to_string());
            if let Some(code) = code {
                print::err(&format!("code: {code} (`gatepost help {code}` explains it)"));
            }
        }
    }
}

fn run(config: &ConfigArgument, upgrade: bool, form: LogFormat) -> Result<(), CommandError> {
    let path = config.path()?;
    let start = |source| CommandError::Start { path: path.to_owned(), source };
    let signals = WatchedSignals::watch().map_err(start)?;
    log::take_panics();
    let files = ConfigFiles::read(path)?;
    let config = match Config::from_files(&files) {
        Ok(config) => config,
        Err(error) => {
            report(&error, path, form);
            return Err(CommandError::Faults);
        }
    };
    let served = ServedConfig::new(files, config)?;
    server::run(served, upgrade, signals).map_err(start)
}

/// Prints the faults of a config for a person, or logs them as JSON.
fn report(error: &ConfigError, path: &Path, form: LogFormat) {
    if !matches!(form, LogFormat::Json) {
        return diagnostics::print_human(&diagnostics::of_error(error, path), path);
    }
    for fault in error.faults() {
        tracing::error!(code = fault.kind().as_str(), "{}", fault.located_in(path));
    }
}
