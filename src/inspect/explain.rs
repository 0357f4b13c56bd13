//! Explanations of verdicts, for requests that the operator has saved.
//!
//! gatepost judges a saved request like any other request, but sends no event to the app. An
//! explanation consists of the verdict and of steps. A [`Step`] describes one value that the gate
//! checks, or one result. Steps contain no keys, tokens or bodies.

use std::cell::OnceCell;
use std::fmt;

use bytes::Bytes;

use crate::client::Client;
use crate::gate::{Admission, Gate};
use crate::head::Head;
use crate::intake::tenants;
use crate::printable::printable;
use crate::provider::locator::Received;
use crate::provider::plan::KindFound;
use crate::route::{Lookup, Route, Target};
use crate::template::{Delivery, Reach, RequiredSignature};
use crate::time::Timestamp;
use crate::verdict::{Accepted, Refusal};

/// One line of an explanation: a value that the gate checks, or a result.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// The name of the value or result: `route`, `source`, `body`, `tenant`, `application`,
    /// `template`, `kind`, `signature`, `signed`, `key`, `time`, `event`, `reply` or `mode`.
    pub name: &'static str,
    /// The value or result, as text for the operator.
    pub found: String,
}

/// The verdict on a saved request, and the steps that explain the verdict.
///
/// `Display` writes one line for each step, then one line for the verdict.
#[derive(Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// The steps, in the order of the checks.
    pub steps: Vec<Step>,
    /// The verdict; `None` if the request is not a callback.
    pub verdict: Option<Result<Accepted, Refusal>>,
    /// The message that the platform signs, with `[key]` in place of the key and `[NAME]` in place
    /// of a setting. `None` if gatepost does not check the signature. Also `None` if the signature
    /// or a part of the message is missing.
    pub string_to_sign: Option<Vec<u8>>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            writeln!(f, "{:<10} {}", step.name, step.found)?;
        }
        match &self.verdict {
            None => write!(f, "{:<10} passed through: not a callback path", "verdict"),
            Some(Ok(accepted)) => {
                write!(f, "{:<10} accepted as {}", "verdict", accepted.event().ce_type())
            }
            Some(Err(refusal)) => write!(
                f,
                "{:<10} refused with {}: {} ({refusal})",
                "verdict",
                refusal.kind().status().as_u16(),
                refusal.kind().as_str()
            ),
        }
    }
}

impl Gate {
    /// Judges a saved request as if the request arrived at `now`, and explains the verdict.
    ///
    /// # Examples
    ///
    /// ```
    /// use gatepost::{Gate, Head, Timestamp};
    /// use http::{HeaderMap, Method, Uri};
    ///
    /// let config = "[[route]]\npath = '/callbacks/tencent'\nprovider = 'tencent-css'\n";
    /// let gate = Gate::builder().toml(config).build()?;
    /// let uri = Uri::from_static("/callbacks/tencent");
    /// let headers = HeaderMap::new();
    /// let head = Head::new(&Method::POST, &uri, &headers);
    ///
    /// let explanation = gate.explain(&head, "{}".into(), Timestamp::from_secs(1_700_000_000));
    /// assert_eq!(explanation.steps[0].name, "route");
    /// assert_eq!(explanation.steps[0].found, "/callbacks/tencent of Tencent Cloud CSS");
    /// assert!(explanation.verdict.unwrap().is_err());
    /// # Ok::<(), gatepost::ConfigError>(())
    /// ```
    #[must_use]
    pub fn explain(&self, head: &Head<'_>, body: Bytes, now: Timestamp) -> Explanation {
        let mut steps = Steps::default();
        let admission = self.admit_recorded(head, now);
        let client = self.client(head);
        self.with_routes(|routes| {
            if let Lookup::Callback(found, _) = routes.find(&Target::of(head.uri()), Reach::Subtree)
            {
                let route = routes.at(found);
                steps.add("route", format!("{} of {}", route.label, route.plan.title));
                steps.source(route, &client);
                if matches!(admission, Admission::Callback(_) | Admission::Shadow(_)) {
                    steps.callback(route, head, &body, now);
                }
            }
        });
        let in_shadow = matches!(admission, Admission::Shadow(_));
        let judged = match admission {
            Admission::Other | Admission::Reply(_) => None,
            Admission::Refused(refusal) => Some(Err(refusal)),
            Admission::Callback(intake) => Some(Ok(intake)),
            Admission::Shadow(shadow) => Some(shadow.into_admitted()),
        };
        let verdict = judged.map(|judged| {
            // An explanation must not change a later verdict.
            let mut intake = judged?.in_shadow();
            if !body.is_empty() {
                intake.push(body)?;
            }
            intake.finish(now)
        });
        if let Some(Ok(accepted)) = &verdict {
            steps.event(accepted);
            if !in_shadow {
                steps.reply(accepted);
            }
        }
        if in_shadow {
            steps.add("mode", "shadow: the request passes unchanged with any verdict");
        }
        Explanation { steps: steps.list, verdict, string_to_sign: steps.string_to_sign }
    }
}

