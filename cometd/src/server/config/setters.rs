//! Typed setters, for options that are set in code. Each sets the value for all transports; the other names and the
//! prefixes are reached with [`ServerConfig::set`].
//!
//! Durations are rounded up to whole milliseconds, the unit of the protocol.

use std::time::Duration;

use super::{
    ServerConfig,
    choice::{Choice, SameSite},
    name::Key,
    value::Value,
};
use crate::protocol::Transport;
use crate::session::QueueOverflow;

impl ServerConfig {
    /// How long a `/meta/connect` is held when there is nothing to deliver. Default 20 s, at most ten years.
    pub fn timeout(&mut self, timeout: Duration) -> &mut Self {
        self.put("timeout", timeout)
    }

    /// The pause that clients are advised to make between two connects. Default none, at most ten years.
    pub fn interval(&mut self, interval: Duration) -> &mut Self {
        self.put("interval", interval)
    }

    /// How long a session lives without a connect, beyond the advised interval. Default 10 s, at most ten years.
    pub fn max_interval(&mut self, max_interval: Duration) -> &mut Self {
        self.put("maxInterval", max_interval)
    }

    /// How long a session lives without any message while a connect is held or processed. Default `None`, forever,
    /// and so is zero.
    pub fn max_processing(&mut self, max_processing: Option<Duration>) -> &mut Self {
        self.put("maxProcessing", max_processing)
    }

    /// How long lazy messages wait for company. Default 5 s; `None` and zero deliver them at once.
    pub fn max_lazy_timeout(&mut self, max_lazy_timeout: Option<Duration>) -> &mut Self {
        self.put("maxLazyTimeout", max_lazy_timeout)
    }

    /// Whether messages are delivered with replies to connects only. Default false; callback polling always does.
    pub fn meta_connect_deliver_only(&mut self, only: bool) -> &mut Self {
        self.put("metaConnectDeliverOnly", only)
    }

    /// The waiting messages of a session at which queue listeners are asked. Default `None`, never, and so is 0.
    /// Without such a listener it limits nothing, as in CometD; [`max_queue_bytes`](Self::max_queue_bytes) does.
    pub fn max_queue(&mut self, max_queue: Option<usize>) -> &mut Self {
        self.put("maxQueue", max_queue)
    }

    /// The bytes of a request body or a WebSocket message. Default 1 MiB; a longer request is refused, a longer
    /// WebSocket message closes its connection. 0 is no limit.
    pub fn max_message_size(&mut self, bytes: usize) -> &mut Self {
        self.put("maxMessageSize", bytes)
    }

    /// Whether advice tells the maximum interval, so that clients handshake again when they were away for longer.
    /// Default false.
    pub fn handshake_reconnect(&mut self, tell: bool) -> &mut Self {
        self.put("handshakeReconnect", tell)
    }

    /// Whether messages queued during a handshake are delivered with its reply. Default false.
    pub fn allow_message_delivery_during_handshake(&mut self, allow: bool) -> &mut Self {
        self.put("allowMessageDeliveryDuringHandshake", allow)
    }

    /// The transports that clients may use, in the order in which they are advertised. Default [`Transport::ALL`]; at
    /// least one.
    pub fn allowed_transports(
        &mut self,
        transports: impl IntoIterator<Item = Transport>,
    ) -> &mut Self {
        let names: Vec<_> = transports.into_iter().map(Transport::name).collect();
        self.put("allowedTransports", names.join(",").as_str())
    }

    /// The origins beside the server's own whose pages may use it, such as `https://app.example.com`. Default none.
    ///
    /// Pages of these origins get CORS headers, and their cookies are trusted. `*` lets pages of every origin in, and
    /// `null` those that have none, which every page can bring about: what both send is taken without its cookies, and
    /// they are given none. So their pages have WebSockets, but no polling, which is bound to a cookie unless
    /// [`trust_client_session`](Self::trust_client_session) is set.
    ///
    /// Browsers keep the session cookie from a page of another *site* (another registrable domain) unless
    /// [`browser_cookie_same_site`](Self::browser_cookie_same_site) is [`SameSite::None`]: without it such a page has
    /// WebSockets, but no polling.
    pub fn allowed_origins<S: AsRef<str>>(
        &mut self,
        origins: impl IntoIterator<Item = S>,
    ) -> &mut Self {
        let origins: Vec<String> = origins
            .into_iter()
            .map(|it| it.as_ref().to_owned())
            .collect();
        self.put("allowedOrigins", origins.join(",").as_str())
    }

    /// Whether a channel that no authorizer guards is closed to everyone. Default false: it is open.
    pub fn deny_by_default(&mut self, deny: bool) -> &mut Self {
        self.put("denyByDefault", deny)
    }

    /// Whether incoming ids, channels and subscriptions are checked for illegal characters. Default true.
    pub fn validate_message_fields(&mut self, validate: bool) -> &mut Self {
        self.put("validateMessageFields", validate)
    }

    /// Whether a session that is subscribed to a channel receives what it publishes there itself. Default true.
    pub fn broadcast_to_publisher(&mut self, broadcast: bool) -> &mut Self {
        self.put("broadcastToPublisher", broadcast)
    }

    /// The pause between two searches for expired sessions and unused channels. Default 997 ms, not zero.
    pub fn sweep_period(&mut self, sweep_period: Duration) -> &mut Self {
        self.put("sweepPeriod", sweep_period)
    }

    /// The connects held for one browser over HTTP/1. Default 1; `None` is no limit, 0 holds none.
    pub fn max_sessions_per_browser(&mut self, sessions: Option<usize>) -> &mut Self {
        self.put("maxSessionsPerBrowser", sessions)
    }

