//! The changes that an account needs to match a config.
//!
//! 1. gatepost marks the description of each template that it creates. gatepost changes another
//!    template only if the operator names that template with `--adopt`.
//! 2. gatepost removes its own templates and rules only with `--prune`. It removes no others.
//! 3. If a change has a conflict, gatepost makes no change.

use super::account::{AccountRule, AccountState, AccountTemplate, CALLBACK_KEY, Parameters};
use super::wanted::{self, WantedTemplate, is_marked};
use super::{PlanOptions, Site};

/// Maximum number of templates in an account.
const MAX_TEMPLATES: usize = 50;

/// A change to the account.
#[derive(Debug)]
pub(crate) enum Change<'p> {
    Create {
        wanted: &'p WantedTemplate,
    },
    Modify {
        id: i64,
        wanted: &'p WantedTemplate,
        differences: Vec<Difference>,
    },
    Bind {
        template: &'p str,
        domain: &'p str,
        app: &'p str,
    },
    /// Moves a domain between two templates of gatepost. The platform needs two requests for this.
    Rebind {
        from: &'p str,
        template: &'p str,
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

/// A parameter of a template that changes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(super) parameter: &'static str,
    /// Value in the account; for a key, its source in the config.
    pub(super) from: String,
    pub(super) to: String,
}

/// Changes, and the conflicts that prevent them.
#[derive(Debug, Default)]
pub(crate) struct Plan<'p> {
    pub(crate) changes: Vec<Change<'p>>,
    pub(crate) conflicts: Vec<String>,
    /// Remarks for the operator, which prevent no change.
    pub(crate) notes: Vec<String>,
}

/// Plans the changes that the account needs to match the config.
pub(crate) fn plan<'p>(
    wanted: &'p [WantedTemplate],
    account: &'p AccountState,
    options: &'p PlanOptions,
) -> Plan<'p> {
    let mut planner = Planner { wanted, account, options, plan: Plan::default() };
    for template in wanted {
        planner.template(template);
    }
    for template in wanted {
        for domain in &template.domains {
            planner.bind(template, domain);
        }
    }
    planner.others();
    planner.check_limit();
    planner.plan
}

struct Planner<'p> {
    wanted: &'p [WantedTemplate],
    account: &'p AccountState,
    options: &'p PlanOptions,
    plan: Plan<'p>,
}

impl<'p> Planner<'p> {
    fn template(&mut self, wanted: &'p WantedTemplate) {
        let name = &wanted.name;
        if !wanted.by_hand.is_empty() {
            self.plan.notes.push(format!(
                "template {name}: the international API cannot set the address of {}; enter it in the \
                 console, or use --site china",
                wanted.by_hand.join(", ")
            ));
        }
        if wanted.keys.is_empty() {
            let note = "has no key, so gatepost leaves the key of the account as it is";
            self.plan.notes.push(format!("template {name}: {note}"));
        }
        let named = self.account.templates.iter().filter(|own| own.template_name == *name);
        match &*named.collect::<Vec<_>>() {
            [] => self.plan.changes.push(Change::Create { wanted }),
            [own] if self.is_ours(own) => self.modify(own, wanted),
            [_] => self.plan.conflicts.push(format!(
                "template {name}: expected a template that gatepost has created, found another \
                 template of this name; add --adopt {name} to take it over, or rename the template \
                 in the config"
            )),
            several => self.plan.conflicts.push(format!(
                "template {name}: expected one template of this name in the account, found {}; rename \
                 the others in the console",
                several.len()
            )),
        }
    }

    /// Returns true if gatepost may change a template of the account.
    fn is_ours(&self, template: &AccountTemplate) -> bool {
        has_mark(template) || self.options.adopt.contains(&template.template_name)
    }

    fn modify(&mut self, own: &'p AccountTemplate, wanted: &'p WantedTemplate) {
        let differences = differences(own, wanted, self.options.site);
        if differences.iter().any(|difference| difference.parameter == CALLBACK_KEY) {
            self.plan.notes.push(format!(
                "template {}: reload gatepost with the new key before you apply its change",
                wanted.name
            ));
        }
        if !differences.is_empty() {
            let id = own.template_id;
            self.plan.changes.push(Change::Modify { id, wanted, differences });
        }
    }

