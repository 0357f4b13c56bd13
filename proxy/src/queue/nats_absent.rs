//! Replacement of the store on NATS in a program without the feature `nats`.

use gatepost::{NatsSettings, Store};
use gatepost_store::{OpenError, StoreRules};

use super::store::SharedStore;

/// Returns [`OpenError::NoNats`].
pub(super) const fn open(
    _: &NatsSettings,
    _: StoreRules,
    _: usize,
) -> Result<Box<dyn SharedStore>, OpenError> {
    Err(OpenError::NoNats)
}

/// Returns [`OpenError::NoNats`].
pub(super) const fn attach(_: &NatsSettings, _: StoreRules) -> Result<Box<dyn Store>, OpenError> {
    Err(OpenError::NoNats)
}
