//! The command line.

mod check;
mod error;
mod explain;
mod generated;
mod health;
mod memory;
mod print;
mod providers;
mod recorded_request;
mod routes;
mod send;
mod table;
mod template;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use gatepost::{Config, ConfigFiles};
use http::Uri;

use self::check::check;
use self::error::CommandError;
use self::explain::ExplainArguments;
use self::routes::RoutesFormat;
use self::send::SendArguments;
use self::template::TemplateCommand;
use crate::served_config::ServedConfig;
use crate::server::{self, WatchedSignals};
use crate::telemetry::log::{self, LogFormat};

/// Verifies callbacks of live-video platforms, asks your app, and replies to the platform.
#[derive(Debug, Parser)]
#[command(name = "gatepost", version, after_help = LOG_HELP)]
struct Cli {
    /// Format of the log lines on standard error.
    #[arg(long, value_enum, default_value_t, global = true)]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Command,
}

const LOG_HELP: &str = "\
The environment variable GATEPOST_LOG filters the log: `gatepost=debug` for every callback, `error` \
for failures of the app only.";

const SIGNAL_HELP: &str = "\
Signals:
  TERM, INT, QUIT  finish the requests in flight, then stop; a second one stops at once
  HUP              read the config again
  USR1, USR2       no effect";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the proxy. On SIGHUP, read the config again; on SIGTERM, finish requests and stop.
    #[command(after_help = SIGNAL_HELP)]
    Run {
        /// Config file.
        #[arg(short, long)]
        config: PathBuf,
        /// Take over the listeners of the running gatepost through its `upgrade_socket`. Then the
        /// running gatepost finishes its requests in flight and stops.
        #[arg(long)]
        upgrade: bool,
    },
    /// Check a config file, and print each fault with line and remedy. Exit with 1 on a fault.
    Check {
        /// Config file.
        #[arg(short, long)]
        config: PathBuf,
    },
    /// Show the routes: for each kind, the form of its events and the app that receives them.
    Routes {
        /// Config file.
        #[arg(short, long)]
        config: PathBuf,
        /// Format of the output.
        #[arg(long, value_enum, default_value_t)]
        format: RoutesFormat,
    },
    /// List the providers and their kinds, or the fields of a kind.
    Providers {
        /// Provider or kind, for example `tencent-css` or `tencent-css.push`.
        name: Option<String>,
    },
    /// Send a realistic, signed callback and print the reply.
    Send(SendArguments),
    /// Explain the verdict on a recorded request, without asking the app. Exit with 1 on a refusal.
    Explain(ExplainArguments),
    /// Print the JSON Schema of the config file or of a kind. For a kind, `$defs` has the answer.
    Schema {
        /// `config` or a kind, for example `tencent-css.push`.
        of: String,
        /// File with the definition of your own provider.
        #[arg(long, value_name = "FILE")]
        definition: Option<PathBuf>,
    },
    /// List, show and change templates. Keep the comments and the order of the file.
    #[command(subcommand)]
    Template(TemplateCommand),
    /// Ask a running gatepost if it serves. Exit with 1 if it does not.
    Health {
        /// Address on the admin listener.
        #[arg(default_value = "http://127.0.0.1:9900/healthz", value_parser = health::url)]
        url: Uri,
    },
    /// Print the completions of a shell, for example `source <(gatepost completions bash)`.
    Completions {
        /// Shell that completes the commands.
        shell: Shell,
    },
    /// Print the man page, or write one for each command.
    Man {
        /// Folder for the man pages. Without it, print the page of the program.
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
        Command::Run { config, upgrade } => run(config, *upgrade),
        Command::Check { config } => check(config),
        Command::Routes { config, format } => routes::list(config, *format),
        Command::Providers { name } => providers::list(name.as_deref()),
        Command::Send(send) => send::run(send),
        Command::Explain(explain) => explain::run(explain),
        Command::Schema { of, definition } => providers::schema(of, definition.as_deref()),
        Command::Template(command) => template::run(command),
        Command::Health { url } => health::ask(url),
        Command::Completions { shell } => generated::completions(Cli::command(), *shell),
        Command::Man { out } => generated::man(Cli::command(), out.as_deref()),
    };
    log::finish();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print::err(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn run(path: &Path, upgrade: bool) -> Result<(), CommandError> {
    let start = |source| CommandError::Start { path: path.to_owned(), source };
    let signals = WatchedSignals::watch().map_err(start)?;
    log::take_panics();
    let files = ConfigFiles::read(path)?;
    let config = Config::from_files(&files)?;
    let served = ServedConfig::new(files, config)?;
    server::run(served, upgrade, signals).map_err(start)
}
