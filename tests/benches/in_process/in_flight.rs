//! Throughput and memory of the layer while 10,000 callbacks wait for the app.
//!
//! The app answers the first event only after it has received all events. A run without the layer,
//! `bare`, shows the cost of tokio and of the requests alone.

use std::convert::Infallible;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use gatepost::GateLayer;
use http::{Request, Response};
use http_body_util::Full;
use tokio::runtime::Builder;
use tokio::sync::Semaphore;
use tower::{Layer as _, Service, ServiceExt as _, service_fn};

use crate::Failure;
use crate::cases::play;

const CALLBACKS: usize = 10_000;

/// App that needs a permit of `answers` for each answer.
#[derive(Clone)]
struct App {
    asked: Arc<AtomicUsize>,
    answers: Arc<Semaphore>,
}

struct Run {
    arriving: Duration,
    answering: Duration,
    bytes: u64,
}

/// Prints the time and the memory per callback, with and without the layer.
pub fn print() -> Result<(), Failure> {
    println!("{CALLBACKS} callbacks in flight, one thread");
    println!("| app | to the app, µs | from the app to the reply, µs | callbacks/s | KB each |");
    println!("|---|--:|--:|--:|--:|");
    let runtime = Builder::new_current_thread().enable_time().build()?;
    let layer = GateLayer::new(play::gate());
    for name in ["bare", "with the layer"] {
        let run = || -> Result<Run, Failure> {
            let app = App { asked: Arc::default(), answers: Arc::new(Semaphore::new(0)) };
            match name {
                "bare" => runtime.block_on(app.run(app.service())),
                _ => runtime.block_on(app.run(layer.layer(app.service()))),
            }
        };
        // The first run grows the heap, so it shows the memory. The second run shows the time.
        let (first, second) = (run()?, run()?);
        let each = |time: Duration| time.as_secs_f64() * 1e6 / CALLBACKS as f64;
        let (arriving, answering) = (each(second.arriving), each(second.answering));
        let rate = 1e6 / (arriving + answering);
        let size = first.bytes as f64 / 1e3 / CALLBACKS as f64;
        println!("| {name} | {arriving:.1} | {answering:.1} | {rate:.0} | {size:.1} |");
    }
    Ok(())
}

impl App {
    fn service<B: Send + 'static>(
        &self,
    ) -> impl Service<
        Request<B>,
        Response = Response<Full<Bytes>>,
        Error = Infallible,
        Future = impl Future<Output = Result<Response<Full<Bytes>>, Infallible>> + Send + use<B>,
    > + Clone
    + Send
    + use<B> {
        let app = self.clone();
        service_fn(move |request: Request<B>| {
            let app = app.clone();
            async move {
                drop(request);
                app.asked.fetch_add(1, Ordering::Relaxed);
                drop(app.answers.acquire().await);
                Ok(Response::new(Full::from(r#"{"allow":true}"#)))
            }
        })
    }

    async fn run<S, R>(&self, service: S) -> Result<Run, Failure>
    where
        S: Service<Request<Body>, Response = Response<R>> + Clone + Send + 'static,
        S::Future: Send,
        S::Error: Send + std::fmt::Debug,
        R: Send + 'static,
    {
        let requests: Vec<Request<Body>> =
            (0..CALLBACKS).map(|number| play::live(number).into()).collect();
        let (before, started) = (resident_bytes()?, Instant::now());
        let callbacks: Vec<_> = requests
            .into_iter()
            .map(|request| tokio::spawn(service.clone().oneshot(request)))
            .collect();
        while self.asked.load(Ordering::Relaxed) < CALLBACKS {
            tokio::task::yield_now().await;
        }
        let (bytes, arriving) = (resident_bytes()?.saturating_sub(before), started.elapsed());
        self.answers.add_permits(CALLBACKS);
        for callback in callbacks {
            let response = callback.await?.map_err(|error| format!("{error:?}"))?;
            assert!(response.status().is_success(), "expected 2xx, found {}", response.status());
        }
        Ok(Run { arriving, answering: started.elapsed() - arriving, bytes })
    }
}

/// Returns the resident memory of this process.
fn resident_bytes() -> Result<u64, Failure> {
    let pages = fs::read_to_string("/proc/self/statm")?;
    let pages = pages.split(' ').nth(1).ok_or("expected a second field in statm, found none")?;
    Ok(pages.parse::<u64>()? * rustix::param::page_size() as u64)
}
