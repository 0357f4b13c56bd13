//! Test of the typed views of the built-in providers: generates the views, and compares them with
//! the committed files.
//!
//! A provider with declared fields has one generated file: `src/provider/platforms/NAME/views.rs`
//! for a provider with other Rust code, `src/provider/platforms/NAME.rs` for any other provider.
//! Providers without declared fields have no views. The test also generates
//! `src/provider/platforms/mod.rs`, which declares the modules, and `tests/it/view_readers.rs`,
//! which lists the callback enums for the tests.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use gatepost::{FieldInfo, KindInfo, ProviderInfo};

/// The environment variable that makes the test write the files.
const UPDATE: &str = "UPDATE_VIEWS";
const PLATFORMS: &str = "src/provider/platforms";
pub const COMMAND: &str = "UPDATE_VIEWS=1 cargo test --test it _files";

/// Type names that differ from the default. The default is the name of the kind, or the names of
/// the outer type and the field.
const TYPES: [(&str, &str); 17] = [
    ("github.ping", "GithubPing"),
    ("github.push", "GithubPush"),
    ("mediamtx.metrics", "MediamtxMetrics"),
    ("mediamtx.publish", "MediamtxPublish"),
    ("tencent-css.error", "PushError"),
    ("tencent-trtc", "Notification"),
    ("Drm.items", "DrmItem"),
    ("ErasedSentence.keywords_info", "ErasedWord"),
    ("EvaluationLow.frames", "Frame"),
    ("Highlights.items", "Highlight"),
    ("LiveLms.json_data", "LmsData"),
    ("LmsData.block_info", "BlockInfo"),
    ("Notification.EventInfo", "EventInfo"),
    ("Relay.msg", "RelayMessage"),
    ("SmartErasingData.subtitle_tmp_res", "ErasedSentence"),
    ("SubtitlesData.subtitle_tmp_res", "Subtitle"),
    ("VodLms.json_data", "LmsData"),
];

/// Member names that differ from the name of the field.
const MEMBERS: [(&str, &str); 5] = [
    ("GithubPush.ref", "git_ref"),
    ("MuxEvent.type", "event_type"),
    ("PornDetection.type", "types"),
    ("Publish.type", "stream_type"),
    ("RelayMessage.type", "alarm"),
];

fn listed(names: &[(&'static str, &'static str)], key: &str) -> Option<String> {
    names.iter().find(|(listed, _)| *listed == key).map(|(_, name)| (*name).to_owned())
}

/// Converts `live_play`, `video.asset.ready` or `tencent-css` to upper camel case.
fn camel_case(name: &str) -> String {
    let words = name.split(|char: char| !char.is_ascii_alphanumeric());
    let word = |word: &str| match word.split_at_checked(1) {
        Some((first, rest)) => first.to_ascii_uppercase() + rest,
        None => String::new(),
    };
    words.map(word).collect()
}

/// Converts `streamId`, `EventMsTs` or `detail-type` to snake case. Appends `_` to a keyword of
/// Rust.
fn snake_case(name: &str) -> String {
    const KEYWORDS: [&str; 7] = ["type", "ref", "match", "move", "self", "use", "final"];
    let mut snake = String::new();
    for char in name.chars() {
        let separates = !char.is_ascii_alphanumeric() && char != '_';
        if (separates || char.is_ascii_uppercase()) && !snake.is_empty() && !snake.ends_with('_') {
            snake.push('_');
        }
        if !separates {
            snake.push(char.to_ascii_lowercase());
        }
    }
    if KEYWORDS.contains(&&*snake) { snake + "_" } else { snake }
}

/// Writes doc comments of at most 100 columns. A blank line separates the paragraphs of `text`.
fn write_docs(out: &mut String, indent: &str, text: &str) {
    for (index, paragraph) in text.split("\n\n").enumerate() {
        if index > 0 {
            writeln!(out, "{indent}///").unwrap();
        }
        let mut line = format!("{indent}///");
        for word in paragraph.split(' ') {
            if line.len() + 1 + word.len() > 100 {
                writeln!(out, "{line}").unwrap();
                line = format!("{indent}///");
            }
            line = format!("{line} {word}");
        }
        writeln!(out, "{line}").unwrap();
    }
}

/// A generated struct.
#[derive(Default)]
struct ViewType {
    name: String,
    docs: String,
    members: Vec<Member>,
    /// The members that the `Debug` output contains.
    prints: BTreeSet<String>,
    /// The kinds that the type describes.
    kinds: Vec<String>,
}

#[derive(PartialEq)]
struct Member {
    name: String,
    json: String,
    ty: String,
    docs: String,
}

/// The views of one provider.
struct Views<'p> {
    provider: &'p ProviderInfo,
    types: Vec<ViewType>,
}

