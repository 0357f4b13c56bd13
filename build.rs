//! Build script: lists the built-in definitions, and prepares the pages of the manual for rustdoc.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

const DEFINITIONS: &str = "src/provider/definitions";
const MANUAL: &str = "src/manual";
/// Start of the URL of each item of this crate.
const ITEMS: &str = "https://docs.rs/gatepost/latest/gatepost/";
/// Start of the URL of each picture of the manual.
const PICTURES: &str =
    "https://raw.githubusercontent.com/gatepost/gatepost/main/src/manual/pictures/";

fn main() -> io::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "Cargo passes the output folder in OUT_DIR")]
    let out = env::var_os("OUT_DIR");
    let out = out.ok_or_else(|| io::Error::other("expected OUT_DIR, found none; use Cargo"))?;
    write_definitions(Path::new(&out))?;
    write_manual(&Path::new(&out).join("manual"))
}

/// Returns the files in a folder that have this extension, sorted by name. Cargo runs a build
/// script in the folder of the package.
fn files(folder: &Path, extension: &str) -> io::Result<Vec<PathBuf>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            println!("cargo::rerun-if-changed={}", path.display());
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Writes `definitions.rs`: a list with the name and the text of each built-in definition.
fn write_definitions(out: &Path) -> io::Result<()> {
    let name = |path: &Path| {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        stem.replace('_', "-")
    };
    let entry = |path: &PathBuf| {
        let file = format!("/{}", path.display());
        format!("({:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {file:?})))", name(path))
    };
    let list: Vec<_> = files(Path::new(DEFINITIONS), "toml")?.iter().map(entry).collect();
    fs::write(out.join("definitions.rs"), format!("[{}]", list.join(", ")))
}

/// Copies the pages of the manual, and converts their links.
///
/// A link to another page is a relative path, which works on GitHub and in the book. On docs.rs,
/// each page is a module, so a relative path does not work there. A link to an item of this crate
/// is the URL of the item on docs.rs. Links of both kinds become paths of Rust, which rustdoc
/// checks. The path of a picture becomes its URL.
#[expect(clippy::disallowed_methods, reason = "the rule is for the crate, not for its build")]
fn write_manual(out: &Path) -> io::Result<()> {
    for folder in ["", "guides", "platforms"] {
        fs::create_dir_all(out.join(folder))?;
        for page in files(&Path::new(MANUAL).join(folder), "md")? {
            let name = page.file_name().unwrap_or_default();
            let text = with_rust_paths(&fs::read_to_string(&page)?, folder);
            fs::write(out.join(folder).join(name), text)?;
        }
    }
    Ok(())
}

fn with_rust_paths(text: &str, folder: &str) -> String {
    let mut links = text.split("](");
    let mut out = links.next().unwrap_or_default().to_owned();
    for link in links {
        let (target, rest) = link.split_at(link.find(')').unwrap_or(0));
        let path =
            item_path(target).or_else(|| page_path(target, folder)).or_else(|| picture_url(target));
        out.extend(["](", path.as_deref().unwrap_or(target), rest]);
    }
    out
}

/// Converts the URL of an item: `layer/index.html` becomes `crate::layer`, and
/// `trait.SharedState.html` becomes `crate::SharedState`.
fn item_path(target: &str) -> Option<String> {
    let file = target.strip_prefix(ITEMS)?.strip_suffix(".html")?;
    let mut path: Vec<_> = file.split('/').filter(|part| *part != "index").collect();
    if let Some(last) = path.last_mut() {
        *last = last.split_once('.').map_or(*last, |(_kind, name)| name);
    }
    Some(format!("crate::{}", path.join("::")))
}

/// Converts the path of a picture to its URL, because docs.rs has the pages, but not the pictures.
fn picture_url(target: &str) -> Option<String> {
    let (_folder, picture) = target.split_once("pictures/").filter(|_| !target.contains(':'))?;
    Some(format!("{PICTURES}{picture}"))
}

/// Converts the path of a page: `../queue.md#guarantees` becomes `crate::manual::queue#guarantees`.
fn page_path(target: &str, folder: &str) -> Option<String> {
    let (file, heading) = match target.split_once('#') {
        Some((file, heading)) => (file, format!("#{heading}")),
        None => (target, String::new()),
    };
    if file == "../../README.md" {
        return Some("crate".to_owned());
    }
    let page = file.strip_suffix(".md").filter(|_| !file.contains(':'))?;
    let (folder, page) = page.strip_prefix("../").map_or((folder, page), |page| ("", page));
    let path =
        [folder].into_iter().chain(page.split('/')).filter(|part| !["", "index"].contains(part));
    let path: Vec<_> = path.collect();
    Some(format!("crate::manual::{}{heading}", path.join("::")))
}
