//! Tests of the checks that compare samples, replies and time limits with the rest of a definition.

use gatepost::Definition;

use super::{assert_fault, definition, faults, try_gate};

/// Returns the faults of a definition with further keys at the top of the file.
fn faults_with(top: &str, rest: &str) -> Vec<String> {
    let text = definition(rest).replace("ce_type = 'c'\n", &format!("ce_type = 'c'\n{top}\n"));
    let Err(error) = Definition::parse(&text) else { return Vec::new() };
    error.faults().iter().map(ToString::to_string).collect()
}

const NAMES: &str = "[kind]\nfrom = '/type'\n[kind.names]\nlive = 'live'\n'stream.idle' = 'idle'\n";

#[test]
fn sample_must_name_its_kind() {
    let idle = |sample: &str| format!("{NAMES}[kinds.live]\n[kinds.idle]\nsample = '{sample}'\n");
    assert_eq!(faults(&idle("{\"type\":\"stream.idle\"}")), <[String; 0]>::default());
    assert_fault(
        &idle("{\"type\":\"stream.idel\"}"),
        "15:1: kinds.idle.sample: expected a sample of the kind `idle`, found a sample of the unknown kind \
         \"stream.idel\"; correct /type of the sample, or [kind.names]",
    );
    assert_fault(&idle("{\"type\":\"live\"}"), "found a sample of the kind `live`; correct /type");
    assert_fault(&idle("{}"), "found a sample that names no kind");
    let with_other =
        idle("{\"type\":\"x\"}").replace("[kind.names]", "other = 'live'\n[kind.names]");
    assert_fault(&with_other, "found a sample of the kind `live`");
}

#[test]
fn sample_need_not_name_a_kind_that_only_the_route_names() {
    let route = "[kind]\nnames = {}\n[kinds.a]\nsample = '{\"b\":1}'\n";
    assert_eq!(faults(route), <[String; 0]>::default());
}

#[test]
fn sample_has_the_kind_that_its_header_or_parameter_names() {
    let kinds = |from: &str, sample: &str| {
        format!(
            "[kind]\nfrom = {from}\nother = 'other'\nnames = {{ a = ['a_with_id', 'a'], b = 'b' }}\n\
             [kinds.a_with_id]\nwhen = '/id'\nsample = '{sample}'\n[kinds.a]\n[kinds.b]\n[kinds.other]\n"
        )
    };
    for from in ["'header:x-kind'", "'query:kind'", "['query:kind', 'header:x-kind']"] {
        assert_eq!(faults(&kinds(from, "{\"id\":1}")), <[String; 0]>::default());
        assert_fault(
            &kinds(from, "{\"idd\":1}"),
            "kinds.a_with_id.sample: expected a sample of the kind `a_with_id`, found a sample of the kind `a`; \
             correct ",
        );
    }
    let other = |name: &str| {
        format!(
            "[sample.headers]\nx-kind = '{name}'\n[kind]\nfrom = 'header:x-kind'\nother = 'other'\n\
             names = {{ a = 'a' }}\n[kinds.a]\n[kinds.other]\nsample = '{{}}'\n"
        )
    };
    assert_eq!(faults(&other("b")), <[String; 0]>::default());
    assert_fault(
        &other("a"),
        "expected a sample of the kind `other`, found a sample of the kind `a`",
    );
}

#[test]
fn header_of_all_samples_must_name_a_known_kind() {
    let text = |name: &str| {
        format!(
            "[sample.headers]\nX-Kind = '{name}'\n[kind]\nfrom = 'header:x-kind'\n\
             names = {{ opened = 'a' }}\n[kinds.a]\n"
        )
    };
    assert_eq!(faults(&text("opened")), <[String; 0]>::default());
    assert_fault(
        &text("opend"),
        "sample.headers.X-Kind: expected a known name, found \"opend\"; did you mean `opened`?",
    );
}

#[test]
fn sample_names_its_kind_in_several_headers_or_in_the_query() {
    let joined = definition(
        "[kind]\nfrom = [['header:x-entity', 'header:x-action']]\n\
         names = { 'asset/ready' = 'ready', 'asset/failed' = 'failed' }\n\
         [kinds.ready]\nsample = '{}'\n[kinds.failed]\nsample = '{}'\n",
    );
    let request = super::sample(&joined, "failed", "");
    assert_eq!(request.headers()["x-action"], "failed");

    let text = definition("[kind]\nfrom = 'query:kind'\nnames = { '1&2' = 'a' }\n[kinds.a]\n");
    let definition = Definition::parse(&text).unwrap();
    let target = |to: &'static str, places: &[(&str, &str)]| {
        let mut sample = definition.sample("a").unwrap();
        for (place, value) in places {
            sample.set(place, value).unwrap();
        }
        sample.request(&http::Uri::from_static(to)).unwrap().uri().to_string()
    };
    assert_eq!(target("/c", &[]), "/c?kind=1%262");
    assert_eq!(target("/c?x=%20&kind=2", &[]), "/c?x=+&kind=2");
    assert_eq!(target("/c?kind=2&x=1", &[("query:kind", "3")]), "/c?x=1&kind=3");
    assert_eq!(target("/c", &[("query:v", "")]), "/c?kind=1%262&v=");
    let mut sample = definition.sample("a").unwrap();
    let error = sample.set("query:", "1").unwrap_err().to_string();
    assert!(error.contains("`query:NAME`"), "expected the form query:NAME, found {error}");
}

