//! Tests of the lookup of routes.

use super::*;
use crate::client::Networks;
use crate::provider::built_in;

fn route(pattern: &str, mode: Mode, plan: &Arc<Plan>) -> Route {
    Route {
        pattern: pattern.into(),
        parameters: RouteParameters::default(),
        label: pattern.into(),
        plan: Arc::clone(plan),
        token: None,
        #[cfg(feature = "tower")]
        masked: None,
        kind: None,
        template: None,
        bindings: Arc::default(),
        max_body_bytes: 1,
        allow: Networks::default(),
        limit: None,
        source_limit: None,
        cors: CorsOrigins::default(),
        forward: None,
        mode,
        reach: Reach::Subtree,
    }
}

fn find<'r, 'p>(routes: &'r Routes, path: &'p str, reach: Reach) -> Lookup<'r, 'p> {
    routes.find(&Target::new(path, None), reach)
}

fn routes() -> Routes {
    let plan = Arc::new(built_in().next().unwrap());
    let mut routes = Routes::default();
    for pattern in ["/callbacks/tencent", "/hooks/{token}", "/cb/x.php"] {
        routes.add(route(pattern, Mode::Enforce, &plan)).unwrap();
    }
    routes.reserve("/live/Push", Reach::Subtree, &plan);
    routes.reserve_routes(|_| false);
    routes
}

const SPELLINGS: [&str; 60] = [
    "/callbacks/x/.%09./tencent",
    "/callbacks/ten%00cent",
    "/callbacks/ten%09cent",
    "/callbacks/tencent%C2%A0",
    "/.//h/callbacks/tencent",
    "/callbacks/tencent.json",
    "/index.php/callbacks/tencent",
    "/callbacks/tencent",
    "//callbacks/tencent",
    "/callbacks//tencent",
    "/callbacks/tencent/",
    "/callbacks/tencent//",
    "/./callbacks/./tencent",
    "/x/../callbacks/tencent",
    "/../callbacks/tencent",
    "/callbacks/tencent/.",
    "/callbacks/tencent/x/..",
    "/CallBacks/TENCENT",
    "/%63allbacks/tencent",
    "/callbacks%2ftencent",
    "/callbacks%2Ftencent",
    "/%2563allbacks/tencent",
    "/callbacks/%2e/tencent",
    "/callbacks/%2e%2e/callbacks/tencent",
    "/callbacks;v=1/tencent",
    "/callbacks/tencent;jsessionid=1",
    "/callbacks\\tencent",
    "/callbacks%5ctencent",
    "/callbacks/tencent%00.png",
    "/callbacks/tencent%3fx=1",
    "/callbacks/tencent%20",
    "/callbacks/tencent.",
    "/callbacks/x/..;/tencent",
    "/callbacks/tencent%2f",
    "callbacks/tencent",
    "/callbacks./tencent",
    "/x%3f/../callbacks/tencent",
    "/x%23/../callbacks/tencent",
    "/x%00/../callbacks/tencent",
    "/callbacks/;/../tencent",
    "/callbacks/.;/../tencent",
    "/callbacks//../tencent",
    "/callbacks/%2f../tencent",
    "/callbacks/%5c/../tencent",
    "/callbacks/x/..%20/tencent",
    "/callbacks/.../tencent",
    "/callbacks/tencent%09",
    "/callbacks/tencent%0d%0a",
    "/callbacks/%25252525252574encent",
    "/callbacks/a\\b/../tencent",
    "/callbacks/tencent;%2fx",
    "/callbacks/tencent;%5cx",
    "/callbacks/tencent%3b%252fx",
    "/callbacks;a%2fb/tencent",
    "/callbacks;x/tencent%3b%252fx",
    "/callbacks/%%37%34encent",
    "/callbacks/%25252525252525252525252525252525252574encent",
    "//a%2fb/callbacks/tencent",
    "/%5cx%00;../callbacks/tencent",
    "//x%3f/callbacks/tencent",
];

