//! What a server is made to do.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::load::{Plan, Publishes, Role};

/// One measurement, by a name that the command line understands.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Scenario {
    pub(crate) transport: Transport,
    pub(crate) work: Work,
    /// Whether messages are acknowledged.
    pub(crate) ack: bool,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Transport {
    WebSocket,
    LongPolling,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Work {
    Traffic(Traffic),
    /// Sessions are there, each with a subscription and a connect that is held.
    Idle {
        sessions: usize,
    },
    /// This many at a time make a handshake, subscribe, disconnect and close.
    Churn {
        at_once: usize,
    },
}

/// Work that consists of messages.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Traffic {
    /// Sessions subscribe, evenly to these channels, and one other session publishes to each.
    FanOut {
        sessions: usize,
        channels: usize,
        payload: usize,
    },
    /// As many sessions publish as subscribe, ten of each to every channel.
    Publishers { sessions: usize, payload: usize },
    /// Sessions send, and get their own back.
    Echo { sessions: usize, payload: usize },
    /// Ten sessions publish to one other each, among many that only have subscriptions to other channels.
    Among {
        sessions: usize,
        channels: usize,
        payload: usize,
    },
}

/// How a server sends something back to its sender.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Echo {
    /// A service answers on its own channel.
    Service,
    /// There are no services: every session publishes to a channel that only itself is subscribed to.
    OwnChannel,
}

/// Sessions that publish to each channel among many publishers.
const PUBLISHERS: usize = 10;

/// Sessions that publish among many that do not.
const BUSY: usize = 10;

impl Traffic {
    /// The bytes of a message's data.
    pub(crate) const fn payload(self) -> usize {
        match self {
            Self::FanOut { payload, .. }
            | Self::Publishers { payload, .. }
            | Self::Echo { payload, .. }
            | Self::Among { payload, .. } => payload,
        }
    }

    /// The deliveries that a publish leads to.
    pub(crate) const fn receivers(self) -> usize {
        match self {
            Self::FanOut {
                sessions, channels, ..
            } => sessions / channels,
            Self::Publishers { .. } => PUBLISHERS,
            Self::Echo { .. } | Self::Among { .. } => 1,
        }
    }

    /// What sessions have to do.
    pub(crate) fn plan(self, echo: Echo, ack: bool) -> Plan {
        let place = place_of_run();
        let (roles, receivers) = match self {
            Self::FanOut {
                sessions,
                channels,
                payload,
            } => fan_out(&place, sessions, channels, 1, payload),
            Self::Publishers { sessions, payload } => {
                let channels = sessions.div_ceil(PUBLISHERS);
                fan_out(&place, sessions, channels, PUBLISHERS, payload)
            }
            Self::Echo { sessions, payload } => {
                let role = |stream| echo_role(&place, stream, payload, echo);
                ((0..sessions).map(role).collect(), vec![1; sessions])
            }
            Self::Among {
                sessions,
                channels,
                payload,
            } => {
                let (mut roles, receivers) = fan_out(&place, BUSY, BUSY, 1, payload);
                let other = |channel: usize| format!("/other/{channel}");
                roles.extend((0..sessions).map(|session| Role {
                    subscriptions: (session..channels).step_by(sessions).map(other).collect(),
                    ..Role::default()
                }));
                (roles, receivers)
            }
        };
        Plan {
            roles,
            receivers,
            ack,
        }
    }
}

/// Where the channels of a run are: sessions of earlier ones, which the server has not missed yet, must
/// not receive what is published now.
fn place_of_run() -> String {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed) % 0x1000;
    format!("/bench/{:05x}{run:03x}", std::process::id() % 0x10_0000)
}

fn fan_out(
    place: &str,
    sessions: usize,
    channels: usize,
    publishers: usize,
    payload: usize,
) -> (Vec<Role>, Vec<u32>) {
    let channel = |nth: usize| format!("{place}/{nth}");
    let subscribers = (0..sessions).map(|session| {
        let nth = session % channels;
        Role {
            subscriptions: vec![channel(nth)],
            receives: nth * publishers..(nth + 1) * publishers,
            publishes: None,
        }
    });
    let streams = 0..channels * publishers;
    let publishes = streams.clone().map(|stream| Role {
        publishes: Some(Publishes {
            stream,
            channel: channel(stream / publishers),
            payload,
        }),
        ..Role::default()
    });
    let roles: Vec<_> = subscribers.chain(publishes).collect();
    let receivers = streams.map(|stream| {
        let of_channel = roles.iter().filter(|it| it.receives.contains(&stream));
        u32::try_from(of_channel.count()).unwrap_or(u32::MAX)
    });
    let receivers = receivers.collect();
    (roles, receivers)
}

fn echo_role(place: &str, stream: usize, payload: usize, echo: Echo) -> Role {
    let (channel, subscriptions) = match echo {
        Echo::Service => ("/service/echo".to_owned(), Vec::new()),
        Echo::OwnChannel => {
            let channel = format!("{place}/{stream}");
            (channel.clone(), vec![channel])
        }
    };
    Role {
        subscriptions,
        receives: stream..stream + 1,
        publishes: Some(Publishes {
            stream,
            channel,
            payload,
        }),
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::WebSocket => "websocket",
            Self::LongPolling => "long-polling",
        })
    }
}

