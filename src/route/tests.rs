//! Tests of the lookup of routes.

use super::*;
use crate::client::Networks;
use crate::provider::built_in;

fn route(pattern: &str, mode: Mode, plan: &Arc<Plan>) -> Route {
    Route {
        pattern: pattern.into(),
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

const SPELLINGS: [&str; 59] = [
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
        assert!(!path_filter.rules_out(spelling), "{spelling}");
    }
    for other in ["/", "/api/users/7", "/assets/app.3f2a91.js", "/login"] {
        assert!(path_filter.rules_out(other), "{other}");
    }
}

#[test]
fn shared_filter_allows_any_first_byte_of_a_token() {
    let (mut routes, path_filter) = (Routes::default(), SharedPathFilter::default());
    let plan = Arc::new(built_in().next().unwrap());
    routes.add(route("/{token}", Mode::Enforce, &plan)).unwrap();
    routes.add_to(&path_filter);
    for letter in ["a", "Z", "0", "~", "-"] {
        assert!(!path_filter.rules_out(&format!("/{letter}any")), "{letter}");
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
        match routes.find(&path, Reach::Exact) {
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
        match routes.find(spelling, Reach::Exact) {
            Lookup::Callback(..) => assert_eq!(spelling, "/callbacks/tencent"),
            Lookup::Ambiguous(_) => {}
            Lookup::Other | Lookup::Reserved(_) => panic!("expected a route for {spelling}"),
        }
    }
    for spelling in [
        "/hooks/secret/",
        "/x/../hooks/secret",
        "/HOOKS/secret",
        "/cb/x.php/extra",
        "//hooks/a%5cb",
        "/Hooks/a%2fb",
        "/Hooks/a%252fb/",
        "/Hooks/.",
        "/Hooks/%00",
        "/hooks/;x/",
        "/x/../hooks/%3f",
        "//x/hooks/a\\b",
        "/index.php/hooks/a\\b",
        "/Hooks/a;%2fb",
        "/callbacks/tencent.%20",
        "/index.min.php/callbacks/tencent",
        "/INDEX.PHP/callbacks/tencent",
    ] {
        assert!(matches!(routes.find(spelling, Reach::Exact), Lookup::Ambiguous(_)), "{spelling}");
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
        assert!(matches!(routes.find(spelling, Reach::Exact), Lookup::Reserved(_)), "{spelling}");
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
    for path in ["/shadow", "/shadow/any", "/shadow/%2e", "/live/other", "/live/shadow"] {
        let Lookup::Callback(found, _) = routes.find(path, Reach::Exact) else {
            panic!("expected a callback path, found {path}")
        };
        assert!(routes.is_shadow(found) && routes.find_exact(path).is_none(), "{path}");
    }
    assert!(routes.find_exact("/callbacks/tencent").is_some());
    for path in ["/SHADOW", "//shadow", "/x/../shadow", "/shadow/", "/live//shadow"] {
        let Lookup::Ambiguous(found) = routes.find(path, Reach::Exact) else {
            panic!("expected an ambiguous path, found {path}")
        };
        assert!(routes.is_shadow(found), "{path}");
    }
    for path in [
        "/live/push",
        "/live/Push",
        "/shadow/..%2fcallbacks%2ftencent",
        "/shadow/x%2f..%2f..%2fcallbacks%2ftencent",
        "/shadow/../callbacks/tencent",
        "/shadow/..%2flive%2fpush",
        "/shadow/index.php%2fcallbacks%2ftencent",
        "/live/push.json",
    ] {
        assert!(
            Search { routes: &routes, reach: Reach::Exact }
                .must_refuse(&routes.find(path, Reach::Exact)),
            "{path}"
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
fn reserves_subtree_of_address_in_front_of_file_server_only() {
    let routes = routes();
    let (path_filter, exact) = (SharedPathFilter::default(), Reach::Exact);
    routes.add_to(&path_filter);
    for path in BELOW {
        assert!(!path_filter.rules_out(path), "{path}");
        let found = routes.find(path, Reach::Subtree);
        assert!(matches!(found, Lookup::Reserved(_)), "{path}");
    }
    for path in ["/live/push/x", "/live/push.png", "/live/push.php"] {
        assert!(matches!(routes.find(path, exact), Lookup::Other), "{path}");
    }
    for path in ["/live/pushes", "/live.png/push", "/live", "/live/x", "/push/x", "/live/index.php"]
    {
        assert!(matches!(routes.find(path, Reach::Subtree), Lookup::Other), "{path}");
    }
}

#[test]
fn reserves_subtree_of_route_in_front_of_file_server_only() {
    let routes = routes();
    for path in ["/callbacks/tencent/x", "/callbacks/tencent.php", "/cb/x/index.php", "/cb/x"] {
        let found = routes.find(path, Reach::Subtree);
        assert!(matches!(found, Lookup::Ambiguous(_)), "{path}");
        assert!(matches!(routes.find(path, Reach::Exact), Lookup::Other), "{path}");
    }
    for path in ["/hooks", "/hooks/", "/hooks/index.php"] {
        assert!(!matches!(routes.find(path, Reach::Subtree), Lookup::Reserved(_)), "{path}");
    }
    assert!(matches!(routes.find("/hooks/x", Reach::Subtree), Lookup::Callback(..)));
}

#[test]
fn reserves_parent_of_secret_segment_if_app_receives_events_there() {
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
        let found = routes.find(path, Reach::Subtree);
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
        let found = routes.find(path, Reach::Subtree);
        assert!(matches!(found, Lookup::Reserved(_)), "{path}");
    }
    for path in ["/", "/index.html", "/evil", "/exact/push/x", "/exact/push.php"] {
        assert!(matches!(routes.find(path, Reach::Subtree), Lookup::Other), "{path}");
    }
    let reserved =
        [("/ev", Reach::Subtree), ("/exact/push", Reach::Exact), ("/index.php", Reach::Exact)];
    assert_eq!(routes.reserved(), reserved);
}

#[test]
fn literal_shadow_route_stays_open_below_reserved_path() {
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
        let search = Search { routes: &routes, reach: Reach::Subtree };
        assert_eq!(!search.must_refuse(&search.find(path)), is_open, "{path}");
    }
}

#[test]
fn finds_path_behind_script_in_a_folder() {
    let mut routes = routes();
    let plan = Arc::new(built_in().next().unwrap());
    routes.reserve("/app/live/end", Reach::Exact, &plan);
    for path in ["/app/index.php/live/end", "/x.php/index.php/live/push"] {
        assert!(matches!(routes.find(path, Reach::Exact), Lookup::Reserved(_)), "{path}");
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
        let expected = found(Search { routes: &routes, reach }.find_readings(&path));
        proptest::prop_assert_eq!(found(routes.find(&path, reach)), &*expected, "{}", path);
        let path_filter = SharedPathFilter::default();
        routes.add_to(&path_filter);
        let is_other = expected == "other";
        proptest::prop_assert!(!path_filter.rules_out(&path) || is_other, "{}", path);
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
        assert!(matches!(routes.find(path, Reach::Exact), Lookup::Other), "{path}");
    }
}

#[test]
fn canonical_path_has_only_one_spelling() {
    for path in ["/callbacks/tencent", "/Callbacks/Kollus/{token}", "/a.b/c"] {
        assert!(is_canonical(path), "{path}");
    }
    for path in [
        "callbacks",
        "/a//b",
        "/a/",
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
        assert!(!is_canonical(path), "{path}");
    }
}
