//! Tests of `gatepost platform` with a local double of the platform's API.

mod double;
mod rotation;

use std::fs;
use std::process::Command;

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use self::double::Double;
use crate::support::gatepost;

const ID: &str = "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE";
const SECRET: &str = "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE";
const OLD_KEY: &str = "0ldKeyOfTheCallbacks";
const NEW_KEY: &str = "n3wKeyOfTheCallbacks";

/// An operator who runs the program in a folder with a config.
struct Operator {
    folder: TempDir,
    endpoint: String,
}

const ROUTE: &str = "[[route]]\npath = '/callbacks/tencent'\nprovider = 'tencent-css'\n";

fn template(name: &str, keys: &str, domains: &str) -> String {
    format!(
        "[[template]]\nname = '{name}'\nprovider = 'tencent-css'\nkeys = [{keys}]\nbind = [{domains}]\n\
         [template.on]\npush = 'http://127.0.0.1:3000/push'\ninterruption = {{ answer = {{}} }}\n"
    )
}

const NEW: &str = "{ file = 'new.key' }";
const OLD: &str = "{ env = 'OLD_KEY' }";

impl Operator {
    fn new(double: &Double) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("new.key"), NEW_KEY).unwrap();
        fs::write(folder.path().join("secret"), SECRET).unwrap();
        Self { folder, endpoint: format!("http://127.0.0.1:{}", double.app.port) }
    }

    fn config(&self, templates: &[String]) {
        let text = format!("{ROUTE}{}", templates.concat());
        fs::write(self.folder.path().join("gatepost.toml"), text).unwrap();
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = gatepost();
        command.arg("platform").args(arguments.split(' ')).arg("tencent-css");
        command.args(["--endpoint", &self.endpoint]).current_dir(&self.folder);
        command.env("TENCENTCLOUD_SECRET_ID", ID).env("TENCENTCLOUD_SECRET_KEY", SECRET);
        command.env("OLD_KEY", OLD_KEY);
        command
    }

    /// Returns the exit code, and standard output followed by standard error.
    fn run(&self, arguments: &str) -> (Option<i32>, String) {
        output(self.command(arguments).args(["--url", "https://gate.example.com"]))
    }
}

fn output(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    for secret in [SECRET, OLD_KEY, NEW_KEY] {
        assert!(!text.contains(secret), "expected no secret, found {text}");
    }
    (output.status.code(), text)
}

fn account_template(id: i64, name: &str, description: &str, key: &str) -> Json {
    let url = "https://gate.example.com/callbacks/tencent";
    json!({
        "TemplateId": id, "TemplateName": name, "Description": description,
        "StreamBeginNotifyUrl": url, "StreamEndNotifyUrl": url, "RecordNotifyUrl": "",
        "PushExceptionNotifyUrl": null, "CallbackKey": key,
    })
}

fn rule(domain: &str, app: &str, id: i64) -> Json {
    json!({ "DomainName": domain, "AppName": app, "TemplateId": id })
}

