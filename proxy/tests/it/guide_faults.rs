//! Tests of the tables at the end of the guides. Each test causes the faults of a table, and
//! searches the output and the log for the texts that the table quotes.

use crate::guide_shell::{Shell, blocks, page};

const KOLLUS: Faults = Faults {
    send: "gatepost send kollus.live_play client_user_id=user01 \
           --to \"http://127.0.0.1:8080/callbacks/kollus/$(cat kollus.token)\" 2>&1",
    wrong_key: "gatepost send kollus.live_play --to http://127.0.0.1:8080/callbacks/kollus/wrong 2>&1",
    wrong_key_code: "token_mismatch",
    wrong_type: "curl -s \"http://127.0.0.1:8080/callbacks/kollus/$(cat kollus.token)\" \
                 -H 'content-type: application/json' -d '{\"kind\":100}'",
    wrong_type_code: "kind_missing",
};

const TENCENT: Faults = Faults {
    send: "gatepost send tencent-css.recording_file --key-file tencent-css.key \
           --to http://127.0.0.1:8080/callbacks/tencent-css 2>&1",
    wrong_key: "gatepost send tencent-css.recording_file --key wrong \
                --to http://127.0.0.1:8080/callbacks/tencent-css 2>&1",
    wrong_key_code: "signature_mismatch",
    wrong_type: "curl -s http://127.0.0.1:8080/callbacks/tencent-css -d 'event_type=100&t=1'",
    wrong_type_code: "json_malformed",
};

/// Commands that cause the faults of a guide, and the codes of these faults.
struct Faults {
    send: &'static str,
    wrong_key: &'static str,
    wrong_key_code: &'static str,
    wrong_type: &'static str,
    wrong_type_code: &'static str,
}

/// A guide, and the shell that runs its commands.
struct Guide {
    page: String,
    shell: Shell,
}

impl Guide {
    /// Writes the config and the app of a guide. Starts neither gatepost nor the app.
    fn prepare(guide: &str) -> Self {
        Self::prepare_example(guide, "")
    }

    /// Writes the config of a guide whose app is an example of this workspace.
    fn prepare_example(guide: &str, example: &'static str) -> Self {
        let (page, mut shell) = (page(guide), Shell::start(example));
        for block in blocks(&page) {
            match block.file {
                Some(file) => shell.write(&file, &block.text),
                None => {
                    let init = block.text.lines().find(|line| line.starts_with("gatepost init"));
                    init.into_iter().for_each(|line| drop(shell.run(line)));
                }
            }
        }
        Self { page, shell }
    }

    /// Checks that the first cell of a row of the table contains `needle`, and that the output or
    /// the log contains each text that this cell quotes.
    fn shows(&self, needle: &str, output: &str) {
        let mut cells =
            self.page.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
        let cell = cells.rfind(|cell| cell.contains(needle));
        let cell =
            cell.unwrap_or_else(|| panic!("expected a row of the table with {needle}, found none"));
        let seen = format!("{output}\n{}", self.shell.log());
        for quote in self.shell.with_ports(cell).split('`').skip(1).step_by(2) {
            assert!(seen.contains(quote), "expected `{quote}`, found:\n{seen}");
        }
    }

    fn shows_after(&mut self, needle: &str, command: &str) {
        let output = self.shell.run(command);
        self.shell.wait_for_log(needle);
        self.shows(needle, &output);
    }

    /// Causes the fault of an address whose path the app does not serve.
    fn fail_path(&mut self, faults: &Faults) {
        self.shell.run("sed -i 's,/events,/other,' gatepost.toml && kill -HUP %1");
        self.shell.wait_for_log("reloaded the config");
        self.shows_after("app_status", faults.send);
    }

    /// Causes the faults of an app in Rust that contains gatepost's layer.
    fn fail_layer(&mut self, faults: &Faults) {
        let output = self.shell.run(&format!("{} 2>&1", faults.send));
        self.shows("found none", &output);
        self.shell.run("cargo run &");
        let command = format!("{} 2>&1", self.shell.example());
        let output = self.shell.run(&command);
        self.shows("Address already in use", &output);
        self.fail_client(faults);
    }