impl<'p> Views<'p> {
    fn of(provider: &'p ProviderInfo) -> Self {
        let mut views = Self { provider, types: Vec::new() };
        for kind in &provider.kinds {
            let name = views.type_of(kind);
            let docs = if views.has_shared_type(kind) {
                format!(
                    "Data of the {} callbacks that have only the fields common to all kinds.",
                    provider.title
                )
            } else {
                let about = kind.about.as_deref().unwrap_or_default();
                format!("Data of `{}` callbacks.\n\n{about}", kind.name).trim_end().to_owned()
            };
            let printed = kind.subject.iter().chain(&kind.time);
            let printed: Vec<_> = printed.map(|path| path[1..].split('/').collect()).collect();
            views.add(name, docs, &kind.fields, &printed, Some(kind.name.to_string()));
        }
        views
    }

    /// Returns true if this kind and at least one other kind have only the fields that the provider
    /// declares for all kinds.
    fn has_shared_type(&self, kind: &KindInfo) -> bool {
        let fields = format!("{:?}", self.provider.fields);
        let is_plain = |kind: &KindInfo| format!("{:?}", kind.fields) == fields;
        is_plain(kind) && self.provider.kinds.iter().filter(|kind| is_plain(kind)).count() > 1
    }

    fn type_of(&self, kind: &KindInfo) -> String {
        let provider = &*self.provider.name;
        if self.has_shared_type(kind) {
            return listed(&TYPES, provider).unwrap_or(camel_case(provider) + "Event");
        }
        let default = match &*kind.name {
            // `Event` alone is a type of the crate root.
            "event" => camel_case(provider) + "Event",
            name => camel_case(name),
        };
        listed(&TYPES, &format!("{provider}.{}", kind.name)).unwrap_or(default)
    }

    /// Adds a struct. `printed` has the paths of the fields that the `Debug` output contains.
    ///
    /// Kinds and fields may share a struct only if the struct has the same members for each kind or
    /// field.
    fn add(
        &mut self,
        name: String,
        docs: String,
        fields: &[FieldInfo],
        printed: &[Vec<&str>],
        kind: Option<String>,
    ) {
        let mut added = ViewType { name, docs, kinds: Vec::from_iter(kind), ..ViewType::default() };
        // Reserve the index, so that a struct precedes the structs of its objects.
        let place = self.types.len();
        self.types.push(ViewType::default());
        for field in fields {
            let member = self.member(&added.name, field, printed);
            if is_printed(field, printed) {
                added.prints.insert(member.name.clone());
            }
            added.members.push(member);
        }
        match self.types.iter_mut().find(|known| known.name == added.name) {
            Some(known) => {
                let is_equal = known.members == added.members;
                assert!(
                    is_equal,
                    "expected the same fields in each use of {}, found different fields; list \
                     another type name in TYPES",
                    added.name
                );
                known.prints.extend(added.prints);
                known.kinds.extend(added.kinds);
                self.types.remove(place);
            }
            None => self.types[place] = added,
        }
    }

    fn member(&mut self, outer: &str, field: &FieldInfo, printed: &[Vec<&str>]) -> Member {
        let key = format!("{outer}.{}", field.name);
        let name = listed(&MEMBERS, &key).unwrap_or(snake_case(&field.name));
        let inner = if field.fields.is_empty() {
            None
        } else {
            let inner =
                listed(&TYPES, &key).unwrap_or(format!("{outer}{}", camel_case(&field.name)));
            let docs = match field.json_type {
                Some("array") => format!("An element of [`{outer}::{name}`]."),
                _ => format!("The object in [`{outer}::{name}`]."),
            };
            let printed = printed.iter().filter(|path| path[0] == &*field.name && path.len() > 1);
            let printed: Vec<_> = printed.map(|path| path[1..].to_vec()).collect();
            self.add(inner.clone(), docs, &field.fields, &printed, None);
            Some(inner)
        };
        let ty = match (field.json_type, inner) {
            (Some("array"), inner) => format!("Vec<{}>", inner.as_deref().unwrap_or("Value")),
            (Some("object"), inner) => inner.unwrap_or("Map<String, Value>".into()),
            (Some("boolean"), _) => "bool".into(),
            (Some("number"), _) if field.ty == "number" => "f64".into(),
            (Some("number"), _) => "i64".into(),
            (Some("string"), _) => "String".into(),
            _ => "Value".into(),
        };
        let ty = if field.identifying { ty } else { format!("Option<{ty}>") };
        let docs =
            field.about.as_deref().map_or(format!("The field `{}`.", field.name), str::to_owned);
        let docs = if field.secret { docs + " A credential: do not log it." } else { docs };
        Member { name, json: field.name.to_string(), ty, docs }
    }

