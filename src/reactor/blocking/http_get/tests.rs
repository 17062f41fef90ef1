//! A GET from servers that respond, redirect, delay and abort.

use std::net::TcpListener;
use std::time::Duration;

use rcgen::generate_simple_self_signed;

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

/// A server that reads a head and sends this response, and then keeps the connection open
/// if `holds`.
fn server(response: &'static [u8], holds: bool) -> SocketAddr {
    serving(move |mut peer| {
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            peer.read_exact(&mut byte).unwrap();
            asked.push(byte[0]);
        }
        let _ = peer.write_all(response);
        while holds && matches!(peer.read(&mut [0]), Ok(1..)) {}
    })
}

fn serving(serve: impl FnOnce(std::net::TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the server must run beside the client")]
    std::thread::spawn(move || serve(listener.accept().unwrap().0));
    address
}

fn plain(addresses: &[SocketAddr], most: usize) -> Result<Got, GetError> {
    let server = Server { addresses, tls: None };
    get(server, b"GET / HTTP/1.1\r\n\r\n", most, Wait::new(PATIENCE, None))
}

#[test]
fn returns_the_body_with_any_framing() {
    let cases: [(&[u8], bool); 4] = [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody", true),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n",
            true,
        ),
        (b"HTTP/1.0 200 OK\r\n\r\nbody", false),
        (b"HTTP/1.1 103 So\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody", true),
    ];
    for (response, holds) in cases {
        let got = plain(&[server(response, holds)], 100).unwrap();
        assert_eq!(got, Got::Body(b"body".to_vec()), "{}", response.escape_ascii());
    }
}

#[test]
fn truncates_a_long_body() {
    let long: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\nbeginning";
    assert_eq!(plain(&[server(long, true)], 5).unwrap(), Got::Body(b"begin".to_vec()));
}

#[test]
fn other_statuses_are_redirects_or_errors() {
    let moved = server(b"HTTP/1.1 308 So\r\nLocation: /b\r\n\r\n", true);
    assert_eq!(plain(&[moved], 9).unwrap(), Got::Redirect(308, "/b".to_owned()));
    let cases: [(&[u8], ResponseError); 4] = [
        (b"HTTP/1.1 302 Found\r\n\r\n", ResponseError::Status(302)),
        (b"HTTP/1.1 404 Not Found\r\nLocation: /b\r\n\r\n", ResponseError::Status(404)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody", ResponseError::Cut),
        (b"SSH-2.0\r\n\r\n", ResponseError::NotHttp),
    ];
    for (response, want) in cases {
        let error = plain(&[server(response, false)], 100).unwrap_err();
        assert!(matches!(error, GetError::Response(got) if got == want), "{error}");
    }
}

#[test]
fn tries_the_next_address_if_nobody_listens() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let served = server(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", true);
    assert_eq!(plain(&[nobody, served], 9).unwrap(), Got::Body(b"x".to_vec()));
    let GetError::Socket(refused) = plain(&[nobody], 9).unwrap_err() else { panic!() };
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    assert!(plain(&[], 9).is_err());
}

#[test]
fn ends_on_silence_on_a_flood_and_on_a_stop() {
    let (stop, asks) = io::pipe().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let flood =
        || serving(|mut peer| while peer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").is_ok() {});
    let asked = |address, limit| {
        let server = Server { addresses: &[address], tls: None };
        get(server, b"GET / HTTP/1.1\r\n\r\n", 9, Wait::new(limit, Some(stop.as_fd())))
    };
    let short = Duration::from_millis(50);
    let address = silent.local_addr().unwrap();
    assert!(matches!(asked(address, short), Err(GetError::TimedOut)));
    let flooded = asked(flood(), PATIENCE);
    assert!(matches!(flooded, Err(GetError::Response(ResponseError::HeadTooLong))), "{flooded:?}");
    drop(asks);
    assert!(matches!(asked(address, PATIENCE), Err(GetError::Stopped)));
}

/// A server of TLS with a certificate of its own for `localhost`.
fn encrypted() -> SocketAddr {
    let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = made.signing_key.serialize_der().try_into().unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    serving(move |mut peer| {
        let mut tls = rustls::ServerConnection::new(std::sync::Arc::new(config)).unwrap();
        let mut stream = rustls::Stream::new(&mut tls, &mut peer);
        // Without close_notify.
        let _ = stream.read(&mut [0; 100]);
        let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nbody");
        let _ = stream.flush();
    })
}

#[test]
fn verifies_the_certificate_unless_anybody_is_trusted() {
    let ask = |trust| {
        let server = Server { addresses: &[encrypted()], tls: Some(("localhost", trust)) };
        get(server, b"GET / HTTP/1.1\r\n\r\n", 100, Wait::new(PATIENCE, None))
    };
    assert_eq!(ask(Trust::Anybody).unwrap(), Got::Body(b"body".to_vec()));
    let refused = ask(Trust::HostRoots);
    assert!(matches!(refused, Err(GetError::Tls(_))), "{refused:?}");
    // A server without TLS.
    let served = serving(|mut peer| peer.write_all(b"HTTP/1.1 400 So\r\n\r\n").unwrap());
    let server = Server { addresses: &[served], tls: Some(("localhost", Trust::Anybody)) };
    let plain = get(server, b"x", 9, Wait::new(PATIENCE, None));
    assert!(matches!(plain, Err(GetError::Tls(_))), "{plain:?}");
}
