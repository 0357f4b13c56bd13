//! Paths as servers read them: the changes that each server makes, in the server's order.

use percent_encoding::percent_decode_str;

/// One change that a server makes to a path.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Removes the authority of `//host/path`.
    Authority,
    /// Cuts the path at the first NUL, as functions for C strings do.
    CutAtNul,
    /// Percent-decodes the path once.
    Decode,
    /// Resolves the segments `.` and `..` (RFC 3986, section 5.2.4).
    Dots,
    /// Removes tabs and line ends, as the URL standard does.
    DropControls,
    /// Removes an extension such as `.json`, which names a format.
    Format,
    /// Replaces `//` by `/`.
    Merge,
    /// Removes `;` and the parameters after it from each segment.
    Parameters,
    /// Removes the path of a PHP script, up to and including `.php`.
    Script,
    /// Replaces `\` by `/`.
    Slash,
    /// Removes dots and spaces at the end of each segment, as Windows does.
    TrailingDots,
    /// Removes the last slash.
    TrailingSlash,
}

use Step::{
    Authority, CutAtNul, Decode, Dots, DropControls, Format, Merge, Parameters, Script, Slash,
    TrailingDots, TrailingSlash,
};

/// Servers and frameworks, with the changes that their documentation or source code describes.
pub const SERVERS: [(&str, &[Step]); 16] = [
    ("a router that compares bytes", &[]),
    ("a router that ignores the last slash", &[TrailingSlash]),
    ("WSGI, ASGI", &[Decode]),
    ("WSGI with a router that ignores the last slash", &[Decode, Merge, TrailingSlash]),
    ("nginx", &[Decode, Merge, Dots]),
    ("nginx in front of PHP", &[Decode, Merge, Dots, CutAtNul, Script]),
    ("Apache httpd", &[Decode, Dots, Merge, Script]),
    ("Tomcat", &[Parameters, Decode, Slash, Merge, Dots]),
    ("a servlet container that decodes first", &[Decode, Parameters, Dots, Merge]),
    ("IIS", &[Decode, Decode, Slash, Merge, Dots, TrailingDots]),
    ("ASP.NET on IIS", &[Decode, Slash, TrailingDots, Dots, TrailingSlash]),
    ("Node, new URL(url, base)", &[DropControls, Slash, Authority, Dots, TrailingSlash]),
    ("Node behind a decoding proxy", &[Decode, DropControls, Slash, Authority, Dots]),
    ("Rails", &[Merge, TrailingSlash, Format, Decode]),
    ("Go, path.Clean", &[Decode, Merge, Dots, TrailingSlash]),
    (
        "a proxy that decodes, in front of a server that decodes",
        &[Decode, Dots, Decode, Merge, Dots],
    ),
];

/// Returns true if the path matches the pattern after a server has made these changes. `{token}` in
/// the pattern matches any segment that is not empty.
pub fn reads_as(path: &str, steps: &[Step], pattern: &str) -> bool {
    let mut read = path.to_owned();
    for step in steps {
        read = step.apply(&read);
    }
    let (read, pattern) = (read.to_lowercase(), pattern.to_lowercase());
    let mut names = read.split('/');
    let mut wanted = pattern.split('/');
    loop {
        match (names.next(), wanted.next()) {
            (None, None) => return true,
            (Some(name), Some("{token}")) if !name.is_empty() => {}
            (Some(name), Some(wanted)) if name == wanted => {}
            _ => return false,
        }
    }
}

impl Step {
    fn apply(self, path: &str) -> String {
        match self {
            Self::Authority => match path.strip_prefix("//") {
                Some(rest) => rest.find('/').map_or("/", |at| &rest[at..]).to_owned(),
                None => path.to_owned(),
            },
            Self::CutAtNul => path.split('\0').next().unwrap_or_default().to_owned(),
            Self::Decode => percent_decode_str(path).decode_utf8_lossy().into_owned(),
            Self::Dots => without_dots(path),
            Self::DropControls => path.replace(['\t', '\r', '\n'], ""),
            Self::Format => [".html", ".json", ".xml"]
                .iter()
                .find_map(|format| path.strip_suffix(format))
                .unwrap_or(path)
                .to_owned(),
            Self::Merge => {
                let mut merged = path.to_owned();
                while merged.contains("//") {
                    merged = merged.replace("//", "/");
                }
                merged
            }
            Self::Parameters => each_name(path, |name| name.split(';').next().unwrap_or_default()),
            Self::Script => match path.find(".php/") {
                Some(at) => path[at + ".php".len()..].to_owned(),
                None => path.to_owned(),
            },
            Self::Slash => path.replace('\\', "/"),
            Self::TrailingDots => each_name(path, |name| match name {
                "." | ".." => name,
                name => name.trim_end_matches(['.', ' ']),
            }),
            Self::TrailingSlash => path.strip_suffix('/').unwrap_or(path).to_owned(),
        }
    }
}

fn each_name(path: &str, change: impl Fn(&str) -> &str) -> String {
    path.split('/').map(change).collect::<Vec<_>>().join("/")
}

/// Resolves the segments `.` and `..`, also with `%2e` for a dot, as the URL standard does.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut names = path.split('/').skip(1).peekable();
    while let Some(name) = names.next() {
        let plain = name.to_ascii_lowercase().replace("%2e", ".");
        match &*plain {
            "." | ".." => {
                if plain == ".." {
                    kept.pop();
                }
                if names.peek().is_none() {
                    kept.push("");
                }
            }
            _ => kept.push(name),
        }
    }
    kept.iter().flat_map(|name| ["/", name]).collect()
}
