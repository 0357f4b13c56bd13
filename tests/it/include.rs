//! Tests of the key `include`, which combines several files into one config.

use std::fs;

use gatepost::{Config, Gate};
use tempfile::TempDir;

const MAIN: &str = "include = ['templates/*.toml']\n[[route]]\npath = '/t'\nprovider = 'kollus'\n";

/// Creates a folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn load(folder: &TempDir) -> Result<Config, String> {
    let config = Config::from_file(folder.path().join("gatepost.toml"));
    let root = format!("{}/", folder.path().display());
    config.map_err(|error| error.to_string().replace(&root, ""))
}

/// Returns the faults of a config with these files, with paths relative to the config's folder.
fn faults(files: &[(&str, &str)]) -> String {
    load(&folder(files)).unwrap_err()
}

fn template(name: &str) -> String {
    format!("[[template]]\nname = '{name}'\nprovider = 'kollus'\nbind = ['{name}']\n")
}

#[test]
fn reads_routes_and_templates_of_included_files() {
    let (a, b) =
        (template("a"), format!("{}[[route]]\npath = '/b'\nprovider = 'mux'\n", template("b")));
    let folder = folder(&[
        ("gatepost.toml", MAIN),
        ("templates/b.toml", &b),
        ("templates/a.toml", &a),
        ("templates/.hidden.toml", "no TOML"),
        ("templates/readme.md", "no TOML"),
    ]);
    let config = load(&folder).unwrap();
    assert_eq!(config.templates().map(|t| t.name()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(config.routes().collect::<Vec<_>>(), ["/t", "/b"]);
    let paths: Vec<_> = config.watched_files().paths().collect();
    let expected = ["gatepost.toml", "templates/a.toml", "templates/b.toml"];
    assert_eq!(paths, expected.map(|name| folder.path().join(name)));
    let gate = Gate::builder().file(folder.path().join("gatepost.toml")).build();
    assert!(gate.is_ok(), "expected a gate, found {gate:?}");
}

#[test]
fn names_included_file_and_line_in_fault_and_warning() {
    let wrong = format!("{}colour = 1\n", template("a"));
    let fault = faults(&[("gatepost.toml", MAIN), ("templates/a.toml", &wrong)]);
    assert!(
        fault.starts_with("templates/a.toml:5:1: template[0].colour: "),
        "expected a fault at 5:1 of templates/a.toml, found {fault}"
    );
    let syntax =
        [("gatepost.toml", MAIN), ("templates/a.toml", "a = "), ("templates/b.toml", "\nb = ")];
    let fault = faults(&syntax);
    let lines: Vec<_> = fault.lines().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(lines, ["templates/a.toml:1:5", "templates/b.toml:2:5"]);

    let unbound = template("a").replace("bind = ['a']\n", "");
    let folder = folder(&[("gatepost.toml", MAIN), ("templates/a.toml", &unbound)]);
    let config = load(&folder).unwrap();
    let main = folder.path().join("gatepost.toml");
    let warnings: Vec<_> =
        config.warnings().iter().map(|w| w.located_in(&main).to_string()).collect();
    let of_file = folder.path().join("templates/a.toml").display().to_string();
    assert!(
        warnings.iter().any(|warning| warning.starts_with(&of_file)),
        "expected a warning in {of_file}, found {warnings:?}"
    );
}

#[test]
fn missing_file_is_fault_and_pattern_without_match_is_warning() {
    let main = MAIN.replace("templates/*", "absent");
    let fault = faults(&[("gatepost.toml", &main)]);
    assert!(
        fault.starts_with("gatepost.toml:1:12: include[0]: "),
        "expected a fault about the key `include`, found {fault}"
    );
    assert!(
        fault.contains("absent.toml: "),
        "expected the path of the missing file, found {fault}"
    );
    assert_eq!(fault.lines().count(), 1, "expected one fault, found {fault}");

    let config = load(&folder(&[("gatepost.toml", MAIN)])).unwrap();
    let warning = config.warnings()[0].to_string();
    let expected = "1:12: include[0]: expected a file that matches the pattern, found none";
    assert!(warning.starts_with(expected), "expected {expected}, found {warning}");
}

#[test]
fn reports_circular_and_nested_include() {
    let itself = MAIN.replace("templates/*", "*");
    let fault = faults(&[("gatepost.toml", &itself), ("a.toml", &template("a"))]);
    assert!(
        fault.contains("expected a file other than the config file, found the config file"),
        "expected a fault about a circular include, found {fault}"
    );
    for nested in ["include = '../gatepost.toml'\n", "include = 'b.toml'\n"] {
        let text = format!("{nested}{}", template("a"));
        let fault = faults(&[("gatepost.toml", MAIN), ("templates/a.toml", &text)]);
        let expected = "templates/a.toml:1:1: include: expected no `include` in an included file";
        assert!(fault.starts_with(expected), "expected {expected}, found {fault}");
        assert_eq!(fault.lines().count(), 1, "{fault}");
    }
}

#[test]
fn reports_forbidden_keys_in_included_file_and_invalid_values_of_include() {
    let fault = faults(&[("gatepost.toml", MAIN), ("templates/a.toml", "listen = []")]);
    assert!(
        fault.starts_with("templates/a.toml:1:1: listen: expected a known key"),
        "expected a fault about the key `listen`, found {fault}"
    );
    assert!(
        fault.contains("`provider_files`, `route`, `template`"),
        "expected the allowed keys, found {fault}"
    );
    let fault =
        faults(&[("gatepost.toml", "include = 5\n[[route]]\npath = '/t'\nprovider = 'mux'")]);
    assert_eq!(fault.lines().count(), 1, "{fault}");
    let fault = faults(&[("gatepost.toml", &MAIN.replace("*", "[")), ("templates/a.toml", "")]);
    assert!(
        fault.contains("include[0]: expected a pattern, found an error"),
        "expected a fault about the pattern, found {fault}"
    );
    let main = MAIN.replace("/*.toml", "");
    let fault = faults(&[("gatepost.toml", &main), ("templates/a.toml", "")]);
    assert!(
        fault.contains("expected a regular file, found a folder"),
        "expected a fault about a folder, found {fault}"
    );
}

#[test]
fn names_both_files_of_duplicate() {
    let route = "[[route]]\npath = '/t'\nprovider = 'mux'\n";
    let fault = faults(&[
        ("gatepost.toml", MAIN),
        ("templates/a.toml", &template("a")),
        ("templates/b.toml", &format!("\n{}", template("a").replace("['a']", "['b']"))),
        ("templates/c.toml", route),
    ]);
    let lines: Vec<_> = fault.lines().collect();
    assert_eq!(lines.len(), 2, "{fault}");
    assert!(
        lines[0].starts_with("templates/b.toml:3:8: template[0].name: "),
        "expected a fault about the name in templates/b.toml, found {fault}"
    );
    assert!(
        lines[0].contains("another template in templates/a.toml:2 has"),
        "expected the place of the other template, found {fault}"
    );
    assert!(
        lines[1].starts_with("templates/c.toml:2:8: route[0].path: "),
        "expected a fault about the path in templates/c.toml, found {fault}"
    );
    assert!(
        lines[1].contains("route /t in the config file:3"),
        "expected the place of the other route, found {fault}"
    );
}

#[test]
fn resolves_paths_against_folder_of_file_that_names_them() {
    let definition = fs::read_to_string("src/provider/definitions/mux.toml").unwrap();
    let definition = definition.replacen("\"mux\"", "\"own\"", 1);
    let included = "provider_files = 'own.toml'\n[[route]]\npath = '/own/{token}'\n\
                    provider = 'own'\ntoken = { file = 'keys/token' }\n";
    let folder = folder(&[
        ("gatepost.toml", &MAIN.replace("*.toml", "live.toml")),
        ("templates/live.toml", included),
        ("templates/own.toml", &definition),
        ("templates/keys/token", "t0ken"),
    ]);
    let config = load(&folder).unwrap();
    let read = |name| config.watched_files().paths().any(|path| path == folder.path().join(name));
    assert!(read("templates/own.toml") && read("templates/keys/token"));
}

#[test]
fn reads_file_once_however_many_patterns_match() {
    let main = MAIN
        .replace("['templates/*.toml']", "['templates/*.toml', 'templates/a.toml', 'link.toml']");
    let folder = folder(&[("gatepost.toml", &main), ("templates/a.toml", &template("a"))]);
    std::os::unix::fs::symlink("templates/a.toml", folder.path().join("link.toml")).unwrap();
    assert_eq!(load(&folder).unwrap().templates().count(), 1);
}

#[test]
fn fingerprint_changes_with_text_and_not_with_secret() {
    let main = "include = 'a.toml'\n[[route]]\npath = '/t/{token}'\nprovider = 'kollus'\ntoken = { file = 'token' }\n";
    let folder = folder(&[("gatepost.toml", main), ("a.toml", &template("a")), ("token", "one")]);
    let first = load(&folder).unwrap();
    assert_eq!(first.fingerprint(), load(&folder).unwrap().fingerprint());
    let loaded = first.watched_files();
    assert_eq!(loaded.difference(&loaded.look()), None);

    fs::write(folder.path().join("token"), "two").unwrap();
    assert_eq!(loaded.difference(&loaded.look()), Some(&*folder.path().join("token")));
    let second = load(&folder).unwrap();
    assert_eq!(first.fingerprint(), second.fingerprint());
    fs::write(folder.path().join("a.toml"), template("b")).unwrap();
    assert_ne!(first.fingerprint(), load(&folder).unwrap().fingerprint());
}

#[test]
fn detects_change_of_any_watched_file() {
    let folder = folder(&[
        ("gatepost.toml", MAIN),
        ("..one/a.toml", &template("a")),
        ("..two/a.toml", &template("b")),
        ("templates/x", ""),
    ]);
    let path = |name: &str| folder.path().join(name);
    let link = |to: &str| {
        let _absent = fs::remove_file(path("..data"));
        std::os::unix::fs::symlink(to, path("..data")).unwrap();
    };
    link("..one");
    std::os::unix::fs::symlink("../..data/a.toml", path("templates/a.toml")).unwrap();
    let loaded = load(&folder).unwrap();
    let loaded = loaded.watched_files();
    assert_eq!(loaded.difference(&loaded.look()), None);
    link("..two");
    assert_eq!(loaded.difference(&loaded.look()), Some(&*path("templates/a.toml")));
    link("..one");
    fs::write(path("templates/b.toml"), template("b")).unwrap();
    assert_eq!(loaded.difference(&loaded.look()), Some(&*path("templates/b.toml")));
    fs::remove_file(path("templates/b.toml")).unwrap();
    fs::remove_file(path("templates/a.toml")).unwrap();
    assert_eq!(loaded.difference(&loaded.look()), Some(&*path("templates/a.toml")));
}

#[test]
fn names_config_file_for_key_that_an_included_file_cannot_have() {
    for key in ["listen = ['127.0.0.1:1']", "colour = 1"] {
        let text = format!("{key}\n{}", template("a"));
        let fault = faults(&[("gatepost.toml", MAIN), ("templates/a.toml", &text)]);
        let remedy = "all other top-level keys belong in the config file that includes this file";
        assert!(fault.contains(remedy), "expected {remedy}, found {fault}");
    }
}
