//! Files of the console. The name of a file contains a hash of its content, so that browsers can
//! cache the file.

use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::LazyLock;

use http::StatusCode;

use super::response::ConsoleResponse;

const ICON: &str = include_str!("assets/icon.svg");
const STYLE: &str = include_str!("assets/console.css");
const SCRIPT: &str = include_str!("assets/console.mjs");

/// Names of the files.
pub(super) struct AssetNames {
    pub(super) style: String,
    pub(super) script: String,
    pub(super) icon: String,
}

pub(super) static NAMES: LazyLock<AssetNames> = LazyLock::new(|| AssetNames {
    style: format!("{:016x}.css", hash(STYLE)),
    script: format!("{:016x}.mjs", hash(SCRIPT)),
    icon: format!("{:016x}.svg", hash(ICON)),
});

fn hash(text: &str) -> u64 {
    // With a fixed seed, all processes of one version use the same names.
    let mut hasher = foldhash::quality::FixedState::with_seed(1).build_hasher();
    hasher.write(text.as_bytes());
    hasher.finish()
}

pub(super) fn find(name: &str) -> ConsoleResponse {
    if name == NAMES.style {
        ConsoleResponse::asset("text/css; charset=utf-8", STYLE)
    } else if name == NAMES.script {
        ConsoleResponse::asset("text/javascript; charset=utf-8", SCRIPT)
    } else if name == NAMES.icon {
        ConsoleResponse::asset("image/svg+xml", ICON)
    } else {
        let text =
            "expected a file of this version of the console, found another; reload the page\n";
        ConsoleResponse::text(StatusCode::NOT_FOUND, text)
    }
}
