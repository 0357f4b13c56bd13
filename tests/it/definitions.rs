//! Tests of provider definitions from files. Most of the tested rules also apply to built-in
//! definitions.

use bytes::Bytes;
use gatepost::{Accepted, Definition, Gate, Head, Refusal, Timestamp};
use http::{HeaderMap, Method, Uri};

use crate::core::judge;

const HEAD: &str = "name = 'cam'\ntitle = 'C'\ndocs = 'd'\nce_type = 'c'\n\
                    [request]\nmethods = ['POST', 'GET']\nbody = 'json'\n";

/// Parses the definition `HEAD` followed by `rest`, and returns the faults.
fn faults(rest: &str) -> Vec<String> {
    let Err(error) = Definition::parse(&format!("{HEAD}{rest}")) else { return Vec::new() };
    error.faults().iter().map(ToString::to_string).collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "the function is one table of cases")]
fn reports_invalid_or_contradictory_keys_of_definition() {
    let kind = "[kind]\nfrom = '/e'\n[kinds.a]\n";
    let sign = |more: &str| {
        format!("[kind]\nother = 'a'\n[kinds.a]\n[signature]\nencoding = 'hex'\n{more}\n")
    };
    let hmac = "digest = 'hmac-sha256'\nfound_in = 'header:x-sig'\n";
    let by_status = &format!("{kind}[kinds.a.reply]\nallow_status = 200\ndeny_status = 403\n");
    let cases = [
        (
            format!(
                "{kind}fields = {{ f = {{ type = 'string', aliases = ['g'] }}, g = 'string' }}"
            ),
            "expected different names, found two fields `g`",
        ),
        (
            format!("{kind}fields = {{ f = {{ type = 'integer', min = 2, max = 1 }} }}"),
            "expected min to be at most max",
        ),
        (
            format!("{kind}fields = {{ f = {{ type = 'timestamp', unit = 'rfc3339' }} }}"),
            "expected s or ms as the unit of a timestamp, found rfc3339",
        ),
        (
            format!("{kind}fields = {{ f = {{ type = 'timestamp', unit = 'iso8601-utc' }} }}"),
            "expected s or ms as the unit of a timestamp, found iso8601-utc",
        ),
        (
            format!("{kind}time = {{ from = '/t', unit = 'iso8601' }}"),
            "expected a known unit, found \"iso8601\"; did you mean `iso8601-utc`? use one of these units: \
             `iso8601-utc`, `ms`, `rfc3339`, `s`",
        ),
        (
            format!("{kind}fields = {{ f = 'integer' }}\nsample = '{{\"f\":\"x\"}}'"),
            "expected `f` with its declared type, found no value or another type; correct the sample",
        ),
        (format!("{kind}sample = '[]'"), "expected a JSON object"),
        (format!("{kind}falls_back_to = 'a'"), "found the name of a group"),
        (format!("{kind}falls_back_to = '*'"), "expected a name that is not reserved, found \"*\""),
        (
            "[kind]\nfrom = '/e'\n[kinds.unknown]\n".to_owned(),
            "expected a name that is not reserved, found \"unknown\"",
        ),
        (
            "[kind]\nfrom = '/e'\nnames = { 1 = 5 }\n[kinds.a]\n".to_owned(),
            "expected a string or a non-empty list",
        ),
        (
            "[kind]\nfrom = '/e'\nnames = { 1 = ['a', 5] }\n[kinds.a]\n".to_owned(),
            "non-empty list of strings",
        ),
        (
            format!("{kind}reply = {{ allow = {{}}, deny = {{}}, per = {{ list = 'items' }} }}"),
            "expected inner fields of `items`",
        ),
        (
            format!(
                "{kind}[kinds.a.reply]\nallow = {{}}\ndeny = {{}}\nfields = {{ r = {{ type = 'integer', optional = true, when = {{ nope = 1 }} }} }}"
            ),
            "expected a declaration of `nope`",
        ),
        (
            format!(
                "{kind}[kinds.a.reply]\nallow = {{ r = 1 }}\ndeny = {{ r = 1 }}\nfields = {{ r = 'integer' }}"
            ),
            "found the values of the reply that allows",
        ),
        (
            format!(
                "{kind}[kinds.a.reply]\nallow = {{ r = 1 }}\ndeny = {{ r = 1, s = 2 }}\nfields = {{ r = 'integer', s = 'integer?' }}"
            ),
            "found the values of the reply that allows",
        ),
        (
            format!("{kind}[kinds.a.reply]\nallow = {{}}\ndeny = {{}}\nencode = 'jwt'"),
            "expected a key to sign the reply",
        ),
        (
            format!(
                "[settings.form]\none_of = ['none', 'jwt']\n[settings.k]\nsecret = true\n{kind}[kinds.a.reply]\nallow = {{}}\ndeny = {{}}\nencode = 'setting:form'\nkey = 'setting:k'"
            ),
            "expected a setting that chooses a reply form",
        ),
        (
            format!(
                "[settings.k]\n{kind}[kinds.a.reply]\nallow = {{}}\ndeny = {{}}\nencode = 'jwt'\nkey = 'setting:k'"
            ),
            "expected a secret setting as the key, found `k`",
        ),
        (
            format!(
                "[settings.k]\n{}",
                sign(&format!("{hmac}parts = 'body'\nkey = {{ setting = 'k' }}"))
            ),
            "expected a secret setting as the key, found `k`",
        ),
        (
            format!("{kind}[kinds.a.reply]\nallow_status = 200"),
            "expected `deny_status` beside `allow_status`",
        ),
        (
            format!("{kind}[kinds.a.reply]\ndeny_status = 403"),
            "expected `allow_status` beside `deny_status`",
        ),
        (
            format!("{kind}[kinds.a.reply]\nallow_status = 200\ndeny_status = 200"),
            "expected a number from 400 to 499, found 200",
        ),
        (
            format!("{kind}[kinds.a.reply]\nallow_status = 403\ndeny_status = 403"),
            "expected a number from 200 to 299, found 403",
        ),
        (
            format!("{by_status}fields = {{ allow = 'boolean' }}"),
            "expected no field `allow`, because the status carries it, found one",
        ),
        (format!("{by_status}envelope = 'data'"), "expected no `envelope` in a decision by status"),
        (
            format!("{by_status}redirect = {{ field = 'to' }}\nfields = {{ to = 'string' }}"),
            "expected an optional field of type `string`",
        ),
        (
            format!("{by_status}redirect = {{ field = 'to' }}"),
            "expected a known reply field, found \"to\"",
        ),
        (
            format!(
                "{by_status}redirect = {{ field = 'to', status = 200 }}\nfields = {{ to = 'string?' }}"
            ),
            "expected a number from 300 to 399",
        ),
        (
            sign("digest = 'md5'\nfound_in = '/s'\nparts = ['/t']"),
            "expected the key among the parts",
        ),
        (
            sign("digest = 'hmac-sha256'\nfound_in = '/s'\nparts = ['key', '/t']"),
            "expected parts other than the key, found the key",
        ),
        (
            sign("digest = 'hmac-sha256'\nfound_in = '/h/s'\nparts = ['/t', 'body']"),
            "expected the signature outside of the signed body",
        ),
        (sign(&format!("{hmac}parts = ['listed:t=', 'body']")), "expected a separator, found none"),
        (
            sign(&format!(
                "{hmac}parts = 'body'\ntime = {{ from = 'header:x-time', means = 'sent' }}"
            )),
            "expected a signed time",
        ),
        (
            sign(&format!(
                "{hmac}parts = ['literal:a']\ntime = {{ from = 'literal:a', means = 'sent' }}"
            )),
            "expected a signed time",
        ),
    ];
    for (rest, expected) in &cases {
        let faults = faults(rest);
        assert!(
            faults.len() == 1 && faults[0].contains(expected),
            "{rest}: expected {expected}, found {faults:#?}"
        );
    }
    assert_eq!(faults(kind), [""; 0]);
}

