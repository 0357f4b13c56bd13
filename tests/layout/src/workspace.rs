//! The source tree: every file, and every crate as a tree of modules.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::ops::RangeInclusive;
use std::path::Path;
use std::{fs, io};

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItem, Item, UseTree};

use crate::tokens::{Token, tokens};

/// A tree that cannot be read or parsed.
pub type Failure = Box<dyn Error>;

/// Folders whose files hold no prose and no code of ours.
const SKIPPED: [&str; 5] = ["target", "corpus", "vectors", "node_modules", "artifacts"];
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// All files that rules read, by path from the root, and all crates outside of `tests`.
#[derive(Debug)]
pub struct Workspace {
    pub files: BTreeMap<String, File>,
    pub crates: Vec<Crate>,
}

/// One file.
#[derive(Debug)]
pub struct File {
    pub text: String,
    /// Empty unless the file is Rust.
    pub tokens: Vec<Token>,
}

/// The modules of one library or program; the first is its root.
#[derive(Debug)]
pub struct Crate {
    pub root: String,
    pub modules: Vec<Module>,
}

/// One module without its test code.
#[derive(Debug, Default)]
pub struct Module {
    pub path: Vec<String>,
    pub file: String,
    /// The position in [`Crate::modules`] of each child.
    pub children: BTreeMap<String, usize>,
    /// Imports, and paths in code and in macro calls.
    pub references: Vec<Reference>,
    /// Structs, enums, unions, traits and type aliases, with their lines.
    pub types: Vec<(String, usize)>,
    /// Lines of `#[cfg(test)]` items.
    pub tests: Vec<RangeInclusive<usize>>,
}

/// A path as written: `crate::reply::Reply`.
#[derive(Debug)]
pub struct Reference {
    pub line: usize,
    pub path: Vec<String>,
    /// The name that a `use` at module level brings into scope.
    pub binding: Option<String>,
}

impl Workspace {
    /// Reads the checkout that this package was built in.
    pub fn read() -> Result<Self, Failure> {
        let mut texts = BTreeMap::new();
        collect(Path::new(ROOT), "", &mut texts)?;
        Self::new(texts)
    }

    #[cfg(test)]
    pub fn fixture(files: &[(&str, &str)]) -> Self {
        let texts = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        Self::new(texts.collect()).unwrap()
    }

    fn new(texts: BTreeMap<String, String>) -> Result<Self, Failure> {
        let roots = texts.keys().filter(|path| is_root(path)).cloned();
        let crates = roots.map(|root| Crate::read(root, &texts)).collect::<Result<_, _>>()?;
        let mut files = BTreeMap::new();
        for (path, text) in texts {
            let rust = path.ends_with(".rs");
            let tokens =
                if rust { tokens(&text).map_err(|e| in_file(&path, &e))? } else { Vec::new() };
            files.insert(path, File { text, tokens });
        }
        Ok(Self { files, crates })
    }

    /// Files that belong to a crate outside of `tests`, with the lines of their test code.
    pub fn code(&self) -> impl Iterator<Item = (&str, &File, Vec<RangeInclusive<usize>>)> {
        self.crates.iter().flat_map(|one| self.code_of(one))
    }

    /// Files of one crate, with the lines of their test code.
    pub fn code_of<'a>(
        &'a self,
        one: &'a Crate,
    ) -> impl Iterator<Item = (&'a str, &'a File, Vec<RangeInclusive<usize>>)> {
        let files: BTreeSet<_> = one.modules.iter().map(|module| module.file.as_str()).collect();
        files.into_iter().filter_map(|path| {
            let modules = one.modules.iter().filter(|module| module.file == path);
            let tests = modules.flat_map(|module| module.tests.iter().cloned()).collect();
            Some((path, self.files.get(path)?, tests))
        })
    }
}

fn collect(folder: &Path, prefix: &str, texts: &mut BTreeMap<String, String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if name.starts_with('.') || SKIPPED.contains(&name.as_str()) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{path}/"), texts)?;
        } else if [".rs", ".md", ".toml"].iter().any(|end| name.ends_with(end)) {
            texts.insert(path, fs::read_to_string(entry.path())?);
        }
    }
    Ok(())
}

