//! Schemas of the keys that only the proxy uses.

use serde_json::{Value, json};

use super::value::{boolean, duration, integer, strings, text};
use crate::config::{
    KEEP_CEILING, MAX_BYTES_CEILING, MAX_CONNECTIONS_CEILING, MAX_REPLICAS, MAX_RETENTION_SECS,
    MAX_STORE_BYTES, MAX_UNJUDGED_BYTES_CEILING, MIN_MAX_BYTES, MIN_STORE_BYTES,
    MIN_UNJUDGED_BYTES,
};

/// Returns the keys that only the proxy uses.
pub(super) fn proxy_keys() -> Value {
    json!({
        "listen": strings("Addresses on which the proxy listens, for example 127.0.0.1:8080."),
        "listen_tls": strings("Addresses on which the proxy listens for TLS, for example 0.0.0.0:8443."),
        "certificate": { "type": "array", "items": certificate() },
        "tls": tls(),
        "upstream": strings("Servers for all requests that are not callbacks, each http://, https:// or unix:. Default: none; the proxy replies 404 to these requests."),
        "upstream_http2": boolean("If true, the proxy uses HTTP/2 with the upstream, even without TLS. gRPC needs HTTP/2."),
        "health_path": text("Path that gatepost requests to probe a server that is down, for an app or an upstream with several addresses; default: gatepost only connects."),
        "upstream_idle_ms": integer(
            "Milliseconds for which the proxy keeps an idle connection to the upstream.", 1, 3_600_000,
        ),
        "upstream_idle": duration("Value of upstream_idle_ms with a unit, for example \"4s\"."),
        "admin": text("Address of the listener for /healthz, /readyz, /metrics, /api and the console: 127.0.0.1:9900, tls:127.0.0.1:9900 or unix:/path."),
        "watch": boolean("If true, the proxy loads the config again after a change of one of its files."),
        "admin_token": {
            "$ref": "#/$defs/secret",
            "description": "Token with which clients of /api may read data and make changes; without this key, no client may make changes.",
        },
        "admin_read_token": {
            "$ref": "#/$defs/secret",
            "description": "Token with which clients of /api may only read data; default: none.",
        },
        "inspector": inspector(),
        "admin_hosts": strings("Names that /api and the console accept as `host`, besides localhost and IP addresses."),
        "allow_addresses": strings("Networks, host names and unix: sockets that a client of /api may set as addresses of apps; default: all but link-local addresses, metadata services and sockets."),
        "key_dirs": strings("Folders of the key files that a client of /api may name, besides the folder of the config and the folders below it."),
        "threads": integer("Number of worker threads; default: one per core.", 1, 1024),
        "max_connections": integer(
            "Maximum number of open connections; above this number, the proxy closes a connection that is idle or has an incomplete request, from the client address that has the most such connections.",
            1, MAX_CONNECTIONS_CEILING,
        ),
        "max_unjudged_bytes": integer(
            "Maximum number of bytes of requests without a verdict; above this number, the proxy closes the oldest incomplete request of the client whose requests hold the most bytes.",
            MIN_UNJUDGED_BYTES, MAX_UNJUDGED_BYTES_CEILING,
        ),
        "stop_timeout_secs": integer(
            "Seconds for which a stopping proxy waits for requests in flight.", 0, 3600,
        ),
        "stop_timeout": duration("Value of stop_timeout_secs with a unit, for example \"30s\"."),
        "upgrade_socket": text("Path of the Unix socket over which `gatepost run --upgrade` takes over the listeners of the running proxy."),
        "log_callbacks": log_callbacks(),
        "store": store(),
        "telemetry": telemetry(),
    })
}

fn certificate() -> Value {
    json!({
        "type": "object",
        "description": "A certificate of the TLS listeners. The proxy chooses the certificate with the server name that the client sends (SNI); if no certificate has this name, or the client sends no name, the proxy uses the first certificate.",
        "additionalProperties": false,
        "required": ["chain", "key"],
        "properties": {
            "chain": text("PEM file with the server's certificate and the certificates of its issuers, relative to the config."),
            "key": { "$ref": "#/$defs/secret", "description": "Private key of the first certificate of `chain`, in PEM." },
        },
    })
}