#[test]
fn shared_filter_never_rules_out_a_spelling_of_a_known_path() {
    let (routes, path_filter) = (routes(), SharedPathFilter::default());
    routes.add_to(&path_filter);
    Routes::default().add_to(&path_filter);
    for spelling in SPELLINGS.into_iter().chain(["/live/push", "/hooks/x", "/Hooks/x"]) {
        assert!(
            !path_filter.rules_out(spelling),
            "expected {spelling} to pass, found it ruled out"
        );
    }
    for other in ["/", "/api/users/7", "/assets/app.3f2a91.js", "/login"] {
        assert!(path_filter.rules_out(other), "expected no hit for {other}, found one");
    }
}

#[test]
fn shared_filter_allows_any_first_byte_of_a_token() {
    let (mut routes, path_filter) = (Routes::default(), SharedPathFilter::default());
    let plan = Arc::new(built_in().next().unwrap());
    routes.add(route("/{token}", Mode::Enforce, &plan)).unwrap();
    routes.add_to(&path_filter);
    for letter in ["a", "Z", "0", "~", "-"] {
        assert!(
            !path_filter.rules_out(&format!("/{letter}any")),
            "expected a path with {letter} to pass, found it ruled out"
        );
    }
}

#[test]
fn refuses_long_path_about_which_servers_disagree() {
    let plan = Arc::new(built_in().next().unwrap());
    let of = |mode| {
        let mut routes = Routes::default();
        routes.add(route("/callbacks/tencent", mode, &plan)).unwrap();
        routes
    };
    let (enforcing, shadow) = (of(Mode::Enforce), of(Mode::Shadow));
    let find = |routes: &Routes, unit: &str, length: usize| {
        let path = format!("/x{}", unit.repeat(length / unit.len()));
        match find(routes, &path, Reach::Exact) {
            Lookup::Ambiguous(_) => "ambiguous",
            Lookup::Reserved(_) => "reserved",
            Lookup::Other => "other",
            Lookup::Callback(..) => "callback",
        }
    };
    for unit in ["%41", "//", "/%2525252541;", "/..", "%00a"] {
        assert_eq!(find(&enforcing, unit, 8_000), "other", "{unit}");
        assert_eq!(find(&enforcing, unit, 9_000), "ambiguous", "{unit}");
        assert_eq!(find(&shadow, unit, 9_000), "other", "{unit}");
    }
    assert_eq!(find(&enforcing, "/x", 60_000), "other");
    let mut addresses = Routes::default();
    addresses.reserve("/live/push", Reach::Exact, &plan);
    assert_eq!(find(&addresses, "%41", 9_000), "reserved");
}

#[test]
fn refuses_every_spelling_except_the_exact_path() {
    let routes = routes();
    for spelling in SPELLINGS {
        match find(&routes, spelling, Reach::Exact) {
            Lookup::Callback(..) => assert_eq!(without_slash(spelling), "/callbacks/tencent"),
            Lookup::Ambiguous(_) => {}
            Lookup::Other | Lookup::Reserved(_) => {
                panic!("expected a route, found another result at {spelling}")
            }
        }
    }
    for spelling in [
        "/hooks/secret//",
        "/hooks//secret/",
        "/x/../hooks/secret",
        "/HOOKS/secret",
        "/cb/x.php/extra",
        "//hooks/a%5cb",
        "/Hooks/a%2fb",
        "/Hooks/a%252fb/",
        "/Hooks/.",
        "/Hooks/%00",
        "/hooks/;x//",
        "/x/../hooks/%3f",
        "//x/hooks/a\\b",
        "/index.php/hooks/a\\b",
        "/Hooks/a;%2fb",
        "/callbacks/tencent.%20",
        "/index.min.php/callbacks/tencent",
        "/INDEX.PHP/callbacks/tencent",
    ] {
        assert!(
            matches!(find(&routes, spelling, Reach::Exact), Lookup::Ambiguous(_)),
            "expected {spelling} to be ambiguous, found another result"
        );
    }
    for spelling in [
        "/live/Push",
        "/live/push",
        "/live//push",
        "/x/../live/%70ush",
        "/live/push/",
        "/index.php/live/push",
        "/live/push;a=b",
        "/live/push%3Fa",
    ] {
        assert!(
            matches!(find(&routes, spelling, Reach::Exact), Lookup::Reserved(_)),
            "expected a reserved path, found another result for {spelling}"
        );
    }
}

