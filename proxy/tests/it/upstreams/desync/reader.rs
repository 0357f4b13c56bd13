//! Reader that finds the requests in the bytes on a connection, by the rules of RFC 9112.

/// A request that a client sends, gatepost forwards, or a server records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) probe: String,
    pub(super) method: String,
    pub(super) target: String,
    pub(super) host: String,
    /// True if the request has the header `x-hidden` with a value.
    pub(super) is_hidden: bool,
    pub(super) body: Vec<u8>,
}

/// The requests in the bytes of a connection.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) whole: Vec<Request>,
    /// A request whose body is not complete or not valid.
    pub(super) part: Option<Request>,
    /// The reason why a request is not valid.
    pub(super) fault: Option<String>,
}

/// The sender of the bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sender {
    /// A client. It may use each form that a recipient MAY accept: line ends of LF in a head, empty
    /// lines before a request, chunk extensions, a repeated length, and HTTP/1.0 without a host.
    Client,
    /// gatepost. It may use none of these forms.
    Gatepost,
}

enum Stop {
    Incomplete,
    Invalid(String),
}

/// Reads requests until the bytes end, or until a request is not valid or not complete.
pub(super) fn read(mut bytes: &[u8], sender: Sender) -> Stream {
    let mut stream = Stream::default();
    while !bytes.is_empty() {
        let (mut request, length, after) = match head(bytes, sender) {
            Ok(head) => head,
            Err(stop) => return stream.stopped(None, stop),
        };
        let mut rest = after;
        match body(&mut rest, length, sender, &mut request.body) {
            Ok(()) => stream.push(request),
            Err(stop) => return stream.stopped(Some(request), stop),
        }
        bytes = rest;
    }
    stream
}

impl Stream {
    /// Adds a request. If the target is invalid, also records a fault. The caller then still reads
    /// the requests after this request.
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
        Some(b"\r\n") => Ok(split(bytes, end, 2)),
        None if bytes[end] == b'\r' => Err(Stop::Incomplete),
        _ => invalid("line end after", &bytes[..end]),
    }
}

/// Takes a line of a head.
fn head_line<'b>(bytes: &mut &'b [u8], sender: Sender) -> Result<&'b [u8], Stop> {
    let end = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    match end {
        Some(end) if sender == Sender::Client && bytes[end] == b'\n' => Ok(split(bytes, end, 1)),
        _ => line(bytes),
    }
}

fn split<'b>(bytes: &mut &'b [u8], length: usize, end: usize) -> &'b [u8] {
    let (line, rest) = bytes.split_at(length);
    *bytes = &rest[end..];
    line
}

#[derive(Clone, Copy)]
enum Length {
    Bytes(usize),
    Chunks,
}

fn head(mut bytes: &[u8], sender: Sender) -> Result<(Request, Length, &[u8]), Stop> {
    let mut first = head_line(&mut bytes, sender)?;
    while first.is_empty() && sender == Sender::Client {
        first = head_line(&mut bytes, sender)?;
    }
    let text = latin_1(first);
    let parts: Vec<_> = text.split(' ').collect();
    let [method, target, version @ ("HTTP/1.1" | "HTTP/1.0")] = parts[..] else {
        return invalid("request line", first);
    };
    if !is_token(method.as_bytes()) {
        return invalid("request line", first);
    }
    let fields = Fields::read(&mut bytes, sender)?;
    let hosts = fields.all("host");
    let host = match hosts[..] {
        [host] => host,
        [] if sender == Sender::Client && version == "HTTP/1.0" => "",
        _ => return invalid("hosts", format!("{hosts:?}").as_bytes()),
    };
    let (host, target) =
        absolute(target).filter(|_| sender == Sender::Client).unwrap_or((host, target));
    let request = Request {
        probe: fields.all("x-probe").join(","),
        method: method.to_owned(),
        target: target.to_owned(),
        host: host.to_owned(),
        is_hidden: fields.all("x-hidden").iter().any(|value| !value.is_empty()),
        body: Vec::new(),
    };
    Ok((request, fields.length(version, sender)?, bytes))
}

