//! Reads the bytes on a connection to a server as requests, as strictly as RFC 9112 permits.

/// A request, as it was forwarded or as a server recorded it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) probe: String,
    pub(super) method: String,
    pub(super) target: String,
    pub(super) host: String,
    /// True if the request has the header `x-hidden`.
    pub(super) is_hidden: bool,
    pub(super) body: Vec<u8>,
}

/// The requests on a connection, and the end of the connection.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) whole: Vec<Request>,
    /// A request whose body is not complete.
    pub(super) part: Option<Request>,
    /// The reason why the rest is no request.
    pub(super) fault: Option<String>,
}

enum Stop {
    Incomplete,
    Invalid(String),
}

/// Reads as many requests as possible.
pub(super) fn read(mut bytes: &[u8]) -> Stream {
    let mut stream = Stream::default();
    while !bytes.is_empty() {
        let (mut request, length, after) = match head(bytes) {
            Ok(head) => head,
            Err(stop) => return stream.stopped(None, stop),
        };
        let mut rest = after;
        match body(&mut rest, length, &mut request.body) {
            Ok(()) => stream.push(request),
            Err(stop) => return stream.stopped(Some(request), stop),
        }
        bytes = rest;
    }
    stream
}

impl Stream {
    /// Adds a request. An invalid target is a fault, but does not hide the requests behind it.
    fn push(&mut self, request: Request) {
        if !request.target.bytes().all(|byte| byte.is_ascii_graphic()) {
            self.fault = Some(format!("target {:?}", request.target));
        }
        self.whole.push(request);
    }

    fn stopped(mut self, part: Option<Request>, stop: Stop) -> Self {
        self.part = part;
        if let Stop::Invalid(reason) = stop {
            self.fault = Some(reason);
        }
        self
    }
}

fn invalid<T>(what: &str, line: &[u8]) -> Result<T, Stop> {
    Err(Stop::Invalid(format!("{what} {:?}", String::from_utf8_lossy(line))))
}

/// Takes a line that ends in CRLF.
fn line<'b>(bytes: &mut &'b [u8]) -> Result<&'b [u8], Stop> {
    let end = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n' | 0));
    let end = end.ok_or(Stop::Incomplete)?;
    match bytes.get(end..end + 2) {
        Some(b"\r\n") => {
            let line = &bytes[..end];
            *bytes = &bytes[end + 2..];
            Ok(line)
        }
        None if bytes[end] == b'\r' => Err(Stop::Incomplete),
        _ => invalid("line end after", &bytes[..end]),
    }
}

#[derive(Clone, Copy)]
enum Length {
    Bytes(usize),
    Chunks,
}

fn head(mut bytes: &[u8]) -> Result<(Request, Length, &[u8]), Stop> {
    let first = line(&mut bytes)?;
    let text = latin_1(first);
    let parts: Vec<_> = text.split(' ').collect();
    let [method, target, "HTTP/1.1" | "HTTP/1.0"] = parts[..] else {
        return invalid("request line", first);
    };
    if !is_token(method.as_bytes()) {
        return invalid("request line", first);
    }
    let fields = fields(&mut bytes)?;
    let all = |name: &str| {
        fields.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str()).collect::<Vec<_>>()
    };
    let hosts = all("host");
    let &[host] = &hosts[..] else { return invalid("hosts", format!("{hosts:?}").as_bytes()) };
    let length = match (&all("content-length")[..], &all("transfer-encoding")[..]) {
        ([], []) => Length::Bytes(0),
        ([], [value]) if value.eq_ignore_ascii_case("chunked") => Length::Chunks,
        ([value], []) if is_number(value) => Length::Bytes(value.parse().unwrap_or(usize::MAX)),
        lengths => return invalid("lengths", format!("{lengths:?}").as_bytes()),
    };
    let request = Request {
        probe: all("x-probe").join(","),
        method: method.to_owned(),
        target: target.to_owned(),
        host: host.to_owned(),
        is_hidden: fields.iter().any(|(name, _)| name.replace('_', "-") == "x-hidden"),
        body: Vec::new(),
    };
    Ok((request, length, bytes))
}

fn fields(bytes: &mut &[u8]) -> Result<Vec<(String, String)>, Stop> {
    let mut fields = Vec::new();
    loop {
        let line = line(bytes)?;
        if line.is_empty() {
            return Ok(fields);
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            return invalid("header", line);
        };
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        let is_text = |byte: &u8| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f);
        if !is_token(name) || !value.iter().all(is_text) {
            return invalid("header", line);
        }
        fields.push((latin_1(name).to_ascii_lowercase(), latin_1(value).trim().to_owned()));
    }
}

fn body(bytes: &mut &[u8], length: Length, body: &mut Vec<u8>) -> Result<(), Stop> {
    if let Length::Bytes(length) = length {
        return take(bytes, length, body);
    }
    loop {
        let digits = line(bytes)?;
        let size = usize::from_str_radix(&latin_1(digits), 16);
        let Some(size) = size.ok().filter(|_| digits.iter().all(u8::is_ascii_hexdigit)) else {
            return invalid("chunk size", digits);
        };
        if size == 0 {
            return fields(bytes).map(drop);
        }
        take(bytes, size, body)?;
        let end = line(bytes)?;
        if !end.is_empty() {
            return invalid("end of a chunk", end);
        }
    }
}

fn take(bytes: &mut &[u8], length: usize, body: &mut Vec<u8>) -> Result<(), Stop> {
    let (taken, rest) = bytes.split_at(length.min(bytes.len()));
    body.extend_from_slice(taken);
    *bytes = rest;
    if taken.len() == length { Ok(()) } else { Err(Stop::Incomplete) }
}

fn latin_1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn is_token(name: &[u8]) -> bool {
    let is_mark = |byte: &u8| b"!#$%&'*+-.^_`|~".contains(byte);
    !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || is_mark(byte))
}

fn is_number(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit())
}