#[test]
fn time_of_a_sample_must_have_the_declared_unit() {
    let top = |unit: &str| format!("time = {{ from = '/at', unit = '{unit}' }}");
    let kinds = |at: &str| format!("[kind]\nother = 'a'\n[kinds.a]\nsample = '{{\"at\":{at}}}'\n");
    let fits = [
        ("s", "1703731478"),
        ("s", "\"1703731478\""),
        ("s", "0"),
        ("ms", "1703731478091"),
        ("rfc3339", "\"2023-12-28T02:44:38Z\""),
        ("iso8601-utc", "\"2023-12-28T02:44:38.091000\""),
        ("iso8601-utc", "\"2023-12-28T10:44:38+08:00\""),
    ];
    for (unit, at) in fits {
        assert_eq!(faults_with(&top(unit), &kinds(at)), <[String; 0]>::default(), "{unit} {at}");
    }
    let wrong = [
        ("s", "1703731478091", "Unix seconds at /at, found \"1703731478091\"; write unit = \"ms\""),
        ("ms", "1703731478", "Unix milliseconds at /at, found \"1703731478\"; write unit = \"s\""),
        ("s", "\"2023-12-28T02:44:38Z\"", "write unit = \"rfc3339\" for this time"),
        ("rfc3339", "\"2023-12-28T02:44:38\"", "write unit = \"iso8601-utc\" for this time"),
        ("s", "\"yesterday\"", "correct the sample, or the place of the time"),
    ];
    for (unit, at, expected) in wrong {
        let found = faults_with(&top(unit), &kinds(at));
        let is_found = matches!(&found[..], [fault] if fault.contains(expected));
        assert!(is_found, "{unit} {at}: expected {expected}, found {found:#?}");
    }
}

#[test]
fn signed_time_and_start_time_in_a_sample_must_have_the_declared_unit() {
    let signed = |at: &str| {
        format!(
            "[kind]\nother = 'a'\n[kinds.a]\nsample = '{{\"at\":{at}}}'\n\
             [signature]\ndigest = 'hmac-sha256'\nparts = 'body'\nfound_in = 'header:x-sig'\n\
             encoding = 'hex'\ntime = {{ from = '/at', means = 'sent', unit = 's' }}\n"
        )
    };
    assert_eq!(faults(&signed("1703731478")), <[String; 0]>::default());
    assert_fault(&signed("1703731478091"), "expected Unix seconds at /at");
    let started = |at: &str| {
        format!(
            "[kind]\nother = 'a'\n[kinds.a]\nfields = {{ at = 'integer', s = 'string' }}\n\
             common = {{ event = 'started', stream = '/s', started_at = {{ from = '/at', unit = 'ms' }} }}\n\
             sample = '{{\"at\":{at},\"s\":\"x\"}}'\n"
        )
    };
    assert_eq!(faults(&started("1703731478091")), <[String; 0]>::default());
    assert_fault(&started("1703731478"), "expected Unix milliseconds at /at");
}

#[test]
fn place_cannot_name_an_element_of_a_list() {
    let kinds = "[kind]\nother = 'a'\n[kinds.a]\n";
    let expected =
        "expected a member of an object, not an element of a list, found \"/entry/0/id\"";
    for top in ["tenant = '/entry/0/id'", "id = '/entry/0/id'", "subject = ['/b', '/entry/0/id']"] {
        let found = faults_with(top, kinds);
        let is_found = found.len() == 1 && found[0].contains(expected);
        assert!(is_found, "{top}: expected {expected}, found {found:#?}");
    }
    assert_fault("[kind]\nfrom = '/entry/0/kind'\n[kinds.a]\n", "not an element of a list");
    assert_eq!(faults_with("tenant = '/0'", kinds), <[String; 0]>::default());
}

#[test]
fn at_least_one_sample_must_contain_the_tenant() {
    let kinds = "[kind]\nother = 'a'\n[kinds.a]\nsample = '{\"project\":\"p\"}'\n[kinds.b]\n";
    assert_eq!(faults_with("tenant = '/project'", kinds), <[String; 0]>::default());
    assert_eq!(faults_with("tenant = ['/data', '/project']", kinds), <[String; 0]>::default());
    assert_eq!(faults_with("tenant = ['/data', 'header:x']", kinds), <[String; 0]>::default());
    let wrong = faults_with("tenant = '/data/project'", kinds);
    let [fault] = &wrong[..] else { panic!("expected one fault, found {wrong:#?}") };
    let expected = "5:10: tenant: expected a sample with a tenant at /data/project, found none among the \
                    samples; correct the place";
    assert!(fault.starts_with(expected), "expected {expected}, found {fault}");
}

