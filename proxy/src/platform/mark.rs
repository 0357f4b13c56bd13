//! The mark at the start of a callback template's description. The platform does not store the
//! author of a callback template or of a rule. Only the mark shows that gatepost is the author.
//!
//! 1. `gatepost` marks a callback template that gatepost has created. `gatepost_adopted` marks a
//!    callback template that the operator has created, and then handed over with `--adopt`.
//! 2. For each rule that gatepost has made for the callback template, `_` and the hash of the rule
//!    follow.
//! 3. If the template in the config has a `description`, `-` and the description follow.

use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};

use super::account::AccountRule;

const CREATED: &str = "gatepost";
const ADOPTED: &str = "adopted";

/// Number of digits of a rule's hash.
const HASH_DIGITS: usize = 8;

/// Maximum length of a description in the platform's API, in bytes.
const MAX_DESCRIPTION_BYTES: usize = 1024;

/// Mark of a callback template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// True if the operator has handed over a callback template of their own.
    pub(super) is_adopted: bool,
    /// Hashes of the rules that gatepost has made.
    rules: Vec<String>,
}

impl Mark {
    /// Returns the mark of a callback template that gatepost did not create.
    pub(super) fn adopted() -> Self {
        Self { is_adopted: true, ..Self::default() }
    }

    /// Returns this mark without rules.
    pub(super) fn without_rules(&self) -> Self {
        Self { is_adopted: self.is_adopted, ..Self::default() }
    }

    /// Returns the mark in a description; `None` if the description has none.
    pub(super) fn parse(description: &str) -> Option<Self> {
        let mark = description.split('-').next()?;
        let mut words = mark.split('_').peekable();
        if words.next() != Some(CREATED) {
            return None;
        }
        let is_adopted = words.next_if_eq(&ADOPTED).is_some();
        let is_hash = |word: &str| {
            word.len() == HASH_DIGITS && word.bytes().all(|digit| digit.is_ascii_hexdigit())
        };
        let rules: Option<_> = words.map(|word| is_hash(word).then(|| word.to_owned())).collect();
        Some(Self { is_adopted, rules: rules? })
    }

    /// Returns true if gatepost has made the rule, according to this mark.
    pub(super) fn has_made(&self, rule: &AccountRule) -> bool {
        self.rules.contains(&hash(&rule.domain_name, &rule.app_name))
    }

    /// Adds a rule that gatepost has made.
    pub(super) fn add(&mut self, domain: &str, app: &str) {
        let hash = hash(domain, app);
        if !self.rules.contains(&hash) {
            self.rules.push(hash);
        }
    }

    /// Removes a rule.
    pub(super) fn remove(&mut self, domain: &str, app: &str) {
        let hash = hash(domain, app);
        self.rules.retain(|own| *own != hash);
    }

    /// Returns a description with this mark, then `note`. Omits rules that do not fit into the
    /// description: gatepost then treats these rules as rules of the operator, and never removes
    /// them.
    pub(super) fn before(&self, note: &str) -> String {
        let note = if note.is_empty() { String::new() } else { format!("-{note}") };
        let mut text = CREATED.to_owned();
        if self.is_adopted {
            text.push('_');
            text.push_str(ADOPTED);
        }
        let room = MAX_DESCRIPTION_BYTES.saturating_sub(text.len() + note.len());
        for rule in self.rules.iter().take(room / (HASH_DIGITS + 1)) {
            text.push('_');
            text.push_str(rule);
        }
        text + &note
    }
}

/// Returns the hash of a rule. Domain names are case-insensitive.
fn hash(domain: &str, app: &str) -> String {
    let text = format!("{}/{app}", domain.to_ascii_lowercase());
    let mut hash = HEXLOWER.encode(digest(&SHA256, text.as_bytes()).as_ref());
    hash.truncate(HASH_DIGITS);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(domain: &str, app: &str) -> AccountRule {
        AccountRule { domain_name: domain.into(), app_name: app.into(), template_id: 1 }
    }

    #[test]
    fn description_names_only_rules_that_gatepost_has_made() {
        let mut mark = Mark::default();
        assert_eq!(
            (mark.before(""), mark.before("x-y")),
            ("gatepost".into(), "gatepost-x-y".into())
        );
        mark.add("Push.example.com", "live");
        mark.add("push.example.com", "live");
        let read = Mark::parse(&mark.before("x-y")).unwrap();
        assert_eq!(read, mark);
        assert!(read.has_made(&rule("push.example.com", "live")));
        assert!(!read.has_made(&rule("push.example.com", "vip")));
        assert!(Mark::parse(&Mark::adopted().before("x")).unwrap().is_adopted);
        for (text, is_marked) in [
            ("gatepost", true),
            ("gatepost-adopted", true),
            ("gatepost_adopted-x", true),
            ("gateposted", false),
            ("gatepost_by_hand", false),
            ("by gatepost", false),
            ("", false),
        ] {
            assert_eq!(Mark::parse(text).is_some(), is_marked, "{text}");
        }
        assert!(!Mark::parse("gatepost-adopted").unwrap().is_adopted);
    }

    #[test]
    fn omits_rules_that_do_not_fit_into_description() {
        let mut mark = Mark::adopted();
        (0..200).for_each(|number| mark.add(&format!("d{number}.example.com"), "live"));
        let text = mark.before(&"直".repeat(100));
        assert!(text.len() <= MAX_DESCRIPTION_BYTES, "{}", text.len());
        let read = Mark::parse(&text).unwrap();
        assert!(read.has_made(&rule("d0.example.com", "live")));
        assert!(!read.has_made(&rule("d199.example.com", "live")));
    }
}