#[test]
fn creates_templates_and_rules_once() {
    let double = Double::with(&[], &[]);
    let operator = Operator::new(&double);
    operator.config(&[
        template("live", NEW, "'push.example.com', 'push2.example.com'")
            .replace("keys", "description = 'Members only'\nkeys"),
        template("rest", OLD, "'*'"),
    ]);
    let expected = "\
The account has 0 callback templates and 0 rules.
+ create callback template live
    Description           gatepost-Members-only
    StreamBeginNotifyUrl  https://gate.example.com/callbacks/tencent
    StreamEndNotifyUrl    https://gate.example.com/callbacks/tencent
    CallbackKey           { file = \"new.key\" }
+ create callback template rest
    Description           gatepost
    StreamBeginNotifyUrl  https://gate.example.com/callbacks/tencent
    StreamEndNotifyUrl    https://gate.example.com/callbacks/tencent
    CallbackKey           { env = \"OLD_KEY\" }
+ bind push.example.com (live) to live
+ bind push2.example.com (live) to live
note: cannot check which keys the running gatepost accepts: the config has no `admin`; reload the running gatepost with this config before you apply the changes
note: template rest: the binding of * names no domain; bind each domain in the config, or in the platform's console
4 changes.
";
    assert_eq!(operator.run("plan"), (Some(0), expected.to_owned()));
    assert_eq!(double.take_done(), [""; 0]);

    // Without a terminal, `apply` needs `--yes`.
    let (code, text) = operator.run("apply");
    assert_eq!(code, Some(1));
    assert!(text.ends_with("confirm at a terminal, or add --yes\n"), "{text}");
    assert_eq!(double.take_done(), [""; 0]);

    let (code, text) = operator.run("apply --yes");
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("done: bind push2.example.com (live) to live\n"), "{text}");
    let (templates, rules) = double.state();
    assert_eq!(
        templates[0],
        json!({
            "TemplateId": 5001, "TemplateName": "live", "Description": "gatepost_8e651e9f_8396159c-Members-only",
            "RecordNotifyUrl": "", "SnapshotNotifyUrl": "", "PornCensorshipNotifyUrl": "",
            "PushExceptionNotifyUrl": "",
            "StreamBeginNotifyUrl": "https://gate.example.com/callbacks/tencent",
            "StreamEndNotifyUrl": "https://gate.example.com/callbacks/tencent",
            "CallbackKey": NEW_KEY,
        })
    );
    assert_eq!(
        rules,
        [rule("push.example.com", "live", 5001), rule("push2.example.com", "live", 5001)]
    );

    double.take_done();
    let (code, text) = operator.run("apply --yes");
    assert_eq!(code, Some(0));
    assert!(text.ends_with("No changes: the account has what the config needs.\n"), "{text}");
    assert_eq!(double.take_done(), [""; 0]);
}

#[test]
fn plan_of_the_manual_is_the_output_of_the_command() {
    let page = include_str!("../../../../src/manual/account.md");
    let (_, session) = page.split_once("```console\n").unwrap();
    let (session, _) = session.split_once("```").unwrap();
    let lines = session.lines().filter(|line| !line.starts_with("$ "));
    let expected = lines.collect::<Vec<_>>().join("\n");
    let templates = [1, 2, 3].map(|id| account_template(id, &format!("own{id}"), "other", OLD_KEY));
    let rules = [rule("a.example.com", "live", 1), rule("b.example.com", "live", 2)];
    let double = Double::with(&templates, &rules);
    let operator = Operator::new(&double);
    fs::write(operator.folder.path().join("tencent-css.key"), NEW_KEY).unwrap();
    let own = template("live", "{ file = 'tencent-css.key' }", "'push.example.com'");
    operator.config(&[own.replace("provider =", "description = 'Members-only'\nprovider =")]);
    let (_, output) = operator.run("plan");
    // The config of the test has no `admin`, so the plan contains a note that the page does not
    // show.
    let output: Vec<_> = output.lines().filter(|line| !line.starts_with("note: ")).collect();
    let output = output.join("\n");
    assert!(output.contains(&expected), "expected {expected}\nfound {output}");
}

#[test]
fn plan_shows_source_of_changed_key() {
    let double = Double::with(&[account_template(7, "live", "gatepost", OLD_KEY)], &[]);
    let operator = Operator::new(&double);
    // If the new key is second, the account keeps the old key.
    operator.config(&[template("live", &format!("{OLD}, {NEW}"), "")]);
    assert!(operator.run("plan").1.contains("No changes"));
    operator.config(&[template("live", &format!("{NEW}, {OLD}"), "")]);
    let (code, text) = operator.run("apply --yes");
    assert_eq!(code, Some(0), "{text}");
    let change = "    CallbackKey  { env = \"OLD_KEY\" } → { file = \"new.key\" }\n";
    assert!(text.contains(change), "{text}");
    let note = "note: cannot check which keys the running gatepost accepts: the config has no `admin`; \
                reload the running gatepost with this config before you apply the changes\n";
    assert!(text.contains(note), "{text}");
    assert_eq!(double.state().0[0]["CallbackKey"], NEW_KEY);
    operator.config(&[template("live", OLD, "")]);
    let (_, text) = operator.run("plan");
    assert!(text.contains("a key that the config does not have → { env = \"OLD_KEY\" }"), "{text}");
}

#[test]
fn takes_over_only_templates_that_operator_names() {
    let foreign = account_template(1, "live", "by hand", OLD_KEY);
    let other = account_template(2, "other", "", "k");
    let rules = [rule("push.example.com", "live", 2), rule("third.example.com", "live", 2)];
    let double = Double::with(&[foreign.clone(), other.clone()], &rules);
    let operator = Operator::new(&double);
    operator.config(&[template("live", NEW, "'push.example.com'")]);
    let (code, text) = operator.run("apply --yes --prune");
    assert_eq!(code, Some(1));
    for line in [
        "conflict: template live: expected a callback template that gatepost has created, found \
         another of this name; add --adopt live to let gatepost manage it, or rename the template in \
         the config\n",
        "conflict: template live: expected no rule of another callback template for push.example.com \
         and live, found one of other that gatepost did not make; remove that rule in the platform's \
         console, or add --adopt with the name of its callback template\n",
        "0 changes and 2 conflicts: gatepost applies nothing until you resolve each conflict.\n",
    ] {
        assert!(text.contains(line), "expected {line}, found {text}");
    }
    assert_eq!(double.state(), (vec![foreign, other.clone()], rules.to_vec()));

    // With `--adopt`, gatepost may change the callback template `live`, and may move a rule of
    // `other`.
    let (code, text) = operator.run("apply --yes --adopt live --adopt other");
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("~ modify callback template live (1)\n"), "{text}");
    assert!(text.contains("    Description  by hand → gatepost_adopted\n"), "{text}");
    assert!(text.contains("~ move push.example.com (live) from other to live\n"), "{text}");
    let (templates, rules) = double.state();
    assert_eq!((&templates[0]["CallbackKey"], &templates[1]), (&json!(NEW_KEY), &other));
    assert_eq!(rules, [rule("third.example.com", "live", 2), rule("push.example.com", "live", 1)]);
    assert!(operator.run("plan").1.contains("No changes"));
}

