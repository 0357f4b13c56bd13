//! Benches of the lookup of routes and bindings, with different numbers of both.

use gatepost::{Admission, Gate};

use super::callback::{Callback, NOW};
use super::push;
use crate::bench::Bench;

pub fn all() -> Vec<Bench> {
    let mut benches = vec![
        other_path("other_path", push::gate(""), "/api/users/7"),
        other_path("other_path_dotted", push::gate(""), "/assets/app.3f2a91.js"),
        other_path("other_path_doubled_slash", push::gate(""), "/files//list"),
        other_path("other_path_encoded", push::gate(""), "/files/My%20File"),
        other_path("other_path_nested", push::gate(""), &format!("/%{}2ex", "25".repeat(3_500))),
        callback_path("callback_path", push::gate(""), "/callbacks/tencent"),
        callback_path("callback_path_token", push::gate(""), "/hooks/t0ken"),
    ];
    for count in [1, 100, 1_000] {
        let gate = with_routes(count);
        let last = format!("/callbacks/{}/tencent", count - 1);
        benches.push(other_path(
            &format!("routes_{count}_other_path"),
            gate.clone(),
            "/api/users/7",
        ));
        benches.push(callback_path(&format!("routes_{count}_callback_path"), gate, &last));
    }
    benches.extend([1, 10_000].map(bindings));
    benches
}

/// Creates a bench of a request on a path that is not a callback path.
fn other_path(name: &str, gate: Gate, path: &str) -> Bench {
    let request = Callback::post(path, "application/json", push::BODY);
    let admission = gate.admit(&request.head(), NOW);
    assert!(matches!(admission, Admission::Other), "expected no callback path, found {path}");
    admit(name, gate, request)
}

/// Creates a bench of the checks on a callback's head.
fn callback_path(name: &str, gate: Gate, path: &str) -> Bench {
    let request = Callback::post(path, "application/json", push::BODY);
    let admission = gate.admit(&request.head(), NOW);
    assert!(matches!(admission, Admission::Callback(_)), "expected a callback path, found {path}");
    admit(name, gate, request)
}

fn admit(name: &str, gate: Gate, request: Callback) -> Bench {
    Bench::new(format!("lookup/{name}"), |_| (), move |()| gate.admit(&request.head(), NOW))
}

fn with_routes(count: usize) -> Gate {
    let mut config = String::from(
        "[[template]]\nname = 'all'\nprovider = 'tencent-css'\nkeys = [{ env = 'KEY' }]\nbind = ['*']\n",
    );
    for number in 0..count {
        config +=
            &format!("[[route]]\npath = '/callbacks/{number}/tencent'\nprovider = 'tencent-css'\n");
    }
    Gate::builder().toml(config).variable("KEY", "test").build().unwrap()
}

/// Creates a bench of verdicts on `push` callbacks, with `count` bound tenants.
fn bindings(count: usize) -> Bench {
    let tenant = move |number: usize| format!("t{:06}.test.com", number * 617 % count);
    let names: Vec<_> = (0..count).map(|n| format!("'t{n:06}.test.com'")).collect();
    let config = format!(
        "[[route]]\npath = '/callbacks/tencent'\nprovider = 'tencent-css'\n\
         [[template]]\nname = 'all'\nprovider = 'tencent-css'\nkeys = [{{ env = 'KEY' }}]\nbind = [{}]\n",
        names.join(",")
    );
    let gate = Gate::builder().toml(config).variable("KEY", "test").build().unwrap();
    let prepare = move |number| {
        let body = push::renumbered(push::BODY, number);
        push::with_body(body.replace("test.domain.com", &tenant(number)))
    };
    assert!(prepare(7).judge(&gate).unwrap().is_ok());
    Bench::new(format!("lookup/bindings_{count}"), prepare, move |callback: Callback| {
        callback.judge(&gate)
    })
}
