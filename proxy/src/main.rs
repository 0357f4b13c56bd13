//! The program `gatepost`.

use std::process::ExitCode;

/// Takes half the time of the system's allocator for the many short-lived allocations of callbacks.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    gatepost_proxy::run_program()
}
