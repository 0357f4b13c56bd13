//! The program `gatepost`.

use std::process::ExitCode;

/// Global allocator. It halves the time for the short-lived allocations of a callback.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    gatepost_proxy::run_program()
}
