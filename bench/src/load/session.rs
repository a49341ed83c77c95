//! A session, over any transport.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};

use super::input::Scratch;
use super::ledger::Faults;
use super::member::Member;

/// Where a server is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) path: String,
    /// Where connections come from, if not from where the system says.
    pub(crate) from: Option<Ipv4Addr>,
}

/// Why a run has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("the server closed the socket with code {0}")]
    Closed(u16),
    #[error("expected HTTP status {expected}, found {found}")]
    Status { expected: u16, found: u16 },
    #[error("expected a successful reply, found {0}")]
    Refused(Value),
    #[error("messages {0}")]
    Faulty(Faults),
    #[error("the sessions ended")]
    Ended,
}

/// How messages travel.
pub(crate) trait Transport: Sized + 'static {
    const CONNECTION_TYPE: &'static str;

    async fn open(target: &Target, scratch: &Rc<Scratch>) -> Result<Self, Failure>;

    /// Sends an envelope, and returns the one that answers it.
    async fn exchange(&mut self, envelope: &str) -> Result<Vec<u8>, Failure>;

    /// Gives the connection up, after the session has disconnected.
    async fn close(self) -> Result<(), Failure>;

    /// Connects, receives and publishes until it is dropped.
    async fn live(self, member: Member, connects: Connects) -> Result<Infallible, Failure>;
}

/// A session that has made its handshake.
pub(crate) struct Session<T> {
    pub(crate) transport: T,
    pub(crate) client_id: String,
    /// Whether the server acknowledges.
    pub(crate) ack: bool,
}

impl<T: Transport> Session<T> {
    /// Handshakes; `ack` asks for acknowledged messages.
    pub(crate) async fn open(
        target: &Target,
        scratch: &Rc<Scratch>,
        ack: bool,
    ) -> Result<Self, Failure> {
        let mut session = Self {
            transport: T::open(target, scratch).await?,
            client_id: String::new(),
            ack,
        };
        let mut handshake = json!({
            "channel": "/meta/handshake",
            "version": "1.0",
            "supportedConnectionTypes": [T::CONNECTION_TYPE],
        });
        if let Some(handshake) = handshake.as_object_mut().filter(|_| ack) {
            handshake.insert("ext".to_owned(), json!({"ack": true}));
        }
        let reply = session.ask(handshake).await?;
        let id = reply.get("clientId").and_then(Value::as_str);
        let is_acknowledging = reply.pointer("/ext/ack").is_some();
        match id {
            Some(id) if ack == is_acknowledging => id.clone_into(&mut session.client_id),
            _ => return Err(Failure::Refused(reply)),
        }
        Ok(session)
    }

    /// Subscribes to all of them with one message.
    pub(crate) async fn subscribe(&mut self, channels: &[String]) -> Result<(), Failure> {
        let subscription = match channels {
            [] => return Ok(()),
            [channel] => json!(channel),
            channels => json!(channels),
        };
        let subscribe = json!({
            "channel": "/meta/subscribe",
            "clientId": self.client_id,
            "subscription": subscription,
        });
        self.ask(subscribe).await.map(drop)
    }

    pub(crate) async fn disconnect(&mut self) -> Result<(), Failure> {
        let disconnect = json!({"channel": "/meta/disconnect", "clientId": self.client_id});
        self.ask(disconnect).await.map(drop)
    }

    /// Sends one message, and returns its reply.
    pub(crate) async fn ask(&mut self, message: Value) -> Result<Value, Failure> {
        let envelope = Value::Array(vec![message]).to_string();
        let answer = self.transport.exchange(&envelope).await?;
        let mut answer: Value = serde_json::from_slice(&answer).map_err(io::Error::from)?;
        let reply = answer.get_mut(0).map(Value::take).unwrap_or_default();
        match reply.get("successful").and_then(Value::as_bool) {
            Some(true) => Ok(reply),
            _ => Err(Failure::Refused(reply)),
        }
    }

    pub(crate) fn connects(&self) -> Connects {
        let acknowledged = self.ack.then_some(0);
        Connects::new(T::CONNECTION_TYPE, &self.client_id, acknowledged)
    }
}

impl Target {
    /// The same for one of many sessions. Linux looks ever longer for a free port when half of those
    /// of an address are taken: later sessions come from other addresses of the loopback network.
    pub(crate) fn of_session(&self, nth: usize) -> Self {
        let is_here = matches!(self.address, SocketAddr::V4(it) if it.ip().is_loopback());
        let other = u8::try_from(nth / FROM_EACH)
            .ok()
            .filter(|it| is_here && (1..255).contains(it));
        Self {
            from: other.map(|it| Ipv4Addr::new(127, 0, 0, 1 + it)),
            ..self.clone()
        }
    }

