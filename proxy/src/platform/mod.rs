//! The callback templates in a platform's account: the state that the config needs, the plan of
//! changes, and the execution of the plan. `gatepost platform` and the console use this module.

mod account;
mod apply;
mod change;
mod environment;
mod error;
mod format;
mod mark;
mod plan;
mod remedies;
mod tc3;
mod wanted;

use clap::ValueEnum;
use http::Uri;

pub(crate) use self::account::{AccountState, PlatformAccount};
pub(crate) use self::apply::apply;
pub(crate) use self::environment::environment_fault;
pub(crate) use self::error::PlatformError;
pub(crate) use self::format::{counted, document, lines};
pub(crate) use self::plan::{Plan, plan};
pub(crate) use self::tc3::Credentials;
pub(crate) use self::wanted::{PROVIDER, WantedTemplate, wanted};

/// Environment variable with the SecretId of the account's API key.
pub(crate) const SECRET_ID: &str = "TENCENTCLOUD_SECRET_ID";

/// Environment variable with the SecretKey.
pub(crate) const SECRET_KEY: &str = "TENCENTCLOUD_SECRET_KEY";

/// Address of the platform's API.
pub(crate) const ENDPOINT: &str = "https://live.tencentcloudapi.com";

/// Options of a plan, as the operator has set them.
#[derive(Clone, Debug)]
pub(crate) struct PlanOptions {
    /// Address at which the platform reaches gatepost, without a path.
    pub(crate) url: Uri,
    /// Applications with which the plan binds each domain for which the config names no
    /// application.
    pub(crate) apps: Vec<String>,
    pub(crate) site: Site,
    /// Names of callback templates that gatepost has not created, but may change.
    pub(crate) adopt: Vec<String>,
    /// True to remove the callback templates and rules that gatepost has made and the config does
    /// not have.
    pub(crate) prune: bool,
}

impl PlanOptions {
    /// Returns the domain and the application of each rule that a callback template needs.
    fn rules<'p>(
        &'p self,
        wanted: &'p WantedTemplate,
    ) -> impl Iterator<Item = (&'p str, &'p str)> + use<'p> {
        wanted.domains.iter().flat_map(move |(domain, app)| {
            let shared = if app.is_none() { &*self.apps } else { &[] };
            let apps = app.iter().chain(shared);
            apps.map(move |app| (&**domain, &**app))
        })
    }
}

/// Site of the platform on which the operator has the account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Site {
    #[default]
    International,
    China,
}

/// Checks the address at which the platform reaches gatepost. For an unsuitable address, returns
/// the problem.
pub(crate) fn check_public_url(url: &Uri) -> Result<(), String> {
    let found = match url.scheme_str() {
        Some("http" | "https") if url.path() != "/" || url.query().is_some() => "a path or query",
        Some("http" | "https") => return Ok(()),
        Some(_) => "another scheme",
        None => "no scheme",
    };
    Err(format!(
        "expected http:// or https:// and a host without a path, found {found}; write, for example, \
         https://gate.example.com"
    ))
}

/// Checks the address of the platform's API. Requests to the API contain the keys of callbacks, so
/// the requests need encryption, or must stay on this machine. For an unsuitable address, returns
/// the problem.
pub(crate) fn check_endpoint(url: &Uri) -> Result<(), &'static str> {
    let is_loopback = matches!(url.host(), Some("127.0.0.1" | "localhost" | "[::1]"));
    let is_safe = url.scheme_str() == Some("https") || is_loopback;
    if is_safe && url.authority().is_some() && url.path() == "/" && url.query().is_none() {
        return Ok(());
    }
    Err("expected https:// and a host without a path, found another address; write, for example, \
         https://live.tencentcloudapi.com")
}
