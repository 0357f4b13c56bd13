//! Carries out a plan.

use std::collections::HashMap;

use super::account::{AccountRule, AccountState, PlatformAccount};
use super::error::PlatformError;
use super::plan::{Change, Plan, parameters};
use super::{Site, format};

/// Carries out the changes of a plan, in an order in which each is possible: templates first, then
/// rules, then removals. Calls `report` after each change.
///
/// # Errors
///
/// Returns the first error. The changes before it remain; another plan shows what is left.
pub(crate) fn apply(
    plan: &Plan<'_>,
    account: &PlatformAccount,
    before: &AccountState,
    site: Site,
    mut report: impl FnMut(&str),
) -> Result<(), PlatformError> {
    let templates = before.templates.iter();
    let mut ids: HashMap<&str, i64> =
        templates.map(|own| (&*own.template_name, own.template_id)).collect();
    for change in &plan.changes {
        match change {
            Change::Create { wanted } => {
                let id = account.create_template(&parameters(wanted, site, false))?;
                ids.insert(&wanted.name, id);
            }
            Change::Modify { id, wanted, .. } => {
                account.modify_template(*id, &parameters(wanted, site, true))?;
            }
            Change::Bind { template, domain, app } => {
                bind(account, &ids, template, domain, app)?;
            }
            Change::Rebind { template, domain, app, .. } => {
                account.delete_rule(domain, app)?;
                bind(account, &ids, template, domain, app)?;
            }
            Change::Unbind { domain, app, .. } => account.delete_rule(domain, app)?,
            Change::Delete { id, .. } => account.delete_template(*id)?,
        }
        report(&format::done(change));
    }
    Ok(())
}

fn bind(
    account: &PlatformAccount,
    ids: &HashMap<&str, i64>,
    template: &str,
    domain: &str,
    app: &str,
) -> Result<(), PlatformError> {
    // Each template of a plan is in the account, or an earlier change has created it.
    let template_id = ids.get(template).copied().unwrap_or_default();
    account.create_rule(&AccountRule {
        domain_name: domain.to_owned(),
        app_name: app.to_owned(),
        template_id,
    })
}
