//! Writes what the vectors and the shipped files hold to `seeds/<target>/`, from which the kept
//! corpora are minimised. See README.md.

use std::fs;
use std::path::Path;

use gatepost_fuzz::vectors::{self, Vector};

const LONGEST: usize = 8192;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for vector in vectors::all() {
        let request = recorded(&vector);
        put("intake", &request);
        put("requests", &request);
        put("json", &vector.body);
        put("forms", vector.body.strip_prefix(b"kind=100&").unwrap_or(&vector.body));
        if let Some(said) = &vector.case.app {
            // Whatever the number stands for, the target takes it.
            for kind in 0..16 {
                put("answers", format!("{kind} {}\n{}", said.status, said.body).as_bytes());
            }
        }
        let spelling = format!("/callbacks/tencent\n/live/push\n{}", vector.case.request.path);
        put("paths", spelling.as_bytes());
    }
    for path in files(
        &root,
        &["src/provider", "examples", "examples/php", "proxy/configs", "tests/vectors"],
    ) {
        let text = fs::read_to_string(&path).expect("a file of the repository");
        if path.parent().is_some_and(|folder| folder.ends_with("provider")) {
            put("definitions", beginning(&text).as_bytes());
        } else {
            put("configs", beginning(&with_secrets(&text)).as_bytes());
        }
    }
    for spelling in include_str!("../paths.txt").lines() {
        for route in
            ["/callbacks/tencent\n/live/push", "/hooks/{token}\n/live/push", "/cb/x.php\n/a"]
        {
            put("paths", format!("{route}\n{spelling}").as_bytes());
        }
    }
    for lines in include_str!("../signatures.txt").split("\n\n") {
        put("signatures", lines.trim_end().as_bytes());
    }
}

fn recorded(vector: &Vector) -> Vec<u8> {
    let request = &vector.case.request;
    let mut head =
        format!("{} {} HTTP/1.1\r\nat: {}\r\n", request.method, request.path, vector.case.now);
    for (name, value) in &request.headers {
        head += &format!("{name}: {value}\r\n");
    }
    [head.as_bytes(), b"\r\n", &vector.body].concat()
}

/// As many whole kinds or templates as fit.
fn beginning(text: &str) -> String {
    let mut kept = String::new();
    for part in text.split_inclusive("\n\n") {
        if kept.len() + part.len() > LONGEST {
            break;
        }
        kept += part;
    }
    kept
}

/// With the word that must not be shown as every key.
fn with_secrets(text: &str) -> String {
    let mut text = text.replace("file = ", "env = ");
    for secret in [
        "vod-key",
        "123654",
        "SuperSecret123",
        "It's a Secret to Everybody",
        "ome-key",
        "srs-token",
        "test-security-key",
    ] {
        text = text.replace(secret, "s3cr3t");
    }
    text
}

fn files(root: &Path, folders: &[&str]) -> Vec<std::path::PathBuf> {
    let entries =
        folders.iter().flat_map(|folder| fs::read_dir(root.join(folder)).expect("a folder"));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect()
}

fn put(target: &str, bytes: &[u8]) {
    if bytes.len() > LONGEST {
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    fs::create_dir_all(&folder).expect("a folder can be made");
    let count = fs::read_dir(&folder).expect("a folder").count();
    fs::write(folder.join(count.to_string()), bytes).expect("a file can be written");
}
