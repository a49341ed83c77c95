//! What the rest of the server reads: plain values in Rust types, checked, one set per transport.

use std::{collections::BTreeSet, time::Duration};

use super::{choice::SameSite, origins::AllowedOrigins};
use crate::protocol::Transport;
use crate::session::QueueOverflow;

/// Everything the server runs with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ResolvedConfig {
    pub(crate) server: ServerWideConfig,
    pub(crate) long_polling: HttpConfig,
    pub(crate) callback_polling: HttpConfig,
    pub(crate) websocket: WebSocketConfig,
}

impl ResolvedConfig {
    /// What an envelope may look like.
    pub(crate) fn decode_limits(&self) -> crate::protocol::codec::Limits {
        let limits = &self.server.limits;
        crate::protocol::codec::Limits {
            batch: limits.max_batch_length.unwrap_or(usize::MAX),
            depth: limits.max_json_depth,
            grammar: crate::protocol::Grammar {
                max_length: limits.max_channel_length.unwrap_or(usize::MAX),
                max_segments: limits.max_channel_segments.unwrap_or(usize::MAX),
                strict: self.server.validate_message_fields,
            },
        }
    }

    /// The settings that every transport has.
    pub(crate) fn transport(&self, transport: Transport) -> &TransportConfig {
        match transport {
            Transport::WebSocket => &self.websocket.common,
            Transport::LongPolling => &self.long_polling.common,
            Transport::CallbackPolling => &self.callback_polling.common,
        }
    }
}

/// Settings that do not depend on the transport.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ServerWideConfig {
    /// In the order in which they are advertised, without duplicates, never empty.
    pub(crate) allowed_transports: Vec<Transport>,
    pub(crate) allowed_origins: AllowedOrigins,
    /// Whether a channel that no authorizer guards is closed.
    pub(crate) deny_by_default: bool,
    pub(crate) validate_message_fields: bool,
    pub(crate) broadcast_to_publisher: bool,
    /// Never zero.
    pub(crate) sweep_period: Duration,
    pub(crate) limits: Limits,
}

impl Default for ServerWideConfig {
    fn default() -> Self {
        Self {
            allowed_transports: Transport::ALL.to_vec(),
            allowed_origins: AllowedOrigins::default(),
            deny_by_default: false,
            validate_message_fields: true,
            broadcast_to_publisher: true,
            sweep_period: Duration::from_millis(997),
            limits: Limits::default(),
        }
    }
}

/// Bounds on what peers may make the server hold. `None` is no limit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Limits {
    /// Messages in one envelope.
    pub(crate) max_batch_length: Option<usize>,
    /// Nested arrays and objects; always bounded, because parsers recurse.
    pub(crate) max_json_depth: usize,
    /// Bytes of a channel name.
    pub(crate) max_channel_length: Option<usize>,
    /// Segments of a channel name.
    pub(crate) max_channel_segments: Option<usize>,
    pub(crate) max_subscriptions_per_session: Option<usize>,
    /// Remote sessions of the server.
    pub(crate) max_sessions: Option<usize>,
    /// Remote sessions of one network address.
    pub(crate) max_sessions_per_address: Option<usize>,
    pub(crate) max_handshakes_per_second: Option<usize>,
    pub(crate) max_handshakes_per_second_per_address: Option<usize>,
    /// Bytes of encoded messages waiting in the queue of one session.
    pub(crate) max_queue_bytes: Option<usize>,
    /// What happens at `max_queue_bytes`.
    pub(crate) queue_overflow: QueueOverflow,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_batch_length: Some(1024),
            max_json_depth: 64,
            max_channel_length: Some(1024),
            max_channel_segments: Some(32),
            max_subscriptions_per_session: Some(10_000),
            max_sessions: Some(1_000_000),
            max_sessions_per_address: Some(10_000),
            max_handshakes_per_second: None,
            max_handshakes_per_second_per_address: Some(1_000),
            max_queue_bytes: Some(16 * MEBIBYTE),
            queue_overflow: QueueOverflow::Disconnect,
        }
    }
}

