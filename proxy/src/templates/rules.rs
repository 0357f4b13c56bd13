//! The rules of the console that an edit must keep, beside those of the config itself.

use toml_edit::{Item, TableLike};

use super::document::Document;
use super::fields::{string, strings};
use super::problem::{Code, Problem};

/// No two templates have one name.
pub(crate) fn check_name_is_free(document: &Document, name: &str) -> Result<(), Problem> {
    match document.template(name) {
        Err(_) => Ok(()),
        Ok(_) => {
            let message = format!("there is a template `{name}` already; choose another name");
            Err(Problem::new(Code::NameTaken, message))
        }
    }
}

/// A tenant has at most one template per provider.
pub(crate) fn check_tenant_is_free(
    document: &Document,
    name: &str,
    provider: &str,
    tenant: &str,
) -> Result<(), Problem> {
    let templates = document.templates().into_iter();
    let mut others = templates.filter(|other| {
        string(*other, "name") != Some(name) && string(*other, "provider") == Some(provider)
    });
    let Some(other) = others.find(|other| strings(*other, "bind").contains(&tenant)) else {
        return Ok(());
    };
    let other = string(other, "name").unwrap_or_default();
    let message = format!("`{tenant}` is bound to the template `{other}`; unbind it there first");
    Err(Problem::new(Code::TenantTaken, message))
}

/// The console's rule: at least one address or answer.
pub(crate) fn check_has_delivery(template: &dyn TableLike, name: &str) -> Result<(), Problem> {
    let delivers = |item: &Item| {
        let table = item.as_table_like();
        item.is_str()
            || table.is_some_and(|table| table.contains_key("url") || table.contains_key("answer"))
    };
    let on = template.get("on").and_then(Item::as_table_like);
    if on.is_some_and(|on| on.iter().any(|(_, item)| delivers(item))) {
        return Ok(());
    }
    let message =
        format!("`{name}` would have neither an address nor an answer; give it one for a kind");
    Err(Problem::invalid(message))
}

/// Nothing is said twice.
pub(crate) fn check_once<'n>(
    what: &str,
    names: impl Iterator<Item = &'n String>,
) -> Result<(), Problem> {
    let mut seen: Vec<&String> = Vec::new();
    for name in names {
        if seen.contains(&name) {
            let message = format!("the {what} `{name}` is given twice; give it once");
            return Err(Problem::invalid(message));
        }
        seen.push(name);
    }
    Ok(())
}
