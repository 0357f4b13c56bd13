//! The option `--door`.

use clap::ValueEnum;

/// Door through which callbacks arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Door {
    Proxy,
    Layer,
}
