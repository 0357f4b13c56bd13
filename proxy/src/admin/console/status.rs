//! The Status page: config, routes, apps, certificates and limits of this process.

use std::time::Duration;

use askama::Template;
use gatepost::{Circuit, Fault, KindForm, ProxySettings, RouteInfo, Timestamp};

use super::filters::with_commas;
use super::layout::Layout;
use super::response::ConsoleResponse;
use super::{ConsoleRequest, filters};
use crate::capture::CAPTURED;
use crate::clock;
use crate::served_config::{ConfigStatus, ServedConfig};
use crate::telemetry::access_log::LoggedCallback;
use crate::telemetry::metrics::FEATURES;
use crate::tls::Certificate;

pub(super) fn show(served: &ServedConfig, request: &ConsoleRequest) -> ConsoleResponse {
    let gate = served.gate();
    let mut circuits = gate.circuits();
    circuits.sort_by_key(|circuit| !circuit.is_open);
    ConsoleResponse::page(&StatusPage {
        layout: request.layout("status"),
        config: served.status(),
        warnings: gate.warnings(),
        routes: served.routes().iter().map(RouteRow::from).collect(),
        circuits,
        reload_faults: served.reload_faults(),
        times: app_times(|facts| facts.template.map(ToOwned::to_owned)),
        address_times: address_times(&served.routes()),
        route_limits: served.routes().iter().map(RouteLimits::from).collect(),
        certificates: certificates(served, clock::now()),
        limits: limits(&gate.proxy_settings()),
    })
}

#[derive(Template)]
#[template(path = "status.html")]
struct StatusPage {
    layout: Layout,
    config: ConfigStatus,
    warnings: Vec<Fault>,
    routes: Vec<RouteRow>,
    circuits: Vec<Circuit>,
    reload_faults: Vec<String>,
    times: Vec<AppTimes>,
    address_times: Vec<AppTimes>,
    route_limits: Vec<RouteLimits>,
    certificates: Vec<CertificateRow>,
    /// Config key and value of each setting that the page shows.
    limits: Vec<(&'static str, String)>,
}

impl StatusPage {
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const FEATURES: &'static str = FEATURES;

    /// Returns the processor and the system of this build.
    fn target() -> String {
        format!("{} {}", std::env::consts::ARCH, std::env::consts::OS)
    }

    fn has_warning(&self) -> bool {
        !self.warnings.is_empty() || self.certificates.iter().any(|own| own.warning.is_some())
    }

