//! Tests of gRPC through the proxy: HTTP/2 from the client to the upstream, with trailers.

use std::net::SocketAddr;

use tonic::service::interceptor::InterceptedService;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Server};
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::server::health_reporter;

use crate::support::*;

/// Starts a gRPC server on another thread. Returns its address.
fn server() -> SocketAddr {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
            sender.send(incoming.local_addr().unwrap()).unwrap();
            let (_reporter, health) = health_reporter();
            // gRPC servers in C++ and Python require `te: trailers`.
            let health = InterceptedService::new(health, |request: Request<()>| {
                let te = request.metadata().get("te").is_some_and(|te| te == "trailers");
                if te { Ok(request) } else { Err(Status::failed_precondition("te")) }
            });
            Server::builder().add_service(health).serve_with_incoming(incoming).await.unwrap();
        });
    });
    receiver.recv().unwrap()
}

async fn client(gate: &Gatepost) -> HealthClient<Channel> {
    let url = format!("http://127.0.0.1:{}", gate.port);
    HealthClient::new(Channel::from_shared(url).unwrap().connect().await.unwrap())
}

fn request(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

#[tokio::test]
async fn grpc_passes_with_upstream_http2() {
    let gate =
        Gatepost::serve(&format!("upstream = 'http://{}'\nupstream_http2 = true", server()), "");
    let mut client = client(&gate).await;
    for _ in 0..3 {
        // If a gRPC response contains a message, the gRPC status is in the trailers.
        let reply = client.check(request("")).await.unwrap();
        assert_eq!(reply.into_inner().status, 1);
    }
    let status = client.check(request("absent")).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    let mut stream = client.watch(request("")).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap().unwrap().status, 1);
}

#[tokio::test]
async fn http_1_client_reaches_http_2_upstream() {
    let gate =
        Gatepost::serve(&format!("upstream = 'http://{}'\nupstream_http2 = true", server()), "");
    let reply = gate.send(b"GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!((reply.status, reply.header("grpc-status")), (200, Some("12")));
}

/// Checks that a gRPC call without `upstream_http2` ends with an error, and does not hang.
#[tokio::test]
async fn grpc_fails_without_upstream_http2() {
    let gate = Gatepost::serve(&format!("upstream = 'http://{}'", server()), "");
    assert!(client(&gate).await.check(request("")).await.is_err());
}
