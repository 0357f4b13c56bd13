//! The changes that an account needs to match a config.
//!
//! 1. gatepost marks the description of each callback template that it creates. gatepost changes a
//!    callback template without a mark only if the operator names it with `--adopt`, and then marks
//!    it as adopted.
//! 2. gatepost removes callback templates and rules only with `--prune`, and only those that it has
//!    made according to the [mark](super::mark). gatepost deletes no callback template that has a
//!    rule of the operator.
//! 3. A key that the running gatepost refuses is a conflict. If [`AcceptsKey`] cannot ask the
//!    running gatepost, the plan has a note.
//! 4. If a plan has a conflict, gatepost makes none of its changes.

use super::PlanOptions;
use super::account::{AccountRule, AccountState, AccountTemplate, CALLBACK_KEY};
use super::change::{Change, differences};
use super::mark::Mark;
use super::wanted::{WantedKey, WantedTemplate};

/// Maximum number of callback templates in an account.
const MAX_TEMPLATES: usize = 50;

/// Changes, and the conflicts that prevent them.
#[derive(Debug, Default)]
pub(crate) struct Plan<'p> {
    pub(crate) changes: Vec<Change<'p>>,
    pub(crate) conflicts: Vec<String>,
    /// Remarks for the operator, which prevent no change.
    pub(crate) notes: Vec<String>,
}

/// Function that asks the running gatepost whether it accepts a key for a template. If the function
/// cannot ask, it returns the reason.
pub(super) type AcceptsKey<'a> = dyn Fn(&str, &[u8]) -> Result<bool, String> + 'a;

/// Plans the changes that the account needs to match the config.
pub(crate) fn plan<'p>(
    wanted: &'p [WantedTemplate],
    account: &'p AccountState,
    options: &'p PlanOptions,
    accepts_key: &AcceptsKey<'_>,
) -> Plan<'p> {
    let mut planner = Planner { wanted, account, options, accepts_key, plan: Plan::default() };
    for template in wanted {
        planner.template(template);
    }
    for template in wanted {
        planner.bind_all(template);
    }
    planner.remaining_rules();
    planner.remaining_templates();
    planner.check_limit();
    planner.plan.notes.dedup();
    planner.plan
}

struct Planner<'p, 'a> {
    wanted: &'p [WantedTemplate],
    account: &'p AccountState,
    options: &'p PlanOptions,
    accepts_key: &'a AcceptsKey<'a>,
    plan: Plan<'p>,
}

