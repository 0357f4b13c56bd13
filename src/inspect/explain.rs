//! Explaining a verdict: each step of the way of one callback, in words, without calling the app.
//!
//! The verdict itself comes from the gate, as for any callback; the steps only say what it looked
//! at. Keys, tokens and bodies are not shown.

use std::fmt;

use bytes::Bytes;

use crate::client::Client;
use crate::gate::{Admission, Gate};
use crate::head::Head;
use crate::intake::tenant;
use crate::printable::printable;
use crate::provider::locator::{CapturedHead, Received};
use crate::provider::plan::{BodyFormat, KindFound};
use crate::route::{Lookup, Route};
use crate::template::{Delivery, Demand};
use crate::time::Timestamp;
use crate::verdict::{Accepted, Refusal};

/// One thing that the gate looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// What it looked at: `route`, `source`, `tenant`, `template`, `kind`, `signature`, `time`, `event`,
    /// `reply`, `mode`.
    pub name: &'static str,
    /// What it found.
    pub found: String,
}

/// What became of a callback, and the steps that led there.
#[derive(Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// In the order taken.
    pub steps: Vec<Step>,
    /// The verdict; `None` for a path that is nobody's.
    pub verdict: Option<Result<Accepted, Refusal>>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            writeln!(f, "{:<10} {}", step.name, step.found)?;
        }
        match &self.verdict {
            None => write!(f, "{:<10} passed on: this is no callback path", "verdict"),
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
    /// Judges a recorded request as of `now`, and says how.
    #[must_use]
    pub fn explain(&self, head: &Head<'_>, body: Bytes, now: Timestamp) -> Explanation {
        let mut steps = Steps::default();
        let admission = self.admit_recorded(head, now);
        let client = self.client(head);
        self.with_routes(|routes| {
            if let Lookup::Callback(found, _) = routes.find(head.path()) {
                let route = routes.at(found);
                steps.add("route", format!("{} of {}", route.pattern, route.plan.title));
                steps.source(route, &client);
                if matches!(admission, Admission::Callback(_) | Admission::Shadow(_)) {
                    steps.callback(route, head, &body, now);
                }
            }
        });
        let in_shadow = matches!(admission, Admission::Shadow(_));
        let judged = match admission {
            Admission::Other => None,
            Admission::Refused(refusal) => Some(Err(refusal)),
            Admission::Callback(intake) => Some(Ok(intake)),
            Admission::Shadow(shadow) => Some(shadow.into_judged()),
        };
        let verdict = judged.map(|judged| {
            let mut intake = judged?;
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
            steps.add("mode", "shadow: it passes as it came, whatever the verdict");
        }
        Explanation { steps: steps.0, verdict }
    }
}

#[derive(Default)]
struct Steps(Vec<Step>);

impl Steps {
    fn add(&mut self, name: &'static str, found: impl Into<String>) {
        self.0.push(Step { name, found: found.into() });
    }

    /// Who sent it, if that is known: a recorded request does not tell.
    fn source(&mut self, route: &Route, client: &Client) {
        let Some(address) = client.address else { return };
        let place = match (route.allow.is_empty(), route.allow.contain(address)) {
            (true, _) => "",
            (false, true) => ", which the route allows",
            (false, false) => ", which the route does not allow",
        };
        self.add("source", format!("{address}{place}"));
    }

    /// From the body to the signed time.
    fn callback(&mut self, route: &Route, head: &Head<'_>, body: &Bytes, now: Timestamp) {
        let plan = &route.plan;
        let Ok(kept) = CapturedHead::of(head, &plan.headers, plan.looks_at_query) else { return };
        if body.is_empty() && plan.body != BodyFormat::Query {
            return;
        }
        let Ok(object) = plan.read(body, kept.query()) else { return };
        self.add("body", format!("{} bytes, {} fields", body.len(), object.len()));
        let mut received = Received { object: &object, raw: body, captured: &kept, settings: &[] };
        let Ok(tenant) = tenant(plan, &received) else {
            self.add("tenant", "several are named");
            return;
        };
        let place = plan.tenant.iter().find(|p| p.text(&received).is_some_and(|t| !t.is_empty()));
        match (&tenant, place) {
            (Some(name), Some(place)) => {
                self.add("tenant", format!("{} ({place})", printable(name)))
            }
            _ => self.add("tenant", "none is named"),
        }
        let Ok((template, _)) = route.template(tenant.as_deref()) else {
            self.add("template", "none is bound to this tenant, and none to \"*\"");
            return;
        };
        let how = if route.template.is_some() { "pinned by the route" } else { "bound" };
        self.add("template", format!("{}, {how}", template.name()));
        received.settings = &template.settings;
        let found = route.kind.map_or_else(|| plan.kind_of(&received), KindFound::Known);
        let kind = match &found {
            KindFound::Known(kind) => Some(*kind),
            KindFound::Missing | KindFound::Unknown(_) => None,
        };
        self.add(
            "kind",
            match &found {
                KindFound::Known(_) => plan.kind(kind).name.to_string(),
                KindFound::Missing => "nothing says which".to_owned(),
                KindFound::Unknown(written) => {
                    format!("{}, which the definition does not know", printable(written))
                }
            },
        );
        match template.proof_of(kind) {
            Some(demand) => self.signature(&demand, &received, now),
            None if plan.signature_of(kind).is_some() => {
                self.add("signature", "not looked at: the template has no key for it");
            }
            None => self.add("signature", "none: the platform does not sign this kind"),
        }
    }

    fn signature(&mut self, demand: &Demand<'_>, received: &Received<'_>, now: Timestamp) {
        let signature = demand.signature;
        let place = &signature.found_in;
        let Some(given) = place.text(received) else {
            let unsigned = if demand.may_be_absent { ", and none is needed" } else { "" };
            self.add("signature", format!("nothing at {place}{unsigned}"));
            return;
        };
        self.add("signature", format!("{} at {place}", printable(&given)));
        match signature.string_to_sign(received) {
            Ok(text) => {
                self.add("signed", format!("{} of {}", signature.digest.name(), printable(&text)))
            }
            Err(fault) => self.add("signed", format!("nothing at {}", fault.place())),
        }
        let count = demand.keys.len();
        match signature.matching_key(received, demand.keys) {
            Some(index) => self.add("key", format!("number {} of {count} fits", index + 1)),
            None => self.add("key", format!("none of {count} fits")),
        }
        let (Some(rule), Some(window)) = (&signature.time, demand.window) else { return };
        let written = signature.time_text(received);
        let at = written.as_deref().and_then(|text| rule.unit.parse(text));
        let Some(at) = at else {
            self.add("time", format!("{} is no time", printable(&written.unwrap_or_default())));
            return;
        };
        let off = at.as_secs().saturating_sub(now.as_secs());
        let side = if off < 0 { "ago" } else { "ahead" };
        let (past, ahead) = (window.past_secs, window.max_ahead_secs);
        self.add(
            "time",
            format!(
                "{at}, {} s {side} of {now}; taken from {past} s ago to {ahead} s ahead",
                off.unsigned_abs()
            ),
        );
    }

    fn event(&mut self, accepted: &Accepted) {
        let event = accepted.event();
        let subject = event.subject().unwrap_or("-");
        let source = printable(event.source());
        self.add("event", format!("{} {source} {}", event.id(), printable(subject)));
    }

    /// What would happen next.
    fn reply(&mut self, accepted: &Accepted) {
        let next = match accepted.delivery() {
            Delivery::Ask(ask) => match &ask.url {
                Some(url) => {
                    let server = url.authority().map_or("", |authority| authority.as_str());
                    let timeout = ask.timeout.as_millis();
                    format!("the app at {server}{} has {timeout} ms to answer", url.path())
                }
                None => "the app is asked on the callback's own path".to_owned(),
            },
            Delivery::Fixed(_) => "the template has a fixed answer".to_owned(),
            Delivery::Unlisted(_) => "nobody is asked: the template does not list it".to_owned(),
            Delivery::MissingReplyKey => {
                "503: the template has no key to sign the reply with".to_owned()
            }
        };
        self.add("reply", next);
    }
}
