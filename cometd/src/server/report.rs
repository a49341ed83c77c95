//! What the log says when a server has started.

use std::fmt;

use super::core::Core;

/// The services of a server with their methods, and the channels with the authorizers that guard them.
pub(super) struct Report<'a>(pub(super) &'a Core);

impl fmt::Display for Report<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0.services(), formatter)?;
        let mut guarded = self.0.channels();
        guarded.retain(|channel| channel.settings().has_authorizers());
        guarded.sort_by(|one, other| one.id().as_str().cmp(other.id().as_str()));
        write!(formatter, "\nguarded channels: {}", guarded.len())?;
        for channel in guarded {
            write!(formatter, "\n  {channel}")?;
            for guard in channel.settings().authorizers.iter() {
                write!(formatter, "\n    {guard}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::sync::Arc;

    use super::Report;
    use crate::channel::Grant;
    use crate::server::{
        BayeuxServer, Installation, Installed, Location, Provisions, Row, Running,
    };

    struct Chat;

    impl Installation for Chat {
        fn order(&self) -> i32 {
            0
        }

        fn name(&self) -> &'static str {
            "chat"
        }

        fn location(&self) -> Option<Location> {
            Some(Location::new("chat.rs", 1, 2))
        }

        fn install<'a>(
            self: Box<Self>,
            server: &'a BayeuxServer,
            _: &'a Arc<Provisions>,
        ) -> Pin<Box<dyn Future<Output = Installed> + Send + 'a>> {
            let configured = server.create_channel_if_absent("/chat/**", |channel| {
                channel.authorizer(Grant::ALL);
            });
            configured.unwrap();
            let row = |kind, name, channels, line| Row {
                kind,
                name,
                channels,
                location: Location::new("chat.rs", line, 8),
            };
            let rows = vec![
                row("listener", "line", &["/chat/{room}", "/lobby"], 10),
                row("pre_destroy", "end", &[], 20),
            ];
            Box::pin(std::future::ready(Installed {
                running: Some(self),
                rows,
                problems: Vec::new(),
            }))
        }
    }

    impl Running for Chat {
        fn stop(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
            Box::pin(std::future::ready(()))
        }
    }

    #[tokio::test]
    async fn the_report_shows_methods_and_guards_with_their_places() {
        let server = BayeuxServer::builder().install(Box::new(Chat));
        let server = server.build().await.unwrap();
        let report = Report(server.core()).to_string();
        let (services, guards) = report.split_once("\nguarded").unwrap();
        let expected = "services: 1
  chat at chat.rs:1:2
    listener       /chat/{room}                     line at chat.rs:10:8
    listener       /lobby                           line at chat.rs:10:8
    pre_destroy                                     end at chat.rs:20:8";
        assert_eq!(services, expected);
        let guard = guards.trim_start_matches(" channels: 1\n  /chat/**\n    ");
        assert!(
            guard.contains("report.rs:") && !guard.contains('\n'),
            "{report}"
        );
    }
}