#[test]
fn prune_leaves_template_that_operator_has_made() {
    let foreign = account_template(1, "live", "by hand", OLD_KEY);
    let rules = [rule("hand.example.com", "live", 1)];
    let double = Double::with(&[foreign], &rules);
    let operator = Operator::new(&double);
    operator.config(&[template("live", NEW, "'push.example.com'")]);
    assert_eq!(operator.run("apply --yes --adopt live").0, Some(0));
    // From now on, gatepost manages the callback template even without `--adopt`.
    operator.config(&[template("live", NEW, "'push2.example.com'")]);
    let (code, text) = operator.run("apply --yes --prune");
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("- unbind push.example.com (live) from live\n"), "{text}");
    assert!(text.contains("hand.example.com (live); gatepost did not make this rule"), "{text}");
    let hand = rule("hand.example.com", "live", 1);
    assert_eq!(double.state().1, [hand, rule("push2.example.com", "live", 1)]);

    operator.config(&[template("next", NEW, "'next.example.com'")]);
    double.take_done();
    let (code, text) = operator.run("apply --yes --prune");
    assert_eq!(code, Some(0), "{text}");
    let note = "note: callback template live: the config does not have it; gatepost did not create it, \
                so gatepost leaves it and its rules\n";
    assert!(text.contains(note), "{text}");
    assert!(!double.take_done().iter().any(|action| action.starts_with("Delete")), "{text}");
}

/// Returns a double, and the operator of its account. In this account, gatepost has created the
/// callback templates `live`, with two rules, and `gone`, with one rule. The config contains only
/// `live`, with one binding.
fn made() -> (Double, Operator) {
    let double = Double::with(&[account_template(3, "foreign", "", "k")], &[]);
    let operator = Operator::new(&double);
    let gone = template("gone", NEW, "'gone.example.com'");
    operator.config(&[template("live", NEW, "'push.example.com', 'left.example.com'"), gone]);
    let (code, text) = operator.run("apply --yes");
    assert_eq!(code, Some(0), "{text}");
    operator.config(&[template("live", NEW, "'Push.example.com'")]);
    double.take_done();
    (double, operator)
}

fn names((templates, _): &(Vec<Json>, Vec<Json>)) -> Vec<&str> {
    templates.iter().map(|own| own["TemplateName"].as_str().unwrap()).collect()
}