    fn file(&self) -> String {
        let ProviderInfo { name, title, docs, kinds, .. } = self.provider;
        let mut out = format!(
            "// @generated from {}.toml by `{COMMAND}`.\n\n\
             //! Typed views of the callbacks of {title}.\n//!\n\
             //! [`{}Callback`] has a variant for each kind.\n\
             //! Field names follow the platform's names, in snake case.\n\
             //! Values have the platform's units.\n\
             //!\n//! Source: <{docs}>\n\n",
            name.replace('-', "_"),
            camel_case(name)
        );
        let mut types = self.types.iter().flat_map(|view| &view.members).map(|member| &member.ty);
        if types.clone().any(|ty| ty.contains("Map<")) {
            out.push_str("use serde_json::{Map, Value};\n\n");
        } else if types.any(|ty| ty.contains("Value")) {
            out.push_str("use serde_json::Value;\n\n");
        }
        out.push_str("use crate::provider::view::{callback, describe, view};\n\nview! {\n");
        out.push_str(&self.body());
        writeln!(out, "}}\n\ndescribe! {{ \"{name}\":").unwrap();
        for view in self.types.iter().filter(|view| !view.kinds.is_empty()) {
            let kinds: Vec<_> = view.kinds.iter().map(|kind| format!("\"{kind}\"")).collect();
            writeln!(out, "    {} = {},", view.name, kinds.join("\n        | ")).unwrap();
        }
        writeln!(out, "}}\n\ncallback! {{ \"{name}\":").unwrap();
        let docs = format!("A callback of {title}, with a variant for each kind.");
        write_docs(&mut out, "    ", &docs);
        writeln!(out, "    pub enum {}Callback {{", camel_case(name)).unwrap();
        for kind in kinds {
            let docs = format!("A `{}` callback.", kind.name);
            write_docs(&mut out, "        ", kind.about.as_deref().unwrap_or(&docs));
            let (variant, view) = (camel_case(&kind.name), self.type_of(kind));
            writeln!(out, "        {variant}({view}) = \"{}\",", kind.name).unwrap();
        }
        out + "    }\n}\n"
    }

    fn body(&self) -> String {
        let mut out = String::new();
        for (index, view) in self.types.iter().enumerate() {
            out.push_str(if index > 0 { "\n" } else { "" });
            write_docs(&mut out, "    ", &view.docs);
            let prints = Vec::from_iter(view.prints.iter().map(String::as_str)).join(" ");
            writeln!(out, "    pub struct {} prints({prints}) {{", view.name).unwrap();
            for Member { name, json, ty, docs } in &view.members {
                write_docs(&mut out, "        ", docs);
                writeln!(out, "        {name}: {ty} = \"{json}\",").unwrap();
            }
            out.push_str("    }\n");
        }
        out
    }
}

/// Returns true if `Debug` output contains the field. The output contains only the fields with the
/// subject and the time of a callback, and the objects around these fields, because other fields
/// may be credentials or personal data.
fn is_printed(field: &FieldInfo, printed: &[Vec<&str>]) -> bool {
    let is_scalar = !matches!(field.json_type, Some("array" | "object"));
    let mut paths = printed.iter().filter(|path| path[0] == &*field.name);
    !field.secret
        && paths.any(|path| if path.len() == 1 { is_scalar } else { !field.fields.is_empty() })
}

fn path_of(provider: &ProviderInfo) -> PathBuf {
    let folder = PathBuf::from(PLATFORMS).join(provider.name.replace('-', "_"));
    if folder.is_dir() { folder.join("views.rs") } else { folder.with_extension("rs") }
}

/// Returns `platforms/mod.rs`, which declares the module of each provider.
fn platforms(modules: &[String]) -> String {
    let mut out = format!(
        "// @generated by `{COMMAND}`.\n\n\
         //! Typed views of the callbacks of each platform, and typed answers.\n\n"
    );
    for module in modules {
        writeln!(out, "pub mod {module};").unwrap();
    }
    out
}

/// Returns a list with `read_as` for the callback enum of each provider.
fn readers(modules: &[String]) -> String {
    let mut out = format!("// @generated by `{COMMAND}`.\n[\n");
    for module in modules {
        writeln!(out, "    read_as::<gatepost::{module}::{}Callback>,", camel_case(module))
            .unwrap();
    }
    out + "]\n"
}

/// Compares a generated file with the committed file. With the environment variable
/// `UPDATE_VIEWS`, writes the generated file first.
pub fn check_file(path: &Path, text: &str) {
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(path, text).unwrap();
    }
    let is_fresh = std::fs::read_to_string(path).is_ok_and(|committed| committed == text);
    let path = path.display();
    assert!(is_fresh, "expected {path} as generated, found other text; run `{COMMAND}`");
}

#[test]
fn committed_views_match_definitions() {
    let providers = gatepost::providers();
    let has_fields =
        |provider: &&ProviderInfo| provider.kinds.iter().any(|kind| !kind.fields.is_empty());
    let with_views: Vec<_> = providers.iter().filter(has_fields).collect();
    for provider in &with_views {
        check_file(&path_of(provider), &Views::of(provider).file());
    }
    let modules: Vec<_> =
        with_views.iter().map(|provider| provider.name.replace('-', "_")).collect();
    check_file(&Path::new(PLATFORMS).join("mod.rs"), &platforms(&modules));
    check_file(Path::new("tests/it/view_readers.rs"), &readers(&modules));
}