    /// A connection that sends what it is given without delay.
    pub(crate) async fn connect(&self) -> io::Result<TcpStream> {
        let stream = match self.from {
            None => TcpStream::connect(self.address).await?,
            Some(from) => {
                let socket = TcpSocket::new_v4()?;
                socket.bind((from, 0).into())?;
                socket.connect(self.address).await?
            }
        };
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// Sessions whose connections come from one address. Their ports are taken for a minute longer.
const FROM_EACH: usize = 4000;

/// Writes the connects of a session.
#[derive(Debug)]
pub(crate) struct Connects {
    text: String,
    /// The last batch that arrived, of a session that is acknowledged.
    acknowledged: Option<i64>,
}

impl Connects {
    fn new(connection_type: &str, client_id: &str, acknowledged: Option<i64>) -> Self {
        let text = format!(
            r#"[{{"channel":"/meta/connect","clientId":"{client_id}","connectionType":"{connection_type}""#
        );
        Self { text, acknowledged }
    }

    /// The next connect.
    pub(crate) fn envelope(&self) -> String {
        let text = &self.text;
        match self.acknowledged {
            Some(batch) => format!(r#"{text},"ext":{{"ack":{batch}}}}}]"#),
            None => format!("{text}}}]"),
        }
    }

    /// Takes the batch that the reply to a connect carries.
    pub(crate) fn receive(&mut self, envelope: &[u8]) {
        if self.acknowledged.is_some()
            && let Some(batch) = batch(envelope)
        {
            self.acknowledged = Some(batch);
        }
    }
}

/// The number of the `ack` field, which only replies have.
fn batch(envelope: &[u8]) -> Option<i64> {
    const FIELD: &[u8] = br#""ack":"#;
    let at = memchr::memmem::rfind(envelope, FIELD)?;
    let digits = envelope.get(at + FIELD.len()..)?;
    let length = digits.iter().take_while(|it| it.is_ascii_digit()).count();
    std::str::from_utf8(digits.get(..length)?)
        .ok()?
        .parse()
        .ok()
}

impl std::str::FromStr for Target {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let expected = || format!("expected http://ADDRESS:PORT/PATH, found {url}");
        let rest = url.strip_prefix("http://").ok_or_else(expected)?;
        let (address, path) = rest.split_once('/').ok_or_else(expected)?;
        Ok(Self {
            address: address.parse().map_err(|_| expected())?,
            path: format!("/{path}"),
            from: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connect_acknowledges_the_batch_of_the_last_reply() {
        let mut connects = Connects::new("websocket", "me", Some(0));
        let ack = |connects: &Connects| {
            let envelope: Value = serde_json::from_str(&connects.envelope()).unwrap();
            envelope[0]["ext"]["ack"].as_i64()
        };
        assert_eq!(ack(&connects), Some(0));
        connects.receive(br#"[{"channel":"/meta/connect","ext":{"ack":17},"successful":true}]"#);
        assert_eq!(ack(&connects), Some(17));
        connects.receive(br#"[{"channel":"/meta/connect","successful":true}]"#);
        assert_eq!(ack(&connects), Some(17));
    }

    #[test]
    fn a_connect_without_acknowledgements_has_no_extension() {
        let connects = Connects::new("long-polling", "me", None);
        let expected = json!([{
            "channel": "/meta/connect", "clientId": "me", "connectionType": "long-polling",
        }]);
        assert_eq!(
            serde_json::from_str::<Value>(&connects.envelope()).unwrap(),
            expected
        );
    }

    #[test]
    fn a_target_is_an_address_and_a_path() {
        let target = Target {
            address: ([127, 0, 0, 1], 80).into(),
            path: "/cometd".to_owned(),
            from: None,
        };
        assert_eq!("http://127.0.0.1:80/cometd".parse(), Ok(target));
        assert!("http://localhost/cometd".parse::<Target>().is_err());
    }

    #[test]
    fn many_sessions_come_from_several_addresses_of_this_machine() {
        let from = |url: &str, nth| url.parse::<Target>().unwrap().of_session(nth).from;
        let here = "http://127.0.0.1:80/cometd";
        assert_eq!((from(here, 0), from(here, 3999)), (None, None));
        assert_eq!(from(here, 9000), Some([127, 0, 0, 3].into()));
        assert_eq!(from("http://192.0.2.1:80/cometd", 9000), None);
    }
}
