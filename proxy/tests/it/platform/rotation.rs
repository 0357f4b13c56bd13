//! Test of a rotation of the key, with callbacks between all steps. The platform signs new
//! callbacks with the key in the account's callback template, and resends callbacks that it has
//! signed with the earlier key.

use std::fs;

use serde_json::{Value as Json, json};

use super::double::Double;
use super::{ID, NEW_KEY, OLD_KEY, SECRET, account_template, output};
use crate::support::*;

const TOP: &str = "admin_token = 's3cret-t0ken'\n[[route]]\npath = '/callbacks/tencent'\n\
                   provider = 'tencent-css'\n";

struct Rotation {
    double: Double,
    gate: Gatepost,
    /// The lines of the config before the template.
    head: String,
    reloads: usize,
}

fn config(keys: &str) -> String {
    format!(
        "[[template]]\nname = 'live'\nprovider = 'tencent-css'\nbind = ['push.example.com']\n\
         keys = [{keys}]\n[template.on]\npush = {{ answer = {{}} }}\ninterruption = {{ answer = {{}} }}\n"
    )
}

impl Rotation {
    fn start() -> Self {
        let own = account_template(7, "live", "gatepost", OLD_KEY);
        let rules = [super::rule("push.example.com", "live", 7)];
        let first = format!("{TOP}{}", config("{ file = 'old.key' }"));
        let gate = Gatepost::serve_by(gatepost(), &first, |folder| {
            fs::write(folder.join("old.key"), OLD_KEY).unwrap();
            fs::write(folder.join("new.key"), NEW_KEY).unwrap();
        });
        let text = fs::read_to_string(gate.folder.path().join("gatepost.toml")).unwrap();
        let head = text.split("[[template]]").next().unwrap().to_owned();
        Self { double: Double::with(&[own], &rules), gate, head, reloads: 0 }
    }

    fn write(&self, keys: &str) {
        let text = format!("{}{}", self.head, config(keys));
        fs::write(self.gate.folder.path().join("gatepost.toml"), text).unwrap();
    }

    fn reload(&mut self) {
        self.reloads += 1;
        self.gate.program.signal("HUP");
        self.gate.program.wait_for_lines("reloaded the config", self.reloads);
    }

    fn account_key(&self) -> String {
        self.double.state().0[0]["CallbackKey"].as_str().unwrap().to_owned()
    }

    /// Runs `gatepost platform`. Before and after the command, gatepost must accept callbacks with
    /// a signature from any of `keys`, or from the key in the account's callback template.
    fn platform(&self, arguments: &str, keys: &[&str]) -> (Option<i32>, String) {
        self.expect_accepted(keys);
        let mut command = gatepost();
        command.arg("platform").args(arguments.split(' ')).arg("tencent-css");
        command.args(["--url", "https://gate.example.com"]);
        command.args(["--endpoint", &format!("http://127.0.0.1:{}", self.double.app.port)]);
        command.env("TENCENTCLOUD_SECRET_ID", ID).env("TENCENTCLOUD_SECRET_KEY", SECRET);
        command.env("GATEPOST_ADMIN_TOKEN", "s3cret-t0ken").current_dir(&self.gate.folder);
        let result = output(&mut command);
        self.expect_accepted(keys);
        result
    }

    fn expect_accepted(&self, keys: &[&str]) {
        let current = self.account_key();
        for key in keys.iter().copied().chain([&*current]) {
            let mut body: Json = serde_json::from_str(&push()).unwrap();
            body["sign"] = json!(sign(key, body["t"].as_u64().unwrap()));
            let reply = self.gate.send(&post("/callbacks/tencent", &body.to_string()));
            assert_eq!(reply.status, 200, "{}", self.gate.program.log());
        }
    }
}

#[test]
fn gatepost_refuses_no_callback_during_a_rotation() {
    let mut rotation = Rotation::start();
    let (code, text) = rotation.platform("apply --yes", &[OLD_KEY]);
    assert_eq!(code, Some(0), "{text}");
    assert!(!text.contains("note: cannot check which keys"), "{text}");

    // The running gatepost has not loaded the new key.
    rotation.write("{ file = 'new.key' }, { file = 'old.key' }");
    let (code, text) = rotation.platform("apply --yes", &[OLD_KEY]);
    assert_eq!(code, Some(1), "{text}");
    let conflict = "conflict: template live: expected a key that the running gatepost accepts, found \
                    another in { file = \"new.key\" }; reload gatepost with this config and this key \
                    first\n";
    assert!(text.contains(conflict), "{text}");
    assert_eq!(rotation.account_key(), OLD_KEY);

    rotation.reload();
    // The key file changes after the reload.
    let file = rotation.gate.folder.path().join("new.key");
    fs::write(&file, "0therKey").unwrap();
    let (code, text) = rotation.platform("apply --yes", &[OLD_KEY, NEW_KEY]);
    assert!(code == Some(1) && text.contains(conflict), "{text}");
    assert_eq!(rotation.account_key(), OLD_KEY);
    fs::write(&file, NEW_KEY).unwrap();

    let (code, text) = rotation.platform("apply --yes", &[OLD_KEY, NEW_KEY]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(rotation.account_key(), NEW_KEY);

    // The operator removes the old key. Until the reload, gatepost accepts both keys.
    rotation.write("{ file = 'new.key' }");
    rotation.expect_accepted(&[OLD_KEY, NEW_KEY]);
    rotation.reload();
    let (code, text) = rotation.platform("apply --yes", &[NEW_KEY]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("No changes"), "{text}");
}
