//! Rows of the comparison: each combines a job with the app or the peers that do the job.

use super::peers::Kind;
use super::template::Template;
use super::work::Work;

/// The app or the peers that do a [`Job`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Who {
    /// The app alone.
    App,
    Peer(Kind),
    /// A peer that forwards to a second peer. The CPU time of both peers counts.
    Both(Kind, Kind),
}

impl Who {
    pub(super) fn name(self) -> String {
        match self {
            Self::App => "app alone".into(),
            Self::Peer(kind) => kind.name().into(),
            Self::Both(front, back) => format!("{}, {}", front.name(), back.name()),
        }
    }

    /// Returns the peers whose CPU time counts. The load sends its requests to the first peer.
    pub(super) fn kinds(self) -> Vec<Kind> {
        match self {
            Self::App => vec![],
            Self::Peer(kind) => vec![kind],
            Self::Both(front, back) => vec![front, back],
        }
    }
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) job: Job,
    pub(super) who: Who,
}

/// Work that a row measures.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Job {
    BadSignature,
    /// A push, measured without and with the inspector.
    CapturedPush,
    /// A push on a new connection.
    Connection,
    FixedReply,
    LongBody,
    LongerBody,
    PassThrough,
    Php,
    Play,
    PornDetection,
    Push,
    /// A push on a new TLS connection.
    TlsConnection,
    /// A callback with a fixed reply, on an open TLS connection.
    TlsFixedReply,
    /// A callback with a fixed reply, on a new TLS connection. The difference from `TlsFixedReply`
    /// is the cost of a connection with its handshake.
    TlsHandshake,
    TlsPush,
}

const PROGRAMMABLE: [Kind; 3] = [Kind::Gatepost, Kind::Lua, Kind::Njs];

impl Job {
    const ALL: [Self; 15] = [
        Self::PassThrough,
        Self::Push,
        Self::CapturedPush,
        Self::Connection,
        Self::Play,
        Self::PornDetection,
        Self::LongBody,
        Self::LongerBody,
        Self::FixedReply,
        Self::BadSignature,
        Self::Php,
        Self::TlsPush,
        Self::TlsConnection,
        Self::TlsFixedReply,
        Self::TlsHandshake,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::BadSignature => "bad signature",
            Self::CapturedPush => "push, captured or not",
            Self::Connection => "push, new connection",
            Self::FixedReply => "fixed reply, no app",
            Self::LongBody => "64 KB body",
            Self::LongerBody => "1 MB body",
            Self::PassThrough => "pass-through",
            Self::Php => "php app",
            Self::Play => "Kollus play (form)",
            Self::PornDetection => "moderation (4 KB)",
            Self::Push => "push (430 B)",
            Self::TlsConnection => "push, new TLS connection",
            Self::TlsFixedReply => "fixed reply over TLS",
            Self::TlsHandshake => "fixed reply, new TLS connection",
            Self::TlsPush => "push over TLS",
        }
    }

    /// Returns the rate, in requests per second, at which the program compares the latencies of all
    /// peers that do this job.
    pub(super) fn common_rate(self) -> f64 {
        match self {
            Self::LongBody => 1000.0,
            Self::TlsConnection | Self::TlsHandshake => 500.0,
            Self::LongerBody => 100.0,
            Self::Connection | Self::Php => 2000.0,
            Self::BadSignature
            | Self::CapturedPush
            | Self::FixedReply
            | Self::PassThrough
            | Self::Play
            | Self::PornDetection
            | Self::Push
            | Self::TlsFixedReply
            | Self::TlsPush => 5000.0,
        }
    }

    /// Returns true if the app must receive every request. Otherwise, the app must receive none.
    pub(super) fn asks_app(self) -> bool {
        self != Self::BadSignature && !self.has_fixed_reply()
    }

    fn has_fixed_reply(self) -> bool {
        matches!(self, Self::FixedReply | Self::TlsFixedReply | Self::TlsHandshake)
    }

    /// Returns true if the load opens a new connection for each request.
    fn closes(self) -> bool {
        matches!(self, Self::Connection | Self::TlsConnection | Self::TlsHandshake)
    }

    fn doers(self) -> Vec<Who> {
        let peers = |kinds: &[Kind]| kinds.iter().copied().map(Who::Peer).collect::<Vec<_>>();
        match self {
            Self::PassThrough => peers(&[
                Kind::BareNginx,
                Kind::BarePingora,
                Kind::ForwardingPingora,
                Kind::Gatepost,
            ]),
            Self::CapturedPush => peers(&[Kind::Gatepost, Kind::GatepostCapturing]),
            Self::Connection => peers(&[Kind::Gatepost, Kind::Lua]),
            Self::FixedReply => peers(&[Kind::Gatepost, Kind::Haproxy]),
            Self::BadSignature => peers(&[Kind::Gatepost, Kind::Lua, Kind::Njs, Kind::Haproxy]),
            Self::Php => vec![Who::Peer(Kind::Php), Who::Both(Kind::Gatepost, Kind::Php)],
            Self::Push => [peers(&PROGRAMMABLE), vec![Who::App]].concat(),
            Self::TlsConnection | Self::TlsPush => peers(&[Kind::GatepostTls, Kind::LuaTls]),
            Self::TlsFixedReply | Self::TlsHandshake => peers(&[Kind::GatepostTls, Kind::NginxTls]),
            Self::LongBody | Self::LongerBody | Self::Play | Self::PornDetection => {
                peers(&PROGRAMMABLE)
            }
        }
    }

    fn work(self) -> Work {
        match self {
            Self::LongBody => Work::LongPush(1 << 16),
            // gatepost's default limit for a body is 1,048,576 bytes.
            Self::LongerBody => Work::LongPush(1_000_000),
            Self::Play => Work::Play,
            Self::PornDetection => Work::PornDetection,
            Self::BadSignature
            | Self::CapturedPush
            | Self::Connection
            | Self::FixedReply
            | Self::PassThrough
            | Self::Php
            | Self::Push
            | Self::TlsConnection
            | Self::TlsFixedReply
            | Self::TlsHandshake
            | Self::TlsPush => Work::Push,
        }
    }
}

