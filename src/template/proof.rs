//! The keys and rules with which gatepost checks the signatures of a template's callbacks.

use crate::provider::Plan;
use crate::provider::digest::Key;
use crate::provider::signature::{Signature, Window};

/// The keys and rules with which gatepost checks the signatures of callbacks.
///
/// If there are no keys, gatepost accepts unsigned callbacks: either the platform does not sign, or
/// the operator has set `insecure_unsigned = true`.
#[derive(Debug, Default)]
pub(crate) struct Proof {
    /// Keys of the plan's signature. A signature with any of these keys is valid.
    pub(crate) keys: Vec<Key>,
    /// Time window of the plan's signature; `None` if gatepost checks no time.
    pub(crate) window: Option<Window>,
    /// The keys of the kinds whose definition has a signature rule of its own.
    pub(crate) kind_keys: Vec<KindKeys>,
    /// Kinds whose callbacks gatepost accepts without a signature, as indices in `plan.kinds`. If a
    /// callback of these kinds has a signature, the signature must be valid.
    pub(crate) unsigned: Vec<usize>,
    /// Treatment of a signature that has already arrived with a different body or id.
    pub(crate) reuse: Reuse,
}

/// Treatment of a signature that has already arrived with a different body or id. Reuse is possible
/// only if the signature leaves the body or the id unsigned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// Accepts and counts the callback. The callback may be genuine: if the signature covers only
    /// the time, two callbacks of the same second have the same signature. If the signature covers
    /// only the body, two callbacks with equal bodies have the same signature.
    #[default]
    Count,
    /// Refuses the callback.
    Refuse,
}

impl Reuse {
    pub(crate) const WORDS: [(&'static str, Self); 2] =
        [("count", Self::Count), ("refuse", Self::Refuse)];
}

impl Proof {
    /// Returns the time window of a kind's signature; `None` if gatepost checks no time.
    pub(crate) fn window_of(&self, plan: &Plan, kind: Option<usize>) -> Option<Window> {
        match &plan.kind(kind).signature {
            Some(own) => own.time.as_ref()?.default_window(),
            None => self.window,
        }
    }
}

/// The keys of a kind whose definition has a signature rule of its own.
#[derive(Debug)]
pub(crate) struct KindKeys {
    /// Index in `plan.kinds`.
    pub(crate) kind: usize,
    pub(crate) keys: Vec<Key>,
}

/// A signature rule with the keys and the time window of a template.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequiredSignature<'t> {
    pub(crate) signature: &'t Signature,
    pub(crate) keys: &'t [Key],
    pub(crate) window: Option<Window>,
    /// True if a callback may lack the signature. If the callback has a signature, the signature
    /// must be valid.
    pub(crate) is_optional: bool,
}