#[test]
fn removes_own_templates_and_rules_only_with_prune() {
    let (double, operator) = made();
    let (code, text) = operator.run("apply --yes");
    assert_eq!(code, Some(0), "{text}");
    for line in [
        "note: template live: the config does not bind left.example.com (live); --prune unbinds it\n",
        "note: callback template gone: gatepost has created it, and the config does not have it; \
         --prune deletes it\n",
        "No changes",
    ] {
        assert!(text.contains(line), "expected {line}, found {text}");
    }
    assert_eq!(double.take_done(), [""; 0]);
    let (code, text) = operator.run("apply --yes --prune");
    assert_eq!(code, Some(0), "{text}");
    // gatepost removes the hash of a rule from the description of `live`, then deletes the rule.
    assert_eq!(
        double.take_done(),
        [
            "ModifyLiveCallbackTemplate",
            "DeleteLiveCallbackRule",
            "DeleteLiveCallbackRule",
            "DeleteLiveCallbackTemplate"
        ]
    );
    let state = double.state();
    assert_eq!(names(&state), ["foreign", "live"]);
    assert_eq!(state.1, [rule("push.example.com", "live", 5001)]);
    assert!(operator.run("plan --prune").1.contains("No changes"));
}

#[test]
fn prune_leaves_rules_that_operator_has_made() {
    let (double, operator) = made();
    // The operator makes three rules in the console. For each callback template of gatepost, one
    // rule has a domain that the config does not bind. For `live`, one rule has the domain in the
    // config and another application.
    let rules = [
        rule("hand.example.com", "live", 5001),
        rule("push.example.com", "vip", 5001),
        rule("hand2.example.com", "live", 5002),
    ];
    double.account.lock().unwrap().rules.extend(rules.clone());
    let (code, text) = operator.run("apply --yes --prune");
    assert_eq!(code, Some(0), "{text}");
    for line in [
        "- unbind left.example.com (live) from live\n",
        "note: template live: the config does not bind push.example.com (vip); gatepost did not make \
         this rule, so it leaves the rule\n",
        "note: callback template gone: the config does not have it; gatepost did not make its rule for \
         hand2.example.com (live), so gatepost leaves it and its rules\n",
    ] {
        assert!(text.contains(line), "expected {line}, found {text}");
    }
    let state = double.state();
    assert_eq!(names(&state), ["foreign", "live", "gone"]);
    let [hand, vip, other] = rules;
    let own = rule("push.example.com", "live", 5001);
    assert_eq!(state.1, [own, rule("gone.example.com", "live", 5002), hand, vip, other]);
    // The operator makes a rule again that gatepost has deleted. gatepost leaves this new rule.
    let left = rule("left.example.com", "live", 5001);
    double.account.lock().unwrap().rules.push(left.clone());
    assert_eq!(operator.run("apply --yes --prune").0, Some(0));
    assert!(double.state().1.contains(&left));
}

#[test]
fn restores_rule_if_platform_refuses_its_move() {
    let (double, operator) = made();
    operator.config(&[
        template("live", NEW, "'push.example.com', 'left.example.com'"),
        template("next", NEW, ""),
    ]);
    assert_eq!(operator.run("apply --yes").0, Some(0));
    operator.config(&[
        template("live", NEW, "'left.example.com'"),
        template("next", NEW, "'push.example.com'"),
    ]);
    let before = double.state().1.len();
    double.fail(&[("CreateLiveCallbackRule", "InternalError.ConfNotFound")]);
    let (code, text) = operator.run("apply --yes");
    assert_eq!(code, Some(1), "{text}");
    let end = "; gatepost has restored the rule of live for push.example.com (live)\n";
    assert!(text.contains("InternalError.ConfNotFound") && text.ends_with(end), "{text}");
    let (_, rules) = double.state();
    assert!(rules.len() == before && rules.contains(&rule("push.example.com", "live", 5001)));

    let refused = ("CreateLiveCallbackRule", "InternalError");
    double.fail(&[refused, refused]);
    let (code, text) = operator.run("apply --yes");
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("; gatepost has removed the rule of live for push.example.com"),
        "{text}"
    );
    assert!(text.ends_with("; bind the domain in the platform's console\n"), "{text}");

    let (code, text) = operator.run("apply --yes");
    assert_eq!(code, Some(0), "{text}");
    assert!(operator.run("plan").1.contains("No changes"));
    assert_eq!(double.state().1.len(), before);
}

