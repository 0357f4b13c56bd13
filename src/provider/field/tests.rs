//! Tests of the rules for fields. A *misfit* is a missing field, or a value that gatepost cannot
//! convert to the declared type.

use super::*;
use crate::toml_reader::{self, FaultKind};

fn fields(text: &str) -> Fields {
    toml_reader::read(text, FaultKind::DefinitionInvalid, |table, faults| {
        Some(read_fields(table, Usage::Event, faults))
    })
    .unwrap()
    .0
}

/// Converts an object. Returns the converted text, and the paths of the misfits.
fn convert(fields: &Fields, object: &Object<'_>) -> Result<(String, Vec<Box<str>>), FieldError> {
    let (mut conversion, mut out) = (Conversion::of_callback(), Vec::new());
    fields.write_message(object, &mut conversion, |_| false, &mut out)?;
    Ok((String::from_utf8(out).unwrap(), conversion.noted))
}

/// Converts a JSON body. Returns the converted text, and the paths of the misfits with spaces
/// between them.
fn event(fields: &Fields, body: &str) -> (String, String) {
    let (text, misfits) = convert(fields, &Object::from_json(body).unwrap()).unwrap();
    (text, misfits.join(" "))
}

/// Converts the value of the only field of an object; `None` if the value is a misfit.
fn only_value(ty: &str, object: &Object<'_>) -> Option<String> {
    let (text, misfits) = convert(&fields(&format!("f = {ty}")), object).unwrap();
    let value = text.strip_prefix("{\"f\":").unwrap().strip_suffix('}').unwrap();
    misfits.is_empty().then(|| value.to_owned())
}

/// Converts a value in a JSON body; `None` if the value is a misfit.
fn typed(ty: &str, value: &str) -> Option<String> {
    only_value(ty, &Object::from_json(&format!("{{\"f\":{value}}}")).unwrap())
}

/// Converts a value in a form; `None` if the value is a misfit.
fn form(ty: &str, value: &str) -> Option<String> {
    let encoded = serde_urlencoded::to_string([("f", value)]).unwrap();
    only_value(ty, &Object::from_form(encoded.as_bytes()).unwrap())
}

#[test]
fn reads_integers_from_numbers_and_strings() {
    for (value, expected) in [
        ("1", "1"),
        ("\"1\"", "1"),
        ("-7", "-7"),
        ("1.0", "1"),
        ("1e3", "1000"),
        ("\"007\"", "7"),
        ("9223372036854775807", "9223372036854775807"),
    ] {
        assert_eq!(typed("'integer'", value).as_deref(), Some(expected), "{value}");
    }
    for wrong in [
        "1.5",
        "0.99999999999999999999",
        "true",
        "\"\"",
        "\"1 \"",
        "\"+1\"",
        "null",
        "[1]",
        "9223372036854775808",
        "1e300",
        "1e-400",
        "\"inf\"",
        "\"0x10\"",
    ] {
        assert_eq!(typed("'integer'", wrong), None, "{wrong}");
    }
}

#[test]
fn copies_value_of_type_any_as_received() {
    for value in ["1e400", "\" \"", "\"\"", "true", "[1, null]", "{\"a\":{}}"] {
        assert_eq!(typed("'any?'", value).as_deref(), Some(value));
    }
    assert_eq!(typed("'any?'", "null").as_deref(), Some("null"));
    assert_eq!(form("'any'", "1").as_deref(), Some("\"1\""));
}

#[test]
fn keeps_all_digits_of_a_number_in_a_string_field() {
    assert_eq!(typed("'string'", "2210464508206756938").unwrap(), "\"2210464508206756938\"");
    assert_eq!(typed("'string'", "\"a\\u00e9\"").unwrap(), "\"a\\u00e9\"");
    assert_eq!(typed("'string'", "true"), None);
}

