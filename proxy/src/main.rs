//! The program `gatepost`.

use std::process::ExitCode;

/// Callbacks are many short-lived allocations, which it does in half the time of the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    gatepost_proxy::run_program()
}