#[test]
fn finds_callback_with_and_without_slash_at_the_end() {
    let plan = Arc::new(built_in().next().unwrap());
    for pattern in ["/a", "/a/", "/a/b.php/", "/a/{token}", "/a/{token}/", "/a/{token}/x/"] {
        let mut routes = Routes::default();
        routes.add(route(pattern, Mode::Enforce, &plan)).unwrap();
        let path = without_slash(pattern).replace(TOKEN_SEGMENT, "s3cret");
        let token = pattern.contains(TOKEN).then_some("s3cret");
        for spelling in [path.clone(), format!("{path}/")] {
            let Lookup::Callback(_, found) = find(&routes, &spelling, Reach::Subtree) else {
                panic!("expected a callback, found another result at {spelling}")
            };
            assert_eq!(found, token, "{spelling}");
            assert_eq!(routes.find_exact(&spelling, None).unwrap().1, token, "{spelling}");
        }
        for spelling in [format!("{path}//"), format!("{path}/."), path.to_uppercase()] {
            let found = find(&routes, &spelling, Reach::Exact);
            assert!(
                matches!(found, Lookup::Ambiguous(_)),
                "expected {spelling} to be ambiguous, found another result"
            );
        }
    }
}

#[test]
fn refuses_second_route_that_differs_only_in_case_or_last_slash() {
    let plan = Arc::new(built_in().next().unwrap());
    for (one, other) in [("/a", "/a/"), ("/a/", "/A"), ("/a/{token}/", "/a/{token}")] {
        let mut routes = Routes::default();
        routes.add(route(one, Mode::Enforce, &plan)).unwrap();
        assert_eq!(&*routes.add(route(other, Mode::Shadow, &plan)).unwrap_err(), one);
    }
}

fn with_query(pattern: &str, query: &[(&str, &str)], mode: Mode, plan: &Arc<Plan>) -> Route {
    let parameters = RouteParameters::new(query.iter().copied());
    let label = format!("{pattern}{parameters}").into();
    Route { parameters, label, ..route(pattern, mode, plan) }
}

/// Returns the variant of the lookup's result, and the label of the route or the path of the
/// address.
fn found(routes: &Routes, path: &str, query: &str, reach: Reach) -> (&'static str, String) {
    let target = Target::new(path, Some(query));
    let mut lookup = routes.find(&target, reach);
    if matches!(lookup, Lookup::Other) && reach == Reach::Subtree {
        lookup = routes.find_in_query(&target);
    }
    match lookup {
        Lookup::Callback(found, _) => ("callback", routes.at(found).label.to_string()),
        Lookup::Ambiguous(found) => ("ambiguous", routes.at(found).label.to_string()),
        Lookup::Reserved(address) => ("reserved", address.path.to_string()),
        Lookup::Other => ("other", String::new()),
    }
}

#[test]
fn query_selects_route_on_a_shared_path() {
    let plan = Arc::new(built_in().next().unwrap());
    let mut routes = Routes::default();
    for (value, mode) in [("play", Mode::Enforce), ("watch", Mode::Shadow), ("stop", Mode::Enforce)]
    {
        routes.add(with_query("/app/index.php", &[("c", value)], mode, &plan)).unwrap();
    }
    routes.reserve_routes(|_| true);
    for reach in [Reach::Exact, Reach::Subtree] {
        for (path, query, form, value) in [
            ("/app/index.php", "c=play", "callback", "play"),
            ("/app/index.php/", "c=stop", "callback", "stop"),
            ("/app/index.php", "c=watch&x=1", "callback", "watch"),
            ("/app/index.php", "c=watch&c=stop", "ambiguous", "stop"),
            ("/app/index.php", "c=%77atch", "ambiguous", "watch"),
            ("/app/index.php", "c=%73top", "ambiguous", "stop"),
            ("/app/index.php", "C=play", "ambiguous", "play"),
            ("/app//index.php", "c=play", "ambiguous", "play"),
            ("/APP/index.php", "c=watch", "ambiguous", "watch"),
            ("/x/../app/index.php", "c=stop", "ambiguous", "stop"),
            ("/app/index.php/x", "c=stop", "ambiguous", "stop"),
        ] {
            let label = format!("/app/index.php?c={value}");
            assert_eq!(found(&routes, path, query, reach), (form, label), "{path}?{query}");
        }
        for (path, query) in [
            ("/app/index.php", "c=home"),
            ("/app/index.php", ""),
            ("/app//index.php", "c=home"),
            ("/app/index.php/x", "c=home"),
            ("/x/../app/index.php", "x=stop"),
            ("/other", "c=play"),
        ] {
            assert_eq!(found(&routes, path, query, reach).0, "other", "{path}?{query}");
        }
    }
    assert!(routes.find_exact("/app/index.php", Some("c=stop")).is_some());
    for query in [None, Some("c=watch"), Some("c=home"), Some("c=play&c=stop")] {
        assert!(
            routes.find_exact("/app/index.php", query).is_none(),
            "expected no route, found one for {query:?}"
        );
    }
    for path in ["/app", "/app/", "/app/x", "/app/x.php", "/app.php"] {
        let label = "/app/index.php?c=play".to_owned();
        assert_eq!(found(&routes, path, "c=play", Reach::Subtree), ("ambiguous", label), "{path}");
        assert_eq!(found(&routes, path, "c=home", Reach::Subtree).0, "other", "{path}");
        assert_eq!(found(&routes, path, "c=play", Reach::Exact).0, "other", "{path}");
    }
}