/// The error codes that the platform documents for its actions and signatures, each with an action
/// that returns the code, and with a part of the remedy. The platform does not document the last
/// code.
const DOCUMENTED: [(&str, &str, &str); 35] = [
    (TEMPLATES, "AuthFailure.InvalidAuthorization", "check the SecretId and the SecretKey"),
    (TEMPLATES, "AuthFailure.SignatureExpire", "set the clock"),
    (TEMPLATES, "AuthFailure.UnauthorizedOperation", "allow the key's user"),
    (TEMPLATES, "UnauthorizedOperation", "allow the key's user"),
    (RULES, "MissingParameter", "update gatepost"),
    (CREATE, "FailedOperation.ConfInUsed", "unbind the domains of the callback template"),
    (CREATE, "FailedOperation.NotFound", "the account has changed"),
    (CREATE, "InternalError.ArgsNotMatch", "rename the template"),
    (CREATE, "InternalError.ConfInUsed", "unbind the domains of the callback template"),
    (CREATE, "InternalError.ConfNotFound", "the account has changed"),
    (CREATE, "InternalError.ConfOutLimit", "delete a callback template"),
    (CREATE, "InternalError.InvalidInput", "check --url and --app"),
    (CREATE, "InternalError.NotFound", "the account has changed"),
    (CREATE, "InternalError.RuleAlreadyExist", "the account has changed"),
    (CREATE, "InternalError.RuleInUsing", "unbind the domain"),
    (CREATE, "InternalError.RuleNotFound", "the account has changed"),
    (CREATE, "InvalidParameter", "check --url and --app"),
    (CREATE, "InvalidParameter.ArgsNotMatch", "rename the template"),
    (CREATE, "InvalidParameter.COSCustomFileNameError", "file names of the recordings"),
    (CREATE, "InvalidParameter.InvalidCallbackUrl", "check --url"),
    (CREATE, "InvalidParameter.InvalidVodFileName", "file names of the recordings"),
    (CREATE, "InvalidParameter.UrlNotSafe", "check that the host of --url"),
    (CREATE, "InvalidParameterValue", "check --url and --app"),
    (CREATE, "MissingParameter", "update gatepost"),
    (CREATE, "ResourceNotFound.ForbidService", "ask Tencent's support"),
    (CREATE, "ResourceNotFound.FreezeService", "ask Tencent's support"),
    (CREATE, "ResourceNotFound.StopService", "enable the live service"),
    (CREATE, "ResourceNotFound.UserDisableService", "enable the live service"),
    (CREATE, "UnsupportedOperation.NotLVBCodeMode", "live service with domains"),
    (CREATE, "InternalError", "run the command again"),
    (BIND, "InvalidParameter.ConfNotFound", "the account has changed"),
    (BIND, "InvalidParameter.DomainFormatError", "bind push domains"),
    (BIND, "FailedOperation.RuleAlreadyExist", "the account has changed"),
    (BIND, "InternalError.RuleOutLimit", "maximum of rules"),
    (BIND, "Other.Code", "run the command again"),
];

const TEMPLATES: &str = "DescribeLiveCallbackTemplates";
const RULES: &str = "DescribeLiveCallbackRules";
const CREATE: &str = "CreateLiveCallbackTemplate";
const BIND: &str = "CreateLiveCallbackRule";

#[test]
fn names_remedy_for_each_documented_error_and_next_run_continues() {
    let double = Double::with(&[], &[]);
    let operator = Operator::new(&double);
    operator.config(&[template("live", NEW, "'push.example.com', 'push2.example.com'")]);
    for (action, code, remedy) in DOCUMENTED {
        double.fail(&[(action, code)]);
        let (exit, text) = operator.run("apply --yes");
        assert_eq!(exit, Some(1), "{text}");
        let last = text.lines().last().unwrap();
        let begin = format!(
            "{action}: expected a request that the platform accepts, found {code}: {code} happened; "
        );
        assert!(last.starts_with(&begin) && last.contains(remedy), "{last}");
        assert!(last.ends_with("(request 3c140219-cfe9-470e-b241-907877d6fb03)"), "{last}");
    }
    // The first run in which the platform refused a rule has created the callback template. Neither
    // domain has a rule yet.
    let (_, text) = operator.run("plan");
    assert!(text.contains("2 changes.") && !text.contains("create callback template"), "{text}");
    // The platform rejects two requests because of its rate limit.
    double.fail(&[("CreateLiveCallbackRule", "RequestLimitExceeded"); 2]);
    assert_eq!(operator.run("apply --yes").0, Some(0));
    assert_eq!(double.state().1.len(), 2);
    double.fail(&[("DescribeLiveCallbackRules", "RequestLimitExceeded"); 5]);
    let (exit, text) = operator.run("plan");
    assert!(exit == Some(1) && text.contains("wait, then run the command again"), "{text}");
}

