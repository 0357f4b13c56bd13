//! Converter of the inputs of one fuzz target between text files and files with one input each.
//! `run.sh` and `merge.sh` call this program.
//!
//! `seeds unpack TARGET` writes the given inputs to `unpacked/TARGET/given`, the inputs of the
//! corpus to `unpacked/TARGET/kept`, and the words for libFuzzer to `unpacked/TARGET.dict`.
//! `seeds pack TARGET` writes the inputs in `unpacked/TARGET/merged`, except the given inputs, to
//! `corpus/TARGET.txt`.

#![allow(clippy::disallowed_methods, reason = "inputs are files")]

use std::path::Path;
use std::{env, fs};

use gatepost_fuzz::seeds::{self, Inputs};
// Links libFuzzer. The coverage options make the compiled code call functions of libFuzzer.
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
    let dictionary = Path::new("unpacked").join(target).with_extension("dict");
    fs::write(dictionary, seeds::dictionary(target))
        .expect("expected a writable folder, found an error");
}

fn put(target: &str, name: &str, inputs: &Inputs) {
    let folder = Path::new("unpacked").join(target).join(name);
    // Remove the inputs of an earlier run.
    let _absent = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("expected a writable folder, found an error");
    for (number, input) in inputs.iter().enumerate() {
        fs::write(folder.join(number.to_string()), input)
            .expect("expected a writable folder, found an error");
    }
}

fn pack(target: &str) {
    let folder = Path::new("unpacked").join(target).join("merged");
    let entries = fs::read_dir(folder).expect("expected the folder from merge.sh, found an error");
    let merged: Inputs = entries
        .map(|entry| {
            fs::read(entry.expect("expected an entry, found an error").path())
                .expect("expected a file, found an error")
        })
        .collect();
    let kept: Inputs = merged.difference(&seeds::given(target)).cloned().collect();
    seeds::write_corpus(target, &kept);
    let bytes: usize = kept.iter().map(Vec::len).sum();
    println!("{target}: {} inputs kept, {bytes} bytes", kept.len());
}
