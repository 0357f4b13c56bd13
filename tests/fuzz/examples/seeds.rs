//! Inputs of one fuzz target, from and to text files. `run.sh` and `merge.sh` call it.
//!
//! `seeds unpack TARGET` writes them to `unpacked/TARGET/given` and `unpacked/TARGET/kept`.
//! `seeds pack TARGET` writes the inputs in `unpacked/TARGET/merged`, without the given ones, to
//! `corpus/TARGET.txt`.

#![allow(clippy::disallowed_methods, reason = "inputs are files")]

use std::path::Path;
use std::{env, fs};

use gatepost_fuzz::seeds::{self, Inputs};
// Links libFuzzer, which defines the functions that the coverage options call.
use libfuzzer_sys as _;

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["unpack", target] => unpack(target),
        ["pack", target] => pack(target),
        _ => panic!("expected `unpack TARGET` or `pack TARGET`, found {arguments:?}"),
    }
}

fn unpack(target: &str) {
    put(target, "given", &seeds::given(target));
    put(target, "kept", &seeds::read("corpus", target));
}

fn put(target: &str, name: &str, inputs: &Inputs) {
    let folder = Path::new("unpacked").join(target).join(name);
    // Removes the inputs of an earlier run.
    let _absent = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a writable folder");
    for (number, input) in inputs.iter().enumerate() {
        fs::write(folder.join(number.to_string()), input).expect("a writable folder");
    }
}

fn pack(target: &str) {
    let folder = Path::new("unpacked").join(target).join("merged");
    let entries = fs::read_dir(folder).expect("the folder that merge.sh writes");
    let merged: Inputs = entries
        .map(|entry| fs::read(entry.expect("an entry").path()).expect("a readable file"))
        .collect();
    let kept: Inputs = merged.difference(&seeds::given(target)).cloned().collect();
    seeds::write_corpus(target, &kept);
    let bytes: usize = kept.iter().map(Vec::len).sum();
    println!("{target}: {} inputs kept, {bytes} bytes", kept.len());
}
