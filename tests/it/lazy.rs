//! Messages that may wait for company: section 13.

use cometd::ChannelConfig;
use cometd_tests::{App, advance, delivery, ms, ok, setup};

async fn app() -> App {
    let setup = setup()
        .option("timeout", 8000)
        .option("maxLazyTimeout", 700);
    setup.start().await
}

fn configure(app: &App, name: &str, configure: impl FnOnce(&mut ChannelConfig)) {
    app.server()
        .create_channel_if_absent(name, configure)
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lazy_message_waits_for_the_lazy_timeout() {
    // LAZY-2: T-LAZY-1
    let app = app().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    a.subscribe("/lazy").await;
    let held = a.hold().await;
    b.publish("/lazy", 1).await;
    let expected = [delivery("/lazy", 1), ok("/meta/connect")];
    held.answer().await.after(ms(700)).expect(expected);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_hold_takes_lazy_messages_along() {
    // LAZY-5, CN-12: T-LAZY-2
    let app = setup().start().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    a.subscribe("/lazy").await;
    let held = a.hold().await;
    b.publish("/lazy", 1).await;
    let expected = [delivery("/lazy", 1), ok("/meta/connect")];
    held.answer().await.after(ms(2000)).expect(expected);
}

#[tokio::test(start_paused = true)]
async fn another_message_takes_lazy_ones_along_and_the_next_lazy_one_waits_anew() {
    // LAZY-3, LAZY-5: T-LAZY-3, T-LAZY-8
    let app = app().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    a.subscribe("/lazy").await;
    a.subscribe("/a").await;
    let held = a.hold().await;
    b.publish("/lazy", 1).await;
    advance(ms(300)).await;
    b.publish("/a", 2).await;
    let expected = [delivery("/lazy", 1), delivery("/a", 2), ok("/meta/connect")];
    held.answer().await.after(ms(300)).expect(expected);

    let held = a.hold().await;
    b.publish("/lazy", 3).await;
    let expected = [delivery("/lazy", 3), ok("/meta/connect")];
    held.answer().await.after(ms(700)).expect(expected);
}

#[tokio::test(start_paused = true)]
async fn a_lazy_message_does_not_prevent_a_hold() {
    // LAZY-6, CN-3: T-LAZY-4
    let app = app().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    a.subscribe("/lazy").await;
    b.publish("/lazy", 1).await;
    advance(ms(200)).await;
    let expected = [delivery("/lazy", 1), ok("/meta/connect")];
    a.connect().await.after(ms(500)).expect(expected);
}

#[tokio::test(start_paused = true)]
async fn the_shorter_of_two_lazy_timeouts_counts() {
    // LAZY-3, LAZY-7: T-LAZY-5
    let app = app().await;
    configure(&app, "/l1", |it| {
        it.lazy_timeout(ms(300));
    });
    configure(&app, "/l2", |it| {
        it.lazy_timeout(ms(2000));
    });
    assert!(app.channel("/l1").is_lazy());
    for order in [["/l2", "/l1"], ["/l1", "/l2"]] {
        let (a, b) = (app.client().up().await, app.client().up().await);
        a.subscribe("/l1").await;
        a.subscribe("/l2").await;
        let held = a.hold().await;
        for channel in order {
            b.publish(channel, 1).await;
        }
        let expected = [
            delivery(order[0], 1),
            delivery(order[1], 1),
            ok("/meta/connect"),
        ];
        held.answer().await.after(ms(300)).expect(expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wildcard_makes_what_it_matches_lazy_and_a_parent_does_not() {
    // LAZY-1, LAZY-2: T-LAZY-6
    let app = app().await;
    configure(&app, "/foo", |it| {
        it.persistent(true).lazy(true);
    });
    configure(&app, "/bar/*", |it| {
        it.persistent(true).lazy(true);
    });
    for (channel, wait) in [
        ("/foo", 700),
        ("/foo/x", 0),
        ("/bar/x", 700),
        ("/bar/x/y", 0),
    ] {
        let (a, b) = (app.client().up().await, app.client().up().await);
        a.subscribe(channel).await;
        let held = a.hold().await;
        b.publish(channel, 1).await;
        let expected = [delivery(channel, 1), ok("/meta/connect")];
        held.answer().await.after(ms(wait)).expect(expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_publisher_gets_its_own_lazy_message_with_the_reply() {
    // LAZY-5: T-LAZY-7
    let app = setup().start().await;
    let client = app.client().up().await;
    client.subscribe("/lazy").await;
    client
        .publish("/lazy", 1)
        .await
        .at_once()
        .expect([delivery("/lazy", 1), ok("/lazy")]);
}

#[tokio::test(start_paused = true)]
async fn a_unicast_is_lazy_only_if_it_says_so() {
    // LAZY-8: T-LAZY-9
    let app = app().await;
    let client = app.client().up().await;
    let session = app.session(&client).unwrap();
    let held = client.hold().await;
    session.deliver(None, "/lazy", 1).await.unwrap();
    let expected = [delivery("/lazy", 1), ok("/meta/connect")];
    held.answer().await.at_once().expect(expected);

    let held = client.hold().await;
    let mut message = cometd::Message::new("/a", 1).unwrap();
    message.set_lazy(true);
    session.deliver_message(None, message).await.unwrap();
    let expected = [delivery("/a", 1), ok("/meta/connect")];
    held.answer().await.after(ms(700)).expect(expected);
}

#[tokio::test(start_paused = true)]
async fn a_lazy_unicast_waits_as_long_as_its_channel_says() {
    // LAZY-8
    let app = app().await;
    configure(&app, "/l1", |it| {
        it.persistent(true).lazy_timeout(ms(300));
    });
    let client = app.client().up().await;
    let held = client.hold().await;
    let mut message = cometd::Message::new("/l1", 1).unwrap();
    message.set_lazy(true);
    let session = app.session(&client).unwrap();
    session.deliver_message(None, message).await.unwrap();
    let expected = [delivery("/l1", 1), ok("/meta/connect")];
    held.answer().await.after(ms(300)).expect(expected);
}

#[tokio::test(start_paused = true)]
async fn without_a_lazy_timeout_nothing_waits() {
    // LAZY-2, CFG-14
    let app = setup().option("maxLazyTimeout", 0).start().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    a.subscribe("/lazy").await;
    let held = a.hold().await;
    b.publish("/lazy", 1).await;
    held.answer()
        .await
        .at_once()
        .expect([delivery("/lazy", 1), ok("/meta/connect")]);
}