impl Row {
    /// Returns the rows whose name contains a text of `only`, or all rows if `only` is empty.
    pub(super) fn all(only: &[String]) -> Vec<Self> {
        let rows = Job::ALL
            .into_iter()
            .flat_map(|job| job.doers().into_iter().map(move |who| Self { job, who }));
        rows.filter(|row| {
            only.is_empty() || only.iter().any(|word| row.name().contains(word.as_str()))
        })
        .collect()
    }

    pub(super) fn name(&self) -> String {
        format!("{}: {}", self.job.name(), self.who.name())
    }

    /// Returns true if the load sends its requests over TLS.
    pub(super) fn speaks_tls(&self) -> bool {
        self.who.kinds().first().is_some_and(|kind| kind.speaks_tls())
    }

    pub(super) fn of(job: Job, kind: Kind) -> Self {
        Self { job, who: Who::Peer(kind) }
    }

    pub(super) fn is(&self, job: Job, kind: Kind) -> bool {
        self.job == job && self.who == Who::Peer(kind)
    }

    /// Returns the request to send. A Tencent callback has a signature that has not expired.
    ///
    /// # Errors
    /// Returns an error if a sample does not have the expected form.
    pub(super) fn template(&self) -> Result<Template, String> {
        let path = match self.job {
            Job::PassThrough => "/other",
            Job::Play => "/callbacks/kollus/bench",
            Job::BadSignature
            | Job::CapturedPush
            | Job::Connection
            | Job::FixedReply
            | Job::LongBody
            | Job::LongerBody
            | Job::Php
            | Job::PornDetection
            | Job::Push
            | Job::TlsConnection
            | Job::TlsFixedReply
            | Job::TlsHandshake
            | Job::TlsPush => "/callbacks/tencent",
        };
        let domain = if self.job.has_fixed_reply() {
            "fixed.example.com"
        } else if self.job == Job::Php {
            "php.example.com"
        } else {
            "push.example.com"
        };
        let key = if self.job == Job::BadSignature { "another" } else { "secret" };
        let template = self.job.work().template(path, domain, key)?;
        let template = if self.job.closes() { template.closing() } else { template };
        Ok(match (self.job, self.who) {
            (Job::BadSignature, _) => template.expecting(401, None),
            (Job::PassThrough, _) | (_, Who::App) => {
                template.expecting(200, Some("{\"result\":1}"))
            }
            (Job::Play, _) => template.expecting(200, Some("{\"data\":{\"result\":1}}")),
            _ => template.expecting(200, Some("{\"code\":0}")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_request_to_send() {
        for row in Row::all(&[]) {
            row.template().unwrap();
        }
    }

    #[test]
    fn word_selects_rows_by_name() {
        let names: Vec<_> = Row::all(&["push (430".into()]).iter().map(Row::name).collect();
        let [gatepost, lua, njs, app] = &*names else { panic!("expected 4 rows, found {names:?}") };
        assert_eq!(gatepost, "push (430 B): gatepost");
        assert_eq!(lua, "push (430 B): nginx + Lua");
        assert_eq!(njs, "push (430 B): nginx + njs");
        assert_eq!(app, "push (430 B): app alone");
    }
}
