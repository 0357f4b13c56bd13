//! The requests of the table `tests/upstreams/spellings.txt`.

use std::fmt::Write as _;

/// A request of a table, for HTTP/1.1 or HTTP/2.
pub(super) struct Spelling {
    /// Line of the table, with the placeholders replaced.
    pub(super) name: String,
    pub(super) method: String,
    pub(super) target: String,
    pub(super) host: String,
    pub(super) lines: Vec<String>,
    pub(super) body: String,
    /// True if HTTP/2 can express the request. False for the requests of the section `[lengths]`.
    pub(super) is_for_http_2: bool,
}

impl Spelling {
    /// Returns the usual spelling of a callback.
    pub(super) fn genuine(path: &str, body: String) -> Self {
        Self {
            name: format!("genuine callback to {path}"),
            method: "POST".into(),
            target: path.into(),
            host: "gate.test".into(),
            lines: Vec::new(),
            body,
            is_for_http_2: true,
        }
    }

    /// Formats the request for HTTP/1.1. `probe` is the request's name in the list of handled
    /// requests.
    pub(super) fn http_1(&self, probe: &str) -> Vec<u8> {
        let Self { method, target, host, lines, body, .. } = self;
        let mut head =
            format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\nx-probe: {probe}\r\n");
        for line in lines {
            _ = write!(head, "{line}\r\n");
        }
        // If the body contains a second request, the connection must stay open for that request.
        if self.is_for_http_2 {
            _ = write!(head, "content-length: {}\r\n", body.len());
            if !self.names_connection() {
                head.push_str("connection: close\r\n");
            }
        }
        bytes(&format!("{head}\r\n{body}"))
    }

    fn names_connection(&self) -> bool {
        self.lines.iter().any(|line| line.to_ascii_lowercase().starts_with("connection:"))
    }
}

/// Converts each character to one byte.
pub(super) fn bytes(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| u8::try_from(c).expect("expected characters up to `ÿ`, found another character"))
        .collect()
}

/// Returns the requests of the table for a path of two segments.
pub(super) fn spellings(path: &str) -> Vec<Spelling> {
    let table = include_str!("../../../../tests/upstreams/spellings.txt");
    let mut section = "";
    let mut spellings = Vec::new();
    for line in table.lines().filter(|line| !line.is_empty() && !line.starts_with("# ")) {
        match line {
            "[targets]" | "[hosts]" | "[lines]" | "[lengths]" => section = line,
            line => spellings.extend(of_line(section, &filled(line, path), path)),
        }
    }
    spellings
}

fn of_line(section: &str, line: &str, path: &str) -> Vec<Spelling> {
    let usual = |target: &str| Spelling {
        name: line.to_owned(),
        method: "POST".into(),
        target: target.to_owned(),
        host: "gate.test".into(),
        lines: Vec::new(),
        body: "{}".into(),
        is_for_http_2: true,
    };
    let mut parts = line.split(" | ");
    match section {
        "[targets]" => vec![usual(line)],
        "[hosts]" => ["/", "/x"].map(|at| Spelling { host: line.to_owned(), ..usual(at) }).into(),
        "[lines]" => {
            let request = parts.next().unwrap_or_default();
            let (method, target) = request.split_once(' ').unwrap_or(("POST", request));
            let lines = parts.map(ToOwned::to_owned).collect();
            vec![Spelling { method: method.to_owned(), lines, ..usual(target) }]
        }
        "[lengths]" => vec![smuggled(usual("/x"), line, path)],
        section => panic!("expected a section, found {section:?} before {line:?}"),
    }
}

/// Returns a request whose body contains a second request to `path`. If `line` mentions chunked
/// encoding, an empty chunk precedes the second request.
fn smuggled(usual: Spelling, line: &str, path: &str) -> Spelling {
    let inner = format!(
        "POST {path} HTTP/1.1\r\nhost: gate.test\r\nx-probe: {SMUGGLED}\r\nce-type: {SMUGGLED}\r\n\
         content-length: 2\r\n\r\n{{}}"
    );
    let is_chunked = line.to_ascii_lowercase().contains("chunked");
    let body = if is_chunked { format!("0\r\n\r\n{inner}") } else { inner };
    let lines = line.replace("{length}", &body.len().to_string());
    let lines = lines.split(" | ").map(ToOwned::to_owned).collect();
    Spelling { lines, body, is_for_http_2: false, ..usual }
}

/// Value of `x-probe` and `ce-type` in a request inside the body of another request.
pub(super) const SMUGGLED: &str = "smuggled";

/// Replaces the placeholders and the `\xNN` escapes of a line.
fn filled(line: &str, path: &str) -> String {
    let (a, b) =
        path[1..].split_once('/').expect("expected a path of two segments, found a single segment");
    let first = format!("{:x}", b.as_bytes()[0]);
    let mut text = line.to_owned();
    for (placeholder, value) in [
        ("{path}", path),
        ("{a}", a),
        ("{b}", b),
        ("{A}", &a.to_uppercase()),
        ("{B}", &b.to_uppercase()),
        ("{h}", &first),
        ("{rest}", &b[1..]),
    ] {
        text = text.replace(placeholder, value);
    }
    let mut parts = text.split("\\x");
    let mut decoded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => decoded.extend([char::from(byte)].into_iter().chain(part[2..].chars())),
            None => _ = write!(decoded, "\\x{part}"),
        }
    }
    decoded
}