/// Splits a target in absolute form into host and path.
fn absolute(target: &str) -> Option<(&str, &str)> {
    let rest = target.strip_prefix("http://")?;
    rest.find('/').map(|at| rest.split_at(at)).or(Some((rest, "/")))
}

struct Fields(Vec<(String, String)>);

impl Fields {
    fn read(bytes: &mut &[u8], sender: Sender) -> Result<Self, Stop> {
        let mut fields = Vec::new();
        loop {
            let line = head_line(bytes, sender)?;
            if line.is_empty() {
                return Ok(Self(fields));
            }
            fields.push(field(line)?);
        }
    }

    fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(other, _)| other == name).map(|(_, value)| &**value).collect()
    }

    fn length(&self, version: &str, sender: Sender) -> Result<Length, Stop> {
        let mut lengths = self.all("content-length");
        if sender == Sender::Client {
            lengths = lengths.iter().flat_map(|list| list.split(',')).map(str::trim).collect();
            lengths.dedup();
        }
        match (&lengths[..], &self.all("transfer-encoding")[..]) {
            ([], []) => Ok(Length::Bytes(0)),
            ([], [one]) if one.eq_ignore_ascii_case("chunked") && version == "HTTP/1.1" => {
                Ok(Length::Chunks)
            }
            ([one], []) if is_number(one) => Ok(Length::Bytes(one.parse().unwrap_or(usize::MAX))),
            lengths => invalid("lengths", format!("{lengths:?}").as_bytes()),
        }
    }
}

fn field(line: &[u8]) -> Result<(String, String), Stop> {
    let Some(colon) = line.iter().position(|byte| *byte == b':') else {
        return invalid("header", line);
    };
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if !is_token(name) || !value.iter().all(is_text) {
        return invalid("header", line);
    }
    let value = latin_1(value).trim_matches([' ', '\t']).to_owned();
    Ok((latin_1(name).to_ascii_lowercase(), value))
}

const fn is_text(byte: &u8) -> bool {
    *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f)
}

fn body(bytes: &mut &[u8], length: Length, sender: Sender, body: &mut Vec<u8>) -> Result<(), Stop> {
    if let Length::Bytes(length) = length {
        return take(bytes, length, body);
    }
    loop {
        let size = chunk_size(line(bytes)?, sender)?;
        if size == 0 {
            // Only lines of the head may end in LF. Lines of the trailers end in CRLF.
            return Fields::read(bytes, Sender::Gatepost).map(drop);
        }
        take(bytes, size, body)?;
        let end = line(bytes)?;
        if !end.is_empty() {
            return invalid("end of a chunk", end);
        }
    }
}

fn chunk_size(line: &[u8], sender: Sender) -> Result<usize, Stop> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (digits, extension) = line.split_at(digits);
    let is_valid = match sender {
        Sender::Client => is_extension(&latin_1(extension)),
        Sender::Gatepost => extension.is_empty(),
    };
    match usize::from_str_radix(&latin_1(digits), 16) {
        Ok(size) if is_valid => Ok(size),
        _ => invalid("chunk size", line),
    }
}

/// Returns true for `*( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] )`.
fn is_extension(text: &str) -> bool {
    if text.is_empty() {
        return true;
    }
    let Some(rest) = bare(text).strip_prefix(';').map(bare) else { return false };
    let Some(rest) = after_token(rest) else { return false };
    match bare(rest).strip_prefix('=').map(bare) {
        None => is_extension(rest),
        Some(value) => after_token(value).or_else(|| after_quoted(value)).is_some_and(is_extension),
    }
}

fn bare(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

fn after_token(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(|c: char| c.is_ascii() && is_token(&[c as u8]));
    Some(rest).filter(|rest| rest.len() < text.len())
}

fn after_quoted(text: &str) -> Option<&str> {
    let mut chars = text.strip_prefix('"')?.chars();
    loop {
        match chars.next()? {
            '"' => return Some(chars.as_str()),
            '\\' => _ = chars.next()?,
            c if is_text(&u8::try_from(c).ok()?) => {}
            _ => return None,
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
