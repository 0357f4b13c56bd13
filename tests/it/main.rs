//! Tests of the library through its public API.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]
#![allow(clippy::disallowed_methods, reason = "tests read files")]

mod answers;
mod applications;
mod bad_input;
mod common;
mod config;
mod core;
#[cfg(feature = "tower")]
mod cors;
mod definitions;
mod diagnostics;
mod drive;
#[cfg(feature = "tower")]
mod examples;
mod fixed_answers;
mod formats;
#[cfg(feature = "tower")]
mod hostile;
mod identity;
mod include;
mod index_files;
#[cfg(feature = "tower")]
mod keep_proof;
mod language;
#[cfg(feature = "tower")]
mod layer;
mod others;
mod packed;
#[cfg(feature = "tower")]
mod page_fields;
mod page_files;
mod passthrough;
mod properties;
mod queue;
mod redaction;
mod reference_files;
mod resends;
mod session_order;
mod shadow;
mod shadow_answers;
mod shared_state;
mod signed;
mod signed_keys;
mod signed_parts;
mod source;
mod status_decisions;
mod vector_coverage;
mod vectors;
mod view_files;
mod views;
