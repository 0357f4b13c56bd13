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

/// A guide, and the shell in which its steps fail.
struct Guide {
    page: String,
    shell: Shell,
}

impl Guide {
    /// Writes the config and the app of a guide. Starts neither gatepost nor the app.
    fn prepare(guide: &str) -> Self {
        let (page, mut shell) = (page(guide), Shell::start(""));
        for block in blocks(&page) {
            match block.file {
                Some(file) => shell.write(&file, &block.text),
                None if block.text.starts_with("gatepost init") => drop(shell.run(&block.text)),
                None => {}
            }
        }
        Self { page, shell }
    }

    /// Checks that the table has a row with `needle`, and that the output or the log contains each
    /// text that this row quotes.
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

    /// Causes each fault in turn. `app` is the command that starts the app. `taken` is the text
    /// that this command prints if the port is in use.
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
        let output = self.shell.run(&format!("{app} 2>&1"));
        self.shows(taken, &output);
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
}

#[test]
fn faults_show_texts_in_table_of_node_guide() {
    Guide::prepare("node").fail(&KOLLUS, "node server.mjs", "EADDRINUSE");
}

#[test]
fn faults_show_texts_in_table_of_kollus_guide() {
    let mut guide = Guide::prepare("kollus");
    guide.fail(&KOLLUS, "php -S 127.0.0.1:3000 events.php", "Failed to listen");
    guide.shell.write("events.php", "<?php\nif ($paid {");
    guide.shows_after("answer_empty", KOLLUS.send);
    guide.shell.write("events.php", "<?php echo '<p>Warning</p>';");
    guide.shows_after("answer_malformed", KOLLUS.send);
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn faults_show_texts_in_table_of_python_guide() {
    let mut guide = Guide::prepare("python");
    guide.fail(&TENCENT, "flask --app app run --port 3000", "`Address already in use`");
}
