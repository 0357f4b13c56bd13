//! Parameters in the query by which a front controller, a script that serves many pages, selects a
//! callback: `/index.php?c=callback`.
//!
//! Several routes, and pages that are not callbacks, may share one path. For a request on this
//! path, gatepost applies the first rule that matches:
//!
//! 1. If the query has each parameter of a route exactly once, byte for byte, the request is a
//!    callback. The query may also have other parameters.
//! 2. If some server can read all parameters of a route in the target, the request is *ambiguous*,
//!    and gatepost refuses it. The parameters may be repeated, percent-encoded, with other
//!    separators, in an array (`c[]=callback`), under a name that PHP changes (`c.`), or in the
//!    path (`/index.php%3fc=callback`).
//! 3. Any other request is for another page of the app.
//!
//! For rule 2, gatepost compares names and values by their letters and digits alone, without case.
//! gatepost also compares values as paths, because a front controller may load the file
//! `./callback.php`.

use std::borrow::Cow;
use std::fmt;

use super::pieces::Pieces;
use super::subtree::stem;
use super::target::{Parameter, Target, is_named, letters, piece_is_named};

/// The parameters of a route; empty for a route that matches every query.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct RouteParameters(Vec<RouteParameter>);

/// One parameter of a route. The texts need no percent-encoding.
#[derive(Debug)]
struct RouteParameter {
    name: Box<str>,
    value: Box<str>,
    /// The parameter in a query: `name=value`.
    written: Box<str>,
    name_letters: Box<str>,
    value_letters: Box<str>,
}

impl PartialEq for RouteParameter {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for RouteParameter {}

impl RouteParameters {
    /// Creates the parameters of a route from names and values for which [`is_parameter_text`]
    /// returns true.
    pub(crate) fn new<'p>(parameters: impl Iterator<Item = (&'p str, &'p str)>) -> Self {
        let folded = |text: &str| letters(text).collect::<String>().into();
        let own = parameters.map(|(name, value)| RouteParameter {
            name: name.into(),
            value: value.into(),
            written: format!("{name}={value}").into(),
            name_letters: folded(name),
            value_letters: folded(value),
        });
        Self(own.collect())
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Yields the name and the value of each parameter.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|own| (&*own.name, &*own.value))
    }

    /// Returns true if the query has each parameter exactly once, in the spelling of the config.
    pub(super) fn are_in(&self, query: Option<&str>) -> bool {
        let query = query.unwrap_or_default();
        self.0.iter().all(|own| {
            let mut named =
                query.split(['&', ';']).filter(|piece| piece_is_named(piece, &own.name_letters));
            let is_own = named.next().is_some_and(|piece| own.is_written(piece));
            is_own && named.next().is_none() && query.split('&').any(|piece| own.is_written(piece))
        })
    }

    /// Returns true if some server can read every parameter in the target.
    pub(super) fn may_be_in(&self, target: &Target<'_>) -> bool {
        let parameters = target.parameters();
        self.0.iter().all(|own| parameters.iter().any(|parameter| own.may_be(parameter)))
    }

    /// Returns true if no query can have the parameters of both routes: one name has two values
    /// that no app treats as the same value.
    pub(super) fn exclude(&self, other: &Self) -> bool {
        self.0.iter().any(|own| {
            let mut same = other.0.iter().filter(|other| other.name_letters == own.name_letters);
            same.any(|other| !own.may_have(&other.value) && !other.may_have(&own.value))
        })
    }

    /// Returns `query` without the route's parameters.
    pub(crate) fn removed_from<'q>(&self, query: &'q str) -> Cow<'q, str> {
        if self.is_empty() {
            return query.into();
        }
        let is_own = |piece: &&str| self.0.iter().any(|own| own.is_written(piece));
        let kept: Vec<_> = query.split('&').filter(|piece| !is_own(piece)).collect();
        kept.join("&").into()
    }
}

/// Writes the parameters as a query with its question mark. Writes nothing if there are no
/// parameters.
impl fmt::Display for RouteParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, own) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "?" } else { "&" })?;
            f.write_str(if own.value.is_empty() { &own.name } else { &own.written })?;
        }
        Ok(())
    }
}