    fn loaded_at(&self) -> String {
        let at = jiff::Timestamp::from_second(self.config.loaded_at.as_secs());
        at.map(|at| at.to_string()).unwrap_or_default()
    }
}

/// A route, and the destinations of its events.
struct RouteRow {
    label: String,
    provider: String,
    is_shadow: bool,
    templates: Vec<RouteTemplateRow>,
}

struct RouteTemplateRow {
    name: String,
    tenants: String,
    /// Each address or fixed answer, with its kinds.
    destinations: Vec<(String, String)>,
}

impl From<&RouteInfo> for RouteRow {
    fn from(route: &RouteInfo) -> Self {
        let templates = route.templates.iter().map(|template| {
            let mut destinations: Vec<(String, Vec<&str>)> = Vec::new();
            for kind in template.kinds.iter().filter(|kind| kind.form != KindForm::NoEvent) {
                match destinations.iter_mut().find(|(to, _)| *to == kind.to) {
                    Some((_, kinds)) => kinds.push(&kind.name),
                    None => destinations.push((kind.to.clone(), vec![&kind.name])),
                }
            }
            let joined = destinations.into_iter().map(|(to, kinds)| (to, kinds.join(", ")));
            RouteTemplateRow {
                name: template.name.to_string(),
                tenants: template.tenants.join(", "),
                destinations: joined.collect(),
            }
        });
        Self {
            label: route.label.to_string(),
            provider: route.provider.to_string(),
            is_shadow: route.is_shadow,
            templates: templates.collect(),
        }
    }
}

/// Limits of a route.
struct RouteLimits {
    label: String,
    max_body_bytes: String,
    limit: String,
    source_limit: String,
    timeout: String,
    budget: String,
}

impl From<&RouteInfo> for RouteLimits {
    fn from(route: &RouteInfo) -> Self {
        let rate = |rate: Option<(i64, i64)>| match rate {
            Some((per_second, burst)) => format!("{per_second}/s, burst {burst}"),
            None => "none".to_owned(),
        };
        let kinds = || route.templates.iter().flat_map(|template| &template.kinds);
        Self {
            label: route.label.to_string(),
            max_body_bytes: with_commas(route.max_body_bytes),
            limit: rate(route.limit),
            source_limit: rate(route.source_limit),
            timeout: range(kinds().filter_map(|kind| kind.timeout)),
            budget: range(kinds().filter_map(|kind| kind.budget)),
        }
    }
}

/// Formats the shortest and the longest duration. Returns `-` if there are no durations.
fn range(times: impl Iterator<Item = Duration> + Clone) -> String {
    match (times.clone().min(), times.max()) {
        (Some(least), Some(most)) if least != most => {
            format!("{} to {} ms", least.as_millis(), most.as_millis())
        }
        (Some(least), _) => format!("{} ms", least.as_millis()),
        (None, _) => "-".to_owned(),
    }
}

/// Durations of the requests to the app for captured callbacks, for a template or for an address.
#[derive(Debug, PartialEq)]
struct AppTimes {
    name: String,
    count: usize,
    median_ms: f64,
    /// Duration that at least 95 % of the requests do not exceed.
    p95_ms: f64,
}

/// Returns the durations of the requests, grouped by the name that `name_of` returns. Ignores a
/// callback whose event the app did not answer.
fn app_times(name_of: impl Fn(&LoggedCallback<'_>) -> Option<String>) -> Vec<AppTimes> {
    let (callbacks, _) = CAPTURED.after(0);
    let named = callbacks.iter().filter_map(|numbered| {
        let callback = &numbered.callback;
        let callback = callback.has_response().then_some(callback)?;
        Some((name_of(&callback.facts())?, callback.app?))
    });
    summed(named)
}

/// Returns the durations of the requests, grouped by the address that the config now has for the
/// template and the kind.
fn address_times(routes: &[RouteInfo]) -> Vec<AppTimes> {
    let templates = || routes.iter().flat_map(|route| &route.templates);
    app_times(|facts| {
        let mut own = templates().filter(|own| Some(&*own.name) == facts.template);
        let kind =
            own.find_map(|own| own.kinds.iter().find(|kind| Some(&*kind.name) == facts.kind));
        Some(kind?.to.clone())
    })
}

fn summed(times: impl Iterator<Item = (String, Duration)>) -> Vec<AppTimes> {
    let mut all: std::collections::BTreeMap<String, Vec<Duration>> = Default::default();
    times.for_each(|(name, time)| all.entry(name).or_default().push(time));
    let of = |(name, mut times): (String, Vec<Duration>)| {
        times.sort_unstable();
        let at = |percent: usize| {
            let index = (times.len() * percent).div_ceil(100).saturating_sub(1);
            times.get(index).map_or(0.0, |time| time.as_micros() as f64 / 1000.0)
        };
        AppTimes { name, count: times.len(), median_ms: at(50), p95_ms: at(95) }
    };
    all.into_iter().map(of).collect()
}

/// Names and expiry date of a certificate.
struct CertificateRow {
    names: String,
    end: String,
    /// CSS class and text of the badge; `None` without a warning.
    badge: Option<(&'static str, String)>,
    warning: Option<String>,
}

impl CertificateRow {
    fn new(own: &Certificate, now: Timestamp) -> Self {
        let warning = own.warning(now);
        let badge = warning.as_ref().map(|_| match own.days_left(now) {
            _ if own.is_expired(now) => ("bad", "expired".to_owned()),
            _ if !own.has_begun(now) => ("bad", "not valid yet".to_owned()),
            1 => ("warn", "in 1 day".to_owned()),
            days => ("warn", format!("in {days} days")),
        });
        let warning = warning.map(|fault| format!("{}; {}", fault.problem(), fault.remedy()));
        Self { names: own.names(), end: own.end_date(), badge, warning }
    }
}

fn certificates(served: &ServedConfig, now: Timestamp) -> Vec<CertificateRow> {
    let loaded = served.tls().loaded();
    let certificates = loaded.iter().flat_map(|loaded| loaded.certificates());
    certificates.map(|own| CertificateRow::new(own, now)).collect()
}

fn limits(settings: &ProxySettings) -> Vec<(&'static str, String)> {
    let listen = settings.listen.iter().map(|address| address.to_string());
    let tls = settings.listen_tls.iter().map(|address| format!("tls:{address}"));
    let listen: Vec<_> = listen.chain(tls).collect();
    let store = settings.store.as_ref().map_or("none", |_| "set");
    let threads = settings.threads.map_or("one per core".to_owned(), |own| own.to_string());
    vec![
        ("listen", listen.join(", ")),
        ("threads", threads),
        ("upstream_idle_ms", settings.upstream_idle.as_millis().to_string()),
        ("max_connections", settings.max_connections.to_string()),
        ("max_unjudged_bytes", with_commas(settings.max_unjudged_bytes.get())),
        ("stop_timeout_secs", settings.stop_timeout.as_secs().to_string()),
        ("inspector.keep", settings.inspector.keep.to_string()),
        ("inspector.max_bytes", with_commas(settings.inspector.max_bytes.get())),
        ("store", store.to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_have_commas() {
        for (number, expected) in
            [(7, "7"), (100, "100"), (1000, "1,000"), (67_108_864, "67,108,864")]
        {
            assert_eq!(with_commas(number), expected);
        }
    }

    #[test]
    fn picks_median_and_p95_from_measured_times() {
        let time = |ms| ("a".to_owned(), Duration::from_millis(ms));
        let times = summed((1..=20).rev().map(time).chain([("b".to_owned(), Duration::ZERO)]));
        let expected = AppTimes { name: "a".into(), count: 20, median_ms: 10.0, p95_ms: 19.0 };
        assert_eq!(times[0], expected);
        assert_eq!((times[1].count, times[1].median_ms), (1, 0.0));
    }
}
