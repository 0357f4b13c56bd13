//! Build script: generates the list of the built-in definitions from the TOML files in
//! `definitions/`.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    // Cargo runs a build script in the folder of the package.
    let folder = Path::new("src/provider/definitions");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            println!("cargo::rerun-if-changed={}", path.display());
            names.push(path);
        }
    }
    names.sort();
    let name = |path: &Path| {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        stem.replace('_', "-")
    };
    let entry = |path: &PathBuf| {
        let file = format!("/{}", path.display());
        format!("({:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {file:?})))", name(path))
    };
    let list: Vec<_> = names.iter().map(entry).collect();
    #[expect(clippy::disallowed_methods, reason = "Cargo passes the output folder in OUT_DIR")]
    let out = env::var_os("OUT_DIR").map(|out| Path::new(&out).join("definitions.rs"));
    let out = out.ok_or_else(|| io::Error::other("expected OUT_DIR, found none; use Cargo"))?;
    fs::write(out, format!("[{}]", list.join(", ")))
}
