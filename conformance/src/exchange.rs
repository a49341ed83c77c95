//! One HTTP request over a connection of its own.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::failure::Checked;
use crate::target::{Connect, Pace};

/// A response.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// Since the request was sent.
    pub(crate) took: Duration,
}

impl Received {
    /// The messages, which are an argument of `callback` if there is one.
    pub(crate) fn messages(&self, callback: Option<&str>) -> Checked<Value> {
        let text = match callback {
            None => self.text.as_str(),
            Some(callback) => {
                let call = self.text.strip_prefix("/**/").unwrap_or(&self.text);
                let call = call.trim_end_matches(';');
                call.strip_prefix(callback)
                    .and_then(|it| it.strip_prefix('(')?.strip_suffix(')'))
                    .ok_or_else(|| format!("expected a call of {callback}, found {}", self.text))?
            }
        };
        serde_json::from_str(text).map_err(|error| format!("{error}: {text}"))
    }
}

/// A request that has been sent. Dropping it aborts its connection.
#[derive(Debug)]
pub(crate) struct Pending(JoinSet<Checked<Received>>);

impl Pending {
    pub(crate) fn send(connect: &Connect, request: Request<Full<Bytes>>) -> Self {
        let connecting = connect();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let started = Instant::now();
            let io = connecting
                .await
                .map_err(|it| format!("no connection: {it}"))?;
            let (mut sender, connection) = http1::handshake(TokioIo::new(io))
                .await
                .map_err(|it| it.to_string())?;
            let exchange = async move {
                let response = sender.send_request(request).await?;
                let (parts, body) = response.into_parts();
                let body = body.collect().await?.to_bytes();
                Ok::<_, hyper::Error>((parts, body))
            };
            let mut exchange = pin!(exchange);
            let result = tokio::select! {
                result = &mut exchange => result,
                // What the connection has brought is there although it has ended.
                _ = connection => exchange.await,
            };
            let (parts, body) = result.map_err(|it| format!("no response: {it}"))?;
            let text = String::from_utf8(body.into()).map_err(|it| it.to_string())?;
            let (status, took) = (parts.status.as_u16(), started.elapsed());
            Ok(Received {
                status,
                headers: parts.headers,
                text,
                took,
            })
        });
        Self(tasks)
    }

    /// Whether there is no answer yet, after time enough for one.
    pub(crate) async fn is_held(&mut self, pace: Pace) -> Checked {
        match tokio::time::timeout(pace.settle, self.next()).await {
            Err(_) => Ok(()),
            Ok(Err(error)) => Err(error),
            Ok(Ok(it)) => Err(format!(
                "expected no answer yet, found {} {}",
                it.status, it.text
            )),
        }
    }

    pub(crate) async fn answer(mut self, pace: Pace) -> Checked<Received> {
        let answer = tokio::time::timeout(pace.patience, self.next()).await;
        answer.map_err(|_| format!("no answer within {:?}", pace.patience))?
    }

    async fn next(&mut self) -> Checked<Received> {
        match self.0.join_next().await {
            Some(Ok(answer)) => answer,
            Some(Err(error)) => Err(error.to_string()),
            None => Err("it has been answered".to_owned()),
        }
    }
}
