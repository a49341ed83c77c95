//! What a client sends, as bytes.

use std::collections::BTreeMap;

use bytes::Bytes;
use form_urlencoded::Serializer;
use http::{HeaderName, HeaderValue, Method, Request, header};
use http_body_util::Full;
use serde_json::Value;

use super::{Player, Sent};
use crate::exchange::Pending;
use crate::failure::Checked;
use crate::scenario::{Send, Transport};
use crate::socket::{Socket, Upgrade};

/// The function that callback polling names.
const CALLBACK: &str = "cb";

impl Player<'_> {
    /// Sends a request.
    pub(super) fn request(&self, send: &Send) -> Checked<Sent> {
        let is_callback = self.profile(&send.from).transport == Transport::CallbackPolling;
        let by_callback = is_callback && send.query.is_none() && send.method.is_none();
        let (mut method, mut query, mut body) = (Method::POST, String::new(), Vec::new());
        if by_callback {
            method = Method::GET;
            let envelope = self.envelope(send)?;
            let pairs = [("jsonp", CALLBACK), ("message", envelope.as_str())];
            query = Serializer::new(String::new()).extend_pairs(pairs).finish();
        } else {
            body = self.body(send)?;
        }
        if let Some(pairs) = &send.query {
            query = self.form(pairs)?;
        }
        if let Some(name) = &send.method {
            method = Method::from_bytes(name.as_bytes()).map_err(|it| it.to_string())?;
        }
        if is_callback && send.method.is_none() {
            method = Method::GET;
        }
        let mut uri = format!("{}{}", self.target.path, send.path);
        if !query.is_empty() {
            uri = format!("{uri}?{query}");
        }
        let mut request = Request::builder()
            .method(&method)
            .uri(uri)
            .body(Full::new(Bytes::from(body)));
        let request = request.as_mut().map_err(|it| it.to_string())?;
        let headers = request.headers_mut();
        insert(headers, "Host", &self.target.host)?;
        if method == Method::POST {
            let form = "application/x-www-form-urlencoded";
            let json = "application/json;charset=UTF-8";
            insert(
                headers,
                "Content-Type",
                if send.form.is_some() { form } else { json },
            )?;
        }
        if let Some(cookie) = self.cookie(&send.from) {
            insert(headers, "Cookie", &cookie)?;
        }
        for (name, value) in &send.headers {
            match value {
                Some(value) => insert(headers, name, &self.variables.fill_text(value))?,
                None => drop(headers.remove(name.as_str())),
            }
        }
        Ok(Sent {
            from: send.from.clone(),
            pending: Pending::send(&self.target.connect, request.clone()),
            callback: by_callback.then(|| CALLBACK.to_owned()),
        })
    }

    /// The body of a request, or the payload of a frame.
    pub(super) fn body(&self, send: &Send) -> Checked<Vec<u8>> {
        let mut body = if let Some(bytes) = &send.bytes {
            let byte =
                |it: char| u8::try_from(u32::from(it)).map_err(|_| format!("{it:?} is no byte"));
            self.variables
                .fill_text(bytes)
                .chars()
                .map(byte)
                .collect::<Checked<Vec<u8>>>()?
        } else if let Some(pairs) = &send.form {
            self.form(pairs)?.into_bytes()
        } else {
            self.envelope(send)?.into_bytes()
        };
        if let Some(length) = send.pad_to {
            body.resize(length, b' ');
        }
        Ok(body)
    }

    fn envelope(&self, send: &Send) -> Checked<String> {
        match (&send.messages, &send.text) {
            (Some(messages), None) => Ok(self.variables.fill(messages)?.to_string()),
            (None, Some(text)) => Ok(self.variables.fill_text(text)),
            (None, None) => Ok(String::new()),
            (Some(_), Some(_)) => Err("there are both messages and a text".to_owned()),
        }
    }

    fn form(&self, pairs: &[(String, Value)]) -> Checked<String> {
        let mut form = Serializer::new(String::new());
        for (name, value) in pairs {
            let value = match value {
                Value::String(text) => self.variables.fill_text(text),
                other => self.variables.fill(other)?.to_string(),
            };
            form.append_pair(name, &value);
        }
        Ok(form.finish())
    }

    /// The client whose cookies a client has.
    pub(super) fn browser(&self, name: &str) -> String {
        self.profile(name)
            .browser
            .unwrap_or_else(|| name.to_owned())
    }

    fn cookie(&self, name: &str) -> Option<String> {
        let jar = self.jars.get(&self.browser(name))?;
        let cookies: Vec<String> = jar
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        Some(cookies.join("; "))
    }

    /// Writes a frame.
    pub(super) async fn write(&mut self, send: &Send) -> Checked {
        let body = self.body(send)?;
        let is_binary = send.bytes.is_some();
        let socket = self.socket(&send.from).await?;
        match String::from_utf8(body) {
            Ok(text) if !is_binary => socket.send_text(&text).await,
            Ok(text) => socket.send_binary(text.as_bytes()).await,
            Err(error) => socket.send_binary(error.as_bytes()).await,
        }
        Ok(())
    }

    /// The WebSocket of a client, which is opened if there is none.
    pub(super) async fn socket(&mut self, name: &str) -> Checked<&mut Socket> {
        if !self.sockets.contains_key(name) {
            let upgrade = self.upgrade(name, "", &BTreeMap::new()).await?;
            let socket = upgrade
                .socket
                .ok_or_else(|| format!("the upgrade got {}", upgrade.status))?;
            self.sockets.insert(name.to_owned(), socket);
        }
        self.sockets
            .get_mut(name)
            .ok_or_else(|| format!("{name} has no connection"))
    }

    pub(super) async fn upgrade(
        &self,
        name: &str,
        path: &str,
        headers: &BTreeMap<String, String>,
    ) -> Checked<Upgrade> {
        let mut fields: Vec<(String, String)> = Vec::new();
        if let Some(cookie) = self.cookie(name) {
            fields.push(("Cookie".to_owned(), cookie));
        }
        fields.extend(
            headers
                .iter()
                .map(|(name, value)| (name.clone(), self.variables.fill_text(value))),
        );
        let open = async {
            let io = (self.target.connect)()
                .await
                .map_err(|it| format!("no connection: {it}"))?;
            let path = format!("{}{path}", self.target.path);
            Socket::open(io, (&self.target.host, &path), &fields).await
        };
        let opened = tokio::time::timeout(self.target.pace.patience, open).await;
        opened.map_err(|_| "no response to the upgrade".to_owned())?
    }
}

fn insert(headers: &mut header::HeaderMap, name: &str, value: &str) -> Checked {
    let name = HeaderName::try_from(name).map_err(|it| it.to_string())?;
    let value = HeaderValue::try_from(value).map_err(|it| it.to_string())?;
    headers.insert(name, value);
    Ok(())
}