#[test]
fn about_texts_appear_in_info_and_schema() {
    let text = format!(
        "tenant = '/inner/who'\n{HEAD}[kind]\nfrom = '/e'\n\
         [fields]\ninner = {{ type = 'object', about = 'The inside.', \
           fields = {{ who = {{ type = 'string', secret = true, about = 'The tenant.' }} }} }}\n\
         [kinds.a]\nabout = 'A question.'\nsubject = '/inner/who'\n\
         [kinds.a.reply]\nallow = {{ ok = true }}\ndeny = {{ ok = false }}\n\
         fields = {{ ok = {{ type = 'boolean', about = 'The answer.' }} }}\n"
    );
    let definition = Definition::parse(&text).unwrap();
    let info = definition.info();
    let [kind] = &info.kinds[..] else { panic!("expected one kind, found {}", info.kinds.len()) };
    assert_eq!((kind.about.as_deref(), &*kind.subject[0]), (Some("A question."), "/inner/who"));
    let inner = &kind.fields[0];
    assert_eq!((inner.about.as_deref(), inner.identifying), (Some("The inside."), true));
    assert_eq!(inner.fields[0].about.as_deref(), Some("The tenant."));
    assert_eq!(kind.reply[0].about.as_deref(), Some("The answer."));
    let schema = definition.schema("a").unwrap();
    assert_eq!(schema["description"], "A question. C: d");
    let inner = &schema["properties"]["inner"];
    assert_eq!(inner["description"], "The inside.");
    let who = &inner["properties"]["who"]["description"];
    assert_eq!(who, "The tenant. A credential: do not log it.");
    let answer = &schema["$defs"]["answer"]["anyOf"][0]["properties"]["ok"];
    assert_eq!(answer["description"], "The answer.");
    let number = faults("[kind]\nother = 'a'\n[kinds.a]\nabout = 1\n");
    assert!(
        number[0].contains("expected a string"),
        "expected a fault about a string, found {number:?}"
    );
}

