//! Checks that each sample is a callback of its kind, because operators copy samples and
//! `gatepost send` sends them.
//!
//! gatepost checks these rules for the samples that are JSON objects:
//!
//! 1. The values have the declared types, and no required field is missing.
//! 2. If neither the route nor the path names the kind, the request that `gatepost send` makes from
//!    the sample names the kind of the sample in the body, a header or the query. If a header names
//!    the kind, the headers that all samples share name a known kind.
//! 3. Each time is in its declared unit.
//! 4. If the definition takes the tenant only from the body, at least one sample contains a tenant.
//! 5. The sample of a kind with `viewer` contains a value at the first pointer of `viewer`.

use std::borrow::Cow;

use http::Uri;
use serde_json::{Map, Value};

use crate::head::Head;
use crate::json::{Name, Object};
use crate::printable::printable;
use crate::provider::common::CommonForm;
use crate::provider::field::Conversion;
use crate::provider::locator::{Locator, Received};
use crate::provider::plan::{BodyFormat, Kind, KindFound, Plan, SampleHead};
use crate::provider::pointer::Pointer;
use crate::time::{Timestamp, Unit};
use crate::toml_reader::{Faults, Form, Located, Place, Table};

/// The years of plausible times, 2000 to 2099. A time in a wrong unit is before or after them.
const PLAUSIBLE: std::ops::Range<Timestamp> =
    Timestamp::from_secs(946_684_800)..Timestamp::from_secs(4_102_444_800);

/// Checks the samples of a definition.
pub(super) fn check(table: &Table<'_>, faults: &Faults<'_>, plan: &Plan) {
    check_tenant(table, faults, plan);
    check_headers(table, faults, plan);
    let Some(kinds) = table.table("kinds") else { return };
    for (name, item) in kinds.entries() {
        let (Form::Table(table), Some(index)) = (&item.form, plan.kind_named(name)) else {
            continue;
        };
        let kind = plan.kind(Some(index));
        check_viewer(table, faults, (plan, kind));
        let own = kind.sample.as_deref().and_then(|text| Object::from_json(text).ok());
        let Some(object) = own else { continue };
        let place = table.place_of("sample");
        if check_fields(&place, faults, kind, &object) {
            check_kind(&place, faults, plan, index, &object);
            check_times(&place, faults, plan, index, &object);
        }
    }
}

/// Checks that the sample fits the declared fields. Returns `false` after reporting a fault.
fn check_fields(place: &Place, faults: &Faults<'_>, kind: &Kind, sample: &Object<'_>) -> bool {
    let (mut conversion, mut out) = (Conversion::of_callback(), Vec::new());
    let result = kind.fields.write_message(sample, &mut conversion, |_| false, &mut out);
    let misfit = conversion.noted.first().map(|path| {
        format!("expected `{path}` with its declared type, found no value or another type")
    });
    let fault = result.err().map(|fault| fault.to_string()).or(misfit);
    let fits = fault.is_none();
    if let Some(fault) = fault {
        faults.add(place, fault, "correct the sample, or the declaration of the field");
    }
    fits
}

/// Checks that a request with the sample names the kind of the sample.
fn check_kind(place: &Place, faults: &Faults<'_>, plan: &Plan, index: usize, sample: &Object<'_>) {
    let rule = &plan.kind_rule;
    // The path names the kind. Only requests of the platform have this path.
    let is_target = |place: &Locator| place.each().contains(&Locator::Target);
    if !rule.may_find(index) || rule.from.iter().any(is_target) {
        return;
    }
    let method = plan.sample_method(index);
    let SampleHead { headers, query } = plan.sample_head(index);
    let query = match plan.format_of(method) {
        BodyFormat::Query => parameters(sample),
        BodyFormat::Form | BodyFormat::Json | BodyFormat::Raw => {
            form_urlencoded::Serializer::new(String::new()).extend_pairs(&query).finish()
        }
    };
    let uri = Uri::from_static("/");
    let captured = plan.capture(&Head::new(method, &uri, &headers), Some(Cow::Owned(query)));
    let Ok(captured) = captured else { return };
    let received = Received { object: sample, raw: &[], captured: &captured, settings: &[] };
    let found = match plan.kind_of(&received) {
        KindFound::Known(found) if found == index => return,
        KindFound::Known(found) => {
            format!("a sample of the kind `{}`", plan.kind(Some(found)).name)
        }
        KindFound::Missing => "a sample that names no kind".to_owned(),
        KindFound::Unknown(name) => {
            format!("a sample of the unknown kind \"{}\"", printable(&name))
        }
    };
    let places: Vec<_> = rule.from.iter().map(Locator::to_string).collect();
    let name = &plan.kind(Some(index)).name;
    let problem = format!("expected a sample of the kind `{name}`, found {found}");
    let remedy = match places.is_empty() {
        true => "correct the sample, or `when` of the kind".to_owned(),
        false => format!("correct {} of the sample, or [kind.names]", places.join(" or ")),
    };
    faults.add(place, problem, remedy);
}