#[derive(Default)]
struct Steps {
    list: Vec<Step>,
    string_to_sign: Option<Vec<u8>>,
}

impl Steps {
    fn add(&mut self, name: &'static str, found: impl Into<String>) {
        self.list.push(Step { name, found: found.into() });
    }

    /// Adds the client's address, and the result of the route's `allow` for this address. If the
    /// address is unknown, adds nothing.
    fn source(&mut self, route: &Route, client: &Client) {
        let Some(address) = client.address else { return };
        let allowed = match (route.allow.is_empty(), route.allow.contain(address)) {
            (true, _) => "",
            (false, true) => ", which the route allows",
            (false, false) => ", which the route does not allow",
        };
        self.add("source", format!("{address}{allowed}"));
    }

    /// Adds the steps from the body to the signed time, and stops at the first missing value.
    fn callback(&mut self, route: &Route, head: &Head<'_>, body: &Bytes, now: Timestamp) {
        let plan = &route.plan;
        let query = route.query_of(head);
        let Ok(captured) = plan.capture(head, query) else { return };
        if body.is_empty() && !plan.permits_empty_body(head.method()) {
            return;
        }
        let repaired = OnceCell::new();
        let Ok(object) = plan.read(body, &captured, &repaired) else { return };
        self.add("body", format!("{} bytes, {} fields", body.len(), object.len()));
        let mut received =
            Received { object: &object, raw: body, captured: &captured, settings: &[] };
        let app = route.application(&received);
        let names = tenants(plan, &received, |_| {});
        let Ok(tenant) = route.choose_tenant(names, app.as_deref()) else {
            self.add("tenant", "several, of different templates");
            return;
        };
        let place = plan.tenant.iter().find(|p| p.text(&received).is_some_and(|t| !t.is_empty()));
        match (&tenant, place) {
            (Some(name), Some(place)) => {
                self.add("tenant", format!("{} ({place})", printable(name)))
            }
            _ => self.add("tenant", "none"),
        }
        if let Some(app) = &app {
            self.add("application", printable(app).to_string());
        }
        let Ok((template, _)) = route.template(tenant.as_deref(), app.as_deref()) else {
            self.add("template", "no template binds this tenant or \"*\"");
            return;
        };
        let reason = if route.template.is_some() { "named by the route" } else { "bound" };
        self.add("template", format!("{}, {reason}", template.name()));
        received.settings = &template.settings;
        let found = route.kind.map_or_else(|| plan.kind_of(&received), KindFound::Known);
        let kind = match &found {
            KindFound::Known(kind) => Some(*kind),
            KindFound::Missing | KindFound::Unknown(_) => None,
        };
        self.add("kind", kind_text(route, &received, &found));
        match template.required_signature(kind) {
            Some(required) => self.signature(&required, &received, now),
            None if plan.signature_of(kind).is_some() => {
                self.add("signature", "not checked: the template has no key for this kind");
            }
            None => self.add("signature", "none: the platform does not sign this kind"),
        }
    }