impl<'p> Planner<'p, '_> {
    fn template(&mut self, wanted: &'p WantedTemplate) {
        let name = &wanted.name;
        if !wanted.by_hand.is_empty() {
            self.plan.notes.push(format!(
                "template {name}: the international API cannot set the address of {}; enter it in the \
                 platform's console, or use --site china",
                wanted.by_hand.join(", ")
            ));
        }
        if wanted.keys.is_empty() {
            let note = "has no key, so gatepost does not change the key of the callback template";
            self.plan.notes.push(format!("template {name}: {note}"));
        }
        let named = self.account.templates.iter().filter(|own| own.template_name == *name);
        match &*named.collect::<Vec<_>>() {
            [] => {
                self.check_key(wanted);
                self.plan.changes.push(Change::Create { wanted });
            }
            [own] if self.is_ours(own) => self.modify(own, wanted),
            [_] => self.plan.conflicts.push(format!(
                "template {name}: expected a callback template that gatepost has created, found \
                 another of this name; add --adopt {name} to let gatepost manage it, or rename the \
                 template in the config"
            )),
            several => self.plan.conflicts.push(format!(
                "template {name}: expected one callback template of this name in the account, found \
                 {}; rename the others in the platform's console",
                several.len()
            )),
        }
    }

    /// Returns true if gatepost may change a callback template of the account.
    fn is_ours(&self, template: &AccountTemplate) -> bool {
        mark(template).is_some() || self.options.adopt.contains(&template.template_name)
    }

    fn modify(&mut self, own: &'p AccountTemplate, wanted: &'p WantedTemplate) {
        let mark = self.next_mark(own);
        let differences = differences(own, wanted, &mark, self.options.site);
        if differences.iter().any(|difference| difference.parameter == CALLBACK_KEY) {
            self.check_key(wanted);
        }
        if !differences.is_empty() {
            let id = own.template_id;
            self.plan.changes.push(Change::Modify { id, wanted, mark, differences });
        }
    }

    /// Returns the new mark for a callback template of the account, with the rules that
    /// remain. gatepost removes a rule from the mark before it removes the rule itself. gatepost
    /// then cannot mistake a later rule of the operator for its own.
    fn next_mark(&self, own: &AccountTemplate) -> Mark {
        let now = mark(own).unwrap_or_else(Mark::adopted);
        let mut next = now.without_rules();
        for rule in self.rules_of(own).filter(|rule| now.has_made(rule)) {
            if self.wants(rule) || !self.options.prune {
                next.add(&rule.domain_name, &rule.app_name);
            }
        }
        next
    }

    /// Checks that the running gatepost accepts the key that this plan sends to the platform.
    fn check_key(&mut self, wanted: &WantedTemplate) {
        let Some(WantedKey { text, source }) = wanted.keys.first() else { return };
        match (self.accepts_key)(&wanted.name, text.as_bytes()) {
            Ok(true) => {}
            Ok(false) => self.plan.conflicts.push(format!(
                "template {}: expected a key that the running gatepost accepts, found another in \
                 {source}; reload gatepost with this config and this key first",
                wanted.name
            )),
            Err(problem) => self.plan.notes.push(format!(
                "cannot check which keys the running gatepost accepts: {problem}; reload the running \
                 gatepost with this config before you apply the changes"
            )),
        }
    }

    fn bind_all(&mut self, wanted: &'p WantedTemplate) {
        if wanted.binds_all {
            let note = "the binding of * names no domain; bind each domain in the config, or in the \
                        platform's console";
            self.plan.notes.push(format!("template {}: {note}", wanted.name));
        }
        let options = self.options;
        options.rules(wanted).for_each(|(domain, app)| self.bind(wanted, domain, app));
    }

    fn bind(&mut self, wanted: &'p WantedTemplate, domain: &'p str, app: &'p str) {
        let account = self.account;
        let rule = account.rules.iter().find(|rule| is_rule(rule, (domain, app)));
        let Some(rule) = rule else {
            return self.plan.changes.push(Change::Bind { wanted, domain, app });
        };
        match self.template_of(rule) {
            Some(from) if from.template_name == wanted.name => {}
            Some(from) if self.may_move(rule, from) => {
                let losing = self.wanted.iter().find(|own| own.name == from.template_name);
                self.plan.changes.push(Change::Rebind { from, losing, wanted, domain, app });
            }
            from => self.plan.conflicts.push(format!(
                "template {}: expected no rule of another callback template for {domain} and {app}, \
                 found one of {} that gatepost did not make; remove that rule in the platform's console, \
                 or add --adopt with the name of its callback template",
                wanted.name,
                from.map_or_else(|| rule.template_id.to_string(), |own| own.template_name.clone())
            )),
        }
    }

    /// Returns true for a rule that gatepost has made, and for a rule whose callback template the
    /// operator names with `--adopt`.
    fn may_move(&self, rule: &AccountRule, from: &AccountTemplate) -> bool {
        has_made(from, rule) || self.options.adopt.contains(&from.template_name)
    }

    fn template_of(&self, rule: &AccountRule) -> Option<&'p AccountTemplate> {
        self.account.templates.iter().find(|own| own.template_id == rule.template_id)
    }

    fn rules_of(
        &self,
        template: &AccountTemplate,
    ) -> impl Iterator<Item = &'p AccountRule> + use<'p> {
        let id = template.template_id;
        self.account.rules.iter().filter(move |rule| rule.template_id == id)
    }

    /// Returns true if the config has a template with the name of a callback template.
    fn wants_template(&self, template: &AccountTemplate) -> bool {
        self.wanted.iter().any(|wanted| wanted.name == template.template_name)
    }

    /// Returns true if the config binds the domain and the application of a rule.
    fn wants(&self, rule: &AccountRule) -> bool {
        let mut rules = self.wanted.iter().flat_map(|wanted| self.options.rules(wanted));
        rules.any(|wanted| is_rule(rule, wanted))
    }

    /// For each callback template that the config has, handles the rules that the config does not
    /// have. With `--prune`, plans the removal of a rule that gatepost has made.
    /// Adds a note for any other rule.
    fn remaining_rules(&mut self) {
        let account = self.account;
        for rule in &account.rules {
            if self.wants(rule) {
                continue;
            }
            let Some(own) = self.template_of(rule).filter(|own| self.wants_template(own)) else {
                continue;
            };
            let (template, domain, app) =
                (&*own.template_name, &*rule.domain_name, &*rule.app_name);
            if !has_made(own, rule) {
                self.plan.notes.push(format!(
                    "template {template}: the config does not bind {domain} ({app}); gatepost did not make \
                     this rule, so it leaves the rule"
                ));
            } else if self.options.prune {
                self.plan.changes.push(Change::Unbind { template, domain, app });
            } else {
                self.plan.notes.push(format!(
                    "template {template}: the config does not bind {domain} ({app}); --prune unbinds it"
                ));
            }
        }
    }

    /// Handles the marked callback templates that the config does not have. With `--prune`, plans
    /// the removal of those that gatepost has created and that have no rule of the operator. Adds a
    /// note for each other callback template.
    fn remaining_templates(&mut self) {
        let account = self.account;
        for own in &account.templates {
            let Some(mark) = mark(own).filter(|_| !self.wants_template(own)) else { continue };
            let (id, template) = (own.template_id, &*own.template_name);
            let rules: Vec<_> = self.rules_of(own).filter(|rule| !self.wants(rule)).collect();
            let others: Vec<_> = rules.iter().filter(|rule| !mark.has_made(rule)).collect();
            let because = if mark.is_adopted {
                Some("gatepost did not create it".to_owned())
            } else if let [first, ..] = *others {
                Some(format!(
                    "gatepost did not make its rule for {} ({})",
                    first.domain_name, first.app_name
                ))
            } else {
                None
            };
            match because {
                Some(because) => self.plan.notes.push(format!(
                    "callback template {template}: the config does not have it; {because}, so gatepost \
                     leaves it and its rules"
                )),
                None if self.options.prune => {
                    self.plan.changes.extend(rules.into_iter().map(|rule| {
                        let (domain, app) = (&*rule.domain_name, &*rule.app_name);
                        Change::Unbind { template, domain, app }
                    }));
                    self.plan.changes.push(Change::Delete { id, template });
                }
                None => self.plan.notes.push(format!(
                    "callback template {template}: gatepost has created it, and the config does not have \
                     it; --prune deletes it"
                )),
            }
        }
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
                "expected at most {MAX_TEMPLATES} callback templates in the account, found {after} \
                 after this plan; delete some in the platform's console"
            ));
        }
    }
}

fn mark(template: &AccountTemplate) -> Option<Mark> {
    Mark::parse(template.text("Description"))
}

/// Returns true if gatepost has made the rule of a callback template.
fn has_made(template: &AccountTemplate, rule: &AccountRule) -> bool {
    mark(template).is_some_and(|mark| mark.has_made(rule))
}

/// Returns true if a rule has this domain and this application. Domain names are case-insensitive.
fn is_rule(rule: &AccountRule, (domain, app): (&str, &str)) -> bool {
    rule.domain_name.eq_ignore_ascii_case(domain) && rule.app_name == app
}
