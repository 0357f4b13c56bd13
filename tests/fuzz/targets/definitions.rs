//! Checks that no definition causes a panic, and that no panic occurs when gatepost signs the
//! samples of a valid definition. Checks that each kind of a valid definition has a schema and a
//! sample.
//!
//! Input: a provider's definition.

#![no_main]

use gatepost::{Definition, Timestamp};
use gatepost_fuzz::NOW;
use http::Uri;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let definition = match Definition::parse(text) {
        Ok(definition) => definition,
        Err(error) => {
            assert!(!error.faults().is_empty(), "expected at least one fault, found none");
            assert!(error.faults().iter().all(|fault| fault.line() > 0 && fault.column() > 0));
            return;
        }
    };
    for kind in definition.info().kinds {
        assert!(definition.schema(&kind.name).is_some());
        let sample = definition.sample(&kind.name).expect("expected a sample, found none");
        let signed = sample.sign("whsec_c2VjcmV0", Timestamp::from_secs(NOW));
        let _unsignable = signed.request(&Uri::from_static("/callbacks/own?x=1"));
    }
});
