//! Paths for log lines: short, and without the secret segment of a route.

use std::borrow::Cow;

use super::decode::{decode, decodings};
use super::pieces::{any_names, around_token};
use super::{Routes, TOKEN_SEGMENT};

/// Maximum length of a path in a log line, in bytes.
const MAX_BYTES: usize = 256;

/// Maximum number of bytes in which gatepost looks for secrets. A secret that begins within
/// [`MAX_BYTES`] ends within the searched bytes.
const MAX_SEARCHED_BYTES: usize = 4096;

/// Text in place of the part of a path that the log omits.
const MARK: &str = "…";

impl Routes {
    /// Returns the start of a path without secrets. `redacted` replaces the secrets of the config,
    /// which a wrong path may contain in any segment. If only a decoded form of the path contains
    /// a secret, returns this form.
    pub(crate) fn printable_path(
        &self,
        path: &str,
        redacted: impl for<'b> Fn(&'b [u8]) -> Cow<'b, [u8]>,
    ) -> String {
        let end = path.floor_char_boundary(MAX_SEARCHED_BYTES);
        let searched = path.get(..end).unwrap_or_default();
        let masked = decodings(searched).find_map(|form| match redacted(form.as_bytes()) {
            Cow::Owned(masked) => {
                Some(String::from_utf8_lossy(&masked).replace(char::is_control, "?"))
            }
            Cow::Borrowed(_) => None,
        });
        self.without_token(masked.as_deref().unwrap_or(path))
    }

    /// Returns the start of a path. Replaces the first segment that a server can read as a route's
    /// secret segment, and everything after this segment.
    fn without_token(&self, path: &str) -> String {
        let shown = path.get(..path.floor_char_boundary(MAX_BYTES)).unwrap_or_default();
        let segments: Vec<_> = segments(shown).collect();
        let prefixes = self.iter().filter_map(|route| around_token(&route.pattern));
        let secret = prefixes.filter_map(|(prefix, _)| start_of_secret(&segments, prefix)).min();
        match secret.and_then(|start| shown.get(..start)) {
            Some(start) => format!("{start}{TOKEN_SEGMENT}{MARK}"),
            None if shown.len() < path.len() => format!("{shown}{MARK}"),
            None => shown.to_owned(),
        }
    }
}

/// Returns each segment that is not empty: its byte offset in the path, and its names.
fn segments(path: &str) -> impl Iterator<Item = (usize, Vec<String>)> {
    let mut next = 0;
    let starts = path.split('/').map(move |segment| {
        let start = next;
        next += segment.len() + 1;
        (start, segment)
    });
    let segments = starts.filter(|(_, segment)| !segment.is_empty());
    segments.map(|(start, segment)| (start, any_names(&decode(segment)).collect()))
}

/// Returns the byte offset of the first segment that may be the secret segment after `prefix`.
///
/// Finds the names of the prefix in any spelling, and with other segments between them, because a
/// path with a wrong segment may still contain the secret.
fn start_of_secret(segments: &[(usize, Vec<String>)], prefix: &str) -> Option<usize> {
    let mut expected = prefix.split('/').filter(|name| !name.is_empty()).peekable();
    for (start, names) in segments {
        if expected.peek().is_none() {
            return Some(*start);
        }
        for name in names {
            match expected.peek() {
                // The segment contains the last name of the prefix and a part of the secret.
                None => return Some(*start),
                Some(own) if is_same(name, own) => drop(expected.next()),
                Some(_) => {}
            }
        }
    }
    None
}

/// Returns true if `name`, from the path of a request, equals `own`, from the path of a route.
/// `name` may also have a suffix such as `.php`.
fn is_same(name: &str, own: &str) -> bool {
    let mut rest = name.chars();
    let is_start = own.chars().flat_map(char::to_lowercase).all(|c| rest.next() == Some(c));
    is_start && matches!(rest.next(), None | Some('.'))
}

#[cfg(test)]
mod tests {
    use crate::gate::Gate;

    fn gate(path: &str) -> Gate {
        let config =
            format!("[[route]]\npath = '{path}'\nprovider = 'kollus'\ntoken = {{ env = 'T' }}\n");
        Gate::builder().toml(config).variable("T", "s3cret-t0ken").build().unwrap()
    }

    #[test]
    fn masks_secret_segment_in_any_spelling() {
        let gate = gate("/Callbacks/kollus/{token}");
        for path in [
            "/callbacks/kollus/s3cret",
            "/callbacks/kollus/a/b/s3cret",
            "/CALLBACKS//kollus//s3cret/x",
            "/callbacks/x/kollus/x/../s3cret",
            "/callbacks/kollus;a=b/s3cret",
            "/callbacks/;kollus/s3cret",
            "/callbacks;kollus;s3cret",
            "/callbacks/kollus%2fs3cret",
            "/callbacks/kollus%25252fs3cret",
            "/callbacks%u002fkollus%u002fs3cret",
            "/callbacks/kol%6cus/s3cret",
            "/callbacks/kol%00lus/s3cret",
            "/callbacks/kollus%3f/s3cret",
            "/callbacks/kollus%23s3cret",
            "/callbacks\\kollus\\s3cret",
            "/callbacks/kollus./s3cret",
            "/callbacks/kollus.php/s3cret",
            "//host/v1/callbacks/kollus/s3cret",
        ] {
            let printed = gate.printable_path(path);
            let is_masked = printed.ends_with("{token}…") && !printed.contains("s3cret");
            assert!(is_masked, "expected no secret segment, found {printed}");
        }
        for path in ["/", "/callbacks/kollus", "/callbacks/kollus/", "/kollus/x", "/kollusx/y", "*"]
        {
            assert_eq!(gate.printable_path(path), path);
        }
    }

    #[test]
    fn masks_secret_in_any_segment_and_in_any_spelling() {
        let gate = gate("/callbacks/kollus/{token}");
        for (path, expected) in [
            ("/kolus/s3cret-t0ken", "/kolus/***"),
            ("/kolus/s3cret%2dt0ken/x", "/kolus/***/x"),
            ("/kolus/%73%33cret-t0ken", "/kolus/***"),
            ("/kolus/s3cret%252Dt0ken", "/kolus/***"),
            ("/kolus%0A/s3cret%2dt0ken", "/kolus?/***"),
        ] {
            assert_eq!(gate.printable_path(path), expected);
        }
        assert_eq!(gate.printable_path("/kolus%0A/a%20b"), "/kolus%0A/a%20b");
    }

    #[test]
    fn masks_first_segment_if_path_of_route_is_only_token() {
        assert_eq!(self::gate("/{token}").printable_path("//s3cret/x"), "//{token}…");
    }

    #[test]
    fn cuts_path_after_256_bytes() {
        let gate = gate("/a/{token}");
        assert_eq!(gate.printable_path(&"/é".repeat(300)), format!("{}/…", "/é".repeat(85)));
        let secret = format!("/{}/a/s3cret", "x".repeat(245));
        assert_eq!(gate.printable_path(&secret), format!("/{}/a/{{token}}…", "x".repeat(245)));
    }
}
