//! The command line.

mod explain;
pub(crate) mod print;
mod recorded_request;
mod send;
mod template;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use gatepost::{Config, FieldInfo, config_schema};

use self::explain::Explain;
use self::print::{Problem, definition, say};
use self::send::Send;
use crate::served_config::Served;
use crate::server;
use crate::telemetry::log::{self, LogFormat};

/// Proves the callbacks of live-video platforms genuine, and answers them.
#[derive(Debug, Parser)]
#[command(name = "gatepost", version, after_help = LOG_HELP)]
struct Cli {
    /// How log lines are written to standard error.
    #[arg(long, value_enum, default_value_t, global = true)]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Command,
}

const LOG_HELP: &str = "\
The environment variable GATEPOST_LOG chooses what is logged: `gatepost=debug` for every callback, \
`error` for failures of the app alone.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve. SIGHUP has the config read again; SIGTERM stops when the requests in flight have ended.
    Run {
        /// The config file.
        #[arg(short, long)]
        config: PathBuf,
        /// Take the listeners over from the gatepost that runs, by its `upgrade_socket`; it stops
        /// when its requests in flight have ended.
        #[arg(long)]
        upgrade: bool,
    },
    /// Check a config file: every fault with its line and remedy. Exits with 1 if there is one.
    Check {
        /// The config file.
        #[arg(short, long)]
        config: PathBuf,
    },
    /// List the platforms and their events, or one event's fields.
    Providers {
        /// A provider, or one of its kinds, as in `tencent-css.push`.
        name: Option<String>,
    },
    /// Send a realistic callback, signed, and print the reply.
    Send(Send),
    /// Explain why a recorded request is accepted or refused, without calling the app. Exits with 1
    /// if it is refused.
    Explain(Explain),
    /// Print a JSON Schema: of the config file, or of an event's data with its answer in `$defs`.
    Schema {
        /// `config`, or a kind, as in `tencent-css.push`.
        of: String,
        /// The definition of a provider of your own.
        #[arg(long, value_name = "FILE")]
        definition: Option<PathBuf>,
    },
    /// List, show and change templates; comments and order of the file stay.
    #[command(subcommand)]
    Template(template::Command),
}

/// Runs the program `gatepost` with the arguments of this process.
#[must_use]
pub fn run_program() -> ExitCode {
    let cli = Cli::parse();
    log::start(cli.log_format);
    let result = match &cli.command {
        Command::Run { config, upgrade } => run(config, *upgrade),
        Command::Check { config } => check(config),
        Command::Providers { name } => providers(name.as_deref()),
        Command::Send(send) => send::run(send),
        Command::Explain(explain) => explain::run(explain),
        Command::Schema { of, definition } => schema(of, definition.as_deref()),
        Command::Template(command) => template::run(command),
    };
    log::finish();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            say(io::stderr(), &problem);
            ExitCode::FAILURE
        }
    }
}

fn run(path: &Path, upgrade: bool) -> Result<(), Problem> {
    log::take_panics();
    let served = Served::open(path)?;
    for warning in served.gate().warnings() {
        tracing::warn!("{}:{warning}", path.display());
    }
    server::run(served, upgrade).map_err(|error| format!("{}: {error}", path.display()))
}

fn check(path: &Path) -> Result<(), Problem> {
    let config = Config::from_file(path).map_err(|error| error.to_string())?;
    for warning in config.warnings() {
        say(io::stderr(), &format!("{}:{warning} (warning)", path.display()));
    }
    if config.proxy().listen.is_empty() {
        let remedy = "add listen = [\"127.0.0.1:8080\"] for `gatepost run`";
        say(io::stderr(), &format!("{}: `listen` is missing; {remedy} (warning)", path.display()));
    }
    let templates: Vec<_> = config.templates().map(gatepost::Template::name).collect();
    let count = config.routes().count();
    let summary = format!(
        "{}: good: {count} route(s), {} template(s): {}",
        path.display(),
        templates.len(),
        templates.join(", ")
    );
    say(io::stdout(), &summary);
    Ok(())
}

fn providers(name: Option<&str>) -> Result<(), Problem> {
    let all = gatepost::providers();
    let Some(name) = name else {
        for provider in &all {
            say(io::stdout(), &format!("{}\t{}\t{}", provider.name, provider.title, provider.docs));
            for kind in &provider.kinds {
                let answer = if kind.decision { "decision" } else { "notification" };
                say(io::stdout(), &format!("  {}.{}\t{answer}", provider.name, kind.name));
            }
            for group in &provider.groups {
                let what = "address of several kinds without one of their own";
                say(io::stdout(), &format!("  {}.{group}\t{what}", provider.name));
            }
        }
        return Ok(());
    };
    let kinds = all.iter().flat_map(|provider| provider.kinds.iter().map(move |k| (provider, k)));
    let mut found = false;
    for (provider, kind) in kinds {
        let full = format!("{}.{}", provider.name, kind.name);
        if full != name && *provider.name != *name {
            continue;
        }
        found = true;
        say(io::stdout(), &full);
        kind.fields.iter().for_each(list);
        if !kind.reply.is_empty() {
            say(io::stdout(), "  reply:");
            kind.reply.iter().for_each(list);
        }
    }
    for provider in all.iter().filter(|provider| *provider.name == *name) {
        for setting in &provider.settings {
            let words = setting.one_of.join(" or ");
            let what = if setting.secret { "secret" } else { &words };
            say(io::stdout(), &format!("settings.{}\t{what}\t{}", setting.name, setting.about));
        }
    }
    if found {
        Ok(())
    } else {
        Err(format!("{name}: there is no such provider or kind; `gatepost providers` lists them"))
    }
}

fn schema(of: &str, file: Option<&Path>) -> Result<(), Problem> {
    let schema = if of == "config" {
        config_schema()
    } else {
        let (provider, kind) = of.split_once('.').unwrap_or((of, ""));
        definition(provider, file)?.schema(kind).ok_or_else(|| {
            format!("{of}: there is no such kind; `gatepost providers` lists them")
        })?
    };
    say(io::stdout(), &format!("{schema:#}"));
    Ok(())
}

fn list(field: &FieldInfo) {
    let optional = if field.optional { ", optional" } else { "" };
    let secret = if field.secret { ", secret" } else { "" };
    say(io::stdout(), &format!("  {}\t{}{optional}{secret}", field.name, field.ty));
}