    fn bind(&mut self, wanted: &'p WantedTemplate, domain: &'p str) {
        let template = &*wanted.name;
        if domain == "*" {
            let note = "the binding of * names no domain; bind each domain in the config, or in the \
                        platform's console";
            self.plan.notes.push(format!("template {template}: {note}"));
            return;
        }
        for app in &self.options.apps {
            let mut rules = self.account.rules.iter();
            let rule =
                rules.find(|rule| is_same(&rule.domain_name, domain) && rule.app_name == *app);
            let bound = rule.map(|rule| (rule, self.template_of(rule)));
            match bound {
                None => self.plan.changes.push(Change::Bind { template, domain, app }),
                Some((_, Some(own))) if own.template_name == template => {}
                Some((_, Some(own))) if self.is_ours(own) => {
                    let from = &*own.template_name;
                    self.plan.changes.push(Change::Rebind { from, template, domain, app });
                }
                Some((rule, own)) => self.plan.conflicts.push(format!(
                    "template {template}: expected no rule of another template for {domain} and {app}, \
                     found one of {}; remove it in the console, or add --adopt with that name",
                    own.map_or_else(|| rule.template_id.to_string(), |own| own.template_name.clone())
                )),
            }
        }
    }

    fn template_of(&self, rule: &AccountRule) -> Option<&'p AccountTemplate> {
        self.account.templates.iter().find(|own| own.template_id == rule.template_id)
    }

    /// Plans the removal of gatepost's rules and templates that the config does not have. Without
    /// `--prune`, adds only notes.
    fn others(&mut self) {
        let account = self.account;
        for rule in &account.rules {
            let Some(own) = self.template_of(rule).filter(|own| has_mark(own)) else { continue };
            if self.wants_rule(rule) {
                continue;
            }
            let (template, domain, app) =
                (&*own.template_name, &*rule.domain_name, &*rule.app_name);
            if self.options.prune {
                self.plan.changes.push(Change::Unbind { template, domain, app });
            } else {
                self.plan.notes.push(format!(
                    "template {template}: the config does not bind {domain} ({app}); --prune unbinds it"
                ));
            }
        }
        for own in account.templates.iter().filter(|own| has_mark(own)) {
            let (id, template) = (own.template_id, &*own.template_name);
            if self.wanted.iter().any(|wanted| wanted.name == template) {
                continue;
            }
            if self.options.prune {
                self.plan.changes.push(Change::Delete { id, template });
            } else {
                self.plan.notes.push(format!(
                    "template {template}: gatepost has created it, and the config does not have it; --prune \
                     deletes it"
                ));
            }
        }
    }

    fn wants_rule(&self, rule: &AccountRule) -> bool {
        let has = |wanted: &WantedTemplate| {
            wanted.domains.iter().any(|domain| is_same(&rule.domain_name, domain))
        };
        self.options.apps.contains(&rule.app_name) && self.wanted.iter().any(has)
    }

    fn check_limit(&mut self) {
        let count = |is: fn(&Change<'_>) -> bool| {
            self.plan.changes.iter().filter(|change| is(change)).count()
        };
        let created = count(|change| matches!(change, Change::Create { .. }));
        let after = self.account.templates.len() + created;
        let after = after - count(|change| matches!(change, Change::Delete { .. }));
        if created > 0 && after > MAX_TEMPLATES {
            self.plan.conflicts.push(format!(
                "expected at most {MAX_TEMPLATES} templates in the account, found {after} after this \
                 plan; delete some in the console"
            ));
        }
    }
}

/// Returns true if gatepost has created the template.
fn has_mark(template: &AccountTemplate) -> bool {
    is_marked(template.text("Description"))
}

/// Returns true if two domain names are the same, regardless of case.
fn is_same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Returns the differences between a template of the account and the config.
fn differences(own: &AccountTemplate, wanted: &WantedTemplate, site: Site) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut compare = |parameter, from: &str, to: &str| {
        if from != to {
            found.push(Difference { parameter, from: from.to_owned(), to: to.to_owned() });
        }
    };
    compare("Description", own.text("Description"), &wanted.description);
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

/// Returns the parameters of a template. If `clears` is true, adds an empty value for each other
/// address, so that the platform clears that address.
pub(super) fn parameters(wanted: &WantedTemplate, site: Site, clears: bool) -> Parameters {
    let mut all = wanted.urls.clone();
    if clears {
        for address in wanted::addresses(site) {
            all.entry(address.parameter).or_default();
        }
    }
    all.insert("TemplateName", wanted.name.clone());
    all.insert("Description", wanted.description.clone());
    if let Some(key) = wanted.keys.first() {
        all.insert(CALLBACK_KEY, key.text.clone());
    }
    all
}
