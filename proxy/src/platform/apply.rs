//! Execution of the planned changes to an account.

use std::collections::HashMap;

use super::account::{AccountRule, AccountState, AccountTemplate, PlatformAccount};
use super::change::{Change, parameters};
use super::error::PlatformError;
use super::mark::Mark;
use super::plan::Plan;
use super::wanted::WantedTemplate;
use super::{Site, format};

/// Carries out the changes in the order of the plan: callback templates first, then rules, then
/// removals. Calls `report` after each change.
///
/// # Errors
///
/// Returns the first error. The earlier changes remain. `gatepost platform plan` shows the changes
/// that are still missing.
pub(crate) fn apply(
    plan: &Plan<'_>,
    account: &PlatformAccount,
    before: &AccountState,
    site: Site,
    mut report: impl FnMut(&str),
) -> Result<(), PlatformError> {
    let mut applied = Applied { account, site, templates: HashMap::new() };
    for own in &before.templates {
        let mark = Mark::parse(own.text("Description")).unwrap_or_else(Mark::adopted);
        applied.templates.insert(&own.template_name, (own.template_id, mark));
    }
    for change in &plan.changes {
        applied.carry_out(change)?;
        report(&format::done(change));
    }
    Ok(())
}

/// The account during the changes.
struct Applied<'p> {
    account: &'p PlatformAccount,
    site: Site,
    /// Id and mark of each callback template, by name.
    templates: HashMap<&'p str, (i64, Mark)>,
}

impl<'p> Applied<'p> {
    fn carry_out(&mut self, change: &'p Change<'p>) -> Result<(), PlatformError> {
        let (account, site) = (self.account, self.site);
        match change {
            Change::Create { wanted } => {
                let mark = Mark::default();
                let id = account.create_template(&parameters(wanted, &mark, site, false))?;
                self.templates.insert(&wanted.name, (id, mark));
                Ok(())
            }
            Change::Modify { id, wanted, mark, .. } => {
                account.modify_template(*id, &parameters(wanted, mark, site, true))?;
                self.templates.insert(&wanted.name, (*id, mark.clone()));
                Ok(())
            }
            Change::Bind { wanted, domain, app } => {
                account.create_rule(&self.rule(wanted, domain, app))?;
                self.record(wanted, |mark| mark.add(domain, app))
            }
            Change::Rebind { from, losing, wanted, domain, app } => {
                self.move_rule(from, wanted, domain, app)?;
                self.record(wanted, |mark| mark.add(domain, app))?;
                let losing = losing.as_ref();
                losing.map_or(Ok(()), |losing| self.record(losing, |mark| mark.remove(domain, app)))
            }
            Change::Unbind { domain, app, .. } => account.delete_rule(domain, app),
            Change::Delete { id, .. } => account.delete_template(*id),
        }
    }

    /// Moves a rule to another callback template. If gatepost cannot create the new rule, restores
    /// the old rule, so that the callbacks of the domain still arrive.
    fn move_rule(
        &self,
        from: &AccountTemplate,
        wanted: &WantedTemplate,
        domain: &str,
        app: &str,
    ) -> Result<(), PlatformError> {
        let new = self.rule(wanted, domain, app);
        self.account.delete_rule(domain, app)?;
        let Err(error) = self.account.create_rule(&new) else { return Ok(()) };
        let old = AccountRule { template_id: from.template_id, ..new };
        let (rule, error) = (format!("{domain} ({app})"), Box::new(error));
        let template = from.template_name.clone();
        Err(match self.account.create_rule(&old) {
            Ok(()) => PlatformError::NotMoved { error, rule, template },
            Err(lost) => PlatformError::Lost { error, rule, template, lost: Box::new(lost) },
        })
    }

    fn rule(&self, wanted: &WantedTemplate, domain: &str, app: &str) -> AccountRule {
        // Each callback template of a plan is in the account, or an earlier change has created it.
        let template = self.templates.get(&*wanted.name);
        AccountRule {
            domain_name: domain.to_owned(),
            app_name: app.to_owned(),
            template_id: template.map(|(id, _)| *id).unwrap_or_default(),
        }
    }

    /// Changes the mark of a callback template, after a change of its rules. If gatepost stops
    /// between a new rule and the change of the mark, it later treats this rule as a rule of the
    /// operator.
    fn record(
        &mut self,
        wanted: &WantedTemplate,
        change: impl FnOnce(&mut Mark),
    ) -> Result<(), PlatformError> {
        let Some((id, mark)) = self.templates.get_mut(&*wanted.name) else { return Ok(()) };
        let before = mark.before(&wanted.note);
        change(mark);
        if mark.before(&wanted.note) == before {
            return Ok(());
        }
        self.account.modify_template(*id, &parameters(wanted, mark, self.site, true))
    }
}