#[test]
fn front_controller_in_the_root_reserves_its_query_on_every_path() {
    let plan = Arc::new(built_in().next().unwrap());
    for (pattern, spellings) in [
        ("/", ["//", "/.", "/;x", "/x/..", "/%2f"]),
        (
            "/index.php",
            ["/index.php/x", "//index.php", "/Index.php", "/index%2ephp", "/x/../index.php"],
        ),
    ] {
        let mut routes = Routes::default();
        routes.add(with_query(pattern, &[("c", "play")], Mode::Enforce, &plan)).unwrap();
        routes.reserve_routes(|_| true);
        assert_eq!(found(&routes, pattern, "c=play", Reach::Exact).0, "callback");
        for path in spellings {
            for reach in [Reach::Exact, Reach::Subtree] {
                assert_eq!(found(&routes, path, "c=play", reach).0, "ambiguous", "{path}");
                assert_eq!(found(&routes, path, "c=home", reach).0, "other", "{path}");
            }
        }
        for path in ["/x", "/x.png", "/a/b/c", "/index.html", "/x&c=play"] {
            assert_eq!(found(&routes, path, "c=play", Reach::Subtree).0, "ambiguous", "{path}");
            assert_eq!(found(&routes, path, "c=play", Reach::Exact).0, "other", "{path}");
        }
        assert_eq!(found(&routes, "/x%26c=play", "", Reach::Subtree).0, "ambiguous");
    }
}

#[test]
fn other_query_does_not_unblock_reserved_path_or_token() {
    let plan = Arc::new(built_in().next().unwrap());
    let mut routes = Routes::default();
    for (path, mode) in [("/app/a.php", Mode::Enforce), ("/app/b.php", Mode::Shadow)] {
        routes.add(with_query(path, &[("c", "play")], mode, &plan)).unwrap();
    }
    routes.add(route("/hooks/{token}", Mode::Enforce, &plan)).unwrap();
    routes.add(with_query("/hooks/a", &[("c", "play")], Mode::Shadow, &plan)).unwrap();
    routes.reserve("/app/a.php", Reach::Exact, &plan);
    routes.reserve("/app", Reach::Subtree, &plan);
    for reach in [Reach::Exact, Reach::Subtree] {
        assert_eq!(found(&routes, "/app/a.php", "c=home", reach).0, "reserved");
        assert_eq!(found(&routes, "/app/a.php", "c=play", reach).0, "callback");
        assert_eq!(found(&routes, "/hooks/a", "c=home", reach).0, "ambiguous");
    }
    assert_eq!(found(&routes, "/app/b.php", "c=home", Reach::Subtree).0, "reserved");
}

