//! The key `forward`, which sets the form of the event, and the keys that apply only to some forms:
//! `check_reply`, `ce_headers` and `keep_proof`.

use super::Entry;
use crate::config::ConfigReader;
use crate::event::Forward;
use crate::provider::Plan;
use crate::toml_reader::{FaultKind, Located, Place, Table};

impl<'f> ConfigReader<'f, '_> {
    /// Reads `forward`: the form in which the app receives events.
    pub(in crate::config) fn forward(&self, table: &Table<'f>) -> Option<Forward> {
        let word = table.string("forward")?;
        self.word(&word, "format", &Forward::WORDS)
    }

    /// Reports each address with a path, because passthrough keeps the path of the callback.
    pub(super) fn check_keep_path(&self, texts: &[Located<&str>]) {
        for text in texts.iter().filter(|text| has_path(text.value)) {
            let remedy = "remove the path, or write forward = \"raw\" to set a path";
            let expected = "a server without a path, because passthrough keeps the callback's path";
            self.faults.add_text(text, FaultKind::UrlInvalid.because(expected), remedy);
        }
    }

    /// Reads a switch that applies only to passthrough. Reports the key if `forward` sets another
    /// form.
    pub(super) fn passthrough_switch(
        &self,
        table: &Table<'f>,
        key: &'static str,
        forward: Option<Forward>,
    ) -> Option<bool> {
        let switch = table.boolean(key);
        if switch.is_some() && forward.is_some_and(|forward| forward != Forward::Passthrough) {
            let problem =
                format!("expected forward = \"passthrough\" beside {key}, found another form");
            self.faults.add(&table.place_of(key), problem, format!("remove {key}"));
        }
        switch
    }

    /// Reads `keep_proof`. If the value is true, returns the position of the key. Reports the key
    /// if `forward` sets a form in which the app receives the whole callback.
    pub(super) fn keep_proof(&self, table: &Table<'f>, forward: Option<Forward>) -> Option<Place> {
        let keeps = table.boolean("keep_proof")?;
        let place = table.place_of("keep_proof");
        if forward.is_some_and(Forward::keeps_headers) {
            let problem = "expected forward = \"json\", \"cloudevents\" or \"common\" beside keep_proof, \
                           found another form";
            let remedy = "remove keep_proof; in this form, the app receives the whole body";
            self.faults.add(&place, problem, remedy);
        }
        keeps.then_some(place)
    }

    /// Reports `forward = "common"` for a provider that has no common events.
    pub(in crate::config) fn check_common(
        &self,
        forward: Option<Forward>,
        place: &Place,
        plan: &Plan,
    ) {
        if forward == Some(Forward::Common) && !plan.has_common_events() {
            let problem = format!(
                "expected a provider with common events beside forward = \"common\", found {}",
                plan.title
            );
            self.faults.add(place, problem, "write forward = \"json\"");
        }
    }

    /// Warns of `keep_proof` if no field of the callbacks serves only the signature.
    pub(super) fn warn_of_missing_proof(&self, entry: &Entry, plan: &Plan) {
        let Some(place) = &entry.keep_proof else { return };
        let mut kinds = plan.kinds.iter().enumerate().filter(|(_, kind)| entry.covers(kind));
        let has_proof = kinds.any(|(index, _)| {
            plan.signature_of(Some(index)).is_some_and(|signature| !signature.consumed.is_empty())
        });
        if !has_proof {
            let problem = format!(
                "expected a provider with proof in the body beside keep_proof, found {}",
                plan.title
            );
            let remedy = "remove keep_proof, or write forward = \"raw\" for an app that reads the \
                          proof in the headers";
            self.warnings.add(place, problem, remedy);
        }
    }
}

/// Returns `true` for an address with a path, even a mere `/`, or with a query.
fn has_path(address: &str) -> bool {
    match address.strip_prefix("unix:") {
        Some(socket) => socket.contains(':'),
        None => address.split_once("://").is_none_or(|(_, rest)| rest.contains(['/', '?'])),
    }
}
