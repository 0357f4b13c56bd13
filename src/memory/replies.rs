//! Replies that gatepost may repeat. gatepost limits their total size, and the length and the age
//! of each reply.

use std::sync::OnceLock;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::Fingerprint;
use crate::reply::Reply;
use crate::time::Timestamp;

/// Maximum total size in bytes: enough for tens of thousands of typical replies.
const MAX_BYTES: u64 = 8 * 1024 * 1024;
/// Maximum length of a reply's body, in bytes. gatepost does not store a reply with a longer body.
const MAX_REPLY_BYTES: usize = 16 * 1024;
/// Size of an entry without the reply's body, in bytes and rounded up.
const ENTRY_BYTES: usize = 256;

#[derive(Clone)]
struct StoredReply {
    reply: Reply,
    expires_at: Timestamp,
}

#[derive(Clone)]
struct WeighBytes;

impl Weighter<Fingerprint, StoredReply> for WeighBytes {
    fn weight(&self, _: &Fingerprint, stored: &StoredReply) -> u64 {
        (stored.reply.body().len() + ENTRY_BYTES) as u64
    }
}

/// Replies, each under the fingerprint of a callback or of a viewer.
///
/// gatepost allocates the cache when it stores the first reply.
#[derive(Default)]
pub(crate) struct Replies(OnceLock<Cache<Fingerprint, StoredReply, WeighBytes>>);

impl Replies {
    /// Returns the reply if it has not expired at the time `now`.
    pub(crate) fn find(&self, key: Fingerprint, now: Timestamp) -> Option<Reply> {
        let stored = self.0.get()?.get(&key)?;
        (now < stored.expires_at).then_some(stored.reply)
    }

    /// Stores the reply until `expires_at`. Replaces an earlier reply under the same key.
    pub(crate) fn keep(&self, key: Fingerprint, reply: &Reply, expires_at: Timestamp) {
        if reply.body().len() > MAX_REPLY_BYTES {
            // Remove the earlier reply, so that `find` does not return it.
            if let Some(cache) = self.0.get() {
                cache.remove(&key);
            }
            return;
        }
        let estimate = MAX_BYTES as usize / (2 * ENTRY_BYTES);
        let cache = self.0.get_or_init(|| Cache::with_weighter(estimate, MAX_BYTES, WeighBytes));
        cache.insert(key, StoredReply { reply: reply.clone(), expires_at });
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    const T: fn(i64) -> Timestamp = Timestamp::from_secs;

    fn reply(length: usize) -> Reply {
        Reply { body: vec![b'x'; length].into(), ..Reply::empty(StatusCode::OK) }
    }

    #[test]
    fn keeps_the_last_reply_until_it_expires() {
        let replies = Replies::default();
        replies.keep(1, &reply(1), T(10));
        replies.keep(1, &reply(2), T(20));
        assert_eq!(replies.find(1, T(19)).unwrap().body().len(), 2);
        assert!(replies.find(1, T(20)).is_none());
        replies.keep(1, &reply(MAX_REPLY_BYTES + 1), T(30));
        assert!(replies.find(1, T(0)).is_none(), "expected no reply, found the earlier reply");
    }

    #[test]
    fn total_size_stays_within_maximum() {
        let replies = Replies::default();
        for key in 0..4000 {
            replies.keep(key, &reply(MAX_REPLY_BYTES), T(10));
        }
        let cache = replies.0.get().unwrap();
        assert!(cache.weight() <= MAX_BYTES, "expected at most 8 MiB, found {}", cache.weight());
        assert!(cache.len() > 100);
    }
}