fn is_root(path: &str) -> bool {
    let root = path.strip_suffix("lib.rs").or_else(|| path.strip_suffix("main.rs"));
    root.is_some_and(|folder| folder == "src/" || folder.ends_with("/src/"))
        && !path.starts_with("tests/")
}

fn in_file(path: &str, error: &dyn Error) -> Failure {
    format!("{path}: {error}").into()
}

impl Crate {
    fn read(root: String, texts: &BTreeMap<String, String>) -> Result<Self, Failure> {
        let (folder, _) = root.rsplit_once('/').unwrap_or(("", &root));
        let mut reader = Reader { folder: folder.to_owned(), texts, modules: Vec::new() };
        reader.file(root.clone(), Vec::new())?;
        Ok(Self { root, modules: reader.modules })
    }
}

struct Reader<'a> {
    folder: String,
    texts: &'a BTreeMap<String, String>,
    modules: Vec<Module>,
}

impl Reader<'_> {
    fn file(&mut self, file: String, path: Vec<String>) -> Result<usize, Failure> {
        let text = self
            .texts
            .get(&file)
            .ok_or_else(|| format!("{file}: expected a module, found no file"))?;
        let syntax = syn::parse_file(text)
            .map_err(|error| in_file(&format!("{file}:{}", error.span().start().line), &error))?;
        self.module(file, path, &syntax.items)
    }

    fn module(
        &mut self,
        file: String,
        path: Vec<String>,
        items: &[Item],
    ) -> Result<usize, Failure> {
        let mut visitor = Visitor {
            module: Module { path, file, ..Module::default() },
            depth: 0,
            inner: Vec::new(),
        };
        items.iter().for_each(|item| visitor.visit_item(item));
        let Visitor { module, inner, .. } = visitor;
        let (own, path, file) = (self.modules.len(), module.path.clone(), module.file.clone());
        self.modules.push(module);
        for child in inner {
            let name = child.ident.to_string();
            let path: Vec<_> = path.iter().cloned().chain([name.clone()]).collect();
            let id = match &child.content {
                Some((_, items)) => self.module(file.clone(), path, items)?,
                None => self.file(self.file_of(&path), path)?,
            };
            self.modules.get_mut(own).map(|module| module.children.insert(name, id));
        }
        Ok(own)
    }

    fn file_of(&self, path: &[String]) -> String {
        let stem = format!("{}/{}", self.folder, path.join("/"));
        let folder_form = format!("{stem}/mod.rs");
        if self.texts.contains_key(&folder_form) { folder_form } else { format!("{stem}.rs") }
    }
}

/// Collects what one module names and defines; skips test code and the items of inner modules.
struct Visitor<'a> {
    module: Module,
    /// Depth below module level: imports inside of functions bind no name of the module.
    depth: usize,
    inner: Vec<&'a syn::ItemMod>,
}

impl<'a> Visit<'a> for Visitor<'a> {
    fn visit_item(&mut self, item: &'a Item) {
        if is_test(attributes(item)) {
            return self.skip(item);
        }
        match item {
            Item::Mod(module) => return self.inner.push(module),
            Item::Macro(one) if self.depth == 0 && one.ident.is_none() => {
                self.types_in_macro(&one.mac)
            }
            _ if self.depth == 0 => self.module.types.extend(type_name(item).map(named)),
            _ => {}
        }
        self.depth += 1;
        visit::visit_item(self, item);
        self.depth -= 1;
    }

    fn visit_impl_item(&mut self, item: &'a ImplItem) {
        match item {
            ImplItem::Fn(function) if is_test(&function.attrs) => self.skip(item),
            _ => visit::visit_impl_item(self, item),
        }
    }

    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        if item.leading_colon.is_none() {
            self.imports(&item.tree, &[]);
        }
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        if path.leading_colon.is_none() {
            let names = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.refer(path.span().start().line, names, None);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'a syn::Macro) {
        self.visit_path(&call.path);
        self.paths_in_macro(call.tokens.clone());
    }
}