/// Settings that each transport has a value of its own for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TransportConfig {
    pub(crate) timeout: Duration,
    pub(crate) interval: Duration,
    pub(crate) max_interval: Duration,
    pub(crate) max_processing: Option<Duration>,
    /// `None`: lazy messages are delivered at once.
    pub(crate) max_lazy_timeout: Option<Duration>,
    pub(crate) meta_connect_deliver_only: bool,
    /// `None`, or at least 1.
    pub(crate) max_queue: Option<usize>,
    /// Bytes of one envelope; `usize::MAX` when there is no limit.
    pub(crate) max_message_size: usize,
    pub(crate) handshake_reconnect: bool,
    pub(crate) allow_message_delivery_during_handshake: bool,
}

impl Default for TransportConfig {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(20),
            interval: Duration::ZERO,
            max_interval: Duration::from_secs(10),
            max_processing: None,
            max_lazy_timeout: Some(Duration::from_secs(5)),
            meta_connect_deliver_only: false,
            max_queue: None,
            max_message_size: MEBIBYTE,
            handshake_reconnect: false,
            allow_message_delivery_during_handshake: false,
        }
    }
}

/// Settings of an HTTP transport.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HttpConfig {
    pub(crate) common: TransportConfig,
    /// Held connects of one cookie over HTTP/1; `None`: no limit, 0: none is held.
    pub(crate) max_sessions_per_browser: Option<usize>,
    /// The same over HTTP/2.
    pub(crate) http2_max_sessions_per_browser: Option<usize>,
    /// `None`: sessions above the limit are told not to reconnect (MULTI-4).
    pub(crate) multi_session_interval: Option<Duration>,
    pub(crate) trust_client_session: bool,
    /// From 400 to 599.
    pub(crate) duplicate_meta_connect_http_response_code: u16,
    pub(crate) cookie: CookieConfig,
    pub(crate) callback_parameter: String,
    /// Characters.
    pub(crate) callback_parameter_max_length: usize,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            common: TransportConfig::default(),
            max_sessions_per_browser: Some(1),
            http2_max_sessions_per_browser: None,
            multi_session_interval: Some(Duration::from_secs(2)),
            trust_client_session: false,
            duplicate_meta_connect_http_response_code: 500,
            cookie: CookieConfig::default(),
            callback_parameter: "jsonp".to_owned(),
            callback_parameter_max_length: 64,
        }
    }
}

/// The cookie that ties the HTTP requests of one browser together. Every text is safe in a header.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CookieConfig {
    pub(crate) name: String,
    pub(crate) domain: Option<String>,
    pub(crate) path: Option<String>,
    /// Whole seconds; `None`: a cookie of the browser's session.
    pub(crate) max_age: Option<Duration>,
    pub(crate) secure: bool,
    pub(crate) http_only: bool,
    pub(crate) same_site: Option<SameSite>,
    pub(crate) partitioned: bool,
}

impl Default for CookieConfig {
    fn default() -> Self {
        Self {
            name: "BAYEUX_BROWSER".to_owned(),
            domain: None,
            path: Some("/".to_owned()),
            max_age: None,
            secure: false,
            http_only: true,
            same_site: None,
            partitioned: false,
        }
    }
}

/// Settings of the WebSocket transport.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WebSocketConfig {
    pub(crate) common: TransportConfig,
    /// The subprotocol that a client must offer.
    pub(crate) protocol: Option<String>,
    /// `None`: all in one frame.
    pub(crate) messages_per_frame: Option<usize>,
    /// Bytes.
    pub(crate) buffer_size: usize,
    /// `None`: a silent connection is never closed.
    pub(crate) idle_timeout: Option<Duration>,
    /// How long a connection may have no session; `None`: as long as it likes.
    pub(crate) handshake_timeout: Option<Duration>,
    pub(crate) require_handshake_per_connection: bool,
    /// Names in lower case of extensions that are not negotiated.
    pub(crate) disabled_extensions: BTreeSet<String>,
}

impl Default for WebSocketConfig {
    fn default() -> Self {
        Self {
            common: TransportConfig::default(),
            protocol: None,
            messages_per_frame: Some(1),
            buffer_size: 128,
            idle_timeout: Some(Duration::from_secs(300)),
            handshake_timeout: Some(Duration::from_secs(10)),
            require_handshake_per_connection: false,
            disabled_extensions: BTreeSet::new(),
        }
    }
}

/// One value of every option: what the rows of the table write to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Draft {
    pub(super) server: ServerWideConfig,
    pub(super) common: TransportConfig,
    pub(super) http: HttpConfig,
    pub(super) websocket: WebSocketConfig,
}

const MEBIBYTE: usize = 1024 * 1024;
