//! Headers of the requests that a server passes on to the app.

use core::cell::LazyCell;
use core::sync::atomic::Ordering;

use bytes::BytesMut;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::Gate;
use crate::client::MAX_IPV4_BYTES;
use crate::head::{
    Head, RequestContext, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO, is_removed,
    strip_reserved,
};

impl Gate {
    /// Returns the values of `x-forwarded-for`, `x-forwarded-host` and `x-forwarded-proto` for a
    /// request that the server passes on to the app.
    ///
    /// Set each header to the returned value. If the value is `None`, remove the header. The values
    /// include received `x-forwarded-*` values only if the peer is a trusted proxy.
    pub fn forwarded_headers(
        &self,
        head: &Head<'_>,
        context: &RequestContext<'_>,
    ) -> impl Iterator<Item = (HeaderName, Option<HeaderValue>)> + use<> {
        let names = [X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO];
        let mut text = BytesMut::with_capacity(MAX_IPV4_BYTES);
        let values = self.client(head).forwarded_headers(head, context, &mut text);
        names.into_iter().zip(values)
    }

    /// Removes the headers that a client must not send to the app: the headers for which
    /// [`is_reserved`](crate::is_reserved) returns true. If gatepost signs events, also removes
    /// `webhook-*`. The layer calls this method before it passes on a request whose path has no
    /// route.
    ///
    /// # Examples
    ///
    /// ```
    /// use gatepost::Gate;
    /// use http::HeaderMap;
    ///
    /// let config = "[[route]]\npath = '/hook'\nprovider = 'mux'";
    /// let mut headers = HeaderMap::new();
    /// headers.insert("ce-type", "com.example.forged".parse()?);
    /// headers.insert("accept", "*/*".parse()?);
    /// Gate::builder().toml(config).build()?.strip_reserved(&mut headers);
    /// assert!(headers.contains_key("accept") && !headers.contains_key("ce-type"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn strip_reserved(&self, headers: &mut HeaderMap) {
        strip_reserved(headers, self.signs_events());
    }

    /// Removes the headers that a client must not send to a route in shadow mode: those of
    /// [`Gate::strip_reserved`] except `webhook-*`, because the platform may have sent `webhook-*`.
    #[cfg(feature = "tower")]
    pub(crate) fn strip_in_shadow(headers: &mut HeaderMap) {
        strip_reserved(headers, false);
    }

    /// Returns true if gatepost signs the events of at least one template.
    fn signs_events(&self) -> bool {
        // Relaxed: either config may judge a request that arrives during a reload.
        self.0.signs_events.load(Ordering::Relaxed)
    }

    /// Returns the names of the headers that the server must remove from a request before the
    /// server passes the request on. These are the headers that [`Gate::strip_reserved`] removes.
    /// If the peer is not a trusted proxy, the names also include each header for which
    /// [`is_set_by_proxies`](crate::is_set_by_proxies) returns true.
    ///
    /// `is_shadow` is true for a request on a route in shadow mode. Such a request keeps
    /// `webhook-*`, because the platform may have sent these headers.
    ///
    /// [`Gate::forwarded_headers`] reads `x-forwarded-*` headers only if the peer is a trusted
    /// proxy, so you may call that method after the removal.
    pub fn headers_to_remove<'h>(
        &self,
        head: &Head<'h>,
        is_shadow: bool,
    ) -> impl Iterator<Item = &'h HeaderName> {
        let signs_events = self.signs_events() && !is_shadow;
        let is_trusted = LazyCell::new(|| {
            let active = self.0.current.load();
            head.peer().is_some_and(|peer| active.trusted.contain(peer))
        });
        head.headers().keys().filter(move |name| is_removed(name, signs_events, || *is_trusted))
    }
}