impl RouteParameter {
    /// Returns true if a piece of a query is the parameter in the spelling of the config. A
    /// parameter without a value needs no `=`.
    fn is_written(&self, piece: &str) -> bool {
        *piece == *self.written || (self.value.is_empty() && *piece == *self.name)
    }

    fn may_be(&self, parameter: &Parameter) -> bool {
        is_named(&parameter.name, &self.name_letters)
            && self.may_have(parameter.value.as_deref().unwrap_or_default())
    }

    /// Returns true if some app can treat the decoded `value` as the value of the parameter. An app
    /// that only checks that a parameter exists treats all values alike.
    fn may_have(&self, value: &str) -> bool {
        if self.value.is_empty() {
            return true;
        }
        let has_letters = |text: &str| letters(text).eq(self.value_letters.chars());
        let before_nul = value.split('\0').next().unwrap_or_default();
        has_letters(value) || has_letters(before_nul) || self.is_read_in(value)
    }

    /// Returns true if the names in the route's own value occur in order in the decoded `value`. An
    /// app may read the decoded value as a path, and drop or add folders, suffixes and arguments.
    fn is_read_in(&self, value: &str) -> bool {
        let pieces = Pieces::of(&format!("/{}", value.trim_start()));
        let mut names = pieces.names.iter().map(|name| stem(name));
        let own = self.value.to_lowercase();
        own.split('/').filter(|own| !own.is_empty()).all(|own| names.any(|name| name == stem(own)))
    }
}

/// Returns true if a name or a value of a parameter needs no percent-encoding, so that every server
/// reads the same text.
pub(crate) fn is_parameter_text(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte))
}

