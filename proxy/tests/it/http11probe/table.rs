//! The table `tests/hostile/http11probe.toml`, whose head explains the keys and the patterns.

use serde::Deserialize;

use super::wire::Reply;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    #[serde(rename = "project")]
    _project: String,
    #[serde(rename = "commit")]
    _commit: String,
    #[serde(rename = "licence")]
    _licence: String,
    rule: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    section: String,
    #[serde(rename = "demands")]
    _demands: String,
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) id: String,
    sends: Vec<String>,
    passes: String,
    warns: Option<String>,
    pub(super) ours: String,
    /// The reason why `ours` is in neither `passes` nor `warns`, although gatepost has no fault.
    pub(super) differs: Option<String>,
    /// A known fault of gatepost.
    pub(super) pending: Option<String>,
    #[serde(default)]
    pub(super) section: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grade {
    Passes,
    Warns,
    Fails,
}

/// Replies to a case, and the state of the connection after them.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) replies: Vec<Reply>,
    pub(super) end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Closed,
    Kept,
    Waits,
}

pub(super) fn cases() -> Vec<Case> {
    let text = include_str!("../../../../tests/hostile/http11probe.toml");
    let table: Table = toml::from_str(text).unwrap();
    let of_rule = |rule: Rule| {
        let section = rule.section;
        rule.case.into_iter().map(move |case| Case { section: section.clone(), ..case })
    };
    table.rule.into_iter().flat_map(of_rule).collect()
}

impl Case {
    pub(super) fn sends(&self) -> Vec<Vec<u8>> {
        self.sends.iter().map(|text| bytes(&expand(text))).collect()
    }

    pub(super) fn grade(&self, outcome: &Outcome) -> Grade {
        let accepts = |patterns: &str| patterns.split(" | ").any(|one| outcome.matches(one));
        if accepts(&self.passes) {
            Grade::Passes
        } else if self.warns.as_deref().is_some_and(accepts) {
            Grade::Warns
        } else {
            Grade::Fails
        }
    }
}

fn bytes(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| u8::try_from(c).expect("expected a Latin-1 character, found another character"))
        .collect()
}

/// Replaces the placeholders of a text, and keeps all other braces.
fn expand(text: &str) -> String {
    let mut rest = text;
    let mut expanded = String::new();
    while let Some((before, after)) = rest.split_once('{') {
        expanded += before;
        let filled = after.split_once('}').and_then(|(name, after)| Some((fill(name)?, after)));
        expanded += filled.as_ref().map_or("{", |(text, _)| text);
        rest = filled.map_or(after, |(_, after)| after);
    }
    expanded + rest
}

fn fill(name: &str) -> Option<String> {
    if let "get" | "post" = name {
        return Some(format!("{} / HTTP/1.1\r\nHost: gate.test\r\n", name.to_uppercase()));
    }
    let (text, count) = name.rsplit_once('*')?;
    let count: usize = count.parse().ok()?;
    Some((1..=count).map(|copy| text.replace('#', &copy.to_string())).collect())
}

impl Outcome {
    /// Formats the outcome as the table does.
    pub(super) fn text(&self) -> String {
        let statuses = self.replies.iter().map(|reply| format!("{} ", reply.status));
        statuses.collect::<String>() + self.end.name()
    }

    /// Returns the number of replies that are responses of the upstream, including the reply to the
    /// sentinel.
    pub(super) fn replies_of_upstream(&self) -> usize {
        let replies = self.replies.iter().filter(|reply| reply.header("etag").is_some());
        replies.count() + usize::from(self.end == End::Kept)
    }

    fn matches(&self, pattern: &str) -> bool {
        let mut parts = pattern.split(" & ");
        let mut words: Vec<_> = parts.next().unwrap_or_default().split(' ').collect();
        if let Some(end) = words.last().copied().and_then(End::named) {
            if end != self.end {
                return false;
            }
            words.pop();
        }
        words.len() == self.replies.len()
            && words.iter().zip(&self.replies).all(|(word, reply)| is_status(word, reply.status))
            && parts
                .all(|condition| self.replies.last().is_some_and(|reply| holds(condition, reply)))
    }
}

impl End {
    const ALL: [Self; 3] = [Self::Closed, Self::Kept, Self::Waits];

    const fn name(self) -> &'static str {
        match self {
            Self::Closed => "close",
            Self::Kept => "kept",
            Self::Waits => "waits",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|end| end.name() == name)
    }
}

/// Returns true if a status matches a pattern such as `404`, `4xx` or `!404`.
fn is_status(pattern: &str, status: u16) -> bool {
    if let Some(other) = pattern.strip_prefix('!') {
        return !is_status(other, status);
    }
    pattern
        .strip_suffix("xx")
        .map_or_else(|| pattern.parse() == Ok(status), |class| class.parse() == Ok(status / 100))
}

fn holds(condition: &str, reply: &Reply) -> bool {
    let body: String =
        reply.body.iter().map(|byte| char::from(*byte).to_ascii_lowercase()).collect();
    match condition.split_once(' ').unwrap_or((condition, "")) {
        ("body", rest) => match rest.split_once(' ') {
            Some(("has", text)) => body.contains(text),
            Some(("lacks", text)) => !body.contains(text),
            _ => body == rest,
        },
        ("header", name) => reply.header(name).is_some(),
        ("no", rest) => reply.header(rest.trim_start_matches("header ")).is_none(),
        _ => panic!("expected a condition on a body or a header, found {condition:?}"),
    }
}