#[test]
fn reports_fault_in_fields_of_all_kinds_only_once() {
    let faults = faults("[kind]\nfrom = '/e'\n[fields]\nf = 'txt'\n[kinds.a]\n[kinds.b]\n");
    assert_eq!(faults.len(), 1, "{faults:#?}");
}

/// Builds a gate that reads the definition from a file. `template` has the last lines of the
/// config.
fn gate(definition: &str, template: &str) -> Result<Gate, Vec<String>> {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("cam.toml"), definition).unwrap();
    let config = format!(
        "provider_files = ['cam.toml']\n[[route]]\npath = '/c'\nprovider = 'cam'\n\
         [[template]]\nname = 't'\nprovider = 'cam'\nbind = ['*']\n{template}"
    );
    let path = folder.path().join("gatepost.toml");
    std::fs::write(&path, config).unwrap();
    Gate::from_toml_file(path)
        .map_err(|error| error.faults().iter().map(ToString::to_string).collect())
}

fn send(gate: &Gate, address: &str, body: &str) -> Result<Accepted, Refusal> {
    let (uri, headers): (Uri, _) = (address.parse().unwrap(), HeaderMap::new());
    let method = if body.is_empty() { Method::GET } else { Method::POST };
    judge(gate, &Head::new(&method, &uri, &headers), body.as_bytes(), 4096, 1_700_000_000)
}

fn code(result: Result<Accepted, Refusal>) -> String {
    match result {
        Ok(accepted) => accepted.event().kind().to_owned(),
        Err(refusal) => refusal.kind().as_str().to_owned(),
    }
}