#[test]
fn decodes_json_strings_that_are_encoded_once_or_twice() {
    let object = r#"{"uservalue0":"a"}"#;
    let once = serde_json::to_string(object).unwrap();
    let twice = serde_json::to_string(&once).unwrap();
    for value in [object, &once, &twice, &once.replace("}\"", "}\\n\"")] {
        assert_eq!(typed("'json'", value).as_deref(), Some(object), "{value}");
    }
    assert_eq!(form("'json'", object).as_deref(), Some(object));
    assert_eq!(form("'json'", &once).as_deref(), Some(object));
    let escaped = "%7B%22uservalue0%22%3A%22a%22%7D";
    assert_eq!(form("'json'", escaped).as_deref(), Some(object));
    let map = "{ type = 'json', holds = 'object', optional = true }";
    assert_eq!(typed(map, "\"[]\"").as_deref(), Some("{}"));
    assert_eq!(form(map, "[ ]").as_deref(), Some("{}"));
    assert_eq!(form(map, "[1]"), None);
    for unset in ["", "null", "\"\""] {
        assert_eq!(form(map, unset).as_deref(), Some("null"), "{unset:?}");
    }
    for wrong in ["\"{\"", "\"1\"", "1", r#""{\"a\":1,\"a\":2}""#, r#""\"\\\"{}\\\"\"""#] {
        assert_eq!(typed("'json'", wrong), None, "{wrong}");
    }
}

#[test]
fn accepts_null_and_empty_string_for_an_optional_field() {
    assert_eq!(typed("'json?'", "\"\"").as_deref(), Some("null"));
    assert_eq!(typed("'integer?'", "null").as_deref(), Some("null"));
    assert_eq!(form("'integer?'", "").as_deref(), Some("null"));
    assert_eq!(typed("'integer?'", "\"\"").as_deref(), Some("null"));
    assert_eq!(form("'string?'", "").as_deref(), Some("\"\""));
    assert_eq!(form("'integer'", ""), None);
    assert_eq!(typed("'array'", "null"), None);
    assert_eq!(typed("'array'", "99"), None);
    assert_eq!(typed("{ type = 'array', wrap = true }", "99").as_deref(), Some("[99]"));
    assert_eq!(typed("{ type = 'array', nullable = true }", "null").as_deref(), Some("null"));
}

#[test]
fn reads_booleans_and_numbers_from_strings() {
    assert_eq!(typed("'boolean'", "\"true\"").as_deref(), Some("true"));
    assert_eq!(typed("'boolean'", "0").as_deref(), Some("false"));
    assert_eq!(typed("'boolean'", "2"), None);
    assert_eq!(typed("'number'", "44.15314104741461").as_deref(), Some("44.15314104741461"));
    assert_eq!(typed("'number'", "\"1e2\"").as_deref(), Some("1e2"));
    for wrong in ["\"\"", "\"nan\"", "\".5\"", "\"1,5\""] {
        assert_eq!(typed("'number'", wrong), None, "{wrong}");
    }
}