    /// Causes the faults that only the client shows, because the app writes no log.
    fn fail_client(&mut self, faults: &Faults) {
        let output = self.shell.run(faults.wrong_key);
        self.shows("401 Unauthorized", &output);
        let with_status = faults.wrong_type.replace("curl -s", "curl -s -w '%{http_code}\\n'");
        let output = self.shell.run(&with_status);
        self.shows("`refused` with status", &output);
    }

    /// Causes, in turn, the faults that most guides have in common. `app` is the command that
    /// starts the app. `taken` is the text that this command prints if the port is in use. If
    /// `taken` is empty, omits this fault.
    fn fail(&mut self, faults: &Faults, app: &str, taken: &str) {
        if self.page.contains("found none` |") {
            let output = self.shell.run(faults.send);
            self.shows("found none", &output);
        }
        self.shell.run("gatepost run &");
        self.shows_after("app_unreachable", faults.send);
        let output = self.shell.run("gatepost run 2>&1");
        self.shows("expected a free address to listen on", &output);
        self.shell.run(&format!("{app} &"));
        if !taken.is_empty() {
            let output = self.shell.run(&format!("{app} 2>&1"));
            self.shows(taken, &output);
        }
        self.shows_after(faults.wrong_key_code, faults.wrong_key);
        self.shows_after(faults.wrong_type_code, faults.wrong_type);
    }
}

#[test]
fn faults_show_texts_in_table_of_php_guide() {
    let mut guide = Guide::prepare("php");
    guide.fail(&KOLLUS, "php -S 127.0.0.1:3000 events.php", "Failed to listen");
    guide.shell.write("events.php", "<?php\nif ($paid {");
    guide.shows_after("answer_empty", KOLLUS.send);
    guide.shell.write("events.php", "<?php http_response_code(404);");
    guide.shows_after("app_status", KOLLUS.send);
    let denied = "<?php $paid = isset($_POST['client_user_id']);\n\
                  $no = ['allow' => false, 'message' => 'Please buy a ticket'];\n\
                  echo json_encode($paid ? ['allow' => true] : $no);";
    guide.shell.write("events.php", denied);
    let output = guide.shell.run(KOLLUS.send);
    guide.shows("for a viewer who paid", &output);
    guide.shell.write("events.php", "<?php echo '<p>Warning</p>';");
    guide.shows_after("answer_malformed", KOLLUS.send);
    guide.shell.write("events.php", "<?php sleep(3);");
    guide.shows_after("app_timeout", KOLLUS.send);
}

