//! File descriptors: each connection uses one.
//!
//! A client's connection may need a second descriptor for a connection to an app or to the
//! upstream. gatepost also needs descriptors for listeners, admin clients and files. gatepost
//! therefore limits the clients' connections to less than half of the descriptors. A flood of
//! connections then leaves descriptors for apps and health checks.

use rlimit::Resource;

/// Number of descriptors for listeners, runtimes, admin clients and files.
const RESERVED: u64 = 32;

/// Raises the limit of file descriptors to the maximum that the system allows, because the usual
/// default is too low for many connections.
pub(crate) fn raise_limit() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => {
            let connections = connection_limit();
            tracing::debug!(limit, connections, "raised the limit of file descriptors");
        }
        Err(error) => tracing::warn!(
            "expected a higher limit of file descriptors, found an error: {error}; raise the hard limit"
        ),
    }
}

/// Returns the maximum number of clients' connections that the limit of file descriptors permits.
pub(crate) fn connection_limit() -> usize {
    // If the limit is unknown, assume that there is none.
    let limit = Resource::NOFILE.get().map_or(u64::MAX, |(soft, _)| soft);
    connections_for(limit)
}

fn connections_for(descriptors: u64) -> usize {
    let connections = descriptors.saturating_sub(RESERVED) / 2;
    usize::try_from(connections).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_more_than_half_of_descriptors_for_apps_and_gatepost() {
        for (descriptors, connections) in [(0, 1), (33, 1), (128, 48), (1024, 496)] {
            assert_eq!(connections_for(descriptors), connections);
        }
        assert!(connections_for(1_048_576) > 20_000);
        assert!(connections_for(u64::MAX) > 1 << 40);
    }
}
