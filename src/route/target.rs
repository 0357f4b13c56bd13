//! The target of a request, and the parameters that some server may read in it.

use std::borrow::Cow;
use std::cell::OnceCell;

use http::Uri;

use super::decode::decode;

/// The path and the query of a request.
#[derive(Debug)]
pub(crate) struct Target<'t> {
    pub(crate) path: &'t str,
    pub(crate) query: Option<&'t str>,
    parameters: OnceCell<Vec<Parameter>>,
}

/// A parameter after decoding.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    /// Text after `=`; `None` if there is no `=`.
    pub(super) value: Option<String>,
}

impl<'t> Target<'t> {
    pub(crate) const fn new(path: &'t str, query: Option<&'t str>) -> Self {
        Self { path, query, parameters: OnceCell::new() }
    }

    pub(crate) fn of(uri: &'t Uri) -> Self {
        Self::new(uri.path(), uri.query())
    }

    /// Returns each parameter that some server may read in the target.
    ///
    /// Servers differ in the order of decoding and splitting, and in the characters that separate
    /// parameters. A rewrite rule may also turn a decoded path into a query: with
    /// `/index.php?q=$1`, Apache reads the parameter `c` in `/x%26c=1`.
    pub(super) fn parameters(&self) -> &[Parameter] {
        self.parameters.get_or_init(|| {
            let path = decode(self.path);
            let after_path = path.find(is_separator).and_then(|at| path.get(at + 1..));
            let query = self.query.map(decode);
            let texts = after_path.into_iter().chain(query.as_deref());
            texts.flat_map(parameters_in).collect()
        })
    }
}

fn parameters_in(decoded: &str) -> impl Iterator<Item = Parameter> {
    let pieces = decoded.split('&').chain(decoded.split(is_separator));
    pieces.filter(|piece| !piece.is_empty()).map(Parameter::of)
}

/// Returns true for a character that separates two parameters for some server.
const fn is_separator(c: char) -> bool {
    matches!(c, '&' | ';' | '?' | '#')
}

impl Parameter {
    fn of(piece: &str) -> Self {
        match piece.split_once('=') {
            Some((name, value)) => Self { name: name.to_owned(), value: Some(value.to_owned()) },
            None => Self { name: piece.to_owned(), value: None },
        }
    }
}

/// Yields, in lower case, the letters and digits of a text. Servers and apps differ in the
/// treatment of all other characters: PHP reads `c.x`, `c x` and `c[x` as `c_x`.
pub(super) fn letters(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase)
}

/// Returns true if some server may read the decoded `name` as a name with the letters `expected`.
///
/// PHP ends a name at a NUL, and reads `c[]` and `c[x]` as an array `c`.
pub(super) fn is_named(name: &str, expected: &str) -> bool {
    let before = |end: &[char]| name.split(end).next().unwrap_or_default();
    let readings = [name, before(&['\0']), before(&['[']), before(&['\0', '['])];
    readings.iter().any(|name| letters(name).eq(expected.chars()))
}

/// Decodes the name in `piece`, which is a part of a query as received. Returns true if some server
/// may read that name as a name with the letters `expected`.
pub(super) fn piece_is_named(piece: &str, expected: &str) -> bool {
    let name = piece.split('=').next().unwrap_or_default();
    let name: Cow<'_, str> = decode(name);
    is_named(&name, expected)
}
