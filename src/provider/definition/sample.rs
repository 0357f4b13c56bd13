//! Checks that each sample is a callback of its kind, because operators copy samples and
//! `gatepost send` sends them.
//!
//! gatepost checks these rules for the samples that are JSON objects:
//!
//! 1. The values have the declared types, and no required field is missing.
//! 2. The sample names its kind, unless a header, the query or the route names the kind.
//! 3. A sample contains a tenant, unless the definition takes the tenant from another place.
//! 4. The sample of a decision contains the first value of `viewer`.

use serde_json::{Map, Value};

use crate::json::Object;
use crate::printable::printable;
use crate::provider::field::Conversion;
use crate::provider::locator::{CapturedHead, Locator, Received};
use crate::provider::plan::{Kind, KindFound, Plan};
use crate::toml_reader::{Faults, Form, Place, Table};

/// Checks the samples of a definition.
pub(super) fn check(table: &Table<'_>, faults: &Faults<'_>, plan: &Plan) {
    check_tenant(table, faults, plan);
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

/// Checks that gatepost finds the kind of the sample in the sample.
fn check_kind(place: &Place, faults: &Faults<'_>, plan: &Plan, index: usize, sample: &Object<'_>) {
    let rule = &plan.kind_rule;
    let is_in_body = |place: &Locator| place.each().iter().all(|one| one.pointer().is_some());
    if !rule.may_find(index) || !rule.from.iter().all(is_in_body) {
        return;
    }
    let captured = CapturedHead::default();
    let received = Received { object: sample, raw: &[], captured: &captured, settings: &[] };
    let found = match plan.kind_of(&received) {
        KindFound::Known(found) if found == index => return,
        KindFound::Known(found) => format!("one of the kind `{}`", plan.kind(Some(found)).name),
        KindFound::Missing => "one without a name of a kind".to_owned(),
        KindFound::Unknown(name) => format!("one with the unknown name \"{}\"", printable(&name)),
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

/// Checks that a sample contains a tenant if the definition takes the tenant only from the body.
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
