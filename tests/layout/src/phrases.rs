//! Phrases that the project's prose and function names must not contain.
//!
//! A line of `phrases.txt` has the form `phrase | remedy`. The phrase `^ word` forbids
//! documentation that begins with `word`. A phrase matches whole words in any letter case. A match
//! can span lines, but not sentences.

use crate::rules::Finding;
use crate::tokens::{Kind, Token, words_of_name};
use crate::workspace::{File, Workspace};

const PHRASES: &str = include_str!("../phrases.txt");

/// Folders whose Rust files the rule checks in full. In other Rust files, it checks only function
/// names.
const PROSE: [&str; 3] = ["src/", "proxy/", "examples/"];

/// Marker before the first word of an item's documentation.
const DOC: &str = "^";
/// Marker between sentences.
const END: &str = ".";

struct Phrase {
    text: &'static str,
    words: Vec<&'static str>,
    remedy: &'static str,
}

struct Word {
    line: usize,
    text: String,
}

impl Phrase {
    fn begins(&self, words: &[Word]) -> bool {
        let words = words.iter().map(|word| word.text.as_str());
        words.take(self.words.len()).eq(self.words.iter().copied())
    }
}

fn list() -> Vec<Phrase> {
    let lines = PHRASES.lines().filter_map(|line| line.split_once('|'));
    let phrase = |(text, remedy): (&'static str, &'static str)| {
        let (text, remedy) = (text.trim(), remedy.trim());
        Phrase { text, words: text.split(' ').collect(), remedy }
    };
    lines.filter(|(text, _)| !text.starts_with('#')).map(phrase).collect()
}

/// Reports forbidden phrases in comments, documentation, strings, function names and Markdown.
pub fn phrases(workspace: &Workspace) -> Vec<Finding> {
    let phrases = list();
    workspace.files.iter().flat_map(|(path, file)| in_file(path, file, &phrases)).collect()
}

/// Counts the documented items, and the items whose documentation begins with a forbidden word.
pub fn docs<'a>(tokens: impl Iterator<Item = &'a Token>) -> (usize, usize) {
    let (words, phrases) = (prose(tokens), list());
    let starts =
        (0..words.len()).filter_map(|at| words.get(at..).filter(|rest| rest[0].text == DOC));
    let refused = starts.clone().filter(|rest| phrases.iter().any(|phrase| phrase.begins(rest)));
    (starts.clone().count(), refused.count())
}

fn in_file(path: &str, file: &File, phrases: &[Phrase]) -> Vec<Finding> {
    let words = if path.ends_with(".md") {
        markdown(&file.text)
    } else if PROSE.iter().any(|folder| path.starts_with(folder)) {
        prose(file.tokens.iter())
    } else {
        prose(file.tokens.iter().filter(|token| token.kind == Kind::Ident))
    };
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let rest = words.get(at..).unwrap_or_default();
        for phrase in phrases.iter().filter(|phrase| phrase.begins(rest)) {
            let Phrase { text, remedy, .. } = phrase;
            let message = format!("expected plain wording, found \"{text}\"; {remedy}");
            found.push(Finding::new(path, word.line, text, message));
        }
    }
    found
}

fn prose<'a>(tokens: impl Iterator<Item = &'a Token>) -> Vec<Word> {
    let mut words = Vec::new();
    let mut before: Option<&Token> = None;
    for token in tokens {
        let next_line = |one: &Token| one.kind == token.kind && one.line + 1 == token.line;
        let (start, text) = match token.kind {
            Kind::Ident if before.is_some_and(|one| one.is("fn")) => (END, spaced(&token.text)),
            Kind::Ident | Kind::Mark => (END, String::new()),
            Kind::Text => (END, token.text.clone()),
            Kind::Doc | Kind::Comment if before.is_some_and(next_line) => ("", token.text.clone()),
            Kind::Doc => (DOC, token.text.clone()),
            Kind::Comment => (END, token.text.clone()),
        };
        if !start.is_empty() {
            words.push(Word { line: token.line, text: start.to_owned() });
        }
        split(&text, token.line, &mut words);
        before = Some(token);
    }
    words
}

fn spaced(name: &str) -> String {
    words_of_name(name).join(" ")
}

fn markdown(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    (1..).zip(text.lines()).for_each(|(line, text)| match text.trim() {
        "" => words.push(Word { line, text: END.to_owned() }),
        text => split(text, line, &mut words),
    });
    words
}

fn split(text: &str, line: usize, words: &mut Vec<Word>) {
    for part in text.split_inclusive(['.', ';', ':', '?', '!', '|']) {
        let names =
            part.split(|letter: char| !letter.is_alphanumeric()).filter(|name| !name.is_empty());
        words.extend(names.map(|name| Word { line, text: name.to_lowercase() }));
        if part.ends_with(['.', ';', ':', '?', '!', '|']) {
            words.push(Word { line, text: END.to_owned() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let findings = phrases(&Workspace::fixture(files));
        findings.iter().map(|one| format!("{}:{} {}", one.file, one.line, one.what)).collect()
    }

    #[test]
    fn finds_phrases_in_comments_docs_strings_and_function_names() {
        let code = "/// The time it goes\n/// on for.\nfn a() {\n  // Nobody's.\n  f(\"who\\nknows\");\n}\n\
                    fn goes_on_forever() {}\n// It goes. On it.\nfn understands() {}";
        let expected = [
            "src/lib.rs:1 goes on",
            "src/lib.rs:4 nobody",
            "src/lib.rs:5 who knows",
            "src/lib.rs:7 goes on",
        ];
        assert_eq!(found(&[("src/lib.rs", code)]), expected);
        assert_eq!(found(&[("tests/it/core.rs", code)]), ["tests/it/core.rs:7 goes on"]);
        assert_eq!(found(&[("A.md", "It goes\non.\n\nIt goes\n\non.")]), ["A.md:1 goes on"]);
    }

    #[test]
    fn finds_docs_that_begin_with_a_clause() {
        let code = "//! What it is.\n\n/// Whether it is.\nfn a() {}\n/// Says what.\n/// What else.\nfn b() {}\n// What\n";
        assert_eq!(
            found(&[("src/lib.rs", code)]),
            ["src/lib.rs:1 ^ what", "src/lib.rs:3 ^ whether"]
        );
        assert_eq!(docs(crate::tokens::tokens(code).unwrap().iter()), (3, 2));
    }

    #[test]
    fn message_contains_remedy() {
        let findings = phrases(&Workspace::fixture(&[("src/lib.rs", "// nobody")]));
        let expected = "expected plain wording, found \"nobody\"; name the actor: platform, client, gatepost, app or operator";
        assert_eq!(findings[0].message, expected);
    }
}