/// The lines after [`HEAD`] for a platform that signs the kind `a` with a key of the template, and
/// the kind `b` with the setting `own_key`.
const TWO_SIGNATURES: &str = "[settings.own_key]\nsecret = true\n\
    [signature]\ndigest = 'md5'\nencoding = 'hex'\nfound_in = '/s'\nparts = ['key', '/e']\n\
    [kind]\nfrom = '/e'\n[kinds.a]\n[kinds.b]\n[kinds.b.signature]\ndigest = 'md5'\n\
    encoding = 'hex'\nfound_in = '/s'\nparts = ['key', '/e']\nkey = { setting = 'own_key' }\n";

#[test]
fn requires_key_of_kind_unless_insecure_unsigned_lists_kind() {
    let definition = format!("{HEAD}{TWO_SIGNATURES}");
    let faults = gate(&definition, "keys = ['k']\n").unwrap_err();
    assert!(
        faults[0].contains("expected a key for b"),
        "expected a fault about a key for b, found {faults:?}"
    );
    let open = gate(&definition, "keys = ['k']\ninsecure_unsigned = ['b']\n").unwrap();
    assert_eq!(code(send(&open, "/c", r#"{"e":"b"}"#)), "b");
    assert_eq!(code(send(&open, "/c", r#"{"e":"a"}"#)), "signature_missing");
    let both = gate(&definition, "keys = ['k']\nsettings = { own_key = 'o' }\n").unwrap();
    assert_eq!(code(send(&both, "/c", r#"{"e":"b"}"#)), "signature_missing");
    // The two signatures are md5("ob") and md5("kb"): the key, then the kind.
    let signed = |sign: &str| format!("{{\"e\":\"b\",\"s\":\"{sign}\"}}");
    let own_key = signed("99faee4e1a331a7595932b7c18f9f5f6");
    let template_key = signed("ba34ea40525a4379add785228e37fe86");
    assert_eq!(code(send(&both, "/c", &template_key)), "signature_mismatch");
    assert_eq!(code(send(&both, "/c", &own_key)), "b");
}

#[test]
fn uses_template_keys_if_the_platform_signs_only_one_kind() {
    let definition = format!(
        "{HEAD}[kind]\nfrom = '/e'\n[kinds.a]\n[kinds.b]\n[kinds.b.signature]\ndigest = 'md5'\n\
         encoding = 'hex'\nfound_in = '/s'\nparts = ['key', '/e']\n"
    );
    let gate = gate(&definition, "keys = ['k']\n").unwrap();
    assert_eq!(code(send(&gate, "/c", r#"{"e":"a"}"#)), "a");
    assert_eq!(code(send(&gate, "/c", r#"{"e":"b"}"#)), "signature_missing");
}

#[test]
fn requires_settings_that_the_signature_covers() {
    let definition = format!(
        "{HEAD}[settings.address]\n[signature]\ndigest = 'md5'\nencoding = 'hex'\n\
         found_in = '/s'\nparts = ['setting:address', 'key']\n[kind]\nother = 'a'\n[kinds.a]\n"
    );
    let faults = gate(&definition, "keys = ['k']\n").unwrap_err();
    assert!(
        faults[0].contains("expected `address`, which C signs, found none"),
        "expected a fault about the missing `address`, found {faults:?}"
    );
    let set = gate(&definition, "keys = ['k']\nsettings = { address = 'https://a' }\n").unwrap();
    let parsed = Definition::parse(&definition).unwrap();
    let mut sample = parsed.sample("a").unwrap();
    sample.set("setting:address", "https://a").unwrap();
    let now = Timestamp::from_secs(1_700_000_000);
    let request = sample.sign("k", now).request(&Uri::from_static("/c")).unwrap();
    let body = String::from_utf8(request.body().to_vec()).unwrap();
    assert_eq!(code(send(&set, "/c", &body)), "a");
}

#[test]
fn refuses_duplicate_query_parameter() {
    let definition = format!(
        "{}tenant = 'query:app'\n{}[kind]\nother = 'a'\n[kinds.a]\n",
        HEAD.split("[request]").next().unwrap(),
        "[request]\nmethods = 'GET'\nbody = 'query'\n"
    );
    let gate = gate(&definition, "").unwrap();
    let accepted = send(&gate, "/c?app=one&n=1", "").unwrap();
    assert_eq!(accepted.event().source(), "/cam/one");
    assert_eq!(accepted.event().data(), &Bytes::from_static(br#"{"app":"one","n":"1"}"#));
    assert_eq!(code(send(&gate, "/c?app=one&app=two", "")), "field_duplicate");
    assert_eq!(code(send(&gate, "/c?app=one&app=one", "")), "field_duplicate");
    let beside = definition.replace("'GET'", "'POST'").replace("'query'\n", "'json'\n");
    let gate = self::gate(&beside, "").unwrap();
    assert_eq!(send(&gate, "/c?app=one", "{}").unwrap().event().source(), "/cam/one");
    assert_eq!(code(send(&gate, "/c?app=one&app=two", "{}")), "field_duplicate");
}

#[test]
fn parameters_of_route_are_not_fields_of_callback() {
    let definition = format!(
        "{}tenant = 'query:app'\n{}[kind]\nother = 'a'\n[kinds.a]\n",
        HEAD.split("[request]").next().unwrap(),
        "[request]\nmethods = 'GET'\nbody = 'query'\n"
    );
    let route = "[[route]]\npath = '/d'\nprovider = 'cam'\nquery = { r = 'live/play' }\n";
    let gate = gate(&definition, route).unwrap();
    for target in ["/d?r=live/play&app=one&n=1", "/d/?app=one&r=live/play&n=1"] {
        let accepted = send(&gate, target, "").unwrap();
        assert_eq!(accepted.event().data(), &Bytes::from_static(br#"{"app":"one","n":"1"}"#));
    }
    assert_eq!(code(send(&gate, "/d?app=one&r=live%2Fplay", "")), "path_ambiguous");
    assert_eq!(code(send(&gate, "/d?app=one&r=live/play&app=one", "")), "field_duplicate");
}

#[test]
fn matches_kind_by_whole_name_including_version() {
    let definition = format!("{HEAD}[kind]\nfrom = '/e'\n[kinds.'motion.v1.0']\n[kinds.7]\n");
    let gate = gate(&definition, "").unwrap();
    assert_eq!(code(send(&gate, "/c", r#"{"e":"motion.v1.0"}"#)), "motion.v1.0");
    for seven in ["7", "7.0", "7e0", "\"7\"", "\"07\""] {
        assert_eq!(code(send(&gate, "/c", &format!("{{\"e\":{seven}}}"))), "7", "{seven}");
    }
    assert_eq!(code(send(&gate, "/c", r#"{"e":"v1"}"#)), "unknown");
}

#[test]
fn requires_signature_if_kind_of_callback_differs_from_kind_of_route() {
    let config = "[[route]]\npath = '/c'\nprovider = 'tencent-css'\nkind = 'relay'\ntemplate = 't'\n\
                  [[template]]\nname = 't'\nprovider = 'tencent-css'\nkeys = ['k']\n\
                  insecure_unsigned = ['relay']\n";
    let gate = Gate::builder().toml(config).build().unwrap();
    let relay = r#"{"event_type":314,"callback_event":"TaskStart"}"#;
    assert_eq!(code(send(&gate, "/c", relay)), "relay");
    assert_eq!(code(send(&gate, "/c", &relay.replace("314", "1"))), "signature_missing");
}

#[test]
fn refuses_callback_that_names_a_kind_other_than_that_of_its_route() {
    let config = "[[route]]\npath = '/c'\nprovider = 'tencent-css'\nkind = 'relay'\ntemplate = 't'\n\
                  [[template]]\nname = 't'\nprovider = 'tencent-css'\ninsecure_unsigned = true\n";
    let gate = Gate::builder().toml(config).build().unwrap();
    let relay = r#"{"event_type":314,"callback_event":"TaskStart"}"#;
    for name in ["314", "314.0", "999", "null"] {
        assert_eq!(code(send(&gate, "/c", &relay.replace("314", name))), "relay", "{name}");
    }
    for name in ["1", "1.0", "\"1\""] {
        let refusal = send(&gate, "/c", &relay.replace("314", name)).unwrap_err();
        assert_eq!(refusal.kind().as_str(), "field_invalid", "{name}");
        let detail = "expected `relay`, the kind of the route, found the kind `push`";
        assert_eq!(refusal.detail(), Some(detail));
    }
    let headers = HeaderMap::new();
    let uri = Uri::from_static("/c");
    let head = Head::new(&Method::POST, &uri, &headers);
    let push = relay.replace("314", "1");
    let explained = gate.explain(&head, push.into(), Timestamp::from_secs(0)).to_string();
    assert!(
        explained.contains("kind       relay, from `kind` of the route; the callback names push\n")
            && explained.contains("refused with 400: field_invalid"),
        "{explained}"
    );
}

#[test]
fn route_for_the_kind_of_key_other_accepts_callback_that_names_another_kind() {
    let definition = format!("{HEAD}[kind]\nfrom = '/e'\nother = 'any'\n[kinds.a]\n[kinds.any]\n");
    let route = "[[route]]\npath = '/any'\nprovider = 'cam'\nkind = 'any'\n";
    let gate = gate(&definition, &format!("insecure_unsigned = true\n{route}")).unwrap();
    for (path, kind) in [("/any", "any"), ("/c", "a")] {
        assert_eq!(code(send(&gate, path, r#"{"e":"a"}"#)), kind);
    }
}

#[test]
fn explains_each_vector_with_steps_that_match_its_verdict() {
    let gate = crate::vectors::gate("http://app.test");
    for vector in crate::vectors::all() {
        let request = crate::core::Request::of(&vector);
        let now = Timestamp::from_secs(vector.case.now);
        let explained = gate.explain(&request.head(), vector.body.clone().into(), now);
        let verdict = match &explained.verdict {
            None => "other".to_owned(),
            Some(Ok(_)) => "accepted".to_owned(),
            Some(Err(refusal)) => refusal.kind().as_str().to_owned(),
        };
        assert_eq!(verdict, vector.case.verdict, "{}", vector.name);
        let found = |name: &str| {
            let mut steps = explained.steps.iter().filter(|step| step.name == name);
            steps.next_back().map(|step| step.found.clone()).unwrap_or_default()
        };
        let key_matches = found("key").contains("matches") && !found("key").starts_with("none");
        if verdict == "accepted" && !found("key").is_empty() {
            assert!(key_matches, "{}: expected a match, found {}", vector.name, found("key"));
        }
        if verdict == "signature_mismatch" {
            assert!(!key_matches, "{}: expected no match, found {}", vector.name, found("key"));
        }
        let several = found("tenant").starts_with("several");
        assert_eq!(several, verdict == "tenant_ambiguous", "{}", vector.name);
        let unbound = matches!(&*verdict, "tenant_missing" | "tenant_unknown");
        assert_eq!(
            found("template").starts_with("no template binds"),
            unbound,
            "{}: {explained:?}",
            vector.name
        );
    }
}

#[test]
fn enforces_time_in_signature_of_kind_only_if_definition_requires_it() {
    let folder = tempfile::tempdir().unwrap();
    let judge = |enforced: bool| {
        let definition = format!(
            "name = 'cam'\ntitle = 'Cam'\ndocs = 'd'\nce_type = 'cam'\n\
             settings.key = {{ about = 'a', secret = true }}\n\
             [request]\nmethods = 'POST'\nbody = 'json'\n[kind]\nother = 'a'\n[kinds.a]\n\
             [kinds.a.signature]\ndigest = 'md5'\nparts = ['key', '/t']\nfound_in = '/sign'\n\
             encoding = 'hex'\nkey = {{ setting = 'key' }}\n\
             time = {{ from = '/t', means = 'sent', unit = 's', enforced = {enforced} }}"
        );
        std::fs::write(folder.path().join("cam.toml"), definition).unwrap();
        let config = "provider_files = ['cam.toml']\n[[route]]\npath = '/c'\nprovider = 'cam'\n\
                      [[template]]\nname = 'c'\nprovider = 'cam'\nbind = '*'\n\
                      settings.key = 'test'\n";
        std::fs::write(folder.path().join("gatepost.toml"), config).unwrap();
        let gate = Gate::from_toml_file(folder.path().join("gatepost.toml")).unwrap();
        // MD5 of `test1703732078`.
        let body = br#"{"t":1703732078,"sign":"bc31454d2c5572bc415c4f2292e381eb"}"#;
        let (uri, headers) = (Uri::from_static("/c"), HeaderMap::new());
        let head = Head::new(&Method::POST, &uri, &headers);
        let judged = crate::core::judge(&gate, &head, body, 4096, 1_800_000_000);
        judged.map_or_else(|refusal| refusal.kind().as_str(), |_| "accepted")
    };
    assert_eq!(judge(true), "timestamp_expired");
    assert_eq!(judge(false), "accepted");
}

/// Returns a gate for a platform whose signature covers the key and the host.
fn gate_that_signs_host() -> Gate {
    let folder = tempfile::tempdir().unwrap();
    let definition = format!(
        "{HEAD}[kind]\nother = 'event'\n[kinds.event]\n[signature]\ndigest = 'md5'\n\
         parts = ['key', 'header:Host']\nfound_in = 'header:x-sign'\nencoding = 'hex'"
    );
    std::fs::write(folder.path().join("cam.toml"), definition).unwrap();
    let text = "provider_files = ['cam.toml']\n[[route]]\npath = '/cam'\nprovider = 'cam'\n\
                [[template]]\nname = 'cam'\nprovider = 'cam'\nkeys = ['k']\nbind = '*'\n\
                dedupe = false\non.event = 'http://app.test/event'";
    std::fs::write(folder.path().join("gatepost.toml"), text).unwrap();
    Gate::from_toml_file(folder.path().join("gatepost.toml")).unwrap()
}

// MD5 of `kgate.test`.
const SIGNED_HOST: &str = "8fb7f009fb9a38edb71c644fc2fd0c8c";

// An HTTP/2 client sends `:authority` instead of `host`. The URI contains this authority.
#[test]
fn signed_host_is_authority_if_header_host_is_absent() {
    let gate = gate_that_signs_host();
    let accepts = |uri: &'static str, host: Option<&'static str>| {
        let mut headers = HeaderMap::new();
        headers.insert("x-sign", SIGNED_HOST.parse().unwrap());
        if let Some(host) = host {
            headers.insert("host", host.parse().unwrap());
        }
        let uri = Uri::from_static(uri);
        judge(&gate, &Head::new(&Method::POST, &uri, &headers), b"{}", 2, 0).is_ok()
    };
    assert!(accepts("/cam", Some("gate.test")));
    assert!(accepts("http://gate.test/cam", None));
    assert!(accepts("https://gate.test/cam", Some("gate.test")));
    assert!(!accepts("http://other.test/cam", None));
    assert!(!accepts("/cam", None));
}

#[cfg(feature = "tower")]
#[tokio::test]
async fn layer_accepts_signed_host_in_http_2() {
    use axum::body::Body;
    use gatepost::GateLayer;
    use tower::{Layer as _, ServiceExt as _, service_fn};

    let app = service_fn(|_| async {
        Ok::<_, std::convert::Infallible>(http::Response::new(Body::empty()))
    });
    let layer = GateLayer::new(gate_that_signs_host());
    for (authority, status) in [("gate.test", 200), ("other.test", 401)] {
        let request = http::Request::post(format!("http://{authority}/cam"))
            .version(http::Version::HTTP_2)
            .header("x-sign", SIGNED_HOST)
            .body(Body::from("{}"))
            .unwrap();
        let response = layer.layer(app).oneshot(request).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{authority}");
    }
}