#[test]
fn faults_show_texts_in_table_of_node_guide() {
    Guide::prepare("node").fail(&KOLLUS, "node server.mjs", "EADDRINUSE");
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn faults_show_texts_in_table_of_express_guide() {
    let mut guide = Guide::prepare("express");
    guide.fail(&KOLLUS, "node app.mjs", "EADDRINUSE");
    guide.fail_path(&KOLLUS);
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn faults_show_texts_in_table_of_fastapi_guide() {
    let mut guide = Guide::prepare("fastapi");
    let app = "uvicorn --log-level warning --port 3000 app:app";
    guide.fail(&KOLLUS, app, "error while attempting to bind");
    guide.fail_path(&KOLLUS);
}

#[test]
#[ignore = "needs Go"]
fn faults_show_texts_in_table_of_go_guide() {
    let mut guide = Guide::prepare("go");
    guide.fail(&KOLLUS, "go run main.go", "bind: address already in use");
    guide.fail_path(&KOLLUS);
}

#[test]
#[ignore = "needs puma and Rack"]
fn faults_show_texts_in_table_of_ruby_guide() {
    let app = "puma --quiet --bind tcp://127.0.0.1:3000 config.ru";
    Guide::prepare("ruby").fail(&KOLLUS, app, "Address already in use");
}

#[test]
#[ignore = "needs php-illuminate-routing"]
fn faults_show_texts_in_table_of_laravel_guide() {
    let mut guide = Guide::prepare("laravel");
    guide.fail(&KOLLUS, "php artisan serve --port 3000", "Failed to listen");
}

#[test]
#[ignore = "needs the examples of the workspace"]
fn faults_show_texts_in_table_of_axum_guide() {
    let mut guide = Guide::prepare_example("axum", "recordings");
    guide.fail_layer(&TENCENT);
    let output = guide.shell.run(&TENCENT.send.replace("callbacks/tencent-css", "callbacks/other"));
    guide.shows("404 Not Found", &output);
}

#[test]
#[ignore = "needs the examples of the workspace"]
fn faults_show_texts_in_table_of_tonic_guide() {
    Guide::prepare_example("tonic", "grpc_server").fail_layer(&KOLLUS);
}

#[test]
#[ignore = "needs the examples of the workspace"]
fn faults_show_texts_in_table_of_pingora_guide() {
    let mut guide = Guide::prepare_example("pingora", "own_proxy");
    let output = guide.shell.run(KOLLUS.send);
    guide.shows("found none", &output);
    guide.shell.run("cargo run &");
    let output = guide.shell.run(KOLLUS.send);
    guide.shows("`{\"data\":{\"result\":0}}`", &output);
    guide.shell.run("php -S 127.0.0.1:3000 events.php &");
    let output = guide.shell.run("php -S 127.0.0.1:3000 events.php 2>&1");
    guide.shows("Failed to listen", &output);
    guide.fail_client(&KOLLUS);
}

#[test]
fn faults_show_texts_in_table_of_keys_guide() {
    let mut guide = Guide::prepare("keys");
    guide.shell.run("gatepost run &");
    guide.shows_after("signature_mismatch", &TENCENT.wrong_key.replace("recording_file", "push"));
    for (command, needle) in [
        (
            "sed -i 's|^keys .*|keys = [{ file = \"none.key\" }]|' gatepost.toml",
            "secret_unreadable",
        ),
        ("touch none.key", "found an empty value"),
    ] {
        guide.shows_after(needle, &format!("{command} && kill -HUP %1"));
    }
}

#[test]
fn faults_show_texts_in_table_of_guide_for_several_machines() {
    let mut guide = Guide::prepare("machines");
    guide.shell.run("sed 's/:8080/:8081/; s/:9900/:9901/' gatepost.toml > second.toml");
    guide.fail(&TENCENT, "node app.mjs", "");
}

#[test]
fn faults_show_texts_in_table_of_guide_for_receivers() {
    let mut guide = Guide::prepare("receiver");
    guide.shell.run("printf 'a-key-of-32-letters-and-digits-1' > tencent-css.key");
    let send = "gatepost send tencent-css.push --key-file tencent-css.key \
                --to http://127.0.0.1:8080/callback.php 2>&1";
    let output = guide.shell.run(send);
    guide.shows("found none", &output);
    guide.shell.run("gatepost run &");
    let output = guide.shell.run("gatepost run 2>&1");
    guide.shows("expected a free address to listen on", &output);
    guide.shows_after("upstream_failed", send);
    guide.shell.run("php -S 127.0.0.1:3000 -t . &");
    guide.shows_after("signature_mismatch", &send.replace("-file tencent-css.key", " wrong"));
}

#[test]
fn faults_show_texts_in_table_of_testing_guide() {
    let mut guide = Guide::prepare("testing");
    guide.shell.run("gatepost init --provider kollus --app http://127.0.0.1:3000/events");
    let output = guide.shell.run(KOLLUS.send);
    guide.shows("found none", &output);
    let output = guide.shell.run("curl -sS http://127.0.0.1:3000/events -d '{}' 2>&1");
    guide.shows("curl: (7)", &output);
    guide.shell.run("gatepost run &");
    guide.shows_after("app_unreachable", KOLLUS.send);
    guide.shows_after("token_mismatch", KOLLUS.wrong_key);
    guide.shows_after("kind_missing", KOLLUS.wrong_type);
}

#[test]
fn faults_show_texts_in_table_of_kollus_guide() {
    let mut guide = Guide::prepare("kollus");
    guide.fail(&KOLLUS, "php -S 127.0.0.1:3000 events.php", "Failed to listen");
    guide.shell.write("events.php", "<?php\nif ($paid {");
    guide.shows_after("answer_empty", KOLLUS.send);
    guide.shell.write("events.php", "<?php echo '<p>Warning</p>';");
    guide.shows_after("answer_malformed", KOLLUS.send);
    guide.shell.write("events.php", "<?php http_response_code(500);");
    guide.shows_after("app_status", KOLLUS.send);
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn faults_show_texts_in_table_of_python_guide() {
    let mut guide = Guide::prepare("python");
    guide.fail(&TENCENT, "flask --app app run --port 3000", "`Address already in use`");
}