#[test]
fn routes_on_one_path_need_different_queries() {
    let plan = Arc::new(built_in().next().unwrap());
    let mut routes = Routes::default();
    let add = |routes: &mut Routes, pattern, query: &[_]| {
        routes.add(with_query(pattern, query, Mode::Enforce, &plan))
    };
    add(&mut routes, "/index.php", &[("c", "play")]).unwrap();
    for (pattern, query) in [
        ("/index.php", &[][..]),
        ("/index.php", &[("c", "play")]),
        ("/index.php", &[("x", "y")]),
        ("/Index.php", &[("c", "stop")]),
    ] {
        assert_eq!(&*add(&mut routes, pattern, query).unwrap_err(), "/index.php?c=play");
    }
    add(&mut routes, "/index.php/", &[("c", "stop")]).unwrap();
}

#[test]
fn literal_path_takes_precedence_over_token() {
    let plan = Arc::new(built_in().next().unwrap());
    let mut routes = Routes::default();
    routes.add(route("/a/{token}", Mode::Enforce, &plan)).unwrap();
    routes.add(route("/a/b/", Mode::Enforce, &plan)).unwrap();
    for path in ["/a/b", "/a/b/"] {
        assert!(
            routes.find_exact(path, None).unwrap().1.is_none(),
            "expected the route without a token at {path}, found another route"
        );
    }
}

#[test]
fn reserves_address_with_and_without_slash_at_the_end() {
    let plan = Arc::new(built_in().next().unwrap());
    for address in ["/ev/push", "/ev/push/"] {
        let mut routes = Routes::default();
        routes.reserve(address, Reach::Exact, &plan);
        for path in ["/ev/push", "/ev/push/", "/ev/push//", "/EV/push/"] {
            assert!(
                matches!(find(&routes, path, Reach::Exact), Lookup::Reserved(_)),
                "expected a reserved path, found another result for {path}"
            );
        }
    }
}

#[test]
fn shadow_route_does_not_unblock_enforced_or_reserved_path() {
    let plan = Arc::new(built_in().next().unwrap());
    let mut routes = routes();
    for pattern in ["/shadow", "/shadow/{token}", "/live/{token}", "/live/shadow"] {
        routes.add(route(pattern, Mode::Shadow, &plan)).unwrap();
    }
    routes.reserve("/live/shadow", Reach::Subtree, &plan);
    for path in [
        "/shadow",
        "/shadow/",
        "/shadow/any",
        "/shadow/any/",
        "/shadow/%2e",
        "/live/other",
        "/live/shadow",
        "/live/shadow/",
    ] {
        let Lookup::Callback(found, _) = find(&routes, path, Reach::Exact) else {
            panic!("expected a callback at {path}, found another result")
        };
        assert!(
            routes.is_shadow(found) && routes.find_exact(path, None).is_none(),
            "expected only a shadow route at {path}, found another route"
        );
    }
    assert!(routes.find_exact("/callbacks/tencent", None).is_some());
    for path in ["/SHADOW", "//shadow", "/x/../shadow", "/shadow//", "/live//shadow"] {
        let Lookup::Ambiguous(found) = find(&routes, path, Reach::Exact) else {
            panic!("expected {path} to be ambiguous, found another result")
        };
        assert!(routes.is_shadow(found), "expected a shadow route at {path}, found another route");
    }
    for path in [
        "/live/push",
        "/live/Push",
        "/shadow/..%2fcallbacks%2ftencent",
        "/shadow/x%2f..%2f..%2fcallbacks%2ftencent",
        "/shadow/../callbacks/tencent",
        "/shadow/..%2flive%2fpush",
        "/shadow/index.php%2fcallbacks%2ftencent",
        "/live/push/",
        "/live/push.json",
    ] {
        assert!(
            routes.must_refuse(&find(&routes, path, Reach::Exact)),
            "expected a refusal of {path}, found it open"
        );
    }
}

const BELOW: [&str; 26] = [
    "/live/push.png",
    "/live/push.bak",
    "/live/push.x/y",
    "/live/push.tar.gz",
    "/live/push/x",
    "/live/push/index.php",
    "/LIVE/push/Index.php/x",
    "/live/push.php",
    "/live/push.PHP/x",
    "/live/push.phtml",
    "/live/push.php.json",
    "/live.php/push",
    "/live/push/a/b/c",
    "/live/push/x.js",
    "/live//push/x",
    "/live/%70ush/x",
    "/live/push;a/x",
    "/live/push.php%00.png",
    "/live/push.php./x",
    "/x/../live/push.php",
    "/x/../live/push/x",
    "/index.php/live/push.php",
    "/index.php/live/push/x",
    "//evil.test/live/push/x",
    "/live/push%2fx",
    "/live\\push\\x",
];