#[test]
fn binds_domain_for_its_application() {
    let double = Double::with(&[], &[]);
    let operator = Operator::new(&double);
    let domains = "'push.example.com/vip', 'push.example.com/live', 'other.example.com'";
    operator.config(&[template("live", NEW, domains)]);
    let (code, text) = operator.run("apply --yes --app studio");
    assert_eq!(code, Some(0), "{text}");
    let expected = [
        rule("push.example.com", "vip", 5001),
        rule("push.example.com", "live", 5001),
        rule("other.example.com", "studio", 5001),
    ];
    assert_eq!(double.state().1, expected);
    let next = |tenant| [template("live", NEW, domains), template("next", NEW, tenant)];
    operator.config(&next("'push.example.com/live'"));
    let (code, text) = operator.run("plan");
    assert!(code == Some(1) && text.contains("found a tenant of `live`"), "{text}");
    operator.config(&next("'push.example.com/next'"));
    let (code, text) = operator.run("apply --yes --app studio");
    assert_eq!(code, Some(0), "{text}");
    let rules = double.state().1;
    assert_eq!(rules.last(), Some(&rule("push.example.com", "next", 5002)));
    for tenant in ["<b>", "push.example.com/", "/live", "push.example.com/a/b", "*/live"] {
        operator.config(&[template("live", NEW, &format!("'{tenant}'"))]);
        let (code, text) = operator.run("plan");
        assert!(code == Some(1) && text.contains("push.example.com/live"), "{tenant}: {text}");
    }
}

#[test]
fn reads_secrets_from_files_and_variables_and_checks_addresses() {
    let double = Double::with(&[], &[]);
    let operator = Operator::new(&double);
    operator.config(&[template("live", NEW, "")]);
    let run = |arguments: &str, id: &str, key: &str| {
        let mut command = operator.command(arguments);
        output(command.env("TENCENTCLOUD_SECRET_ID", id).env("TENCENTCLOUD_SECRET_KEY", key))
    };
    let url = "plan --url https://gate.example.com";
    for (arguments, id, key, code, found) in [
        (format!("{url} --secret-key-file secret"), ID, "", 0, "1 change."),
        (url.to_owned(), "AKIDother", SECRET, 1, "AuthFailure.SecretIdNotFound"),
        (url.to_owned(), ID, "wrong", 1, "AuthFailure.SignatureFailure"),
        (format!("{url} --secret-key-env UNSET"), ID, "", 2, "UNSET: expected a value, found"),
        (
            format!("{url} --secret-id-file none"),
            ID,
            SECRET,
            1,
            "none: expected a file that gatepost can use",
        ),
        ("plan --url gate.example.com".to_owned(), ID, SECRET, 2, "found no scheme"),
        ("plan --url https://gate.example.com/cb".to_owned(), ID, SECRET, 2, "found a path"),
        (format!("{url} --site mars"), ID, SECRET, 2, "international, china"),
    ] {
        let (exit, text) = run(&arguments, id, key);
        assert_eq!(exit, Some(code), "{arguments}: {text}");
        assert!(text.contains(found), "{arguments}: expected {found}, found {text}");
    }
    let plain = "http://live.example.com".to_owned();
    let other = Operator { endpoint: plain, ..Operator::new(&double) };
    other.config(&[template("live", NEW, "")]);
    let (exit, text) = other.run("plan");
    assert!(exit == Some(2) && text.contains("expected https://"), "{text}");
}

