//! Generator of the manual's page of the admin API, from the OpenAPI document of the API.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use crate::generated_page::{cell, check, first_line};

const LEAD: &str = "The HTTP API of the admin listener, from the document that `GET /api/openapi.json` returns.

```toml
admin = \"127.0.0.1:9900\"
admin_token = { env = \"GATEPOST_ADMIN_TOKEN\" }       # may read and change
admin_read_token = { env = \"GATEPOST_READ_TOKEN\" }   # may only read
```

```sh
curl -H \"authorization: Bearer $GATEPOST_ADMIN_TOKEN\" http://127.0.0.1:9900/api/templates
```

If the config has neither token, every path of the API returns 404. These paths need no token:

| path | returns |
|---|---|
| `/healthz` | 200 and `ok` while the process runs |
| `/readyz` | 200 while gatepost serves, and [which config](service.md) it serves |
| `/metrics` | [metrics](metrics.md) in the text format of Prometheus |

An edit changes the config file, and keeps its comments and order. It applies to every callback that arrives after the response, and
drops no request. If an edit makes the config invalid, gatepost refuses the whole edit.

An error is `{\"error\":{\"code\":\"…\",\"message\":\"…\"}}`; the [errors](#errors) and the [bodies](#bodies) are at the end.
";

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

struct Document(Value);

impl Document {
    /// Returns the value to which a `$ref` refers, or the value itself if it is not a `$ref`.
    fn resolve<'v>(&'v self, value: &'v Value) -> &'v Value {
        let path = value["$ref"].as_str().and_then(|path| path.strip_prefix('#'));
        path.and_then(|path| self.0.pointer(path)).unwrap_or(value)
    }

    /// Returns a schema as the page shows it, for example `list of string`.
    fn form(&self, schema: &Value) -> String {
        if let Some(path) = schema["$ref"].as_str() {
            return format!("`{}`", path.rsplit('/').next().unwrap_or_default());
        }
        if let Some(words) = schema["enum"].as_array() {
            let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
            return words.join(", ");
        }
        if let Some(value) = schema.get("const") {
            return format!("`{value}`");
        }
        if let Some(any) = schema["oneOf"].as_array() {
            let forms: Vec<_> = any.iter().map(|one| self.form(one)).collect();
            return forms.join(" or ");
        }
        let types = match schema["type"].as_array() {
            Some(types) => types.iter().filter_map(Value::as_str).collect(),
            None => Vec::from_iter(schema["type"].as_str()),
        };
        let words: Vec<_> = types.into_iter().map(|name| self.word(name, schema)).collect();
        if words.is_empty() { "any value".to_owned() } else { words.join(" or ") }
    }

    /// Returns the page's word for a type of JSON Schema.
    fn word(&self, name: &str, schema: &Value) -> String {
        if name == "array" {
            format!("list of {}", self.form(&schema["items"]))
        } else {
            name.to_owned()
        }
    }

    fn operation(&self, title: &str, shared: &Value, operation: &Value, out: &mut String) {
        let text = |key: &str| operation[key].as_str().unwrap_or_default();
        let summary = text("summary").trim_end_matches('.');
        write!(out, "\n# `{title}`\n\n{summary}. {}", text("description")).unwrap();
        *out = out.trim_end().to_owned() + "\n";
        let lists = [&shared["parameters"], &operation["parameters"]].into_iter();
        let rows: String =
            lists.filter_map(Value::as_array).flatten().map(|one| self.parameter(one)).collect();
        if !rows.is_empty() {
            write!(out, "\n| parameter | place | value | meaning |\n|---|---|---|---|\n{rows}")
                .unwrap();
        }
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        if !body.is_null() {
            writeln!(out, "\nBody: JSON, {}.", self.form(body)).unwrap();
        }
        let responses = operation["responses"].as_object().into_iter().flatten();
        let (good, bad): (Vec<_>, Vec<_>) =
            responses.partition(|(status, _)| status.starts_with('2'));
        for (status, response) in good {
            writeln!(out, "\nReturns {status}: {}", self.response(response)).unwrap();
        }
        let bad: Vec<_> = bad.iter().map(|(status, _)| status.as_str()).collect();
        writeln!(out, "\n[Errors](#errors): {}.", bad.join(", ")).unwrap();
    }

    /// Writes the table of all error responses.
    fn errors(&self, out: &mut String) {
        let mut rows = BTreeSet::new();
        let paths = self.0["paths"].as_object().into_iter().flatten();
        let operations = paths.flat_map(|(_, path)| path.as_object().into_iter().flatten());
        for (_, operation) in operations {
            for (status, response) in operation["responses"].as_object().into_iter().flatten() {
                if !status.starts_with('2') {
                    rows.insert(format!("| {status} | {} |\n", self.response(response)));
                }
            }
        }
        *out += "\n# Errors\n\n| status | code and meaning |\n|---|---|\n";
        out.extend(rows);
    }

    fn response(&self, response: &Value) -> String {
        let response = self.resolve(response);
        let about = cell(response["description"].as_str().unwrap_or_default());
        let schema = &response["content"]["application/json"]["schema"];
        let is_error = schema["$ref"].as_str().is_none_or(|path| path.ends_with("/Error"));
        if is_error { about } else { format!("{about} Body: {}.", self.form(schema)) }
    }

    fn parameter(&self, parameter: &Value) -> String {
        let parameter = self.resolve(parameter);
        let text = |key: &str| cell(parameter[key].as_str().unwrap_or_default());
        let form = self.form(&parameter["schema"]);
        format!("| `{}` | {} | {form} | {} |\n", text("name"), text("in"), text("description"))
    }

    fn schema(&self, name: &str, schema: &Value, out: &mut String) {
        let about = cell(schema["description"].as_str().unwrap_or_default());
        write!(out, "\n## `{name}`\n\n{about}").unwrap();
        let required: Vec<_> = schema["required"].as_array().into_iter().flatten().collect();
        let Some(members) = schema["properties"].as_object() else {
            *out = format!("{}\n\nValue: {}.\n", out.trim_end(), self.form(schema));
            return;
        };
        *out = out.trim_end().to_owned() + "\n\n| member | value | meaning |\n|---|---|---|\n";
        for (member, schema) in members {
            let about = cell(schema["description"].as_str().unwrap_or_default());
            let needed =
                if required.iter().any(|name| *name == member) { "" } else { ", optional" };
            writeln!(out, "| `{member}` | {}{needed} | {about} |", self.form(schema)).unwrap();
        }
    }
}

#[test]
fn api_page_has_every_operation() {
    let document = Document(serde_json::from_str(include_str!("openapi.json")).unwrap());
    let mut text = first_line() + LEAD;
    for (path, operations) in document.0["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            let Some(operation) = operations.get(method) else { continue };
            let title = format!("{} {path}", method.to_uppercase());
            document.operation(&title, operations, operation, &mut text);
        }
    }
    document.errors(&mut text);
    text += "\n# Bodies\n";
    for (name, schema) in document.0["components"]["schemas"].as_object().into_iter().flatten() {
        document.schema(name, schema, &mut text);
    }
    check("api.md", &text);
}