impl fmt::Display for Work {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Traffic(traffic) => traffic.fmt(formatter),
            Self::Idle { sessions } => write!(formatter, "idle/{sessions}"),
            Self::Churn { at_once } => write!(formatter, "churn/{at_once}"),
        }
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::FanOut {
                sessions,
                channels,
                payload,
            } => write!(formatter, "fan-out/{sessions}x{channels}/{payload}"),
            Self::Publishers { sessions, payload } => {
                write!(formatter, "publishers/{sessions}/{payload}")
            }
            Self::Echo { sessions, payload } => write!(formatter, "echo/{sessions}/{payload}"),
            Self::Among {
                sessions,
                channels,
                payload,
            } => write!(formatter, "among/{sessions}x{channels}/{payload}"),
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ack = if self.ack { "/ack" } else { "" };
        formatter.pad(&format!("{}/{}{ack}", self.transport, self.work))
    }
}

impl FromStr for Scenario {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        parse(name).ok_or_else(|| {
            format!("expected a name like websocket/fan-out/1000x10/64, found {name}")
        })
    }
}

fn parse(name: &str) -> Option<Scenario> {
    let mut parts: Vec<_> = name.split('/').collect();
    let ack = parts.last() == Some(&"ack");
    if ack {
        parts.pop();
    }
    let (transport, work) = parts.split_first()?;
    let number = |text: &str| text.parse().ok().filter(|it| *it > 0);
    let work = match work {
        ["fan-out", shape, payload] => {
            let (sessions, channels) = shape.split_once('x')?;
            Work::Traffic(Traffic::FanOut {
                sessions: number(sessions)?,
                channels: number(channels)?,
                payload: number(payload)?,
            })
        }
        ["among", shape, payload] => {
            let (sessions, channels) = shape.split_once('x')?;
            Work::Traffic(Traffic::Among {
                sessions: number(sessions)?,
                channels: number(channels)?,
                payload: number(payload)?,
            })
        }
        ["publishers", sessions, payload] => Work::Traffic(Traffic::Publishers {
            sessions: number(sessions)?,
            payload: number(payload)?,
        }),
        ["echo", sessions, payload] => Work::Traffic(Traffic::Echo {
            sessions: number(sessions)?,
            payload: number(payload)?,
        }),
        ["idle", sessions] => Work::Idle {
            sessions: number(sessions)?,
        },
        ["churn", at_once] => Work::Churn {
            at_once: number(at_once)?,
        },
        _ => return None,
    };
    let transport = match *transport {
        "websocket" => Transport::WebSocket,
        "long-polling" => Transport::LongPolling,
        _ => return None,
    };
    Some(Scenario {
        transport,
        work,
        ack,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(name: &str) -> Scenario {
        name.parse().unwrap()
    }

    fn plan(name: &str, echo: Echo) -> Plan {
        match scenario(name).work {
            Work::Traffic(traffic) => traffic.plan(echo, false),
            other => panic!("no traffic: {other}"),
        }
    }

    #[test]
    fn a_name_is_read_back() {
        for name in [
            "websocket/fan-out/1000x10/64",
            "long-polling/fan-out/100x10/1024/ack",
            "websocket/publishers/100/64",
            "websocket/among/18000x100000/64",
            "long-polling/echo/100/64",
            "websocket/idle/18000",
            "long-polling/churn/50",
        ] {
            assert_eq!(scenario(name).to_string(), name);
        }
    }

    #[test]
    fn other_names_are_refused() {
        for name in [
            "",
            "websocket",
            "tcp/idle/1",
            "websocket/idle/0",
            "websocket/fan-out/10/64",
        ] {
            assert!(name.parse::<Scenario>().is_err(), "{name}");
        }
    }

    #[test]
    fn a_fan_out_has_one_publisher_for_each_channel() {
        let plan = plan("websocket/fan-out/100x10/64", Echo::Service);
        assert_eq!(plan.roles.len(), 110);
        assert_eq!(plan.receivers, [10; 10]);
        let (subscriber, publisher) = (&plan.roles[13], &plan.roles[103]);
        let channel = publisher.publishes.as_ref().map(|it| it.channel.clone());
        assert_eq!(
            (
                subscriber.subscriptions.first(),
                subscriber.receives.clone()
            ),
            (channel.as_ref(), 3..4)
        );
    }

    #[test]
    fn many_publishers_share_channels() {
        let plan = plan("websocket/publishers/100/64", Echo::Service);
        assert_eq!((plan.roles.len(), plan.receivers.len()), (200, 100));
        assert!(plan.receivers.iter().all(|it| *it == 10));
    }

    #[test]
    fn the_other_sessions_share_the_other_channels() {
        let plan = plan("websocket/among/3x7/64", Echo::Service);
        assert_eq!((plan.roles.len(), plan.receivers), (23, vec![1; 10]));
        let others = plan.roles.iter().skip(20);
        let channels: Vec<_> = others.map(|it| it.subscriptions.len()).collect();
        assert_eq!(channels, [3, 2, 2]);
    }

    #[test]
    fn an_echo_comes_back_to_its_sender() {
        for echo in [Echo::Service, Echo::OwnChannel] {
            let plan = plan("websocket/echo/3/64", echo);
            for (stream, role) in plan.roles.iter().enumerate() {
                let publishes = role.publishes.as_ref().unwrap();
                assert_eq!(
                    (publishes.stream, &role.receives),
                    (stream, &(stream..stream + 1))
                );
                assert_eq!(!role.subscriptions.is_empty(), echo == Echo::OwnChannel);
            }
        }
    }
}