#[test]
fn reports_configs_that_the_platform_cannot_represent() {
    let double = Double::with(&[], &[]);
    let operator = Operator::new(&double);
    let config =
        |text: &str| fs::write(operator.folder.path().join("gatepost.toml"), text).unwrap();
    let live = template("live", NEW, "");
    fs::write(operator.folder.path().join("long.key"), "k".repeat(33)).unwrap();
    let second = ROUTE.replace("tencent'\n", "second'\n");
    for (text, found) in [
        (
            format!("{ROUTE}{}", live.replace("new.key", "long.key")),
            "at most 32 letters and digits",
        ),
        (
            format!(
                "{}{live}",
                ROUTE.replace("tencent'\n", "{token}'\ntoken = 's3cret-t0ken-42'\n")
            ),
            "expected a path without {token}",
        ),
        (
            format!("{ROUTE}{second}{live}"),
            "expected one route for push, found /callbacks/tencent and",
        ),
        (
            format!(
                "{ROUTE}{}",
                live.replace("push =", "summary =").replace("interruption", "relay")
            ),
            "expected a kind with an address in the platform's callback template",
        ),
        (
            "[[route]]\npath = '/mux'\nprovider = 'mux'\n".to_owned(),
            "expected a template for tencent-css",
        ),
    ] {
        config(&text);
        let (exit, text) = operator.run("plan");
        assert_eq!(exit, Some(2), "{text}");
        assert!(text.contains(found), "expected {found}, found {text}");
    }
    // For a kind, gatepost prefers the route whose `kind` is this kind.
    config(&format!("{ROUTE}{}kind = 'push'\n{live}", second));
    let (_, text) = operator.run("plan");
    assert!(
        text.contains("StreamBeginNotifyUrl  https://gate.example.com/callbacks/second\n"),
        "{text}"
    );
    assert!(
        text.contains("StreamEndNotifyUrl    https://gate.example.com/callbacks/tencent\n"),
        "{text}"
    );
    assert_eq!(double.take_done(), [""; 0]);
}

#[test]
fn sets_addresses_of_the_chinese_site_and_prints_json() {
    let double = Double::with(&[], &[]);
    let operator = Operator::new(&double);
    let more = "recording_status = 'http://127.0.0.1:3000/x'\naudio_moderation = { answer = {} }\n";
    operator.config(&[template("live", NEW, "'push.example.com'") + more]);
    let (_, text) = operator.run("plan");
    let note = "note: template live: the international API cannot set the address of recording_status, \
                audio_moderation; enter it in the platform's console, or use --site china\n";
    assert!(text.contains(note), "expected {note}, found {text}");
    double.account.lock().unwrap().is_chinese = true;
    let (_, text) = operator.run("plan --site china --format json --app live --app vip");
    let plan: Json = serde_json::from_str(&text).unwrap();
    let url = "https://gate.example.com/callbacks/tencent";
    assert_eq!(
        plan,
        json!({
            "account": { "templates": 0, "rules": 0 },
            "changes": [
                { "action": "create", "template": "live", "fields": {
                    "Description": "gatepost", "StreamBeginNotifyUrl": url, "StreamEndNotifyUrl": url,
                    "RecordStatusNotifyUrl": url, "AudioAuditNotifyUrl": url,
                    "CallbackKey": "{ file = \"new.key\" }" } },
                { "action": "bind", "template": "live", "domain": "push.example.com", "app": "live" },
                { "action": "bind", "template": "live", "domain": "push.example.com", "app": "vip" },
            ],
            "conflicts": [], "notes": [
                "cannot check which keys the running gatepost accepts: the config has no `admin`; \
                 reload the running gatepost with this config before you apply the changes",
            ],
        })
    );
    let (code, text) = operator.run("apply --yes --site china");
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(double.state().0[0]["RecordStatusNotifyUrl"], url);
    // The API does not return `RecordStatusNotifyUrl`, so this address alone causes no change.
    assert!(operator.run("plan --site china").1.contains("No changes"));
    // If `[template.on]` no longer contains a kind, gatepost removes the address of this kind.
    operator.config(&[template("live", NEW, "'push.example.com'")]);
    let (_, text) = operator.run("apply --yes --site china");
    assert!(text.contains(&format!("    AudioAuditNotifyUrl  {url} → (none)\n")), "{text}");
    let (templates, _) = double.state();
    assert_eq!(templates[0]["AudioAuditNotifyUrl"], "");
    assert_eq!(templates[0]["RecordStatusNotifyUrl"], "");
}
