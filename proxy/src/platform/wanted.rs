//! The callback templates that a config needs in the account.

use gatepost::{Config, RouteInfo, Template};
use gatepost_editor::{KeyView, TemplateView};
use http::Uri;

use super::Site;
use super::account::Parameters;
use super::error::PlatformError;

/// Provider of the platform whose callback templates gatepost manages.
pub(crate) const PROVIDER: &str = "tencent-css";

/// Maximum length of a key that the platform accepts, in characters.
const MAX_KEY_CHARS: usize = 32;

/// An address of a callback template, to which the platform sends the callbacks of one kind.
pub(super) struct EventAddress {
    /// Name of the parameter in the API.
    pub(super) parameter: &'static str,
    kind: &'static str,
    /// True if only the API of mainland China can set the address.
    only_china: bool,
    /// True if the API returns the address, so that gatepost can compare it.
    pub(super) is_shown: bool,
}

const fn address(parameter: &'static str, kind: &'static str) -> EventAddress {
    EventAddress { parameter, kind, only_china: false, is_shown: true }
}

const fn in_china(parameter: &'static str, kind: &'static str, is_shown: bool) -> EventAddress {
    EventAddress { parameter, kind, only_china: true, is_shown }
}

/// The addresses of a callback template.
pub(super) const ADDRESSES: [EventAddress; 9] = [
    address("StreamBeginNotifyUrl", "push"),
    address("StreamEndNotifyUrl", "interruption"),
    address("RecordNotifyUrl", "recording_file"),
    in_china("RecordStatusNotifyUrl", "recording_status", false),
    address("SnapshotNotifyUrl", "screencapture"),
    address("PornCensorshipNotifyUrl", "porn_detection"),
    address("PushExceptionNotifyUrl", "error"),
    in_china("AudioAuditNotifyUrl", "audio_moderation", true),
    in_china("RecordExceptionNotifyUrl", "recording_exception", true),
];

/// Returns the addresses that the API of a site can set.
pub(super) fn addresses(site: Site) -> impl Iterator<Item = &'static EventAddress> {
    ADDRESSES.iter().filter(move |address| site == Site::China || !address.only_china)
}

/// A callback template that the config needs in the account.
#[derive(Debug)]
pub(crate) struct WantedTemplate {
    pub(super) name: String,
    /// Description of the template in the config, with `-` in place of each character that the
    /// platform does not accept.
    pub(super) note: String,
    /// The addresses, each with the name of its parameter.
    pub(super) urls: Parameters,
    /// Keys that gatepost accepts. The first key is the one for the account.
    pub(super) keys: Vec<WantedKey>,
    /// Push domains, each with its application if the config names one.
    pub(super) domains: Vec<(String, Option<String>)>,
    /// True if the config binds the template to `*`: all domains without a binding of their own.
    pub(super) binds_all: bool,
    /// Kinds in `[template.on]` whose address the API of the site cannot set.
    pub(super) by_hand: Vec<&'static str>,
}

/// A key of a template.
pub(super) struct WantedKey {
    pub(super) text: String,
    /// The source of the key, which a plan shows in place of the key.
    pub(super) source: String,
}

impl std::fmt::Debug for WantedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.source)
    }
}

/// Returns the callback templates that a config needs. `base` is the public address of gatepost,
/// without a path.
///
/// # Errors
///
/// Returns an error for a config without a template for the platform, a callback template without
/// an address, a kind without a suitable route, and a key that the platform does not accept.
pub(crate) fn wanted(
    config: &Config,
    views: &[TemplateView],
    base: &Uri,
    site: Site,
) -> Result<Vec<WantedTemplate>, PlatformError> {
    let routes: Vec<_> =
        config.route_infos().filter(|route| &*route.provider == PROVIDER).collect();
    let templates = config.templates().filter(|template| template.provider() == PROVIDER);
    let wanted: Result<Vec<_>, _> = templates
        .map(|template| {
            let view = views.iter().find(|view| view.name == template.name());
            wanted_template(template, view, &routes, base, site)
        })
        .collect();
    let wanted = wanted?;
    if wanted.is_empty() {
        let problem = format!(
            "expected a template for {PROVIDER}, found none; create one with `gatepost template create`"
        );
        return Err(PlatformError::at("the config", problem));
    }
    Ok(wanted)
}

