//! The program `gatepost`.

use std::process::ExitCode;

/// Callbacks make many short-lived allocations, which take half the time of the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    gatepost_proxy::run_program()
}