    /// The connects held for one browser over HTTP/2. Default `None`, no limit; 0 holds none.
    pub fn http2_max_sessions_per_browser(&mut self, sessions: Option<usize>) -> &mut Self {
        self.put("http2MaxSessionsPerBrowser", sessions)
    }

    /// The interval advised to sessions beyond that limit. Default 2 s; `None` and zero tell them not to
    /// reconnect.
    pub fn multi_session_interval(&mut self, interval: Option<Duration>) -> &mut Self {
        self.put("multiSessionInterval", interval)
    }

    /// Whether a session is found by its id alone when the cookie does not lead to it. Default false: the id travels
    /// in messages, and whoever reads one could take over the session.
    pub fn trust_client_session(&mut self, trust: bool) -> &mut Self {
        self.put("trustClientSession", trust)
    }

    /// Whether the session cookie is `Secure` when it is set by a secure request. Default false.
    pub fn browser_cookie_secure(&mut self, secure: bool) -> &mut Self {
        self.put("browserCookieSecure", secure)
    }

    /// The `SameSite` attribute of the session cookie. Default `None`, not sent; [`SameSite::None`] needs
    /// [`browser_cookie_secure`](Self::browser_cookie_secure).
    pub fn browser_cookie_same_site(&mut self, same_site: Option<SameSite>) -> &mut Self {
        self.put(
            "browserCookieSameSite",
            same_site.map_or("", SameSite::name),
        )
    }

    /// How long a WebSocket may be silent before it is closed. Default 300 s; `None` and zero never
    /// close it. Should exceed timeout and interval together.
    pub fn idle_timeout(&mut self, idle_timeout: Option<Duration>) -> &mut Self {
        self.put("idleTimeout", idle_timeout)
    }

    /// How long a WebSocket may have no session before it is closed. Default 10 s; `None` and zero never close it.
    pub fn handshake_timeout(&mut self, handshake_timeout: Option<Duration>) -> &mut Self {
        self.put("handshakeTimeout", handshake_timeout)
    }

    /// The messages delivered in one WebSocket message. Default 1; `None` and 0 are no limit.
    pub fn messages_per_frame(&mut self, messages: Option<usize>) -> &mut Self {
        self.put("messagesPerFrame", messages)
    }

    /// The messages in one request or WebSocket message. Default 1024, at least 1; an envelope with more is refused.
    pub fn max_batch_length(&mut self, messages: Option<usize>) -> &mut Self {
        self.put("maxBatchLength", messages)
    }

    /// The JSON arrays and objects inside each other. Default 64, from 3 to 127; an envelope with more is refused.
    pub fn max_json_depth(&mut self, depth: usize) -> &mut Self {
        self.put("maxJsonDepth", depth)
    }

    /// The bytes of a channel name. Default 1024, at least 1; a message that names a longer one is refused.
    pub fn max_channel_length(&mut self, bytes: Option<usize>) -> &mut Self {
        self.put("maxChannelLength", bytes)
    }

    /// The segments of a channel name. Default 32, at least 1; a message that names a deeper one is refused.
    pub fn max_channel_segments(&mut self, segments: Option<usize>) -> &mut Self {
        self.put("maxChannelSegments", segments)
    }

    /// The channels that one session may be subscribed to. Default 10 000, at least 1; more are refused.
    pub fn max_subscriptions_per_session(&mut self, subscriptions: Option<usize>) -> &mut Self {
        self.put("maxSubscriptionsPerSession", subscriptions)
    }

    /// The remote sessions of the server. Default 1 000 000, at least 1; further handshakes are refused.
    pub fn max_sessions(&mut self, sessions: Option<usize>) -> &mut Self {
        self.put("maxSessions", sessions)
    }

    /// The sessions of one network address. Default 10 000, at least 1; further handshakes are refused.
    ///
    /// An IPv6 address stands for its network of 64 bits. Sessions from this machine are not counted, nor those whose
    /// address nobody says. Behind a proxy all sessions have its address, unless whoever trusts it puts the client's
    /// [`SocketAddr`](std::net::SocketAddr) among the extensions of the request.
    pub fn max_sessions_per_address(&mut self, sessions: Option<usize>) -> &mut Self {
        self.put("maxSessionsPerAddress", sessions)
    }

    /// The remote handshakes in a second, in the mean and at once. Default `None`, no limit, at least 1: what a
    /// handshake costs is up to the security policy.
    pub fn max_handshakes_per_second(&mut self, handshakes: Option<usize>) -> &mut Self {
        self.put("maxHandshakesPerSecond", handshakes)
    }

    /// The handshakes of one network address in a second, counted as for
    /// [`max_sessions_per_address`](Self::max_sessions_per_address). Default 1 000, at least 1.
    pub fn max_handshakes_per_second_per_address(
        &mut self,
        handshakes: Option<usize>,
    ) -> &mut Self {
        self.put("maxHandshakesPerSecondPerAddress", handshakes)
    }

    /// The bytes of messages that wait for one session. Default 16 MiB, at least 1; at the limit
    /// [`queue_overflow`](Self::queue_overflow) applies.
    pub fn max_queue_bytes(&mut self, bytes: Option<usize>) -> &mut Self {
        self.put("maxQueueBytes", bytes)
    }

    /// What happens at [`max_queue_bytes`](Self::max_queue_bytes). Default [`QueueOverflow::Disconnect`].
    pub fn queue_overflow(&mut self, overflow: QueueOverflow) -> &mut Self {
        self.put("queueOverflow", overflow.name())
    }

    /// Values from code are checked by `resolve`, together with everything else.
    fn put(&mut self, name: &'static str, value: impl Into<Value>) -> &mut Self {
        self.settings.insert(Key::general(name), value.into());
        self
    }
}
