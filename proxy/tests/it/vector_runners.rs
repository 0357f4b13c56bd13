//! Tests of the independent runners of the vectors: `verify.py` and `verify.mjs` in
//! `tests/vectors`, and `tests/peers/sdks.mjs`, which verifies the vectors with the libraries of
//! platforms. A further test compares the committed vectors with the vectors that `make.py` writes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors")
}

/// Runs a runner on an index of vectors.
fn run(interpreter: &str, runner: &str, index: &Path) -> Output {
    Command::new(interpreter).arg(vectors().join(runner)).arg(index).output().unwrap()
}

fn assert_agrees_and_finds_wrong_vector(interpreter: &str, runner: &str) {
    let index = vectors().join("index.json");
    let output = run(interpreter, runner, &index);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "expected success, found {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let index: serde_json::Value = serde_json::from_slice(&std::fs::read(index).unwrap()).unwrap();
    let all = index["vectors"].as_array().unwrap();
    let count = all.iter().filter(|vector| vector.get("signature").is_some()).count();
    assert!(count > 560, "expected more than 560 vectors, found {count}");
    assert_eq!(text, format!("{count} of {count} vectors agree\n"));
    for (member, wrong) in [("result", "signature_mismatch"), ("string_to_sign", "another text")] {
        let mut index = index.clone();
        let published = |vector: &&mut serde_json::Value| vector["name"] == "svix/published_v1";
        let vector = index["vectors"].as_array_mut().unwrap().iter_mut().find(published).unwrap();
        vector["signature"][member] = wrong.into();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), index.to_string()).unwrap();
        let output = run(interpreter, runner, file.path());
        assert_eq!(output.status.code(), Some(1), "{member}");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.starts_with("svix/published_v1: expected "), "{text}");
        assert!(text.ends_with(&format!("\n{} of {count} vectors agree\n", count - 1)), "{text}");
    }
}

#[test]
#[ignore = "needs tests/peers/install"]
fn libraries_of_platforms_agree_with_their_vectors() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let peers = root.join("target/peers");
    assert!(
        peers.join("installed").is_file(),
        "expected libraries, found none; run tests/peers/install"
    );
    // Node resolves packages from the folder of the script.
    let script = peers.join("sdks.mjs");
    std::fs::copy(root.join("tests/peers/sdks.mjs"), &script).unwrap();
    let output = run("node", script.to_str().unwrap(), &vectors().join("index.json"));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "expected success, found {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(text.ends_with(" vectors agree with 12 libraries\n"), "{text}");
}

/// Runs `make.py --check` in a folder with the layout of the repository.
fn check_generated(root: &Path, names: &[&str]) -> Output {
    let script = root.join("tests/vectors/make.py");
    Command::new("python3").arg(script).arg("--check").args(names).output().unwrap()
}

#[test]
fn make_py_writes_the_committed_vectors_and_finds_changed_and_obsolete_vectors() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = check_generated(&root, &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let copy = tempfile::tempdir().unwrap();
    for path in [
        "tests/it/keys",
        "src/provider/definitions",
        "tests/vectors/github",
        "tests/vectors/make.py",
    ] {
        let to = copy.path().join(path);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        assert!(
            Command::new("cp").arg("-R").args([root.join(path), to]).status().unwrap().success()
        );
    }
    assert!(check_generated(copy.path(), &["github"]).status.success());
    let folder = copy.path().join("tests/vectors/github");
    let (changed, obsolete) =
        (folder.join("wrong_signature/body"), folder.join("renamed/case.toml"));
    std::fs::write(&changed, "{}").unwrap();
    std::fs::create_dir(folder.join("renamed")).unwrap();
    std::fs::copy(folder.join("wrong_signature/case.toml"), &obsolete).unwrap();
    let output = check_generated(copy.path(), &["github"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let first = "expected the files that make.py writes, found others; run tests/vectors/make.py";
    let (changed, obsolete) = (changed.display(), obsolete.display());
    assert_eq!(text, format!("{first}\n{obsolete} (delete its folder)\n{changed}\n"));
}

#[test]
fn python_runner_agrees_with_every_vector_and_finds_a_wrong_vector() {
    assert_agrees_and_finds_wrong_vector("python3", "verify.py");
}

#[test]
fn node_runner_agrees_with_every_vector_and_finds_a_wrong_vector() {
    assert_agrees_and_finds_wrong_vector("node", "verify.mjs");
}