impl Visitor<'_> {
    fn skip(&mut self, item: &dyn Spanned) {
        let span = item.span();
        self.module.tests.push(span.start().line..=span.end().line);
    }

    fn refer(&mut self, line: usize, path: Vec<String>, binding: Option<String>) {
        if !path.is_empty() {
            self.module.references.push(Reference { line, path, binding });
        }
    }

    fn imports(&mut self, tree: &UseTree, prefix: &[String]) {
        let with = |ident: &syn::Ident| {
            prefix.iter().cloned().chain([ident.to_string()]).collect::<Vec<_>>()
        };
        let (ident, binding) = match tree {
            UseTree::Path(path) => return self.imports(&path.tree, &with(&path.ident)),
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.imports(tree, prefix));
            }
            UseTree::Glob(_) => return self.refer(tree.span().start().line, prefix.to_vec(), None),
            UseTree::Name(name) if name.ident == "self" => {
                return self.refer(
                    name.span().start().line,
                    prefix.to_vec(),
                    prefix.last().cloned(),
                );
            }
            UseTree::Name(name) => (&name.ident, &name.ident),
            UseTree::Rename(rename) => (&rename.ident, &rename.rename),
        };
        let binding = (self.depth == 1).then(|| binding.to_string());
        self.refer(ident.span().start().line, with(ident), binding);
    }

    /// A macro's arguments are no syntax tree: a path there is names with `::` between them.
    fn paths_in_macro(&mut self, tokens: TokenStream) {
        let (mut path, mut line, mut colons) = (Vec::new(), 0, 0);
        for tree in tokens {
            match &tree {
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.refer(line, std::mem::take(&mut path), None);
                        line = ident.span().start().line;
                    }
                    path.push(ident.to_string());
                }
                TokenTree::Group(group) => self.paths_in_macro(group.stream()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            if !matches!(tree, TokenTree::Ident(_)) {
                self.refer(line, std::mem::take(&mut path), None);
            }
            colons = 0;
        }
        self.refer(line, path, None);
    }

    fn types_in_macro(&mut self, call: &syn::Macro) {
        let trees: Vec<_> = call.tokens.clone().into_iter().collect();
        for pair in trees.windows(2) {
            if let [TokenTree::Ident(word), TokenTree::Ident(name)] = pair
                && ["struct", "enum", "union", "trait"].iter().any(|keyword| word == keyword)
            {
                self.module.types.push(named(name));
            }
        }
    }
}

fn named(ident: &syn::Ident) -> (String, usize) {
    (ident.to_string(), ident.span().start().line)
}

fn type_name(item: &Item) -> Option<&syn::Ident> {
    match item {
        Item::Struct(item) => Some(&item.ident),
        Item::Enum(item) => Some(&item.ident),
        Item::Union(item) => Some(&item.ident),
        Item::Trait(item) => Some(&item.ident),
        Item::Type(item) => Some(&item.ident),
        _ => None,
    }
}

#[rustfmt::skip]
fn attributes(item: &Item) -> &[Attribute] {
    use syn::{ItemConst, ItemEnum, ItemFn, ItemImpl, ItemMacro, ItemMod, ItemStatic, ItemStruct, ItemTrait, ItemType, ItemUse};
    match item {
        Item::Const(ItemConst { attrs, .. }) | Item::Enum(ItemEnum { attrs, .. })
        | Item::Fn(ItemFn { attrs, .. }) | Item::Impl(ItemImpl { attrs, .. })
        | Item::Macro(ItemMacro { attrs, .. }) | Item::Mod(ItemMod { attrs, .. })
        | Item::Static(ItemStatic { attrs, .. }) | Item::Struct(ItemStruct { attrs, .. })
        | Item::Trait(ItemTrait { attrs, .. }) | Item::Type(ItemType { attrs, .. })
        | Item::Use(ItemUse { attrs, .. }) => attrs,
        _ => &[],
    }
}

/// Reports `#[test]` and `#[cfg(…)]` with `test` or `doctest` and without `not`.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else {
            return attribute.path().is_ident("test");
        };
        let condition = list.tokens.to_string();
        let names =
            |word: &str| condition.split(|c: char| !c.is_alphanumeric()).any(|name| name == word);
        list.path.is_ident("cfg") && (names("test") || names("doctest")) && !names("not")
    })
}
