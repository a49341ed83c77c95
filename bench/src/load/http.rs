//! Requests and responses of HTTP/1.1, as far as long polling needs them.

use std::borrow::Cow;
use std::io;

/// A response at the front of the input.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Response<'a> {
    pub(crate) status: u16,
    head: &'a str,
    pub(crate) body: Cow<'a, [u8]>,
    /// The bytes of the whole response.
    pub(crate) length: usize,
}

/// The response that the input starts with, once all of it is there.
pub(crate) fn parse(input: &[u8]) -> io::Result<Option<Response<'_>>> {
    let Some(end) = memchr::memmem::find(input, b"\r\n\r\n") else {
        return Ok(None);
    };
    let (head, rest) = input.split_at(end + 4);
    let head = std::str::from_utf8(head).map_err(|_| malformed("the head is not text"))?;
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|it| it.parse().ok())
        .ok_or_else(|| malformed("no status"))?;
    let body = match (status, header(head, "content-length").next()) {
        (100..200 | 204 | 304, _) => Some((Cow::default(), 0)),
        (_, Some(size)) => {
            let size = size.parse().map_err(|_| malformed("no length"))?;
            rest.get(..size).map(|body| (Cow::Borrowed(body), size))
        }
        (_, None) => dechunk(rest)?.map(|(body, size)| (Cow::Owned(body), size)),
    };
    Ok(body.map(|(body, size)| Response {
        status,
        head,
        body,
        length: head.len() + size,
    }))
}

impl Response<'_> {
    /// The cookies that it sets, as they go into a request.
    pub(crate) fn cookies(&self) -> impl Iterator<Item = &str> {
        let values = header(self.head, "set-cookie");
        values.map(|it| it.split(';').next().unwrap_or_default())
    }
}

/// The values of a header; the name in lower case.
fn header<'a>(head: &'a str, name: &'static str) -> impl Iterator<Item = &'a str> {
    let fields = head.split("\r\n").filter_map(|line| line.split_once(':'));
    fields
        .filter(move |(it, _)| it.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

/// A chunked body, and how many bytes it took.
fn dechunk(input: &[u8]) -> io::Result<Option<(Vec<u8>, usize)>> {
    let (mut body, mut rest) = (Vec::new(), input);
    while let Some(line) = memchr::memmem::find(rest, b"\r\n") {
        let (size, after) = rest.split_at(line);
        let size = std::str::from_utf8(size).ok().and_then(|it| {
            let digits = it.split(';').next()?;
            usize::from_str_radix(digits.trim(), 16).ok()
        });
        let size = size.ok_or_else(|| malformed("no size of a chunk"))?;
        let Some((chunk, after)) = after
            .get(2..)
            .and_then(|it| it.split_at_checked(size))
            .filter(|(_, after)| after.len() >= 2)
        else {
            return Ok(None);
        };
        body.extend_from_slice(chunk);
        rest = after.get(2..).unwrap_or_default();
        if size == 0 {
            return Ok(Some((body, input.len() - rest.len())));
        }
    }
    Ok(None)
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
        3\r\nhel\r\n2;x\r\nlo\r\n0\r\n\r\n";

    #[test]
    fn a_response_is_read_with_a_length_and_in_chunks() {
        for text in [PLAIN, CHUNKED] {
            let input = format!("{text}HTTP/1.1");
            let response = parse(input.as_bytes()).unwrap().unwrap();
            assert_eq!(
                (response.status, &*response.body, response.length),
                (200, &b"hello"[..], text.len())
            );
        }
    }

    #[test]
    fn a_response_is_nothing_before_its_last_byte() {
        for text in [PLAIN, CHUNKED] {
            for length in 0..text.len() {
                let part = &text.as_bytes()[..length];
                assert_eq!(parse(part).unwrap(), None, "{length} of {text}");
            }
        }
    }

    #[test]
    fn an_upgrade_has_no_body() {
        let text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\u{1}";
        let response = parse(text.as_bytes()).unwrap().unwrap();
        assert_eq!((response.status, response.length), (101, text.len() - 1));
    }

    #[test]
    fn cookies_are_found_whatever_the_case_of_the_header() {
        let text = "HTTP/1.1 200 OK\r\nset-cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n";
        let response = parse(text.as_bytes()).unwrap().unwrap();
        assert_eq!(response.cookies().collect::<Vec<_>>(), ["a=1", "b=2"]);
    }
}