#[test]
fn reserves_subtree_of_address_only_in_front_of_file_server() {
    let routes = routes();
    let (path_filter, exact) = (SharedPathFilter::default(), Reach::Exact);
    routes.add_to(&path_filter);
    for path in BELOW {
        assert!(!path_filter.rules_out(path), "expected {path} to pass, found it ruled out");
        let found = find(&routes, path, Reach::Subtree);
        assert!(
            matches!(found, Lookup::Reserved(_)),
            "expected a reserved path, found another result for {path}"
        );
    }
    for path in ["/live/push/x", "/live/push.png", "/live/push.php"] {
        assert!(
            matches!(find(&routes, path, exact), Lookup::Other),
            "expected no match, found one at {path}"
        );
    }
    for path in ["/live/pushes", "/live.png/push", "/live", "/live/x", "/push/x", "/live/index.php"]
    {
        assert!(
            matches!(find(&routes, path, Reach::Subtree), Lookup::Other),
            "expected no match, found one at {path}"
        );
    }
}

#[test]
fn reserves_subtree_of_route_only_in_front_of_file_server() {
    let routes = routes();
    for path in ["/callbacks/tencent/x", "/callbacks/tencent.php", "/cb/x/index.php", "/cb/x"] {
        let found = find(&routes, path, Reach::Subtree);
        assert!(
            matches!(found, Lookup::Ambiguous(_)),
            "expected {path} to be ambiguous, found another result"
        );
        assert!(
            matches!(find(&routes, path, Reach::Exact), Lookup::Other),
            "expected no match, found one at {path}"
        );
    }
    for path in ["/hooks", "/hooks/", "/hooks/index.php"] {
        assert!(
            !matches!(find(&routes, path, Reach::Subtree), Lookup::Reserved(_)),
            "expected {path} to be open, found it reserved"
        );
    }
    assert!(matches!(find(&routes, "/hooks/x", Reach::Subtree), Lookup::Callback(..)));
}

#[test]
fn reserves_parent_of_secret_segment_if_app_receives_events_at_path_of_route() {
    let plan = Arc::new(built_in().next().unwrap());
    for (pattern, path, is_reserved) in [
        ("/hooks/{token}", "/hooks/", true),
        ("/hooks/{token}", "/hooks", true),
        ("/hooks/{token}", "/hooks/index.php/x", true),
        ("/hooks/{token}", "/hooks/a/b", true),
        ("/hooks/{token}", "/hook", false),
        ("/{token}", "/a/b", false),
    ] {
        let mut routes = Routes::default();
        routes.add(route(pattern, Mode::Enforce, &plan)).unwrap();
        routes.reserve_routes(|_| true);
        let found = find(&routes, path, Reach::Subtree);
        assert_eq!(matches!(found, Lookup::Ambiguous(_)), is_reserved, "{path}");
    }
}

#[test]
fn index_script_reserves_its_folder_but_not_the_root() {
    let plan = Arc::new(built_in().next().unwrap());
    let mut routes = Routes::default();
    for address in ["/ev/index.php", "/index.php", "/exact/push"] {
        let is_exact = address.starts_with("/exact");
        let reach = if is_exact { Reach::Exact } else { Reach::Subtree };
        routes.reserve(address, reach, &plan);
    }
    for path in ["/ev", "/ev/", "/ev/x", "/ev/index.php", "/ev.php", "/index.php", "/exact/push"] {
        let found = find(&routes, path, Reach::Subtree);
        assert!(
            matches!(found, Lookup::Reserved(_)),
            "expected a reserved path, found another result for {path}"
        );
    }
    for path in ["/", "/index.html", "/evil", "/exact/push/x", "/exact/push.php"] {
        assert!(
            matches!(find(&routes, path, Reach::Subtree), Lookup::Other),
            "expected no match, found one at {path}"
        );
    }
    let reserved =
        [("/ev", Reach::Subtree), ("/exact/push", Reach::Exact), ("/index.php", Reach::Exact)];
    assert_eq!(routes.reserved(), reserved);
}

