//! The tokens of a Rust file that rules read: identifiers, strings, doc comments and comments.

use proc_macro2::{LexError, Literal, Span, TokenStream, TokenTree};

/// The sort of a [`Token`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    Ident,
    /// The value of a string literal.
    Text,
    /// One line of a doc comment.
    Doc,
    /// One line of a comment.
    Comment,
}

/// One token and its line, counted from 1.
#[derive(Debug)]
pub struct Token {
    pub line: usize,
    pub kind: Kind,
    pub text: String,
}

/// Splits a Rust file into tokens, in source order.
pub fn tokens(source: &str) -> Result<Vec<Token>, LexError> {
    let mut lexer = Lexer { source, end: 0, tokens: Vec::new() };
    lexer.stream(source.parse()?);
    lexer.comments(source.len());
    Ok(lexer.tokens)
}

/// Comments are what lies between the tokens of the language, so the lexer keeps the last `end`.
struct Lexer<'a> {
    source: &'a str,
    end: usize,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn stream(&mut self, stream: TokenStream) {
        for tree in stream {
            match tree {
                TokenTree::Group(group) => {
                    self.step(group.span_open(), None);
                    self.stream(group.stream());
                    self.step(group.span_close(), None);
                }
                TokenTree::Ident(ident) => {
                    self.step(ident.span(), Some((Kind::Ident, ident.to_string())));
                }
                TokenTree::Literal(literal) => {
                    self.step(literal.span(), text(literal).map(|text| (Kind::Text, text)));
                }
                TokenTree::Punct(punct) => self.step(punct.span(), None),
            }
        }
    }

    /// Takes one token. A doc comment arrives as several tokens of one span; the first counts.
    fn step(&mut self, span: Span, token: Option<(Kind, String)>) {
        let bytes = span.byte_range();
        if bytes.start < self.end {
            return;
        }
        self.comments(bytes.start);
        self.end = bytes.end;
        let line = span.start().line;
        let written = self.source.get(bytes).unwrap_or_default();
        if ["///", "//!", "/**", "/*!"].iter().any(|mark| written.starts_with(mark)) {
            self.lines(Kind::Doc, line, written);
        } else if let Some((kind, text)) = token {
            self.tokens.push(Token { line, kind, text });
        }
    }

    fn comments(&mut self, until: usize) {
        let before = self.source.get(..self.end).unwrap_or_default();
        let gap = self.source.get(self.end..until).unwrap_or_default();
        self.lines(Kind::Comment, before.matches('\n').count() + 1, gap);
    }

    fn lines(&mut self, kind: Kind, first: usize, comment: &str) {
        for (line, text) in (first..).zip(comment.lines()) {
            let text = text.trim().trim_start_matches(['/', '*', '!']).trim();
            if kind == Kind::Doc || !text.is_empty() {
                self.tokens.push(Token { line, kind, text: text.to_owned() });
            }
        }
    }
}

fn text(literal: Literal) -> Option<String> {
    match syn::Lit::new(literal) {
        syn::Lit::Str(text) => Some(text.value()),
        _ => None,
    }
}

/// The lower-case words of an identifier: `TencentCss` and `tencent_css` have the same.
pub fn words_of_name(name: &str) -> Vec<String> {
    let (mut text, mut before) = (String::new(), '_');
    for letter in name.chars() {
        if letter.is_uppercase() && !before.is_uppercase() {
            text.push(' ');
        }
        text.extend(letter.to_lowercase());
        before = letter;
    }
    let words = text.split(|letter: char| !letter.is_alphanumeric());
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_comments_docs_and_strings_with_their_lines() {
        let source =
            "//! Top.\n\n/// Doc\n/// two.\nfn a() { // why é\n  \"say\\nit\"; /* b\n c */ }\n";
        let found: Vec<_> =
            tokens(source).unwrap().into_iter().map(|t| (t.line, t.kind, t.text)).collect();
        let expected = [
            (1, Kind::Doc, "Top."),
            (3, Kind::Doc, "Doc"),
            (4, Kind::Doc, "two."),
            (5, Kind::Ident, "fn"),
            (5, Kind::Ident, "a"),
            (5, Kind::Comment, "why é"),
            (6, Kind::Text, "say\nit"),
            (6, Kind::Comment, "b"),
            (7, Kind::Comment, "c */"),
        ];
        assert_eq!(found, expected.map(|(line, kind, text)| (line, kind, text.to_owned())));
    }

    #[test]
    fn splits_names_into_words() {
        assert_eq!(words_of_name("TencentCSSPush"), ["tencent", "csspush"]);
        assert_eq!(words_of_name("tencent_css::Kind-2"), ["tencent", "css", "kind", "2"]);
    }
}
