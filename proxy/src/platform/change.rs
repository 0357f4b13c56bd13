//! Changes of an account: each change, and the parameters of a callback template.

use super::Site;
use super::account::{AccountTemplate, CALLBACK_KEY, Parameters};
use super::mark::Mark;
use super::wanted::{self, WantedTemplate};

/// A change to the account.
#[derive(Debug)]
pub(crate) enum Change<'p> {
    Create {
        wanted: &'p WantedTemplate,
    },
    Modify {
        id: i64,
        wanted: &'p WantedTemplate,
        mark: Mark,
        differences: Vec<Difference>,
    },
    Bind {
        wanted: &'p WantedTemplate,
        domain: &'p str,
        app: &'p str,
    },
    /// Move of a domain from one callback template to another. The platform's API needs two
    /// requests for a move.
    Rebind {
        from: &'p AccountTemplate,
        /// The config's template with the name of `from`; `None` if the config has none.
        losing: Option<&'p WantedTemplate>,
        wanted: &'p WantedTemplate,
        domain: &'p str,
        app: &'p str,
    },
    Unbind {
        template: &'p str,
        domain: &'p str,
        app: &'p str,
    },
    Delete {
        id: i64,
        template: &'p str,
    },
}

/// A changed parameter of a callback template.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(super) parameter: &'static str,
    /// Value in the account. For a key, the source of this value in the config, or words in place
    /// of the key.
    pub(super) from: String,
    pub(super) to: String,
}

/// Returns the differences between a callback template of the account and the config.
pub(super) fn differences(
    own: &AccountTemplate,
    wanted: &WantedTemplate,
    mark: &Mark,
    site: Site,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut compare = |parameter, from: &str, to: &str| {
        if from != to {
            found.push(Difference { parameter, from: from.to_owned(), to: to.to_owned() });
        }
    };
    compare("Description", own.text("Description"), &mark.before(&wanted.note));
    for address in wanted::addresses(site).filter(|address| address.is_shown) {
        let to = wanted.urls.get(address.parameter).map_or("", String::as_str);
        compare(address.parameter, own.text(address.parameter), to);
    }
    if let Some(first) = wanted.keys.first() {
        let current = own.text(CALLBACK_KEY);
        if current != first.text {
            let known = wanted.keys.iter().find(|key| key.text == current);
            let from = match known {
                Some(key) => &*key.source,
                None if current.is_empty() => "no key",
                None => "a key that the config does not have",
            };
            compare(CALLBACK_KEY, from, &first.source);
        }
    }
    found
}

/// Returns the parameters of a callback template with a mark. If `clears` is true, adds an empty
/// value for each address that `wanted` does not have, so that the platform clears that address.
pub(super) fn parameters(
    wanted: &WantedTemplate,
    mark: &Mark,
    site: Site,
    clears: bool,
) -> Parameters {
    let mut all = wanted.urls.clone();
    if clears {
        for address in wanted::addresses(site) {
            all.entry(address.parameter).or_default();
        }
    }
    all.insert("TemplateName", wanted.name.clone());
    all.insert("Description", mark.before(&wanted.note));
    if let Some(key) = wanted.keys.first() {
        all.insert(CALLBACK_KEY, key.text.clone());
    }
    all
}
