//! Tests of the proxy over real sockets, with mock apps and with the example apps.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]
#![allow(clippy::disallowed_methods, reason = "tests read the clock and files")]

mod addresses;
mod alert_rules;
mod app_lines;
mod apps;
mod bounds;
mod broken_answers;
mod callbacks;
mod canary;
mod capture;
mod cli;
mod codes;
mod console;
mod failure;
mod faults;
mod forward;
mod generated;
mod grpc;
mod guide_faults;
mod guide_shell;
mod guides;
mod hostile;
mod http11probe;
mod http_manners;
mod init;
mod legacy;
mod log_budget;
mod manual_blocks;
mod manual_commands;
mod manual_examples;
mod mirror;
mod mock;
#[cfg(feature = "nats")]
#[allow(dead_code, reason = "only the tests of the store restart the server")]
#[path = "../../store/tests/it/nats_server.rs"]
mod nats_server;
mod open_page;
mod others_through_pingora;
mod outgoing_tls;
mod outside_heads;
mod own_proxy;
mod pages;
mod pass_through;
mod passthrough_forgeries;
mod platform;
mod queue;
mod queue_faults;
#[cfg(feature = "nats")]
mod queue_nats;
mod readme;
mod refusals;
mod reload;
mod remedies;
mod resends;
mod rtmp;
mod scenario;
mod send;
mod service;
mod shadow;
mod shadow_answers;
mod shared_state;
mod signing;
mod source;
mod stop;
mod support;
#[allow(dead_code, reason = "only the library's tests run scenarios and judge keys")]
#[path = "../../../tests/it/others/table.rs"]
mod table;
mod telemetry;
mod template_api;
mod template_load;
mod templates;
mod tls;
mod traces;
mod types;
mod unknown_paths;
mod unseen;
mod upgrade;
mod upstreams;
mod vector_runners;
#[path = "../../../tests/it/vectors.rs"]
mod vectors;
mod vectors_through_pingora;
mod wrong_configs;
