//! Inputs for the fuzz targets, and the text files that contain them.
//!
//! `seeds/TARGET.txt` contains handwritten inputs, and `corpus/TARGET.txt` contains the inputs that
//! `merge.sh` keeps. Each line is a comment that starts with `#`, or one input: a string in quotes,
//! with the escapes of [`escape_ascii`](slice::escape_ascii).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::vectors::{self, Vector};

/// Maximum length of an input that [`given`] returns. [`given`] cuts longer files, and skips longer
/// vectors.
const MAX_BYTES: usize = 8192;

/// Set of inputs, in a stable order.
pub type Inputs = BTreeSet<Vec<u8>>;

/// Returns the inputs from `seeds/`, the vectors and the shipped files.
///
/// The target `requests` also gets the inputs of `intake`, which have the same form.
pub fn given(target: &str) -> Inputs {
    let mut inputs = read("seeds", target);
    match target {
        "configs" => inputs.extend(configs()),
        "definitions" => inputs.extend(definitions()),
        _ => inputs.extend(vectors::all().iter().flat_map(|vector| of_vector(target, vector))),
    }
    if target == "requests" {
        inputs.extend(read("seeds", "intake"));
        inputs.extend(read("corpus", "intake"));
    }
    inputs.retain(|input| input.len() <= MAX_BYTES);
    inputs
}

/// Returns the words that libFuzzer inserts: those in `dictionaries/`, and for the target
/// `definitions` also each word of the language.
///
/// # Panics
///
/// Panics if a file is missing.
pub fn dictionary(target: &str) -> String {
    let path = crate_root().join("dictionaries").join(target).with_extension("dict");
    let mut text = fs::read_to_string(path).expect("expected a dictionary, found an error");
    if target == "definitions" {
        for word in words_of_language() {
            text += &format!("\"{}\"\n", in_dictionary(&word));
        }
    }
    text
}

/// Returns each word that the manual of the language has in backticks, and each key with `=`.
fn words_of_language() -> BTreeSet<String> {
    let page = crate_root().join("../../src/manual/language.md");
    let page = fs::read_to_string(page).expect("expected the page of the language, found an error");
    let prose: String = page.split("```").step_by(2).collect();
    let spans = prose.split('`').skip(1).step_by(2);
    // libFuzzer ignores words of more than 64 bytes.
    let spans = spans.filter(|span| !span.contains('\n') && (1..=60).contains(&span.len()));
    let mut words: BTreeSet<_> = spans.map(|span| span.replace("\\|", "|")).collect();
    let is_key = |word: &&String| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let keys: Vec<_> = words.iter().filter(is_key).map(|word| format!("{word} = ")).collect();
    words.extend(keys);
    words
}

/// Escapes a word for a dictionary of libFuzzer.
fn in_dictionary(word: &str) -> String {
    let escape = |byte| match byte {
        b'"' | b'\\' => format!("\\{}", char::from(byte)),
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    };
    word.bytes().map(escape).collect()
}

/// Reads `FOLDER/TARGET.txt`. Returns no inputs if the file is missing.
///
/// # Panics
///
/// Panics if a line is neither a string nor a comment.
pub fn read(folder: &str, target: &str) -> Inputs {
    let text = fs::read_to_string(text_file(folder, target)).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| unescape(line).unwrap_or_else(|| panic!("expected a string, found {line}")))
        .collect()
}

/// Writes `corpus/TARGET.txt`.
///
/// # Panics
///
/// Panics if the file is not writable. Also panics if [`read`] returns other inputs.
pub fn write_corpus(target: &str, inputs: &Inputs) {
    let mut text = String::from("# Written by merge.sh. Inputs written by hand are in ../seeds.\n");
    for input in inputs {
        text += &format!("\"{}\"\n", input.escape_ascii());
    }
    fs::write(text_file("corpus", target), text)
        .expect("expected a writable folder, found an error");
    assert_eq!(&read("corpus", target), inputs);
}

