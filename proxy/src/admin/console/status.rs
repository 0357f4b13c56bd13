//! The Status page: config, routes, apps, certificates and limits of this process.

use std::time::Duration;

use askama::Template;
use gatepost::{Circuit, Fault, KindForm, ProxySettings, RouteInfo};

use super::ConsoleRequest;
use super::layout::Layout;
use super::response::ConsoleResponse;
use crate::capture::CAPTURED;
use crate::served_config::{ConfigStatus, ServedConfig};

pub(super) fn show(served: &ServedConfig, request: &ConsoleRequest) -> ConsoleResponse {
    let gate = served.gate();
    ConsoleResponse::page(&StatusPage {
        layout: request.layout("status"),
        config: served.status(),
        warnings: gate.warnings(),
        routes: served.routes().iter().map(RouteRow::from).collect(),
        circuits: gate.circuits(),
        times: app_times(),
        certificates: certificates(served),
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
    times: Vec<AppTimes>,
    /// Names and expiry date of each certificate.
    certificates: Vec<(String, String)>,
    /// Config key and value of each limit.
    limits: Vec<(&'static str, String)>,
}

impl StatusPage {
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

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

/// Times of the app's answers to the captured callbacks of a template.
#[derive(Debug, PartialEq)]
struct AppTimes {
    template: String,
    count: usize,
    median_ms: f64,
    /// Time that 95 % of the answers do not exceed.
    p95_ms: f64,
}

fn app_times() -> Vec<AppTimes> {
    let (callbacks, _) = CAPTURED.after(0);
    let facts = callbacks.iter().filter_map(|numbered| {
        let callback = &numbered.callback;
        Some((callback.facts().template?.to_owned(), callback.app?))
    });
    summed(facts)
}

fn summed(times: impl Iterator<Item = (String, Duration)>) -> Vec<AppTimes> {
    let mut all: std::collections::BTreeMap<String, Vec<Duration>> = Default::default();
    times.for_each(|(template, time)| all.entry(template).or_default().push(time));
    let of = |(template, mut times): (String, Vec<Duration>)| {
        times.sort_unstable();
        let at = |percent: usize| {
            let index = (times.len() * percent).div_ceil(100).saturating_sub(1);
            times.get(index).map_or(0.0, |time| time.as_micros() as f64 / 1000.0)
        };
        AppTimes { template, count: times.len(), median_ms: at(50), p95_ms: at(95) }
    };
    all.into_iter().map(of).collect()
}

fn certificates(served: &ServedConfig) -> Vec<(String, String)> {
    let loaded = served.tls().loaded();
    let certificates = loaded.iter().flat_map(|loaded| loaded.certificates());
    certificates.map(|own| (own.names(), own.end_date())).collect()
}

fn limits(settings: &ProxySettings) -> Vec<(&'static str, String)> {
    let listen = settings.listen.iter().map(|address| address.to_string());
    let tls = settings.listen_tls.iter().map(|address| format!("tls:{address}"));
    let listen: Vec<_> = listen.chain(tls).collect();
    let store = settings.store.as_ref().map_or("none", |_| "set");
    vec![
        ("listen", listen.join(", ")),
        ("max_connections", settings.max_connections.to_string()),
        ("max_unjudged_bytes", settings.max_unjudged_bytes.to_string()),
        ("stop_timeout_secs", settings.stop_timeout.as_secs().to_string()),
        ("inspector.keep", settings.inspector.keep.to_string()),
        ("inspector.max_bytes", settings.inspector.max_bytes.to_string()),
        ("store", store.to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_and_p95_are_times_of_answers() {
        let time = |ms| ("a".to_owned(), Duration::from_millis(ms));
        let times = summed((1..=20).rev().map(time).chain([("b".to_owned(), Duration::ZERO)]));
        let expected = AppTimes { template: "a".into(), count: 20, median_ms: 10.0, p95_ms: 19.0 };
        assert_eq!(times[0], expected);
        assert_eq!((times[1].count, times[1].median_ms), (1, 0.0));
    }
}