fn tls() -> Value {
    json!({
        "type": "object",
        "description": "Settings of the TLS listeners.",
        "additionalProperties": false,
        "properties": {
            "min_version": { "enum": ["1.2", "1.3"], "description": "Lowest version of TLS that the proxy accepts." },
            "client_ca": text("PEM file with the certificates of the authorities; each client must have a certificate of one of these authorities."),
        },
    })
}

fn log_callbacks() -> Value {
    json!({
        "enum": ["all", "none", "refused"],
        "description": "Callbacks for which the proxy writes a log line; default: refused.",
    })
}

fn store() -> Value {
    json!({
        "type": "object",
        "description": "Store for queued events, and for the state that gatepost needs after a restart.",
        "additionalProperties": false,
        "required": ["url"],
        "properties": {
            "url": text("URL of the store: sqlite: and a file, relative to the config file; or nats:// or tls:// and NATS servers."),
            "replicas": integer("Number of NATS servers that store each event; default: 3.", 1, MAX_REPLICAS),
            "prefix": text("First part of the names of streams and subjects in NATS; default: gatepost."),
            "monitor": strings("Addresses of the monitor ports of the NATS servers, such as http://n1:8222."),
            "user": text("User name for the NATS servers."),
            "password": { "$ref": "#/$defs/secret", "description": "Password for the NATS servers." },
            "token": { "$ref": "#/$defs/secret", "description": "Token for the NATS servers." },
            "credentials": { "$ref": "#/$defs/secret", "description": "Credentials of a NATS user: the content of a .creds file." },
            "nkey": { "$ref": "#/$defs/secret", "description": "Seed of an NKey user of the NATS servers." },
            "max_bytes": integer(
                "Maximum total size of the pending events and the dead letters, in bytes; above this size, gatepost stores no new event, and replies 503.",
                MIN_STORE_BYTES, MAX_STORE_BYTES,
            ),
            "retention": {
                "type": "object",
                "description": "Times for which the store keeps delivered events and dead letters.",
                "additionalProperties": false,
                "properties": {
                    "delivered_secs": integer("Seconds for which the store keeps a delivered event; default: 86400.", 1, MAX_RETENTION_SECS),
                    "delivered": duration("Value of delivered_secs with a unit, for example \"24h\"."),
                    "dead_secs": integer("Seconds for which the store keeps a dead letter: an event that gatepost stopped trying to deliver; default: 1209600.", 1, MAX_RETENTION_SECS),
                    "dead": duration("Value of dead_secs with a unit, for example \"336h\"."),
                },
            },
        },
    })
}

fn inspector() -> Value {
    json!({
        "type": "object",
        "description": "Callbacks that the proxy keeps in memory for the operator; needs admin_token or admin_read_token.",
        "additionalProperties": false,
        "properties": {
            "keep": integer("Maximum number of callbacks.", 1, KEEP_CEILING),
            "max_bytes": integer("Maximum total size of these callbacks, in bytes.", MIN_MAX_BYTES, MAX_BYTES_CEILING),
            "capture": {
                "enum": ["none", "masked", "full"],
                "description": "none: gatepost captures no callback. masked: gatepost shows captured callbacks, but hides keys, tokens, credentials, signatures, and fields whose names or definitions denote secrets. full: gatepost hides only keys, tokens and credentials.",
            },
        },
    })
}

fn telemetry() -> Value {
    json!({
        "type": "object",
        "description": "Access log and traces of the proxy.",
        "additionalProperties": false,
        "properties": {
            "access_log": {
                "type": "object",
                "description": "Access log: a file with a line for each request, or for a sample of the requests.",
                "additionalProperties": false,
                "required": ["file"],
                "properties": {
                    "file": text("Path of the file, relative to the config file."),
                    "sample": {
                        "description": "Fraction of the requests for which the proxy writes a line, from 0 to 1; default: 1.",
                        "anyOf": [
                            { "type": "number", "minimum": 0, "maximum": 1 },
                            { "$ref": "#/$defs/variable" },
                        ],
                    },
                },
            },
            "otlp": text("Address of an OpenTelemetry collector, for example http://127.0.0.1:4318."),
        },
    })
}
