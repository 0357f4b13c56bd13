//! The source tree: every file that the rules read, and the crates outside of `tests`.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::Path;
use std::{fs, io};

use crate::modules::{self, Module};
use crate::tokens::{Token, tokens};

/// Error that stops a check, for example because a file is unreadable.
pub type Failure = Box<dyn Error>;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const EXTENSIONS: [&str; 3] = [".rs", ".md", ".toml"];
/// Names of folders that the rules do not read: build output, test data and other projects' code.
const SKIPPED: [&str; 4] = ["target", "corpus", "vectors", "node_modules"];

/// Returns true if the repository has a file or folder at this path from its root.
pub fn exists(path: &str) -> bool {
    Path::new(ROOT).join(path).exists()
}

/// All files, keyed by their path from the root, and all crates outside of `tests`.
#[derive(Debug)]
pub struct Workspace {
    pub files: BTreeMap<String, File>,
    pub crates: Vec<Crate>,
}

/// Text and tokens of a file; only Rust files have tokens.
#[derive(Debug)]
pub struct File {
    pub text: String,
    pub tokens: Vec<Token>,
}

/// Modules of one library or program; the first module is its root.
#[derive(Debug)]
pub struct Crate {
    pub root: String,
    pub modules: Vec<Module>,
}

impl Workspace {
    /// Reads the source tree that contains this package.
    ///
    /// # Errors
    ///
    /// Returns an error if a file is missing, unreadable or malformed.
    pub fn read() -> Result<Self, Failure> {
        let mut files = BTreeMap::new();
        collect(Path::new(ROOT), "", &mut files)?;
        Self::new(files)
    }

    #[cfg(test)]
    pub fn fixture(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        Self::new(files.collect()).unwrap()
    }

    fn new(texts: BTreeMap<String, String>) -> Result<Self, Failure> {
        let mut files = BTreeMap::new();
        for (path, text) in texts {
            let rust = if path.ends_with(".rs") { text.as_str() } else { "" };
            let tokens = tokens(rust).map_err(|error| {
                format!("{path}: expected Rust code, found an error: {error}; correct the code")
            })?;
            files.insert(path, File { text, tokens });
        }
        let roots = files.keys().filter(|path| is_root(path));
        let crates = roots
            .map(|root| Ok(Crate { root: root.clone(), modules: modules::read(root, &files)? }));
        let crates = crates.collect::<Result<_, Failure>>()?;
        Ok(Self { files, crates })
    }

    /// Returns the files of a crate with their paths.
    pub fn files_of<'a>(&'a self, one: &'a Crate) -> impl Iterator<Item = (&'a str, &'a File)> {
        let paths: BTreeSet<_> = one.modules.iter().map(|module| module.file.as_str()).collect();
        paths.into_iter().filter_map(|path| Some((path, self.files.get(path)?)))
    }
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if name.starts_with('.') || SKIPPED.contains(&name.as_str()) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{path}/"), files)?;
        } else if EXTENSIONS.iter().any(|extension| name.ends_with(extension)) {
            files.insert(path, fs::read_to_string(entry.path())?);
        }
    }
    Ok(())
}

fn is_root(path: &str) -> bool {
    let folder = path.strip_suffix("lib.rs").or_else(|| path.strip_suffix("main.rs"));
    let source = folder.is_some_and(|folder| folder == "src/" || folder.ends_with("/src/"));
    source && !path.starts_with("tests/")
}
