//! Short runs of the fault scenarios; `tests/faults/run.sh` runs each for longer, with figures.

use std::path::Path;

#[path = "../../../tests/faults/harness.rs"]
mod harness;

fn assert_nothing_is_lost(name: &str) {
    let (_, scenario) = harness::ALL
        .iter()
        .find(|(own, _)| *own == name)
        .expect("expected a scenario of this name");
    let run = harness::Run { program: Path::new(env!("CARGO_BIN_EXE_gatepost")), brief: true };
    let row = scenario(&run);
    assert_eq!(row.all_faults(), Vec::<String>::new());
}

macro_rules! scenarios {
    ($($test:ident: $name:literal,)*) => {
        $(#[test]
        fn $test() {
            assert_nothing_is_lost($name);
        })*

        #[test]
        fn every_scenario_is_a_test() {
            assert_eq!(harness::ALL.map(|(name, _)| name), [$($name),*]);
        }
    };
}

scenarios! {
    steady: "steady",
    slow: "slow",
    refusing: "refusing",
    resetting: "resetting",
    closing: "closing",
    garbage: "garbage",
    huge_body: "huge-body",
    endless_body: "endless-body",
    endless_head: "endless-head",
    endless_interim: "endless-interim",
    restarting: "restarting",
    log_full_disk: "log-full-disk",
    log_stuck_pipe: "log-stuck-pipe",
    descriptors: "descriptors",
    stop: "stop",
    upgrade: "upgrade",
    reload: "reload",
    idle: "idle",
    soak: "soak",
}