fn text_file(folder: &str, target: &str) -> PathBuf {
    crate_root().join(folder).join(target).with_extension("txt")
}

fn unescape(line: &str) -> Option<Vec<u8>> {
    let mut bytes = line.strip_prefix('"')?.strip_suffix('"')?.bytes();
    let mut input = Vec::new();
    while let Some(byte) = bytes.next() {
        input.push(if byte == b'\\' { escaped(&mut bytes)? } else { byte });
    }
    Some(input)
}

fn escaped(bytes: &mut impl Iterator<Item = u8>) -> Option<u8> {
    Some(match bytes.next()? {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'x' => hex::decode([bytes.next()?, bytes.next()?]).ok()?[0],
        byte @ (b'"' | b'\'' | b'\\') => byte,
        _ => return None,
    })
}

fn of_vector(target: &str, vector: &Vector) -> Vec<Vec<u8>> {
    let body = &vector.body;
    match target {
        "answers" => of_app_answer(vector),
        "forms" => vec![body.strip_prefix(b"kind=100&").unwrap_or(body).to_vec()],
        "intake" | "requests" => vec![recorded(vector)],
        "json" => vec![body.clone()],
        "paths" => vec![path(&vector.case.request.path)],
        _ => Vec::new(),
    }
}

/// Returns an input for each of the first 16 kinds: the kind's number, and the app's answer.
fn of_app_answer(vector: &Vector) -> Vec<Vec<u8>> {
    let Some(answer) = &vector.case.app else { return Vec::new() };
    let input = |kind| format!("{kind} {}\n{}", answer.status, answer.body).into_bytes();
    (0..16).map(input).collect()
}

fn path(path: &str) -> Vec<u8> {
    format!("/callbacks/tencent\n/live/push\n{path}").into_bytes()
}

fn recorded(vector: &Vector) -> Vec<u8> {
    let request = &vector.case.request;
    let mut head =
        format!("{} {} HTTP/1.1\r\nat: {}\r\n", request.method, request.path, vector.case.now);
    for (name, value) in request.all_headers() {
        head += &format!("{name}: {value}\r\n");
    }
    [head.as_bytes(), b"\r\n", &vector.body].concat()
}

fn configs() -> impl Iterator<Item = Vec<u8>> {
    let folders = ["examples", "examples/php", "proxy/configs"];
    let texts = folders.into_iter().flat_map(toml_files).chain(vectors::configs());
    texts.map(|text| beginning(&with_secret(&text)))
}

fn definitions() -> impl Iterator<Item = Vec<u8>> {
    toml_files("src/provider/definitions").map(|text| beginning(&text))
}

/// Returns the texts of the TOML files in a folder of the repository.
fn toml_files(folder: &str) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(crate_root().join("../..").join(folder))
        .expect("expected a folder, found an error");
    let paths = entries.map(|entry| entry.expect("expected an entry, found an error").path());
    paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| fs::read_to_string(path).expect("expected a text file, found an error"))
}

/// Returns as many complete paragraphs as fit into [`MAX_BYTES`].
fn beginning(text: &str) -> Vec<u8> {
    let mut kept = String::new();
    for part in text.split_inclusive("\n\n") {
        if kept.len() + part.len() > MAX_BYTES {
            break;
        }
        kept += part;
    }
    kept.into_bytes()
}

/// Replaces some keys with `s3cr3t`, for which the target `configs` searches the output. Replaces
/// key files with variables, because the target reads no files.
fn with_secret(text: &str) -> String {
    let mut text = text.replace("file = ", "env = ");
    for key in [
        "vod-key",
        "123654",
        "SuperSecret123",
        "It's a Secret to Everybody",
        "ome-key",
        "srs-token",
        "test-security-key",
    ] {
        text = text.replace(key, "s3cr3t");
    }
    text
}

fn crate_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