#[test]
fn passes_literal_shadow_route_below_reserved_path() {
    let plan = Arc::new(built_in().next().unwrap());
    let mut routes = routes();
    for pattern in ["/live/push/new", "/live/push/{token}"] {
        routes.add(route(pattern, Mode::Shadow, &plan)).unwrap();
    }
    for (path, is_open) in [
        ("/live/push/new", true),
        ("/live/push//new", true),
        ("/live/push/x", false),
        ("/live/push/index.php", false),
    ] {
        let found = find(&routes, path, Reach::Subtree);
        assert_eq!(!routes.must_refuse(&found), is_open, "{path}");
    }
}

#[test]
fn finds_path_after_script_in_a_folder() {
    let mut routes = routes();
    let plan = Arc::new(built_in().next().unwrap());
    routes.reserve("/app/live/end", Reach::Exact, &plan);
    for path in ["/app/index.php/live/end", "/x.php/index.php/live/push"] {
        assert!(
            matches!(find(&routes, path, Reach::Exact), Lookup::Reserved(_)),
            "expected a reserved path, found another result for {path}"
        );
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig {
        cases: 4096,
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn filters_agree_with_a_full_lookup(
        path in "(/(callbacks|tencent|Live|push|LIVE|hooks|x|cb|v1.2|a..b|b.js|c.json|D.PHP|é|_~-|push.php|index.php|)){0,4}[/.;%]?",
        is_subtree: bool,
    ) {
        let routes = routes();
        let reach = if is_subtree { Reach::Subtree } else { Reach::Exact };
        let found = |lookup: Lookup<'_, '_>| match lookup {
            Lookup::Ambiguous(found) | Lookup::Callback(found, _) => format!("{found:?}"),
            Lookup::Other => "other".to_owned(),
            Lookup::Reserved(address) => address.path.to_string(),
        };
        let target = Target::new(&path, None);
        let search = Search { routes: &routes, reach, target: &target };
        let expected = found(search.find_readings(&path));
        proptest::prop_assert_eq!(found(find(&routes, &path, reach)), &*expected, "{}", path);
        let path_filter = SharedPathFilter::default();
        routes.add_to(&path_filter);
        let is_other = expected == "other";
        let is_kept = !path_filter.rules_out(&path) || is_other;
        proptest::prop_assert!(is_kept, "expected {} to pass, found it ruled out", path);
    }
}

#[test]
fn finds_nothing_for_unrelated_paths() {
    let routes = routes();
    for path in [
        "/",
        "*",
        "/callbacks",
        "/callbacks/tencent/x",
        "/callbacks/tencentx",
        "/a.b/c.png",
        "/callbacks/tencent/My%20File",
        "/Docs/callbacks/tencent",
        "/a;b=c/d",
        "/a/../b",
        "/live",
        "/live/pushed",
        "/blog/live/tips/push;v=1",
        "/videos/live%3F/push",
        "/blog/c%23/live/push",
        "/v1.2/live/push",
        "/live/push.png",
        "/hooks",
        "/hooks/",
        "//hooks/a/b",
        "/Hooks/a/b%2fc",
    ] {
        assert!(
            matches!(find(&routes, path, Reach::Exact), Lookup::Other),
            "expected no match, found one at {path}"
        );
    }
}

#[test]
fn canonical_path_has_only_one_spelling() {
    for path in
        ["/", "/callbacks/tencent", "/Callbacks/Kollus/{token}", "/a.b/c", "/a/", "/{token}/"]
    {
        assert!(is_canonical(path), "expected one spelling of {path}, found several");
    }
    for path in [
        "callbacks",
        "/a//b",
        "/a//",
        "//",
        "/a/./",
        "/a/../b",
        "/%61",
        "/a;b",
        "/{other}",
        "/{*rest}",
        "/a{token}",
        "/{token}.json",
        "/.a",
        "/a b",
    ] {
        assert!(!is_canonical(path), "expected several spellings of {path}, found one");
    }
}
