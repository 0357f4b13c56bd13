//! Series of one template. Each template has its own series, so that counting a callback looks up
//! no label.

use std::sync::OnceLock;

use gatepost::{Accepted, Conclusion, Origin, Permission, Template, TemplateKind, UnavailableKind};
use prometheus::IntCounter;

use super::kind_metrics::{KindHistograms, KindMetrics};

/// Series of one template: one entry for each kind, and one for the kinds that the provider does
/// not define.
#[derive(Debug)]
pub(super) struct TemplateSeries {
    kinds: Box<[KindSeries]>,
    unknown: KindSeries,
}

/// Series of one kind. Each series begins at its first use.
#[derive(Debug, Default)]
pub(super) struct KindSeries {
    /// Counters by origin, then by decision.
    callbacks: [[OnceLock<IntCounter>; 3]; 9],
    histograms: OnceLock<KindHistograms>,
}

impl TemplateSeries {
    pub(super) fn new(template: &Template) -> Self {
        let kinds = template.kinds().map(|_| KindSeries::default()).collect();
        Self { kinds, unknown: KindSeries::default() }
    }

    /// Returns the series of the kind at `index` in [`Template::kinds`]. Without an index, returns
    /// the series of the kinds that the provider does not define.
    pub(super) fn kind(&self, index: Option<usize>) -> &KindSeries {
        index.and_then(|index| self.kinds.get(index)).unwrap_or(&self.unknown)
    }
}

impl KindSeries {
    /// Creates the series that a listed kind usually has.
    pub(super) fn start(&self, metrics: &KindMetrics, template: &Template, kind: TemplateKind<'_>) {
        let labels = [template.provider(), template.name(), kind.name];
        let decisions: &[_] = if kind.is_decision { &["allow", "deny"] } else { &["none"] };
        for origin in ["app", "failure", "resend"] {
            for decision in decisions {
                metrics.counter(labels, origin, decision);
            }
        }
        for failure in UnavailableKind::ALL {
            metrics.failure(labels, failure);
        }
        self.histograms.get_or_init(|| metrics.histograms(labels));
    }

    /// Counts a callback. If the reply neither allows nor denies, the label `decision` is `none`.
    pub(super) fn count(
        &self,
        metrics: &KindMetrics,
        accepted: &Accepted,
        conclusion: &Conclusion,
    ) {
        let (permission, origin) = (conclusion.permission(), &conclusion.origin);
        let decision = permission.map_or("none", Permission::as_str);
        let create = || metrics.counter(labels_of(accepted), origin.as_str(), decision);
        let slot = slot_of(origin).and_then(|slot| self.callbacks.get(slot));
        match (slot, permission) {
            (Some([none, ..]), None) => none.get_or_init(create).inc(),
            (Some([_, allow, _]), Some(Permission::Allow)) => allow.get_or_init(create).inc(),
            (Some([.., deny]), Some(Permission::Deny)) => deny.get_or_init(create).inc(),
            (None, _) => create().inc(),
        }
    }

    pub(super) fn histograms(&self, metrics: &KindMetrics, accepted: &Accepted) -> &KindHistograms {
        self.histograms.get_or_init(|| metrics.histograms(labels_of(accepted)))
    }
}

fn labels_of(accepted: &Accepted) -> [&str; 3] {
    let event = accepted.event();
    [event.provider(), accepted.template().name(), event.kind()]
}

/// Returns the index of an origin in [`KindSeries::callbacks`]; `None` for an origin without an
/// index.
const fn slot_of(origin: &Origin) -> Option<usize> {
    Some(match origin {
        Origin::App => 0,
        Origin::Empty(_) => 1,
        Origin::Failure(_) => 2,
        Origin::Fixed => 3,
        Origin::LastGood(_) => 4,
        Origin::Resend => 5,
        Origin::Unlisted => 6,
        Origin::Queued => 7,
        Origin::Challenge => 8,
        _ => return None,
    })
}