#[test]
fn sample_of_a_decision_must_contain_the_viewer() {
    let kind = |viewer: &str| {
        format!(
            "[kind]\nother = 'a'\n[kinds.a]\nviewer = '{viewer}'\nsample = '{{\"user\":\"u\"}}'\n\
             reply = {{ allow = {{ r = 1 }}, deny = {{ r = 0 }}, fields = {{ r = 'integer' }} }}\n"
        )
    };
    assert_eq!(faults(&kind("/user")), <[String; 0]>::default());
    assert_fault(
        &kind("/viewer"),
        "viewer: expected a viewer at /viewer of the sample, found no value",
    );
}

#[test]
fn marks_missing_field_of_sample_at_the_sample() {
    let text = "[kind]\nother = 'a'\n[kinds.a]\nfields = { at = 'integer' }\nsample = '{}'\n";
    assert_fault(text, "12:1: kinds.a.sample: expected `at` with its declared type");
}

#[test]
fn explains_unquoted_name_of_a_kind() {
    let quoted =
        "[kind]\nfrom = '/t'\nother = 'stream.live'\n[kinds.\"stream.live\"]\nabout = 'a'\n";
    assert_eq!(faults(quoted), <[String; 0]>::default());
    let unquoted = quoted.replace("\"stream.live\"", "stream.live");
    let error = Definition::parse(&definition(&unquoted)).unwrap_err();
    let [fault] = error.faults() else { panic!("expected one fault, found {error}") };
    assert_eq!(fault.kind().as_str(), "kind_not_quoted");
    assert_eq!(
        fault.problem(),
        "expected the kind \"stream.live\" in quotes, found a table `stream`"
    );
    assert_eq!(fault.remedy(), "write [kinds.\"stream.live\"]");
    let deep = "[kind]\nother = 'a'\n[kinds.a]\n[kinds.room.user.left]\nabout = 'a'\n";
    assert_fault(deep, "expected the kind \"room.user.left\" in quotes, found a table `room`");
    let with_fields = "[kind]\nother = 'a'\n[kinds.a]\n[kinds.room.left.fields]\nat = 'integer'\n";
    assert_fault(with_fields, "expected the kind \"room.left\" in quotes");
    let misspelt = "[kind]\nother = 'a'\n[kinds.a]\n[kinds.a.replly]\nallow = {}\n";
    assert_fault(misspelt, "did you mean `reply`?");
}

#[test]
fn values_of_allow_and_deny_must_have_their_declared_type() {
    let reply = |allow: &str| {
        format!(
            "[kind]\nother = 'a'\n[kinds.a.reply]\nallow = {{ ok = {allow} }}\ndeny = {{ ok = false }}\n\
             fields = {{ ok = 'boolean' }}\n"
        )
    };
    assert_eq!(faults(&reply("true")), <[String; 0]>::default());
    assert_fault(
        &reply("1"),
        "11:16: kinds.a.reply.allow.ok: expected `ok` to be a value of type boolean, found number",
    );
    assert_fault(&reply("'true'"), "expected `ok` to be a value of type boolean, found string");
}

#[test]
fn timeout_must_be_at_most_the_budget() {
    let kind = |times: &str| format!("[kind]\nother = 'a'\n[kinds.a]\n{times}\n");
    assert_eq!(faults(&kind("timeout_ms = 5000")), <[String; 0]>::default());
    assert_eq!(faults(&kind("budget_ms = 1000")), <[String; 0]>::default());
    assert_fault(
        &kind("timeout_ms = 6000"),
        "11:14: kinds.a.timeout_ms: expected at most the budget of 5000 ms, found 6000 ms; decrease",
    );
    assert_fault(&kind("timeout_ms = 900\nbudget_ms = 800"), "the budget of 800 ms, found 900 ms");
}

#[test]
fn marks_unknown_type_at_its_value() {
    let text = "[kind]\nother = 'a'\n[kinds.a]\nfields = { n = { about = 'x', type = 'int' } }\n";
    assert_fault(text, "11:38: kinds.a.fields.n.type: expected a known type, found \"int\"");
}

#[test]
fn fault_of_unknown_key_names_page_with_all_keys() {
    let fault = faults("[kind]\nother = 'a'\n[kinds.a]\ncolour = 1\n");
    assert!(
        fault[0].ends_with(" more; the page `language` of the manual lists all keys"),
        "expected the name of the page at the end, found {fault:?}"
    );
}

#[test]
fn warns_of_a_key_without_the_prefix_of_the_platform() {
    let text = definition(
        "[kind]\nother = 'a'\n[kinds.a]\n[signature]\ndigest = 'hmac-sha256'\nparts = 'body'\n\
         found_in = 'header:x-sig'\nencoding = 'hex'\nkey = { prefix = 'whsec_', encoding = 'base64' }\n\
         also = { digest = 'ed25519', prefix = 'v1a', key = { prefix = 'whpk_' } }\n",
    );
    let warnings = |key: &str| {
        let gate = try_gate(&text, &format!("keys = ['{key}']")).unwrap();
        let found = gate.warnings();
        found.iter().filter(|one| one.kind().as_str() == "secret_unprefixed").count()
    };
    assert_eq!(warnings("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), 0);
    assert_eq!(warnings("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="), 0);
    assert_eq!(warnings("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), 1);
}
