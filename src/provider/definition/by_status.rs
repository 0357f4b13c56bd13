//! Reads `allow_status`, `deny_status` and `redirect`: the rules for a decision that the platform
//! reads from the status of the reply.

use http::StatusCode;

use super::DefinitionReader;
use crate::provider::decision::{
    Decision, Redirect, ReplyField, ReplyFieldName, ReplyForm, ReplyFormRule, StatusRule, VERDICT,
};
use crate::provider::field::{DeclaredFields, Fields, Type, Usage, read_fields};
use crate::toml_reader::{Place, Table};

/// Documentation of the field [`VERDICT`].
const ABOUT_VERDICT: &str = "`true` to allow the request, `false` to deny it.";

/// The statuses of the replies that allow and deny.
#[derive(Clone, Copy)]
pub(super) struct Statuses {
    allow: StatusCode,
    deny: StatusCode,
}

impl<'f> DefinitionReader<'f> {
    /// Reads `allow_status` and `deny_status`; `None` if the table has neither of them.
    pub(super) fn statuses(&self, table: &Table<'f>) -> Option<Statuses> {
        let allow = self.status(table, "allow_status", 200..=299);
        let deny = self.status(table, "deny_status", 400..=499);
        let missing = match (table.has("allow_status"), table.has("deny_status")) {
            (false, false) => return None,
            (true, false) => Some(("deny_status", "allow_status")),
            (false, true) => Some(("allow_status", "deny_status")),
            (true, true) => None,
        };
        if let Some((absent, present)) = missing {
            let problem = format!("expected `{absent}` beside `{present}`, found none");
            self.faults.add(&table.place_of(present), problem, format!("add `{absent}`"));
        }
        // After a fault, these values only prevent further faults.
        let (allow, deny) =
            (allow.unwrap_or(StatusCode::OK), deny.unwrap_or(StatusCode::FORBIDDEN));
        Some(Statuses { allow, deny })
    }

    pub(super) fn status(
        &self,
        table: &Table<'f>,
        key: &'f str,
        range: std::ops::RangeInclusive<i64>,
    ) -> Option<StatusCode> {
        let number = table.integer(key, range)?;
        u16::try_from(number).ok().and_then(|number| StatusCode::from_u16(number).ok())
    }

    /// Reads `fields`. For a decision by status, adds the field that the status carries.
    pub(super) fn fields_of_reply(&self, table: &Table<'f>, is_by_status: bool) -> Fields {
        let fields = table.table("fields");
        if !is_by_status {
            return fields.map(|t| read_fields(&t, Usage::Reply, self.faults)).unwrap_or_default();
        }
        let verdict = DeclaredFields::required(VERDICT, Type::Boolean, ABOUT_VERDICT);
        let Some(fields) = fields else { return verdict.build() };
        if fields.has(VERDICT) {
            let problem =
                format!("expected no field `{VERDICT}`, because the status carries it, found one");
            let remedy = "remove this field: each decision by status has it";
            self.faults.add(&fields.place_of(VERDICT), problem, remedy);
        }
        verdict.extend(&fields, Usage::Reply, self.faults)
    }

    /// Returns the fields of a reply that allows or denies by its status: the field that the status
    /// carries, and the fields of the table `key`.
    pub(super) fn preset_of_status(
        &self,
        table: &Table<'f>,
        key: &'f str,
        fields: &Fields,
    ) -> Option<Vec<ReplyField>> {
        let verdict = ReplyField {
            name: ReplyFieldName::Declared(fields.find(VERDICT)?),
            json: (if key == "allow" { "true" } else { "false" }).into(),
        };
        let others = table.table(key).map(|t| self.reply_fields(&t, fields)).unwrap_or_default();
        Some([verdict].into_iter().chain(others).collect())
    }

    pub(super) fn status_rule(
        &self,
        table: &Table<'f>,
        statuses: Statuses,
        fields: &Fields,
    ) -> Option<StatusRule> {
        let redirect = table.table("redirect").and_then(|t| self.redirect(&t, fields));
        let Statuses { allow, deny } = statuses;
        Some(StatusRule { allow, deny, verdict: fields.find(VERDICT)?, redirect })
    }

    fn redirect(&self, table: &Table<'f>, fields: &Fields) -> Option<Redirect> {
        let remedy = "name the reply field whose value becomes the header `Location`";
        let name = table.require_string("field", remedy);
        let status = self.status(table, "status", 300..=399).unwrap_or(StatusCode::FOUND);
        table.finish();
        let name = name?;
        let field = self.reply_field(&name, fields)?;
        let is_address =
            fields.get(field).is_some_and(|f| f.optional && matches!(f.ty, Type::String));
        if !is_address {
            let problem = "expected an optional field of type `string`, found another field";
            let remedy = "write type = \"string\" and optional = true, or name another field";
            self.faults.add(&name.place, problem, remedy);
        }
        Some(Redirect { field, status })
    }

    /// Reports the keys that a decision by status cannot have, because the platform does not read
    /// the permission from the body of the reply.
    pub(super) fn check_status_keys(&self, table: &Table<'f>, decision: &Decision) {
        let is_plain =
            matches!(decision.reply_signing.form, ReplyFormRule::Always(ReplyForm::Plain));
        let keys = [
            ("envelope", decision.envelope.is_some()),
            ("bare", decision.bare.is_some()),
            ("per", decision.item_list.is_some()),
            ("encode", !is_plain),
        ];
        for (key, _) in keys.into_iter().filter(|(_, is_set)| *is_set) {
            let place: Place = table.place_of(key);
            let problem = format!("expected no `{key}` in a decision by status, found one");
            let remedy = "remove this key, or remove allow_status and deny_status";
            self.faults.add(&place, problem, remedy);
        }
    }
}
