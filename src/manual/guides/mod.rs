//! Guides, step by step. A test of the repository runs the commands of each guide and compares
//! their output.
//!
//! | guide | language, framework |
//! |---|---|
//! | [`php`], [`laravel`] | PHP: Kollus live play |
//! | [`node`], [`express`] | Node: Kollus live play |
//! | [`python`] | Flask: Tencent CSS recordings in a database |
//! | [`fastapi`] | FastAPI: Kollus live play |
//! | [`go`] | Go: Kollus live play |
//! | [`ruby`] | Rack, Rails: Kollus live play |
//! | [`axum`] | axum: Tencent CSS recordings in a file |
//! | [`tonic`] | tonic: Kollus live play beside gRPC services |
//! | [`pingora`] | your own Pingora proxy: Kollus live play |
//! | [`rust`](crate::manual::rust) | rules for axum and other servers |
//!
//! | guide | subject |
//! |---|---|
//! | [`kollus`] | Kollus live play, from the console to the played video |
//! | [`keys`] | change a key without refusing a callback |
//! | [`testing`] | test your app with samples |
//! | [`deploy`] | systemd, Docker Compose, Kubernetes |
//! | [`machines`] | several gateposts behind a load balancer |
//! | [`receiver`] | replace a handwritten receiver with gatepost, through shadow mode |
//! | [`tls`](crate::manual::tls) | TLS in front of gatepost, or built in |
//! | [`rollout`](crate::manual::rollout) | the same replacement for other apps, in detail |
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

#[doc = include_str!("laravel.md")]
pub mod laravel {}

#[doc = include_str!("go.md")]
pub mod go {}

#[doc = include_str!("tonic.md")]
pub mod tonic {}

#[doc = include_str!("pingora.md")]
pub mod pingora {}

#[doc = include_str!("machines.md")]
pub mod machines {}

#[doc = include_str!("receiver.md")]
pub mod receiver {}