fn wanted_template(
    template: &Template,
    view: Option<&TemplateView>,
    routes: &[RouteInfo],
    base: &Uri,
    site: Site,
) -> Result<WantedTemplate, PlatformError> {
    let name = template.name().to_owned();
    let fault = |problem: String| PlatformError::at(format!("template {name}"), problem);
    let listed: Vec<_> =
        template.kinds().filter(|kind| kind.is_listed).map(|kind| kind.name).collect();
    let mut urls = Parameters::new();
    for address in addresses(site).filter(|address| listed.contains(&address.kind)) {
        urls.insert(address.parameter, url(&name, address.kind, routes, base)?);
    }
    if urls.is_empty() {
        return Err(fault(
            "expected a kind with an address in the platform's callback template, found none; list one \
             in [template.on], for example push"
                .to_owned(),
        ));
    }
    let by_hand = ADDRESSES.iter().filter(|own| site != Site::China && own.only_china);
    let by_hand = by_hand.map(|own| own.kind).filter(|kind| listed.contains(kind)).collect();
    let mut keys = Vec::new();
    for (index, key) in template.expose_keys().enumerate() {
        let source = view.and_then(|view| view.keys.get(index));
        let source = source.map_or_else(|| format!("keys[{index}]"), source_of);
        keys.push(WantedKey { text: key_text(key, &source).map_err(&fault)?, source });
    }
    let bound = view.map(|view| &*view.bind).unwrap_or_default();
    let binds_all = bound.iter().any(|tenant| tenant == "*");
    let domains =
        bound.iter().filter(|tenant| *tenant != "*").map(|tenant| split(tenant)).collect();
    let note = note(template.description(), site);
    Ok(WantedTemplate { note, urls, keys, domains, binds_all, by_hand, name })
}

/// Splits `push.example.com/live` into the domain and the application.
fn split(tenant: &str) -> (String, Option<String>) {
    match tenant.split_once('/') {
        Some((domain, app)) => (domain.to_owned(), Some(app.to_owned())),
        None => (tenant.to_owned(), None),
    }
}

fn source_of(key: &KeyView) -> String {
    match key {
        KeyView::Env(name) => format!("{{ env = {name:?} }}"),
        KeyView::File(name) => format!("{{ file = {name:?} }}"),
        KeyView::Secret(_) => "a literal".to_owned(),
    }
}

fn key_text(key: &[u8], source: &str) -> Result<String, String> {
    let is_valid = key.len() <= MAX_KEY_CHARS && key.iter().all(u8::is_ascii_alphanumeric);
    let text = std::str::from_utf8(key).ok().filter(|_| is_valid).map(str::to_owned);
    text.ok_or_else(|| {
        format!(
            "expected a key of at most {MAX_KEY_CHARS} letters and digits in {source}, found a \
             longer key or other characters; generate another key in the platform's console"
        )
    })
}

/// Returns the address at which gatepost receives the callbacks of a kind for a template.
fn url(
    template: &str,
    kind: &str,
    routes: &[RouteInfo],
    base: &Uri,
) -> Result<String, PlatformError> {
    let fault = |problem: String| Err(PlatformError::at(format!("template {template}"), problem));
    // A route without `template` serves every template, even a template without a binding. If a
    // route names a template, `route.templates` lists this template without tenants.
    let is_of_other = |route: &RouteInfo| {
        route.templates.iter().any(|own| own.tenants.is_empty() && &*own.name != template)
    };
    let serves = |route: &&RouteInfo| {
        !is_of_other(route) && route.kind.as_deref().is_none_or(|own| own == kind)
    };
    // Prefer a route that names this kind, then a route that names this template.
    let is_special = |route: &RouteInfo| {
        let is_pinned = route.templates.iter().any(|own| own.tenants.is_empty());
        (route.kind.is_some(), is_pinned)
    };
    let mut found: Vec<_> = routes.iter().filter(serves).collect();
    let best = found.iter().map(|route| is_special(route)).max();
    found.retain(|route| Some(is_special(route)) == best);
    match &*found {
        [] => fault(format!(
            "expected a route for {kind}, found none; add a [[route]] with provider = \"{PROVIDER}\""
        )),
        [route] if route.path.contains("{token}") => fault(format!(
            "expected a path without {{token}}, found {}; remove the token, because the platform \
             signs its callbacks, or enter the address in the platform's console",
            route.path
        )),
        [route] => Ok(format!(
            "{}://{}{}",
            base.scheme_str().unwrap_or("https"),
            base.authority().map_or("", |authority| authority.as_str()),
            route.label
        )),
        [first, second, ..] => fault(format!(
            "expected one route for {kind}, found {} and {}; set `template` on one of them",
            first.label, second.label
        )),
    }
}

/// Replaces the characters of a description that the platform does not accept.
fn note(description: &str, site: Site) -> String {
    let is_accepted = |c: char| {
        let is_chinese = site == Site::China && ('\u{4e00}'..='\u{9fff}').contains(&c);
        c.is_ascii_alphanumeric() || c == '_' || c == '-' || is_chinese
    };
    description.chars().map(|c| if is_accepted(c) { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn note_has_only_accepted_characters() {
        assert_eq!(note("Members only", Site::International), "Members-only");
        assert_eq!(note("付费", Site::International), "--");
        assert_eq!(note("付费", Site::China), "付费");
    }

    #[test]
    fn reports_key_that_the_platform_does_not_accept() {
        assert_eq!(key_text(&[b'a'; 32], "x"), Ok("a".repeat(32)));
        for key in [&[b'a'; 33][..], b"a-b", "é".as_bytes()] {
            assert!(key_text(key, "x").unwrap_err().contains("letters and digits in x"));
        }
    }
}
