//! Test that compares the output of `gatepost check` for each wrong config in
//! `tests/wrong_configs` with the expected output in the file beside the config.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::gatepost;

const KEY: &str = "0fb4a9c2e17d5386";

/// Returns the output and the exit code of `gatepost check` for a file.
fn checked(folder: &Path, name: &str) -> String {
    let mut check = gatepost();
    let check = check.args(["check", "-c", name]).current_dir(folder).env("TENCENT_KEY", KEY);
    let output = check.env_remove("UNSET_KEY").output().unwrap();
    let code = output.status.code().unwrap();
    let text = String::from_utf8([output.stderr, output.stdout].concat()).unwrap();
    format!("$ gatepost check -c {name}\n{text}exit code {code}\n")
}

/// Compares each output with the expected output. With `UPDATE_CHECKS`, first writes each output
/// as the expected output.
#[test]
fn check_reports_fault_and_remedy_for_each_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wrong_configs");
    let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "toml")).collect();
    files.sort();
    assert!(files.len() >= 12, "expected at least 12 files, found {files:?}");
    for path in files {
        let found = checked(&folder, path.file_name().unwrap().to_str().unwrap());
        let expected = path.with_extension("txt");
        if std::env::var_os("UPDATE_CHECKS").is_some() {
            fs::write(&expected, &found).unwrap();
        }
        assert_eq!(fs::read_to_string(&expected).unwrap_or_default(), found, "{path:?}");
        assert!(
            found.contains("exit code 1\n") && found.contains("help: "),
            "expected exit code 1 and a remedy, found {found}"
        );
        for secret in [KEY, "t0ken\"", "s3cr3t-in-the-file"] {
            assert!(!found.contains(secret), "expected no secret, found {found}");
        }
    }
}
