//! The Account page: the differences between the account at the platform and the config, and the
//! changes to the account. The page does the same as `gatepost platform plan` and
//! `gatepost platform apply`.
//!
//! 1. gatepost reads the account with the API key in its own environment.
//! 2. gatepost carries out only the plan that the operator has seen. If the account or the config
//!    has changed since then, gatepost shows the new plan.
//! 3. gatepost sends the platform only keys that gatepost itself accepts. A key file that has
//!    changed since the last reload is a conflict.

use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::Arc;

use askama::Template;
use http::{Method, StatusCode, Uri};
use pingora::protocols::http::ServerSession;
use ring::hmac::{self, HMAC_SHA256};

use super::ConsoleRequest;
use super::form::{self, Form};
use super::layout::Layout;
use super::response::ConsoleResponse;
use crate::platform::{
    self, PROVIDER, PlanOptions, PlatformAccount, PlatformError, Site, apply, plan, wanted,
};
use crate::served_config::ServedConfig;

/// Returns true if gatepost can change the account at the platform of this provider.
pub(super) fn is_of_account(provider: &str) -> bool {
    provider == PROVIDER
}

/// Handles `account`: the form, the plan, and the changes of the plan.
pub(super) async fn answer(
    served: &Arc<ServedConfig>,
    session: &mut ServerSession,
    request: &ConsoleRequest,
) -> ConsoleResponse {
    if !request.may_change() {
        return request.read_only();
    }
    let is_change = request.method == Method::POST;
    let sent = if is_change {
        form::read(session).await
    } else {
        Some(form_urlencoded::parse(request.query.as_bytes()).into_owned().collect())
    };
    let Some(sent) = sent else { return request.bad_form() };
    let mut page = AccountPage::new(request, &sent);
    if page.url.is_empty() {
        page.problem = platform::environment_fault().map(|error| error.to_string());
        return ConsoleResponse::page(&page);
    }
    let options = match page.options() {
        Ok(options) => options,
        Err(problem) => return page.failed(problem, StatusCode::UNPROCESSABLE_ENTITY),
    };
    let seen = form::value(&sent, "seen").filter(|_| is_change).map(ToOwned::to_owned);
    let served = Arc::clone(served);
    // Use a blocking thread, because the calls to the platform block.
    let compared = tokio::task::spawn_blocking(move || compare(&served, &options, seen.as_deref()));
    match compared.await {
        Ok(Ok(comparison)) => {
            let status = comparison.status();
            page.comparison = Some(comparison);
            ConsoleResponse::page(&page).with_status(status)
        }
        Ok(Err(error)) => page.failed(error.to_string(), StatusCode::BAD_GATEWAY),
        Err(_) => {
            let problem = "expected a plan, found a fault of gatepost; read its log";
            page.failed(problem.into(), StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// A plan, and the changes that gatepost has made.
struct Comparison {
    lines: Vec<String>,
    /// Hash of the plan.
    version: String,
    changes: usize,
    conflicts: usize,
    /// True if this plan is not the plan that the operator has seen.
    is_stale: bool,
    done: Vec<String>,
    failure: Option<String>,
}

impl Comparison {
    /// Returns true if gatepost can carry out the plan.
    fn can_apply(&self) -> bool {
        self.changes > 0 && self.conflicts == 0 && self.done.is_empty() && self.failure.is_none()
    }

    const fn status(&self) -> StatusCode {
        match (self.is_stale, &self.failure) {
            (true, _) => StatusCode::CONFLICT,
            (false, Some(_)) => StatusCode::BAD_GATEWAY,
            (false, None) => StatusCode::OK,
        }
    }

    fn counted(&self) -> String {
        platform::counted(self.changes, "change")
    }
}

/// Compares the account with the config. If the version of the plan is `seen`, carries out the
/// plan, except a plan with a conflict.
fn compare(
    served: &ServedConfig,
    options: &PlanOptions,
    seen: Option<&str>,
) -> Result<Comparison, PlatformError> {
    let config = served.config();
    let config = config.map_err(|error| PlatformError::at("the config", error.message()))?;
    let wanted = wanted(&config, &served.templates(), &options.url, options.site)?;
    let account = PlatformAccount::of_environment()?;
    let state = account.state()?;
    let gate = served.gate();
    let plan = plan(&wanted, &state, options, &|template, key| {
        // Compare the MACs of the two keys, because this comparison takes a constant time.
        let mac = |key: &[u8]| hmac::sign(&hmac::Key::new(HMAC_SHA256, key), b"");
        let is_key = |own: &[u8]| {
            hmac::verify(&hmac::Key::new(HMAC_SHA256, own), b"", mac(key).as_ref()).is_ok()
        };
        Ok(gate.accepts_key(template, is_key))
    });
    let version = version(&platform::document(&plan, &state).to_string());
    let mut comparison = Comparison {
        lines: platform::lines(&plan, &state),
        changes: plan.changes.len(),
        conflicts: plan.conflicts.len(),
        is_stale: seen.is_some_and(|seen| seen != version),
        version,
        done: Vec::new(),
        failure: None,
    };
    if seen.is_some() && !comparison.is_stale && comparison.can_apply() {
        let mut done = Vec::new();
        let applied =
            apply(&plan, &account, &state, options.site, |line| done.push(line.to_owned()));
        tracing::warn!(
            changes = done.len(),
            "changed the account of {PROVIDER} from gatepost's console"
        );
        comparison.failure = applied.err().map(|error| error.to_string());
        comparison.done = done;
    }
    Ok(comparison)
}

fn version(text: &str) -> String {
    let mut hasher = foldhash::quality::FixedState::with_seed(1).build_hasher();
    hasher.write(text.as_bytes());
    format!("{:016x}", hasher.finish())
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    layout: Layout,
    url: String,
    apps: String,
    is_china: bool,
    adopt: String,
    prune: bool,
    problem: Option<String>,
    comparison: Option<Comparison>,
}

impl AccountPage {
    fn new(request: &ConsoleRequest, sent: &Form) -> Self {
        let text = |name: &str| form::value(sent, name).unwrap_or_default().trim().to_owned();
        let apps = text("apps");
        Self {
            layout: request.layout("templates"),
            url: text("url"),
            apps: if apps.is_empty() { "live".to_owned() } else { apps },
            is_china: text("site") == "china",
            adopt: text("adopt"),
            prune: form::value(sent, "prune").is_some(),
            problem: None,
            comparison: None,
        }
    }

    fn options(&self) -> Result<PlanOptions, String> {
        let words = |text: &str| text.split_whitespace().map(ToOwned::to_owned).collect();
        let url: Uri = self.url.parse().unwrap_or_default();
        platform::check_public_url(&url)?;
        Ok(PlanOptions {
            url,
            apps: words(&self.apps),
            site: if self.is_china { Site::China } else { Site::International },
            adopt: words(&self.adopt),
            prune: self.prune,
        })
    }

    fn failed(mut self, problem: String, status: StatusCode) -> ConsoleResponse {
        self.problem = Some(problem);
        ConsoleResponse::page(&self).with_status(status)
    }
}
