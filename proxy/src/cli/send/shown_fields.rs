//! The line that names the fields of a sent callback, without secrets.

use gatepost::{Definition, FieldInfo, Sample};
use serde_json::Value;

use crate::capture::{MASK, names_secret};
use crate::table::plain;

/// Number of fields that the line names if the command line sets fewer fields.
const USUAL_FIELDS: usize = 8;

/// Maximum number of characters that the line shows of a value.
const MAX_CHARS: usize = 64;

/// Returns the fields that the command line sets, and then other fields of the callback, because
/// the answer of the app may depend on them.
///
/// 1. All arguments of the command line, in their order, with `***` for a secret. Of two arguments
///    with the same name, the line shows only the last one. If gatepost signs the callback, the
///    line omits the arguments that the signature replaces.
/// 2. Further fields, until the line has eight fields: short strings and numbers that are not
///    secrets, in the order of the callback.
pub(super) fn shown_fields(
    definition: &Definition,
    kind: &str,
    sample: &Sample<'_>,
    arguments: &[String],
    is_signed: bool,
) -> String {
    let info = definition.info();
    let declared = info.kinds.iter().find(|own| &*own.name == kind);
    let declared = declared.map_or(&[][..], |kind| &*kind.fields);
    let is_secret = |place: &str| {
        let setting = |name: &str| info.settings.iter().any(|own| own.secret && *own.name == *name);
        sample.signing_replaces(place)
            || place.strip_prefix("setting:").is_some_and(setting)
            || is_secret_field(declared, place)
    };
    let set = arguments.iter().filter_map(|argument| argument.split_once('='));
    let mut shown: Vec<(&str, String)> = Vec::new();
    for (place, value) in set {
        let name = top_level(place).unwrap_or(place);
        shown.retain(|(own, _)| *own != name);
        if !(is_signed && sample.signing_replaces(place)) {
            let value = if is_secret(place) { MASK.to_owned() } else { cut(value) };
            shown.push((name, value));
        }
    }
    for (name, value) in sample.fields() {
        let is_plain = declared.iter().any(|field| *field.name == **name) && !is_secret(name);
        let is_new = shown.iter().all(|(own, _)| own != name);
        if shown.len() < USUAL_FIELDS && is_plain && is_new {
            shown.extend(short(value).map(|text| (&**name, text)));
        }
    }
    let shown = shown.iter().map(|(name, value)| format!("{}={value}", plain(name)));
    shown.collect::<Vec<_>>().join(", ")
}

/// Returns the name of the top-level field to which `place` refers by name or by JSON Pointer;
/// `None` if `place` refers to anything else.
fn top_level(place: &str) -> Option<&str> {
    let name = place.strip_prefix('/').unwrap_or(place);
    (!name.contains(['/', ':', '~'])).then_some(name)
}

/// Returns true if a step of `place` has the usual name of a secret, or is a field that the
/// definition declares as a secret.
fn is_secret_field(declared: &[FieldInfo], place: &str) -> bool {
    let mut fields = declared;
    for step in place.split(['/', ':']) {
        let field = fields.iter().find(|field| *field.name == *step);
        if names_secret(step) || field.is_some_and(|field| field.secret) {
            return true;
        }
        // A number is the index of an item in a list. The item has the fields of the list.
        fields = field.map_or(fields, |field| &field.fields);
    }
    false
}

/// Returns a value as text on one line, with `…` for the end of a long value.
fn cut(value: &str) -> String {
    match value.char_indices().nth(MAX_CHARS) {
        Some((at, _)) => format!("{}…", plain(&value[..at])),
        None => plain(value),
    }
}

/// Returns the text of a short string or of a number; `None` for any other value.
fn short(value: &Value) -> Option<String> {
    let text = value.as_str().map(str::to_owned);
    let text = text.or_else(|| value.is_number().then(|| value.to_string()))?;
    let is_short = text.chars().count() <= MAX_CHARS && !text.contains(char::is_control);
    is_short.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn shown(kind: &str, arguments: &[&str], is_signed: bool) -> String {
        let (provider, kind) = kind.split_once('.').unwrap();
        let definition = Definition::built_in(provider).unwrap();
        let mut sample = definition.sample(kind).unwrap();
        let arguments: Vec<_> = arguments.iter().map(|text| (*text).to_owned()).collect();
        for (name, value) in arguments.iter().filter_map(|text| text.split_once('=')) {
            sample.set(name, value).unwrap();
        }
        shown_fields(&definition, kind, &sample, &arguments, is_signed)
    }

    #[test]
    fn fields_of_the_command_line_come_first() {
        let usual = shown("tencent-css.push", &[], true);
        assert_eq!(usual.split(", ").count(), USUAL_FIELDS, "{usual}");
        let text = shown("tencent-css.push", &["stream_id=a", "/height=1080", "stream_id=b"], true);
        assert!(text.starts_with("height=1080, stream_id=b, "), "{text}");
        assert_eq!(text.split(", ").count(), USUAL_FIELDS, "{text}");
        assert_eq!(text.matches("stream_id=").count(), 1, "{text}");
    }

    #[test]
    fn all_fields_of_the_command_line_are_shown() {
        let arguments: Vec<_> = (0..10).map(|number| format!("/f{number}={number}")).collect();
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let text = shown("tencent-css.push", &arguments, true);
        assert_eq!(text, (0..10).map(|n| format!("f{n}={n}")).collect::<Vec<_>>().join(", "));
    }

    #[test]
    fn secrets_and_control_characters_are_not_shown() {
        let text = shown(
            "tencent-css.push",
            &[
                "stream_param=hunter2",
                "header:authorization=hunter2",
                "/a/0/token=hunter2",
                "sign=hunter2",
                "/b=x\u{1b}[31m",
                "/c=0123456789012345678901234567890123456789012345678901234567890123456789",
            ],
            false,
        );
        assert!(!text.contains("hunter2") && !text.contains('\u{1b}'), "{text}");
        assert!(
            text.starts_with(
                "stream_param=***, header:authorization=***, /a/0/token=***, sign=***, "
            ),
            "{text}"
        );
        assert!(text.contains("890123…, "), "{text}");
    }

    #[test]
    fn fields_that_the_signature_replaces_are_not_shown() {
        let text = shown("tencent-css.push", &["sign=abc", "t=1"], true);
        assert!(!text.contains("sign=") && !text.contains(", t="), "{text}");
    }
}
