//! Modules of a crate, with the paths in their code and the types that they define.
//!
//! The modules do not include test code.

use std::collections::BTreeMap;

use crate::tokens::{Kind, Token};
use crate::workspace::{Failure, File};

/// Module in a separate file or inside another module's file.
#[derive(Debug, Default)]
pub struct Module {
    pub path: Vec<String>,
    pub file: String,
    /// Index of each child module in `Crate::modules`.
    pub children: BTreeMap<String, usize>,
    /// Every path in the module's code, including paths in macro calls.
    pub references: Vec<Reference>,
    /// Structs, enums, unions, traits and type aliases, with their lines.
    pub types: Vec<(String, usize)>,
}

/// Path as the code writes it, such as `crate::reply::Reply`.
#[derive(Debug)]
pub struct Reference {
    pub line: usize,
    pub path: Vec<String>,
    /// Name that a `use` of the path at module level brings into scope.
    pub binding: Option<String>,
}

/// Reads the modules of the crate whose root file is `root`. The first module is the root module.
///
/// # Errors
///
/// Returns an error if the file of a module is absent.
pub fn read(root: &str, files: &BTreeMap<String, File>) -> Result<Vec<Module>, Failure> {
    let (folder, _) = root.rsplit_once('/').unwrap_or_default();
    let mut tree = Tree { folder, files, modules: Vec::new() };
    tree.file(root.to_owned(), Vec::new())?;
    Ok(tree.modules)
}

struct Tree<'a> {
    folder: &'a str,
    files: &'a BTreeMap<String, File>,
    modules: Vec<Module>,
}

impl<'a> Tree<'a> {
    fn file(&mut self, file: String, path: Vec<String>) -> Result<usize, Failure> {
        let contents = self.files.get(&file);
        let contents =
            contents.ok_or_else(|| format!("{file}: expected a module, found no file; add one"))?;
        let code = |token: &&Token| !token.test && !matches!(token.kind, Kind::Doc | Kind::Comment);
        let tokens: Vec<_> = contents.tokens.iter().filter(code).collect();
        self.module(file, path, &tokens)
    }

    fn module(
        &mut self,
        file: String,
        path: Vec<String>,
        tokens: &[&'a Token],
    ) -> Result<usize, Failure> {
        let id = self.modules.len();
        self.modules.push(Module::default());
        let mut module = Module { path, file, ..Module::default() };
        let mut cursor = Cursor { tokens, references: Vec::new() };
        let depth = tokens.first().map_or(0, |token| token.depth);
        while let Some((token, rest)) = cursor.tokens.split_first() {
            let name = rest.first().filter(|name| name.kind == Kind::Ident && token.depth == depth);
            match (token.text.as_str(), name) {
                ("mod", Some(name)) => {
                    cursor.next();
                    let id = self.child(&module, &name.text, &mut cursor)?;
                    module.children.insert(name.text.clone(), id);
                }
                ("use", Some(_)) => {
                    cursor.next();
                    cursor.path(&[], true);
                }
                ("struct" | "enum" | "union" | "trait" | "type", Some(name)) => {
                    module.types.push((name.text.clone(), name.line));
                    cursor.next();
                }
                _ if token.kind == Kind::Ident => cursor.path(&[], false),
                _ => cursor.tokens = rest,
            }
        }
        module.references = cursor.references;
        self.modules[id] = module;
        Ok(id)
    }

    /// Reads an inline module `name { … }`, or the file of a module `name;`.
    fn child(
        &mut self,
        parent: &Module,
        name: &str,
        cursor: &mut Cursor<'a, '_>,
    ) -> Result<usize, Failure> {
        let path: Vec<_> = parent.path.iter().cloned().chain([name.to_owned()]).collect();
        let depth = cursor.next().map_or(0, |name| name.depth);
        if !cursor.skip("{") {
            return self.file(self.file_of(&path), path);
        }
        let end = cursor.tokens.iter().position(|token| token.depth == depth);
        let (inner, rest) = cursor.tokens.split_at(end.unwrap_or(cursor.tokens.len()));
        cursor.tokens = rest;
        self.module(parent.file.clone(), path, inner)
    }

    fn file_of(&self, path: &[String]) -> String {
        let stem = format!("{}/{}", self.folder, path.join("/"));
        let folder_form = format!("{stem}/mod.rs");
        if self.files.contains_key(&folder_form) { folder_form } else { format!("{stem}.rs") }
    }
}

/// Reader of the paths in a module's tokens.
struct Cursor<'a, 's> {
    tokens: &'s [&'a Token],
    references: Vec<Reference>,
}

impl<'a> Cursor<'a, '_> {
    fn next(&mut self) -> Option<&'a Token> {
        let (token, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(token)
    }

    fn skip(&mut self, text: &str) -> bool {
        let found = self.tokens.first().is_some_and(|token| token.is(text));
        if found {
            self.next();
        }
        found
    }

    /// Reads one path or one tree of imports, such as `a::{b, c::*}`.
    fn path(&mut self, prefix: &[String], binds: bool) {
        let Some(first) = self.next() else { return };
        let mut path: Vec<_> = prefix.iter().cloned().chain([first.text.clone()]).collect();
        let mut line = first.line;
        while self.skip(":") && self.skip(":") {
            if self.skip("{") {
                while !self.tokens.is_empty() && !self.skip("}") {
                    if !self.skip(",") {
                        self.path(&path, binds);
                    }
                }
                return;
            }
            let Some(token) = self.tokens.first().filter(|token| token.kind == Kind::Ident) else {
                break;
            };
            (line, _) = (token.line, self.next());
            path.push(token.text.clone());
        }
        let glob = self.skip("*");
        if path.len() > 1 && path.last().is_some_and(|name| name == "self") {
            path.pop();
        }
        let renamed = if self.skip("as") { self.next() } else { None };
        let name = renamed.map(|token| &token.text).or(path.last()).cloned();
        self.references.push(Reference { line, binding: name.filter(|_| binds && !glob), path });
    }
}
