//! The manual: installation, events and answers, commands, Rust apps, platforms, operation, and
//! reference.

#![doc = include_str!(concat!(env!("OUT_DIR"), "/manual/SUMMARY.md"))]

/// Declares a module for each page of a folder. The build script converts the links of the pages.
macro_rules! pages {
    ($folder:literal: $($page:ident)*) => {$(
        #[doc = include_str!(concat!(env!("OUT_DIR"), "/manual/", $folder, stringify!($page), ".md"))]
        pub mod $page {}
    )*};
}
use pages;

pub mod guides;
pub mod platforms;

pages! { "":
    account api app capacity cli codes commands common config console defaults figures inspect install
    language legacy log machines memory metrics observe proofs providers queue reliability rollout rust
    scenario service state templates threats tls upstream
}