/// Returns true if a text can be the name of a parameter: it has a letter or a digit.
pub(crate) fn is_parameter_name(text: &str) -> bool {
    is_parameter_text(text) && letters(text).next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(parameters: &[(&str, &str)]) -> RouteParameters {
        RouteParameters::new(parameters.iter().copied())
    }

    fn verdict(own: &RouteParameters, path: &str, query: &str) -> &'static str {
        match (own.are_in(Some(query)), own.may_be_in(&Target::new(path, Some(query)))) {
            (true, _) => "callback",
            (false, true) => "ambiguous",
            (false, false) => "other",
        }
    }

    #[test]
    fn query_with_each_parameter_once_is_a_callback() {
        let own = route(&[("c", "callback")]);
        for query in [
            "c=callback",
            "c=callback&x=1",
            "x=%26c%3D1&c=callback",
            "&c=callback&",
            "cc&c=callback",
        ] {
            assert_eq!(verdict(&own, "/", query), "callback", "{query}");
        }
        let own = route(&[("c", "callback"), ("m", "play")]);
        for query in ["c=callback&m=play", "m=play&c=callback", "m=play&x&c=callback"] {
            assert_eq!(verdict(&own, "/", query), "callback", "{query}");
        }
        let own = route(&[("callback", "")]);
        for query in ["callback", "callback=", "x=1&callback"] {
            assert_eq!(verdict(&own, "/", query), "callback", "{query}");
        }
        assert_eq!(verdict(&own, "/", "callback=1"), "ambiguous");
        assert_eq!(verdict(&route(&[("r", "live/play")]), "/", "r=live/play"), "callback");
    }

    /// Queries that some server or some app can read as `c=callback`.
    const SPELLINGS: [&str; 77] = [
        "c=x&c=callback",
        "c=callback&c=x",
        "c=callback&c=callback",
        "c=callback&c",
        "c=callback&c[]=x",
        "c[]=callback",
        "c[0]=callback",
        "c[x]=callback",
        "c[x][y]=callback",
        "[c]=callback",
        "c%5B%5D=callback",
        "c[=callback",
        "c]=callback",
        "c.=callback",
        "c_=callback",
        "_c=callback",
        "c%20=callback",
        "c+=callback",
        "+c=callback",
        "%20c=callback",
        "%2bc=callback",
        "%09c=callback",
        "%0ac=callback",
        "%00c=callback",
        "c%00=callback",
        "c%00x=callback",
        "c%00[x=callback",
        "%63=callback",
        "%2563=callback",
        "%u0063=callback",
        "c=%63allback",
        "c=%2563allback",
        "c=callbac%6b",
        "c=callbac%6B",
        "c%3Dcallback",
        "c%253dcallback",
        "C=callback",
        "c=CALLBACK",
        "C=Callback",
        "c=callback%00",
        "c=callback%00.png",
        "c=callback%0a",
        "c=callback%20",
        "c=callback+",
        "c=+callback",
        "c=%20callback",
        "c==callback",
        "c=callback=",
        "c=callback.php",
        "c=callback.",
        "c=callback/",
        "c=callback/x",
        "c=/callback",
        "c=./callback",
        "c=x/../callback",
        "c=..%2fcallback",
        "c=app\\callback",
        "c=app%2fcallback.php/x",
        "c=callback%3fx",
        "c=callback?x=1",
        "c=callback%23x",
        "c=call-back",
        "c=call_back",
        "c=%5ccallback",
        "c=callback;x=1",
        "x=1;c=callback",
        "x=1%3bc=callback",
        "x=1%26c=callback",
        "x=1%2526c%253dcallback",
        "?c=callback",
        "x?c=callback",
        "x%3fc=callback",
        "%26c=callback",
        "c=callback&%63=x",
        "c=callback&c%00x=x",
        "c=call%c1%a2ack",
        "c=c%E1allback",
    ];

    #[test]
    fn spelling_that_differs_from_the_config_is_ambiguous() {
        let own = route(&[("c", "callback")]);
        for query in SPELLINGS {
            assert_eq!(verdict(&own, "/", query), "ambiguous", "{query}");
        }
    }

    #[test]
    fn path_that_a_server_reads_as_query_is_ambiguous() {
        let own = route(&[("c", "callback")]);
        for path in [
            "/index.php%3fc=callback",
            "/index.php%253fc=callback",
            "/index.php;c=callback",
            "/index.php&c=callback",
            "/x%26c=callback",
            "/x%26c%3dcallback",
            "/index.php%23c=callback",
        ] {
            assert_eq!(verdict(&own, path, ""), "ambiguous", "{path}");
        }
        assert_eq!(verdict(&own, "/c=callback", "x=1"), "other");
    }

    #[test]
    fn request_with_another_query_is_not_a_callback() {
        let own = route(&[("c", "callback"), ("m", "play")]);
        for query in [
            "",
            "c=callback",
            "m=play",
            "c=callback&m=stop",
            "c=home&m=play",
            "cm=callback&m=play",
            "c=callbacks&m=play",
            "x=c&y=callback&m=play",
            "callback=c&m=play",
        ] {
            assert_eq!(verdict(&own, "/", query), "other", "{query}");
        }
    }

    #[test]
    fn routes_exclude_each_other_if_one_parameter_has_different_values() {
        let one = route(&[("c", "callback"), ("m", "play")]);
        for (other, is_apart) in [
            (&[("c", "callback"), ("m", "stop")][..], true),
            (&[("m", "stop")], true),
            (&[("C", "callback"), ("M", "stop")], true),
            (&[("c", "callback")], false),
            (&[("c", "Call-Back"), ("m", "Play")], false),
            (&[("c", "callback/x")], false),
            (&[("m", "")], false),
            (&[("x", "y")], false),
            (&[], false),
        ] {
            assert_eq!(one.exclude(&route(other)), is_apart, "{other:?}");
            assert_eq!(route(other).exclude(&one), is_apart, "{other:?}");
        }
    }

    #[test]
    fn removes_own_parameters_from_a_query() {
        let own = route(&[("c", "callback")]);
        for (query, rest) in
            [("c=callback", ""), ("a=1&c=callback&b=%20", "a=1&b=%20"), ("c=x&a", "c=x&a")]
        {
            assert_eq!(own.removed_from(query), rest);
        }
        assert_eq!(RouteParameters::default().removed_from("c=callback"), "c=callback");
    }
}