#[test]
fn keeps_undeclared_fields_and_renames_aliases() {
    let fields = fields("score = { type = 'array', aliases = ['socre'] }\nid = 'integer?'");
    assert_eq!(
        event(&fields, r#"{"socre":[99],"x":{"y":1.10}}"#).0,
        r#"{"score":[99],"x":{"y":1.10}}"#
    );
    assert_eq!(event(&fields, r#"{"socre":[1],"score":[2]}"#).0, r#"{"socre":[1],"score":[2]}"#);
    assert_eq!(event(&fields, r#"{"id":1}"#), (r#"{"id":1}"#.into(), "score".into()));
}

#[test]
fn converts_fields_of_nested_objects_and_arrays() {
    let list = "{ type = 'json', fields = { n = 'integer', u = 'json?', s = { type = \
                    'boolean', optional = true, aliases = ['t'] } } }";
    let value = r#"[{"n":"1","u":"{\"a\":1}","t":true,"x":null},{"n":2}]"#;
    let out = r#"[{"n":1,"u":{"a":1},"s":true,"x":null},{"n":2}]"#;
    assert_eq!(typed(list, value).as_deref(), Some(out));
    assert_eq!(form(list, value).as_deref(), Some(out));
    let inner = fields(&format!("f = {list}"));
    for (body, shown) in [
        (r#"{"f":[{"n":1},{"u":"{}"}]}"#, "expected the field `f[1].n`, found none"),
        (r#"{"f":[1]}"#, "expected `f[0]` to be a valid object, found a value of type number"),
    ] {
        let mut inner = inner.clone();
        inner.mark_essential(["f", "n"].into_iter());
        let error = convert(&inner, &Object::from_json(body).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), shown);
    }
    let few = fields("f = { type = 'array', max_items = 1, fields = { n = 'integer?' } }");
    assert_eq!(event(&few, r#"{"f":[{}]}"#).1, "");
    assert_eq!(event(&few, r#"{"f":[{},{}]}"#), (r#"{"f":[{},{}]}"#.into(), "f".into()));
}

#[test]
fn copies_misfits_as_received_and_lists_each_path_once() {
    let fields = fields(
        "n = 'integer'\nm = 'string'\nl = { type = 'integer', lenient = true }\n\
             o = { type = 'object', fields = { n = 'integer', s = 'string?' } }\n\
             a = { type = 'array', fields = { n = 'integer', u = 'json?' } }\n\
             i = { type = 'array', of = 'integer' }",
    );
    for (body, out, misfits) in [
        (
            r#"{"n":1.5,"m":"","l":"x","o":{"n":"1"},"a":[],"i":["1"]}"#,
            r#"{"n":1.5,"m":"","l":"x","o":{"n":1},"a":[],"i":[1]}"#,
            "n",
        ),
        (
            r#"{"n":null,"l":1,"o":{"n":{},"s":true},"a":[],"i":["1","x",2,[]]}"#,
            r#"{"n":null,"l":1,"o":{"n":{},"s":true},"a":[],"i":[1,"x",2,[]]}"#,
            "n o.n o.s i[] m",
        ),
        (
            r#"{"n":"2","m":"","l":1,"o":[],"a":[{"n":"3"},{"u":"{"},4,{"n":"x"}],"i":{}}"#,
            r#"{"n":2,"m":"","l":1,"o":[],"a":[{"n":3},{"u":"{"},4,{"n":"x"}],"i":{}}"#,
            "o a[].u a[].n a[] i",
        ),
    ] {
        assert_eq!(event(&fields, body), (out.into(), misfits.into()), "{body}");
    }
}

#[test]
fn refuses_misfit_in_an_essential_field() {
    let mut fields = fields(
        "n = 'integer?'\ns = 'string'\nl = { type = 'integer', lenient = true }\n\
             o = { type = 'object', optional = true, fields = { n = 'integer', x = 'integer' } }",
    );
    for path in [&["n"][..], &["s"], &["l"], &["o", "n"], &["unknown"]] {
        fields.mark_essential(path.iter().copied());
    }
    let convert = |body| convert(&fields, &Object::from_json(body).unwrap());
    for (body, error) in [
        (
            r#"{"n":"x","s":"","l":1}"#,
            "expected `n` to be a valid integer, found a value of type string",
        ),
        (r#"{"n":1,"l":1}"#, "expected the field `s`, found none"),
        (r#"{"s":"","l":1,"o":{"x":1}}"#, "expected the field `o.n`, found none"),
        (
            r#"{"s":"","l":1,"o":1}"#,
            "expected `o` to be a valid object, found a value of type number",
        ),
    ] {
        assert_eq!(convert(body).unwrap_err().to_string(), error, "{body}");
    }
    let (_, misfits) = convert(r#"{"s":"","l":"x","o":{"n":1,"x":"x"}}"#).unwrap();
    assert_eq!(misfits, ["o.x".into()]);
}

#[test]
fn reports_misspelt_name_of_a_declared_field() {
    let fields = fields("disable_tvout = 'integer?'\nmessage = 'string?'");
    for name in ["disable_tvot", "Disable-TVOut", "disable_tv_out", "massage", "mesage_"] {
        assert!(fields.check_unknown(name).is_err(), "expected an error for {name}, found none");
    }
    for name in ["user", "disable", "tvout", "message_id", "code"] {
        assert_eq!(fields.check_unknown(name), Ok(()), "{name}");
    }
}

#[test]
fn integer_outside_the_range_is_a_misfit() {
    let range = "{ type = 'integer', min = 0, max = 1 }";
    assert_eq!(typed(range, "1").as_deref(), Some("1"));
    assert_eq!(typed(range, "2"), None);
    assert_eq!(typed(range, "-1"), None);
}

#[test]
fn suggests_the_closest_type_for_an_unknown_type() {
    let faults =
        toml_reader::read("f = 'integr'", FaultKind::DefinitionInvalid, |table, faults| {
            Some(read_fields(table, Usage::Event, faults))
        })
        .unwrap_err();
    let shown = faults.first().unwrap().to_string();
    let start = "1:5: f: expected a known type, found \"integr\"; did you mean `integer`?";
    assert!(shown.starts_with(start), "expected {start}, found {shown}");
}
