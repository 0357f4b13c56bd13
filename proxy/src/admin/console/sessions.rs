//! The sessions of the operators who have logged in.
//!
//! 1. A session has an id of 32 random bytes, which the browser sends as a cookie.
//! 2. A session ends after [`LIFETIME`], at a logout, or when its token is no longer in the config.
//! 3. At most [`MAX_SESSIONS`] sessions exist. A further session replaces the oldest session.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use gatepost::{AdminToken, ProxySettings};
use http::header::COOKIE;
use pingora::http::RequestHeader;
use rustls::crypto::ring::default_provider;

use crate::admin::api::Access;

const COOKIE_NAME: &str = "gatepost_session";

/// Time from a login to the end of its session.
const LIFETIME: Duration = Duration::from_secs(12 * 3600);

const MAX_SESSIONS: usize = 64;

#[derive(Default)]
pub(super) struct Sessions(Mutex<Vec<OperatorSession>>);

struct OperatorSession {
    id: String,
    token: AdminToken,
    ends: Instant,
}

impl Sessions {
    /// Begins a session, and returns its id. Returns `None` for a wrong token, and if the random
    /// number generator fails.
    pub(super) fn begin(
        &self,
        settings: &ProxySettings,
        given: &[u8],
        now: Instant,
    ) -> Option<String> {
        let tokens = [&settings.admin_token, &settings.admin_read_token];
        let token = tokens.into_iter().flatten().find(|token| token.matches(given))?.clone();
        let mut bytes = [0; 32];
        default_provider().secure_random.fill(&mut bytes).ok()?;
        let id = HEXLOWER.encode(&bytes);
        let mut sessions = self.lock();
        sessions.retain(|session| session.ends > now);
        if sessions.len() >= MAX_SESSIONS {
            sessions.remove(0);
        }
        sessions.push(OperatorSession { id: id.clone(), token, ends: now + LIFETIME });
        Some(id)
    }

    /// Returns the permissions of the operator who sends a request. Returns `None` without a
    /// current session, and for a session whose token is no longer in the config.
    pub(super) fn access(
        &self,
        head: &RequestHeader,
        settings: &ProxySettings,
        now: Instant,
    ) -> Option<Access> {
        let id = id_of(head)?;
        let sessions = self.lock();
        let session = sessions.iter().find(|session| session.id == id && session.ends > now)?;
        let is = |token: &Option<AdminToken>| {
            token.as_ref().is_some_and(|token| token.is(&session.token))
        };
        if is(&settings.admin_token) {
            return Some(Access::Change);
        }
        is(&settings.admin_read_token).then_some(Access::Read)
    }

    /// Ends the session of a request.
    pub(super) fn end(&self, head: &RequestHeader) {
        if let Some(id) = id_of(head) {
            self.lock().retain(|session| session.id != id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<OperatorSession>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn id_of(head: &RequestHeader) -> Option<&str> {
    let cookies = head.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|text| text.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='))
}

/// Returns the value of `set-cookie`. The value has no attribute `Path`, so a browser sends the
/// cookie only to paths in the folder of the login page.
pub(super) fn cookie(id: &str, is_encrypted: bool) -> String {
    let secure = if is_encrypted { "; Secure" } else { "" };
    format!("{COOKIE_NAME}={id}; HttpOnly; SameSite=Strict{secure}")
}

/// Returns the value of `set-cookie` that removes the cookie.
pub(super) fn expired() -> String {
    format!("{COOKIE_NAME}=; Max-Age=0; HttpOnly; SameSite=Strict")
}

#[cfg(test)]
mod tests {
    use gatepost::Gate;

    use super::*;

    fn settings(token: &str) -> ProxySettings {
        let config = format!("admin = '127.0.0.1:1'\nadmin_token = '{token}'\n{ROUTE}");
        Gate::builder().toml(config).build().unwrap().proxy_settings()
    }

    const ROUTE: &str = "[[route]]\npath = '/a'\nprovider = 'tencent-css'\n";

    fn head(id: &str) -> RequestHeader {
        let mut head = RequestHeader::build("GET", b"/console/", None).unwrap();
        head.insert_header(COOKIE, format!("a=b; {COOKIE_NAME}={id}")).unwrap();
        head
    }

    #[test]
    fn session_ends_after_twelve_hours_or_if_token_changes() {
        let (sessions, now, settings) = (Sessions::default(), Instant::now(), settings("t0ken"));
        assert_eq!(sessions.begin(&settings, b"guess", now), None);
        let id = sessions.begin(&settings, b"t0ken", now).unwrap();
        assert_eq!(id.len(), 64);
        let access = |settings, now| sessions.access(&head(&id), settings, now);
        let last = now + LIFETIME - Duration::from_secs(1);
        assert_eq!(access(&settings, last), Some(Access::Change));
        assert_eq!(access(&settings, now + LIFETIME), None);
        assert_eq!(access(&self::settings("other"), now), None);
    }

    #[test]
    fn new_session_replaces_oldest_session_at_limit() {
        let (sessions, now, settings) = (Sessions::default(), Instant::now(), settings("t0ken"));
        let begin = || sessions.begin(&settings, b"t0ken", now).unwrap();
        let ids: Vec<_> = (0..=MAX_SESSIONS).map(|_| begin()).collect();
        let access = |id: &str| sessions.access(&head(id), &settings, now);
        assert_eq!(access(&ids[0]), None);
        assert!(ids[1..].iter().all(|id| access(id).is_some()));
    }
}
