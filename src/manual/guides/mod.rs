//! Guides, step by step. A test of the repository runs the commands of each guide and compares their
//! output.
//!
//! | guide | language, framework |
//! |---|---|
//! | [`php`] | PHP, Laravel: Kollus live play |
//! | [`node`], [`express`] | Node: Kollus live play |
//! | [`python`] | Flask: Tencent CSS recordings in a database |
//! | [`fastapi`] | FastAPI: Kollus live play |
//! | [`ruby`] | Rack, Rails: Kollus live play |
//! | [`axum`] | axum: Tencent CSS recordings in a file |
//! | [`rust`](crate::manual::rust) | rules for axum, tonic, your own Pingora proxy |
//!
//! | guide | subject |
//! |---|---|
//! | [`kollus`] | Kollus live play, from the console to the played video |
//! | [`keys`] | change a key without refusing a callback |
//! | [`testing`] | test your app with samples |
//! | [`deploy`] | systemd, Docker Compose, Kubernetes |
//! | [`tls`](crate::manual::tls) | TLS in front of gatepost, or built in |
//! | [`rollout`](crate::manual::rollout) | from a hand-written receiver, through shadow mode |
//! | [`providers`](crate::manual::providers) | a platform of your own |

#[doc = include_str!("php.md")]
pub mod php {}

#[doc = include_str!("node.md")]
pub mod node {}

#[doc = include_str!("express.md")]
pub mod express {}

#[doc = include_str!("python.md")]
pub mod python {}

#[doc = include_str!("fastapi.md")]
pub mod fastapi {}

#[doc = include_str!("ruby.md")]
pub mod ruby {}

#[doc = include_str!("axum.md")]
pub mod axum {}

#[doc = include_str!("kollus.md")]
pub mod kollus {}

#[doc = include_str!("keys.md")]
pub mod keys {}

#[doc = include_str!("testing.md")]
pub mod testing {}

#[doc = include_str!("deploy.md")]
pub mod deploy {}
