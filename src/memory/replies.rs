//! Replies that may be given again, bounded in their number, their size and their age.

use std::sync::OnceLock;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::Fingerprint;
use crate::reply::Reply;
use crate::time::Timestamp;

/// All of them together: tens of thousands of the usual size.
const MAX_BYTES: u64 = 8 * 1024 * 1024;
/// One that is longer is not kept.
const MAX_REPLY_BYTES: usize = 16 * 1024;
/// What an entry takes beside the reply's body, rounded up.
const ENTRY_BYTES: usize = 256;

#[derive(Clone)]
struct StoredReply {
    reply: Reply,
    until: Timestamp,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Fingerprint, StoredReply> for Bytes {
    fn weight(&self, _: &Fingerprint, kept: &StoredReply) -> u64 {
        (kept.reply.body().len() + ENTRY_BYTES) as u64
    }
}

/// Replies by what they answer.
#[derive(Default)]
pub(crate) struct Replies(OnceLock<Cache<Fingerprint, StoredReply, Bytes>>);

impl Replies {
    /// The reply, unless it is too old.
    pub(crate) fn find(&self, key: Fingerprint, now: Timestamp) -> Option<Reply> {
        let kept = self.0.get()?.get(&key)?;
        (now < kept.until).then_some(kept.reply)
    }

    /// Keeps the reply until then, in the place of an earlier one.
    pub(crate) fn keep(&self, key: Fingerprint, reply: &Reply, until: Timestamp) {
        if reply.body().len() > MAX_REPLY_BYTES {
            // Nor the one before, which would be no longer the last.
            if let Some(cache) = self.0.get() {
                cache.remove(&key);
            }
            return;
        }
        let estimate = MAX_BYTES as usize / (2 * ENTRY_BYTES);
        let cache = self.0.get_or_init(|| Cache::with_weighter(estimate, MAX_BYTES, Bytes));
        cache.insert(key, StoredReply { reply: reply.clone(), until });
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
    fn keeps_the_last_one_until_it_is_too_old() {
        let replies = Replies::default();
        replies.keep(1, &reply(1), T(10));
        replies.keep(1, &reply(2), T(20));
        assert_eq!(replies.find(1, T(19)).unwrap().body().len(), 2);
        assert!(replies.find(1, T(20)).is_none());
        replies.keep(1, &reply(MAX_REPLY_BYTES + 1), T(30));
        assert!(replies.find(1, T(0)).is_none(), "a longer one came since");
    }

    #[test]
    fn holds_no_more_than_its_bytes() {
        let replies = Replies::default();
        for key in 0..4000 {
            replies.keep(key, &reply(MAX_REPLY_BYTES), T(10));
        }
        let cache = replies.0.get().unwrap();
        assert!(cache.weight() <= MAX_BYTES, "{}", cache.weight());
        assert!(cache.len() > 100);
    }
}
