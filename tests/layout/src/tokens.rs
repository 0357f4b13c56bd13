//! Tokens of a Rust file, including its doc comments and other comments.

use proc_macro2::{Delimiter, LexError, Span, TokenStream, TokenTree};

/// Category of a [`Token`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    Ident,
    /// A string literal; a space replaces each `\n` escape.
    Text,
    /// Punctuation or a delimiter.
    Mark,
    /// One line of a doc comment.
    Doc,
    /// One line of another comment.
    Comment,
}

/// Language token, or a line of a comment.
#[derive(Debug)]
pub struct Token {
    /// Line number, counted from 1.
    pub line: usize,
    pub kind: Kind,
    pub text: String,
    /// Number of pairs of delimiters around the token, without the delimiters of macro calls.
    pub depth: usize,
    /// True if the token is part of an item under `#[cfg(test)]`, `#[cfg(doctest)]` or `#[test]`.
    pub test: bool,
}

impl Token {
    /// Returns true if the token is an identifier or a mark with this text.
    pub fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Ident | Kind::Mark) && self.text == text
    }
}

/// Splits a Rust file into tokens, in source order.
///
/// # Errors
///
/// Returns an error if the text is not Rust.
pub fn tokens(source: &str) -> Result<Vec<Token>, LexError> {
    let mut lexer = Lexer { source, end: 0, depth: 0, test: false, tokens: Vec::new() };
    lexer.stream(source.parse()?);
    lexer.comments(source.len());
    Ok(lexer.tokens)
}

/// Lexer that treats any text between two language tokens as a comment.
struct Lexer<'a> {
    source: &'a str,
    /// Byte offset of the end of the last token.
    end: usize,
    depth: usize,
    test: bool,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn stream(&mut self, stream: TokenStream) {
        let outer = self.test;
        let mut trees = stream.into_iter().peekable();
        while let Some(tree) = trees.next() {
            self.test |= is_mark(&tree, '#') && trees.peek().is_some_and(is_test);
            let ends_item = is_mark(&tree, ';') || is_block(&tree);
            match tree {
                TokenTree::Group(group) => {
                    let nested =
                        usize::from(!self.tokens.last().is_some_and(|token| token.is("!")));
                    self.take(group.span_open(), Kind::Mark);
                    self.depth += nested;
                    self.stream(group.stream());
                    self.depth -= nested;
                    self.take(group.span_close(), Kind::Mark);
                }
                TokenTree::Ident(ident) => self.take(ident.span(), Kind::Ident),
                TokenTree::Literal(literal) => self.take(literal.span(), Kind::Text),
                TokenTree::Punct(punct) => self.take(punct.span(), Kind::Mark),
            }
            self.test &= outer || !ends_item;
        }
    }

    /// Records one token. `proc_macro2` splits a doc comment into several tokens with the same
    /// span; only the first of them counts.
    fn take(&mut self, span: Span, kind: Kind) {
        let bytes = span.byte_range();
        if bytes.start < self.end {
            return;
        }
        self.comments(bytes.start);
        self.end = bytes.end;
        let text = self.source.get(bytes).unwrap_or_default();
        if ["///", "//!", "/**", "/*!"].iter().any(|mark| text.starts_with(mark)) {
            self.lines(Kind::Doc, span.start().line, text);
        } else if kind != Kind::Text {
            self.push(kind, span.start().line, text.to_owned());
        } else if text.contains('"') {
            self.push(kind, span.start().line, text.replace("\\n", " "));
        }
    }

    fn comments(&mut self, until: usize) {
        let (before, rest) = self.source.split_at(self.end);
        let gap = rest.get(..until - self.end).unwrap_or_default();
        if !gap.trim().is_empty() {
            self.lines(Kind::Comment, before.matches('\n').count() + 1, gap);
        }
    }

    fn lines(&mut self, kind: Kind, first: usize, comment: &str) {
        for (line, text) in (first..).zip(comment.lines()) {
            let text = text.trim().trim_start_matches(['/', '*', '!']).trim();
            if kind == Kind::Doc || !text.is_empty() {
                self.push(kind, line, text.to_owned());
            }
        }
    }

    fn push(&mut self, kind: Kind, line: usize, text: String) {
        self.tokens.push(Token { line, kind, text, depth: self.depth, test: self.test });
    }
}

fn is_mark(tree: &TokenTree, mark: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == mark)
}

fn is_block(tree: &TokenTree) -> bool {
    matches!(tree, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}

/// Returns true if `tree` is the bracketed part of a test attribute, such as `[cfg(test)]`.
fn is_test(tree: &TokenTree) -> bool {
    let TokenTree::Group(group) = tree else { return false };
    let attribute = group.stream().to_string();
    let words: Vec<_> = attribute.split(|letter: char| !letter.is_alphanumeric()).collect();
    let conditional = words.first() == Some(&"cfg") && !words.contains(&"not");
    words == ["test"] || conditional && (words.contains(&"test") || words.contains(&"doctest"))
}

/// Splits a name into lower-case words. `TencentCss` and `tencent_css` give the same words.
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
            "//! Top.\n\n/// Doc\n/// two.\nfn a() { // why é\n  \"say\\nit\" /* b\n c */ }\n";
        let found = tokens(source).unwrap();
        let found: Vec<_> = found.iter().filter(|token| token.kind != Kind::Mark).collect();
        let expected = [
            (1, Kind::Doc, "Top."),
            (3, Kind::Doc, "Doc"),
            (4, Kind::Doc, "two."),
            (5, Kind::Ident, "fn"),
            (5, Kind::Ident, "a"),
            (5, Kind::Comment, "why é"),
            (6, Kind::Text, "\"say it\""),
            (6, Kind::Comment, "b"),
            (7, Kind::Comment, "c */"),
        ];
        let found: Vec<_> = found.iter().map(|t| (t.line, t.kind, t.text.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn marks_test_items() {
        let source = "a; #[cfg(all(test, x))] #[y] mod t { b } c; impl D { #[test] fn e() { f } g }\n\
                      #[cfg(not(test))] h; #[cfg(doctest)] struct i; j";
        let names: String = tokens(source)
            .unwrap()
            .iter()
            .filter(|t| !t.test && t.text.len() == 1)
            .map(|t| t.text.as_str())
            .filter(|text| text.chars().all(char::is_alphabetic))
            .collect();
        assert_eq!(names, "acDghj");
    }

    #[test]
    fn splits_names_into_words() {
        assert_eq!(words_of_name("TencentCSSPush"), ["tencent", "csspush"]);
        assert_eq!(words_of_name("tencent_css::Kind-2"), ["tencent", "css", "kind", "2"]);
    }
}
