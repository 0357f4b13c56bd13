//! Tests that the vectors of each platform include every forgery and failure that gatepost must
//! handle.
//!
//! `tests/vectors/make.py` writes these vectors.

use std::collections::BTreeSet;

use gatepost::{Evidence, ProviderInfo};
use serde_json::Value;

use crate::vectors;

/// Folders of vectors that each platform with a signature in its definition has.
const FORGERIES: [&str; 6] = [
    "changed_body",
    "doubled_signature",
    "missing_signature",
    "other_key",
    "truncated_signature",
    "wrong_signature",
];

/// Platforms that sign, and whose definition follows the vendor's own code. The tests have neither
/// a published signature nor a library in `tests/peers/sdks.mjs` for these platforms.
const FROM_CODE_ONLY: [&str; 7] =
    ["aws-sns", "livepeer", "millicast", "ovenmediaengine", "shopify", "twitch", "zoom"];

/// The vectors of the committed index.
struct Index(Value);

impl Index {
    fn read() -> Self {
        let index = std::fs::read(vectors::folder().join("index.json")).unwrap();
        Self(serde_json::from_slice(&index).unwrap())
    }

    fn rules(&self, provider: &ProviderInfo) -> &Value {
        &self.0["providers"][&*provider.name]
    }

    fn of(&self, provider: &ProviderInfo) -> Vec<&Value> {
        let all = self.0["vectors"].as_array().unwrap().iter();
        all.filter(|vector| vector["provider"] == *provider.name).collect()
    }
}

fn folder(vector: &Value) -> &str {
    vector["name"].as_str().unwrap().split_once('/').unwrap().1
}

/// Collects the results of `missing` for each provider. Fails if a provider has a result.
fn assert_none_missing(missing: impl Fn(&Index, &ProviderInfo) -> Vec<String>) {
    let index = Index::read();
    let providers = gatepost::providers();
    let of_provider = |provider: &ProviderInfo| {
        let missing = missing(&index, provider);
        missing.into_iter().map(|what| format!("{}: {what}", provider.name)).collect::<Vec<_>>()
    };
    let missing: Vec<_> = providers.iter().flat_map(of_provider).collect();
    assert!(missing.is_empty(), "expected all vectors, found none for {missing:#?}");
}

#[test]
fn every_decision_has_vector_with_failed_app() {
    assert_none_missing(|index, provider| {
        let vectors = index.of(provider);
        let has_failure = |kind: &str| {
            let mut of_kind = vectors.iter().filter(|vector| vector["kind"] == kind);
            of_kind.any(|vector| vector["answer"]["status"].as_u64() >= Some(500))
        };
        let decisions = provider.kinds.iter().filter(|kind| kind.decision);
        let missing = decisions.filter(|kind| !has_failure(&kind.name));
        missing.map(|kind| kind.name.to_string()).collect()
    });
}

#[test]
fn every_platform_that_signs_has_vector_of_each_forgery() {
    assert_none_missing(|index, provider| {
        let vectors = index.of(provider);
        let folders: BTreeSet<_> = vectors.iter().map(|vector| folder(vector)).collect();
        let codes: BTreeSet<_> = vectors.iter().filter_map(|v| v["verdict"].as_str()).collect();
        let rules = index.rules(provider);
        let signature = &rules["signature"];
        let mut missing: Vec<&str> = Vec::new();
        if !folders.contains("other_content_type") {
            missing.push("other_content_type");
        }
        let mut expect =
            |code| missing.extend([code].iter().filter(|code| !codes.contains(**code)));
        if !signature.is_null() || !rules["kinds"].is_null() {
            expect("signature_missing");
            expect("signature_mismatch");
            expect("field_duplicate");
        }
        if provider.token {
            expect("token_mismatch");
        }
        if !signature["time"].is_null() {
            expect("timestamp_expired");
            expect("timestamp_too_far_ahead");
        }
        if !signature.is_null() {
            missing.extend(FORGERIES.iter().filter(|name| !folders.contains(**name)));
        }
        missing.into_iter().map(ToOwned::to_owned).collect()
    });
}

#[test]
fn evidence_of_platforms_that_sign_is_a_published_signature_or_a_library() {
    let script = std::fs::read_to_string("tests/peers/sdks.mjs").unwrap();
    let (_, libraries) = script.split_once("const libraries = {\n").unwrap();
    let (libraries, _) = libraries.split_once("\n}\n").unwrap();
    let names = libraries.lines().filter(|line| !line.starts_with("   "));
    let names = names.filter_map(|line| Some(line.split_once(':')?.0.trim().trim_matches('\'')));
    let libraries: BTreeSet<_> = names.collect();
    assert!(libraries.contains("qiniu-pili"), "expected names of providers, found {libraries:?}");

    let index = Index::read();
    let is_unproven = |provider: &&ProviderInfo| {
        let rules = index.rules(provider);
        let is_signed = !rules["signature"].is_null() || !rules["kinds"].is_null();
        let has_source = index.of(provider).iter().any(|vector| !vector["source"].is_null());
        let has_proof = has_source || libraries.contains(&*provider.name);
        is_signed && provider.evidence == Some(Evidence::Vector) && !has_proof
    };
    let providers = gatepost::providers();
    let unproven: Vec<_> = providers.iter().filter(is_unproven).map(|p| &*p.name).collect();
    assert_eq!(
        unproven, FROM_CODE_ONLY,
        "expected a vector with a source, a library in sdks.mjs, or `evidence = \"documented\"`"
    );
}
