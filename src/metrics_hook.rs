//! A hook for a program's own metrics. The layer and the proxy report the outcome of each callback
//! to the hook.

use std::time::Duration;

use crate::conclusion::Conclusion;
use crate::memory::store::SharedUse;
use crate::shadow::Shadowed;
use crate::verdict::{Accepted, Refusal};

/// Receiver of the outcome of each callback, for programs that count callbacks with their own
/// metrics library. Set the hook with [`GateLayer::observe`](crate::GateLayer::observe), or with
/// `GateModule::observe` in a Pingora proxy.
///
/// Each method has a default that does nothing. A method must not block, and must not panic,
/// because the reply waits for the method. Do not use a tenant or a path as a label, because
/// clients choose them.
///
/// # Examples
///
/// ```
/// use std::collections::BTreeMap;
/// use std::sync::{Arc, Mutex};
/// use std::time::Duration;
///
/// use gatepost::{Accepted, Conclusion, MetricsHook, Permission, Refusal};
///
/// /// Counts refusals by code, and conclusions by kind, origin and permission. Most programs call
/// /// their metrics library instead.
/// #[derive(Default)]
/// struct Counts(Mutex<BTreeMap<String, u64>>);
///
/// impl Counts {
///     fn count(&self, labels: String) {
///         *self.0.lock().unwrap().entry(labels).or_default() += 1;
///     }
/// }
///
/// impl MetricsHook for Counts {
///     fn refused(&self, refusal: &Refusal, _: Duration) {
///         self.count(format!("refused {}", refusal.kind().as_str()));
///     }
///
///     fn concluded(&self, accepted: &Accepted, conclusion: &Conclusion, took: Duration) {
///         let kind = accepted.event().kind();
///         let permission = conclusion.permission().map_or("none", Permission::as_str);
///         self.count(format!("{kind} {} {permission}", conclusion.origin.as_str()));
///         assert!(took < Duration::from_secs(30));
///     }
/// }
/// # #[cfg(feature = "tower")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use bytes::Bytes;
/// # use gatepost::layer::RequestBody;
/// # use gatepost::{Gate, GateLayer};
/// # use http::{Request, Response};
/// # use http_body_util::Full;
/// # use tower::{ServiceBuilder, ServiceExt as _};
/// # let gate = Gate::builder()
/// #     .toml(
/// #         "[[route]]\npath = '/{token}'\nprovider = 'kollus'\ntoken = 't0ken'\n\
/// #          [[template]]\nname = 'paid'\nprovider = 'kollus'\nbind = '*'",
/// #     )
/// #     .build()?;
/// # let app = |_: Request<RequestBody<Full<Bytes>>>| async {
/// #     Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from(r#"{"allow":true}"#))))
/// # };
///
/// let counts = Arc::new(Counts::default());
/// let layer = GateLayer::new(gate).observe(Arc::clone(&counts));
/// // `app` allows each play.
/// let service = ServiceBuilder::new().layer(layer).service_fn(app);
///
/// let form = "kind=100&client_user_id=u&media_content_key=m&channel_key=c";
/// for path in ["/t0ken", "/guess", "/t0ken"] {
///     service.clone().oneshot(Request::post(path).body(Full::from(form))?).await?;
/// }
/// let counts = counts.0.lock().unwrap();
/// assert_eq!(counts["live_play app allow"], 2);
/// assert_eq!(counts["refused token_mismatch"], 1);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "tower"))]
/// # fn main() {}
/// ```
pub trait MetricsHook: Send + Sync {
    /// Receives each refused callback. `took` is the time from the arrival of the head to the
    /// refusal.
    fn refused(&self, refusal: &Refusal, took: Duration) {
        let _ = (refusal, took);
    }

    /// Receives each accepted callback and its conclusion. `took` is the time from the arrival of
    /// the head to the reply.
    fn concluded(&self, accepted: &Accepted, conclusion: &Conclusion, took: Duration) {
        let _ = (accepted, conclusion, took);
    }

    /// Receives the outcome of each request to a route in shadow mode.
    fn shadowed(&self, shadowed: &Shadowed) {
        let _ = shadowed;
    }

    /// Receives the use of each [`SharedState`](crate::SharedState) operation without a result: an
    /// operation that failed or took too long, or that gatepost skipped during an outage.
    fn unshared(&self, of: SharedUse) {
        let _ = of;
    }
}

impl<H: MetricsHook + ?Sized> MetricsHook for std::sync::Arc<H> {
    fn refused(&self, refusal: &Refusal, took: Duration) {
        (**self).refused(refusal, took);
    }

    fn concluded(&self, accepted: &Accepted, conclusion: &Conclusion, took: Duration) {
        (**self).concluded(accepted, conclusion, took);
    }

    fn shadowed(&self, shadowed: &Shadowed) {
        (**self).shadowed(shadowed);
    }

    fn unshared(&self, of: SharedUse) {
        (**self).unshared(of);
    }
}
