//! The manual: what the gate protects against, and why its defaults are what they are.

#[doc = include_str!("threats.md")]
pub mod threats {}

#[doc = include_str!("defaults.md")]
pub mod defaults {}
