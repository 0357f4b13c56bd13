//! The program `gatepost`.

use std::process::ExitCode;

/// Global allocator. It halves the time that callbacks spend on short-lived allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    gatepost_proxy::run_program()
}
