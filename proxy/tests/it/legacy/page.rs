//! The page `src/manual/legacy.md`, which a test writes or compares with the outcomes.

use std::fmt::Write as _;

use data_encoding::BASE64URL_NOPAD;

use super::wire::Reply;
use super::{Form, HEALTHY};
use crate::upstreams::servers::root;

/// The environment variable that makes the test write the page.
const UPDATE: &str = "UPDATE_LEGACY";
const COMMAND: &str = "UPDATE_LEGACY=1 cargo test -p gatepost-proxy --test it legacy -- --ignored";

/// Outcomes of the cases of one pattern.
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) about: &'static str,
    pub(super) rows: Vec<Row>,
}

pub(super) struct Row {
    pub(super) case: &'static str,
    /// Reply of the app without gatepost; `None` if the app closes the connection without a reply.
    pub(super) direct: Option<String>,
    /// Outcomes in the order of [`Form::ALL`].
    pub(super) cells: [Cell; 4],
}

/// Outcome of a callback through gatepost. `code` is the code in the log.
pub(super) enum Cell {
    /// gatepost refused the callback, and the app received no byte.
    Refused { status: u16, code: String },
    Passed {
        is_unchanged: bool,
        says_the_same: bool,
        text: String,
        code: String,
        /// Prediction of shadow mode for passthrough; `None` for a forged callback and in the other
        /// forms.
        prediction: Option<Prediction>,
    },
}

/// Prediction in the log: the code without `answer_`, and the reason.
pub(super) struct Prediction {
    pub(super) outcome: String,
    pub(super) reason: String,
}

impl Prediction {
    fn text(&self) -> String {
        let outcome = self.outcome.replace('_', " ");
        match &*self.reason {
            "" => format!("; {outcome}"),
            reason => format!("; {outcome}: `{reason}`"),
        }
    }
}

impl Cell {
    fn text(&self) -> String {
        match self {
            Self::Refused { status, code } => format!("{status}, `{code}`"),
            Self::Passed { is_unchanged, text, code, prediction, .. } => {
                let reply = if *is_unchanged { "unchanged" } else { text };
                let prediction = prediction.as_ref().map(Prediction::text).unwrap_or_default();
                match &**code {
                    "app" | "accepted" => format!("{reply}{prediction}"),
                    code => format!("{reply}, `{code}`{prediction}"),
                }
            }
        }
    }
}

impl Row {
    /// Returns the app's cells in the table with one row for each app. Each cell shows whether the
    /// app needs a change.
    fn summary(&self) -> [String; 4] {
        self.cells.each_ref().map(|cell| match cell {
            Cell::Passed { says_the_same: true, .. } => "runs".to_owned(),
            Cell::Passed { code, .. } if code == "app" => "other answer".to_owned(),
            Cell::Passed { code, .. } | Cell::Refused { code, .. } => format!("`{code}`"),
        })
    }
}

/// Maximum number of characters of a body in a cell.
const MAX_CHARS: usize = 48;

/// Formats the status and the body of a reply for a cell.
pub(super) fn text(reply: &Reply) -> String {
    let status = reply.status;
    if reply.headers.iter().any(|(name, value)| name == "content-encoding" && value == "gzip") {
        return format!("{status} gzip");
    }
    let name = if reply.body.starts_with(JWT_START) { "JWT " } else { "" };
    let body = String::from_utf8(data(reply))
        .unwrap_or_else(|error| error.as_bytes().escape_ascii().to_string().replace("\\\"", "\""));
    let words: Vec<_> = body.split_whitespace().collect();
    let body = words.join(" ").replace('|', " ").replace('\u{feff}', "U+FEFF ");
    if body.is_empty() || status == 503 {
        return status.to_string();
    }
    match body.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{status} {name}`{}`…", body[..end].trim_end()),
        None => format!("{status} {name}`{body}`"),
    }
}

const JWT_START: &[u8] = b"eyJ";

/// Returns the body of a reply, or its payload if the body is a JWT.
pub(super) fn data(reply: &Reply) -> Vec<u8> {
    let payload = reply.body.split(|byte| *byte == b'.').nth(1);
    let payload = payload.filter(|_| reply.body.starts_with(JWT_START));
    payload.map_or_else(|| reply.body.clone(), |payload| BASE64URL_NOPAD.decode(payload).unwrap())
}

const HEAD: &str = include_str!("head.md");

fn page(sections: &[Section]) -> String {
    let mut page = HEAD.to_owned();
    let summary = sections.iter().map(|section| {
        let healthy = section.rows.iter().find(|row| row.case == HEALTHY).unwrap();
        (section.title.to_owned(), healthy.summary())
    });
    write_table(&mut page, "app", summary);
    for Section { title, about, rows } in sections {
        _ = write!(page, "\n# {title}\n\n{about}\n\n");
        let rows = rows.iter().map(|Row { case, direct, cells }| {
            let direct = direct.as_deref().unwrap_or("no reply");
            (format!("{case} | {direct}"), cells.each_ref().map(Cell::text))
        });
        write_table(&mut page, "app | without gatepost", rows);
    }
    page
}

/// Writes a table with a column for each form after the columns of `first`.
fn write_table(page: &mut String, first: &str, rows: impl Iterator<Item = (String, [String; 4])>) {
    let columns = first.split('|').count() + Form::ALL.len();
    _ = writeln!(page, "| {first} | {} |", Form::ALL.map(Form::word).join(" | "));
    _ = writeln!(page, "|{}", "---|".repeat(columns));
    for (first, cells) in rows {
        _ = writeln!(page, "| {first} | {} |", cells.join(" | "));
    }
}

/// Compares the page with the committed page. With [`UPDATE`], writes the page instead.
pub(super) fn check(sections: &[Section]) {
    let path = root().join("src/manual/legacy.md");
    let page = page(sections);
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(path, page).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    for (line, (found, expected)) in page.lines().zip(committed.lines()).enumerate() {
        assert_eq!(found, expected, "review line {}, then run {COMMAND}", line + 1);
    }
    assert_eq!(page.len(), committed.len(), "length of the page; run {COMMAND}");
}
