//! A server as text, for people.

use std::fmt;

use super::BayeuxServer;

/// What a server holds: its transports, channels and sessions. Prints as a tree.
///
/// Sessions are shown by the first letters of their ids, which are not enough to speak for them.
#[derive(Clone, Debug)]
pub struct Dump {
    transports: Vec<&'static str>,
    extensions: usize,
    channels: Vec<ChannelDump>,
    sessions: Vec<SessionDump>,
}

#[derive(Clone, Debug)]
struct ChannelDump {
    name: String,
    subscribers: usize,
    listeners: usize,
    authorizers: usize,
    persistent: bool,
    lazy: bool,
}

#[derive(Clone, Debug)]
struct SessionDump {
    name: String,
    local: bool,
    phase: crate::session::Phase,
    queued: usize,
    subscriptions: usize,
}

impl BayeuxServer {
    /// Describes what the server holds at this moment.
    #[must_use]
    pub fn dump(&self) -> Dump {
        let core = self.core();
        let mut channels: Vec<ChannelDump> = core.channels().iter().map(ChannelDump::of).collect();
        channels.sort_by(|one, other| one.name.cmp(&other.name));
        let mut sessions: Vec<SessionDump> =
            core.sessions().all().iter().map(SessionDump::of).collect();
        sessions.sort_by(|one, other| (!one.local, &one.name).cmp(&(!other.local, &other.name)));
        let allowed = &core.config().server.allowed_transports;
        Dump {
            transports: allowed.iter().map(|transport| transport.name()).collect(),
            extensions: core.extensions().all().len(),
            channels,
            sessions,
        }
    }
}

impl ChannelDump {
    fn of(channel: &super::ServerChannel) -> Self {
        let settings = channel.settings();
        Self {
            name: channel.id().to_string(),
            subscribers: channel.snapshot().len(),
            listeners: settings.listeners.len(),
            authorizers: settings.authorizers.len(),
            persistent: settings.persistent,
            lazy: settings.lazy,
        }
    }
}

impl SessionDump {
    fn of(session: &super::ServerSession) -> Self {
        Self {
            name: session.to_string(),
            local: session.is_local(),
            phase: session.phase(),
            queued: session.queued(),
            subscriptions: session.subscriptions_mut(|it| it.len()),
        }
    }
}

impl fmt::Display for Dump {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "transports: {}", self.transports.join(", "))?;
        writeln!(formatter, "extensions: {}", self.extensions)?;
        writeln!(formatter, "channels: {}", self.channels.len())?;
        for channel in &self.channels {
            writeln!(formatter, "  {channel}")?;
        }
        writeln!(formatter, "sessions: {}", self.sessions.len())?;
        for session in &self.sessions {
            writeln!(formatter, "  {session}")?;
        }
        Ok(())
    }
}

impl fmt::Display for ChannelDump {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            subscribers,
            listeners,
            authorizers,
            ..
        } = self;
        write!(
            formatter,
            "{name}: {subscribers} subscribers, {listeners} listeners, {authorizers} authorizers"
        )?;
        formatter.write_str(if self.persistent { ", persistent" } else { "" })?;
        formatter.write_str(if self.lazy { ", lazy" } else { "" })
    }
}

impl fmt::Display for SessionDump {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.local { "local" } else { "remote" };
        let Self {
            name,
            phase,
            queued,
            subscriptions,
            ..
        } = self;
        write!(
            formatter,
            "{name}: {place}, {phase:?}, {subscriptions} subscriptions, {queued} queued"
        )
    }
}
