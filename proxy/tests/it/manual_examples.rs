//! Tests of the examples of the manual that no other test runs or compiles: events as the app
//! receives them, an output of `gatepost check`, and Rust code.

use std::fs;

use tempfile::TempDir;

use crate::guide_shell::{Block, blocks, root};
use crate::manual_blocks;
use crate::mock::Seen;
use crate::support::*;

/// Returns the first block in `language` of a page of the manual.
fn first(page: &str, language: &str) -> Block {
    let text = fs::read_to_string(root().join("src/manual").join(page)).unwrap();
    let found = blocks(&text).into_iter().find(|block| block.language == language);
    found.unwrap_or_else(|| panic!("{page}: expected a block in {language}, found none"))
}

/// Checks that an event has the target, the headers and the first members of an example. The example
/// ends with `…`. `ce-id` is another one for each event.
fn assert_event_is(seen: &Seen, example: &str) {
    let (head, body) = example.split_once("\n\n").unwrap();
    let mut lines = head.lines();
    let request = lines.next().unwrap();
    assert!(seen.line.starts_with(request), "expected {request}, found {}", seen.line);
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        let found = seen.header(name);
        match name {
            "ce-id" => assert_eq!(found.map(str::len), Some(value.len()), "{found:?}"),
            _ => assert_eq!(found, Some(value), "{name}"),
        }
    }
    let body = body.replace("\n ", "");
    let (start, _) = body.split_once(",…").unwrap();
    let found = String::from_utf8_lossy(&seen.body);
    assert!(found.starts_with(start), "expected a body that starts with {start}, found {found}");
}

#[test]
fn page_of_app_shows_event_as_the_app_receives_it() {
    let app = App::answering(200, "");
    let url = app.url("/live/push");
    let gate = Gatepost::serve(
        "",
        &format!(
            "[[template]]\nname = 'prod-live'\nprovider = 'tencent-css'\nbind = ['*']\n\
             keys = [{{ env = 'TENCENT_KEY' }}]\non.push = '{url}'\n"
        ),
    );
    let t = now() + 600;
    let push = format!(
        r#"{{"event_type":1,"app":"push.example.com","appname":"live","stream_id":"s1",
        "channel_id":"s1","event_time":1703731478,"sequence":"2210464508206756938",
        "node":"10.0.0.1","user_ip":"10.0.0.2","stream_param":"","t":{t},"sign":"{}"}}"#,
        sign(KEY, t)
    );
    let push = post("/callbacks/tencent", &push);
    assert_eq!(gate.send(&push).status, 200);
    assert_event_is(&app.only(), &first("app.md", "http").text);
}

#[test]
fn page_of_common_events_shows_event_as_the_app_receives_it() {
    let app = App::answering(200, r#"{"allow":true}"#);
    let gate = Gatepost::serve_config(&format!(
        "[[route]]\npath = '/srs/{{token}}'\nprovider = 'srs'\ntoken = 'a-secret-token-of-32-letters-001'\n\
         [[template]]\nname = 'live'\nprovider = 'srs'\nbind = ['*']\n\
         on.'*' = {{ url = '{}', forward = 'common' }}\n",
        app.url("/streams")
    ));
    let published = r#"{"action":"on_publish","client_id":"9o7g1330","ip":"203.0.113.10",
        "vhost":"__defaultVhost__","app":"live","stream":"livestream","param":"",
        "tcUrl":"rtmp://203.0.113.1/live","server_id":"vid-0xk989d"}"#;
    let sent = post("/srs/a-secret-token-of-32-letters-001", published);
    let reply = gate.send(&sent);
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_event_is(&app.only(), &first("common.md", "text").text);
}

#[test]
fn page_of_memory_shows_output_of_check() {
    let folder = TempDir::new().unwrap();
    let config = "listen = ['127.0.0.1:8080']\nthreads = 2\n[[route]]\npath = '/callbacks/tencent'\n\
                  provider = 'tencent-css'\n[[template]]\nname = 'live'\nprovider = 'tencent-css'\n\
                  keys = ['a-key-of-32-letters-and-digits-1']\nbind = ['*']\n\
                  on.'*' = 'http://127.0.0.1:3000/events'\n";
    fs::write(folder.path().join("gatepost.toml"), config).unwrap();
    let output = gatepost().args(["check", "--memory"]).current_dir(&folder).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let lines = printed.lines().filter(|line| line.starts_with("memory: "));
    assert_eq!(lines.collect::<Vec<_>>().join("\n"), first("memory.md", "text").text);
}

/// rustdoc skips blocks with `ignore`. Each of them must be a part of code that rustdoc or cargo
/// compiles: the front page of the store's crate, or an example of the proxy.
#[test]
fn each_ignored_rust_block_is_code_that_ci_compiles() {
    let front_page = fs::read_to_string(root().join("proxy/store/src/lib.rs")).unwrap();
    let shown = |line: &&str| !line.starts_with("# ");
    let front_page = front_page.lines().filter_map(|line| line.strip_prefix("//!"));
    let front_page = front_page.map(|line| line.strip_prefix(' ').unwrap_or(line)).filter(shown);
    let front_page: String = front_page.map(|line| format!("{line}\n")).collect();
    let example = fs::read_to_string(root().join("examples/own_proxy.rs")).unwrap();
    let ignored = manual_blocks::all("rust,ignore");
    assert!(!ignored.is_empty(), "expected a block, found none");
    for (page, block) in ignored {
        let code = block.text;
        let is_compiled = front_page.contains(&code) || example.contains(&code);
        assert!(is_compiled, "{}: expected compiled code, found\n{code}", page.display());
    }
}
