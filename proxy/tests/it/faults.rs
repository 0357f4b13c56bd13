//! Short runs of the fault scenarios. `tests/faults/run.sh` runs each scenario for longer, and
//! prints measurements.

use std::path::Path;

#[path = "../../../tests/faults/harness.rs"]
mod harness;

fn assert_nothing_is_lost(name: &str) {
    let (_, scenario) = harness::ALL
        .iter()
        .find(|(own, _)| *own == name)
        .unwrap_or_else(|| panic!("expected a scenario named {name}, found none"));
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
        fn every_scenario_has_a_test() {
            assert_eq!(harness::ALL.map(|(name, _)| name), [$($name),*]);
        }
    };
}

scenarios! {
    loses_no_reply_while_app_answers: "steady",
    loses_no_reply_while_app_is_slow: "slow",
    loses_no_reply_while_app_refuses_connections: "refusing",
    loses_no_reply_while_app_resets_connections: "resetting",
    loses_no_reply_while_app_closes_connections: "closing",
    loses_no_reply_while_app_sends_garbage: "garbage",
    loses_no_reply_while_app_sends_huge_bodies: "huge-body",
    loses_no_reply_while_app_sends_endless_bodies: "endless-body",
    loses_no_reply_while_app_sends_endless_heads: "endless-head",
    loses_no_reply_while_app_sends_endless_interim_responses: "endless-interim",
    loses_no_reply_while_app_restarts: "restarting",
    loses_no_reply_while_clients_flood_log: "log-flood",
    loses_no_reply_while_disk_for_log_is_full: "log-full-disk",
    loses_no_reply_while_pipe_for_log_is_stuck: "log-stuck-pipe",
    loses_no_reply_after_descriptors_run_out: "descriptors",
    loses_no_reply_during_stop: "stop",
    loses_no_reply_during_upgrade: "upgrade",
    loses_no_reply_during_reload: "reload",
    loses_no_reply_during_reload_of_certificates: "reload-tls",
    loses_no_reply_during_reloads_new_certificates_and_upgrades: "operations",
    loses_no_reply_while_other_clients_send_slow_bodies: "heavy-bodies",
    loses_no_reply_while_idle_connections_are_open: "idle",
    loses_no_reply_while_client_holds_unfinished_bodies: "unfinished-bodies",
    loses_no_reply_while_client_holds_unfinished_heads: "unfinished-heads",
    loses_no_reply_while_client_holds_unfinished_streams: "unfinished-streams",
    loses_no_reply_while_client_opens_too_many_connections: "connections",
    loses_no_reply_during_long_load: "soak",
}