/// Returns the members of a sample as parameters of a query.
fn parameters(sample: &Object<'_>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in sample.iter() {
        if let Some(text) = value.scalar() {
            query.append_pair(name, &text);
        }
    }
    query.finish()
}

/// If a header names the kind, checks that the headers that all samples share name a known kind.
fn check_headers(table: &Table<'_>, faults: &Faults<'_>, plan: &Plan) {
    let rule = &plan.kind_rule;
    let headers = table.table("sample").and_then(|sample| sample.table("headers"));
    for (name, item) in headers.iter().flat_map(Table::entries) {
        let is_place = |place: &Locator| {
            let Locator::Header(captured) = place else { return false };
            captured.name.as_str().eq_ignore_ascii_case(name)
        };
        let names_kind = rule.other.is_none() && rule.from.iter().any(is_place);
        let Form::String(value) = item.form else { continue };
        if names_kind && rule.values.get(&Name::new(value)).is_none() {
            let word = Located { value, place: item.place };
            faults.add_unknown(&word, "name", rule.values.iter().map(|(name, _)| name.text()));
        }
    }
}

/// Checks that gatepost can read each time of the sample in its unit, and that each time is
/// plausible. Some platforms write 0 for an unset time.
fn check_times(place: &Place, faults: &Faults<'_>, plan: &Plan, index: usize, sample: &Object<'_>) {
    for (pointers, unit) in times(plan, index) {
        let found = pointers.iter().find_map(|from| Some((from, from.text(sample)?)));
        let Some((from, text)) = found else { continue };
        let fits = |unit: Unit| unit.parse(&text).is_some_and(|time| PLAUSIBLE.contains(&time));
        if fits(unit) || text == "0" {
            continue;
        }
        let form = unit.form();
        let problem = format!("expected {form} at {from}, found \"{}\"", printable(&text));
        // `iso8601-utc` also reads the times of `rfc3339`.
        let units = [Unit::Seconds, Unit::Millis, Unit::Rfc3339, Unit::Iso8601Utc];
        let remedy = match units.into_iter().find(|other| fits(*other)) {
            Some(other) => {
                format!("write unit = \"{}\" for this time, or correct the sample", other.word())
            }
            None => "correct the sample, or the place of the time".to_owned(),
        };
        faults.add(place, problem, remedy);
    }
}

/// Returns the pointers to the times of a callback, with their units: the time of the event, the
/// start time in its common event, and the signed time.
fn times(plan: &Plan, index: usize) -> Vec<(Vec<Pointer>, Unit)> {
    let kind = plan.kind(Some(index));
    let fields = kind.common.iter().flat_map(|rule| &rule.fields);
    let started = fields.filter_map(|field| match field.form {
        CommonForm::Time(unit) => Some((vec![field.from.clone()], unit)),
        CommonForm::Millis(_) | CommonForm::Segment(_) | CommonForm::Text => None,
    });
    let signed = plan.signature_of(Some(index)).and_then(|rule| rule.time.as_ref());
    let signed = signed.and_then(|time| {
        Some((time.from.place()?.pointers().cloned().collect::<Vec<_>>(), time.unit))
    });
    kind.time.clone().into_iter().chain(started).chain(signed).collect()
}

/// If the definition takes the tenant only from the body, checks that at least one sample contains
/// a tenant.
fn check_tenant(table: &Table<'_>, faults: &Faults<'_>, plan: &Plan) {
    let pointers: Vec<_> = plan.tenant.iter().filter_map(Locator::pointer).collect();
    let of_kinds = plan.kinds.iter().filter_map(|kind| kind.sample.as_deref());
    let samples: Vec<_> = of_kinds.chain(plan.sample.body.as_deref()).filter_map(members).collect();
    if pointers.is_empty() || pointers.len() < plan.tenant.len() || samples.is_empty() {
        return;
    }
    let has_tenant = |sample: &Map<String, Value>| {
        let mut values = pointers.iter().filter_map(|pointer| pointer.find_in_sample(sample));
        values.any(|value| value.is_string() || value.is_number())
    };
    if !samples.iter().any(has_tenant) {
        let places: Vec<_> = plan.tenant.iter().map(Locator::to_string).collect();
        let problem = format!(
            "expected a sample with a tenant at {}, found none among the samples",
            places.join(" or ")
        );
        let remedy = "correct the place of the tenant, or add the tenant to the samples";
        faults.add(&table.value_place("tenant"), problem, remedy);
    }
}

/// Checks that the sample of a kind contains the value that identifies the viewer.
fn check_viewer(table: &Table<'_>, faults: &Faults<'_>, (plan, kind): (&Plan, &Kind)) {
    let Some(first) = kind.viewer.0.first() else { return };
    let text = kind.sample.as_deref().or(plan.sample.body.as_deref());
    let Some(sample) = text.and_then(members) else { return };
    if first.find_in_sample(&sample).is_none() {
        let problem = format!("expected a viewer at {first} of the sample, found no value");
        let remedy = "correct the first pointer, or add the value to the sample";
        faults.add(&table.value_place("viewer"), problem, remedy);
    }
}

/// Returns the members of a sample; `None` for a sample that is not a JSON object.
fn members(sample: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(sample).ok()
}