    fn signature(
        &mut self,
        required: &RequiredSignature<'_>,
        received: &Received<'_>,
        now: Timestamp,
    ) {
        let signature = required.signature;
        let place = &signature.found_in;
        let Some(given) = place.text(received) else {
            let optional = if required.is_optional { " (not required)" } else { "" };
            self.add("signature", format!("missing at {place}{optional}"));
            return;
        };
        match signature.is_token() {
            true => self.add("signature", format!("[token] at {place}")),
            false => self.add("signature", format!("{} at {place}", printable(&given))),
        }
        self.string_to_sign = signature.bytes_to_sign(received).ok();
        match signature.string_to_sign(received) {
            Ok(text) => {
                self.add("signed", format!("{} of {}", signature.digest.name(), printable(&text)))
            }
            Err(fault) => self.add("signed", format!("no value at {}", fault.place())),
        }
        let count = required.keys.len();
        match signature.matching_key(received, required.keys) {
            Some(index) => self.add("key", format!("number {} of {count} matches", index + 1)),
            None => self.add("key", format!("none of {count} matches")),
        }
        let (Some(rule), Some(window)) = (&signature.time, required.window) else { return };
        let written = signature.time_text(received);
        let at = written.as_deref().and_then(|text| rule.unit.parse(text));
        let Some(at) = at else {
            let found = written.as_deref().map_or("none".into(), printable);
            self.add("time", format!("expected a time, found {found}"));
            return;
        };
        let offset = at.as_secs().saturating_sub(now.as_secs());
        let direction = if offset < 0 { "before" } else { "ahead of" };
        let (past, ahead) = (window.past_secs, window.max_ahead_secs);
        self.add(
            "time",
            format!(
                "{at}, {} s {direction} {now}; accepted from {past} s ago to {ahead} s ahead",
                offset.unsigned_abs()
            ),
        );
    }

    fn event(&mut self, accepted: &Accepted) {
        let event = accepted.event();
        let subject = event.subject().unwrap_or("-");
        let source = printable(event.source());
        self.add("event", format!("{} {source} {}", event.id(), printable(subject)));
    }

    /// Adds the origin of the reply: the app, the template, or gatepost.
    fn reply(&mut self, accepted: &Accepted) {
        if accepted.challenge().is_some() {
            self.add("reply", "gatepost itself replies to the challenge");
            return;
        }
        let next = match accepted.delivery() {
            Delivery::Ask(ask) => match &ask.url {
                Some(app) => {
                    format!("the app at {app} has {} ms to answer", ask.timeout.as_millis())
                }
                None => "gatepost asks the app on the path of the callback".to_owned(),
            },
            Delivery::Fixed(_) => "the template has a fixed answer".to_owned(),
            Delivery::Unlisted(_) => {
                "gatepost does not ask the app: the template does not list this kind".to_owned()
            }
            Delivery::MissingReplyKey { .. } => {
                "503: the template has no key for reply signing".to_owned()
            }
        };
        self.add("reply", next);
    }
}

/// Returns the text of the step `kind`.
fn kind_text(route: &Route, received: &Received<'_>, found: &KindFound<'_>) -> String {
    let plan = &route.plan;
    match found {
        KindFound::Known(kind) => {
            let other = route.kind.and_then(|own| plan.other_kind_named(own, received));
            let other = other
                .map(|other| format!(", from `kind` of the route; the callback names {other}"));
            format!("{}{}", plan.kind(Some(*kind)).name, other.unwrap_or_default())
        }
        KindFound::Missing => "missing: the callback names no kind".to_owned(),
        KindFound::Unknown(written) => {
            format!("{}, which the definition does not declare", printable(written))
        }
    }
}
