//! Bytes in messages: section 6 of the specification of extensions.

use cometd::extensions::{Binary, BinaryData};
use cometd::{Data, HandlerError, Message, RawJson, ServerSession, handlers, service};
use cometd_tests::{App, Client, delivery, failed, ok, setup};
use serde_json::{Value, json};

/// Sends bytes back in reverse order.
#[service("reverse")]
struct Reverse;

#[handlers]
impl Reverse {
    #[listener("/service/reverse")]
    async fn reverse(
        &self,
        session: &ServerSession,
        message: &Message,
        Data(mut chunk): Data<BinaryData>,
    ) -> Result<(), HandlerError> {
        chunk.data = chunk.data.iter().rev().copied().collect();
        session.deliver(None, message.channel(), chunk).await?;
        Ok(())
    }
}

async fn up() -> (App, Client) {
    let with = |it: cometd::Builder| it.extension(Binary::default()).service(Reverse);
    let app = setup().with(with).start().await;
    let client = app.client().up().await;
    client.subscribe("/bin").await;
    (app, client)
}

fn binary(client: &Client, channel: &str, data: Value) -> Value {
    let mut message = client.publish_message(channel, data);
    message["ext"] = json!({"binary": {}});
    json!([message])
}

#[tokio::test(start_paused = true)]
async fn bytes_are_passed_on_as_they_were_sent() {
    // 6.1, 6.2
    let (_app, client) = up().await;
    let data = json!({"meta": {"name": "a"}, "data": "HelloWorld", "last": true});
    let expected = delivery("/bin", data.clone()).with("ext", json!({"binary": {}}));
    let answer = client.send(binary(&client, "/bin", data)).await;
    answer.expect([expected, ok("/bin")]);
}

#[tokio::test(start_paused = true)]
async fn a_handler_takes_bytes_and_sends_bytes() {
    // 6.2
    let (_app, client) = up().await;
    let channel = "/service/reverse";
    let data = json!({"data": "HelloWorld", "last": false, "meta": [1]});
    let answer = client.send(binary(&client, channel, data)).await;
    let reversed = BinaryData::new(vec![0x5b, 0xf7, 0x59, 0xb5, 0x6f, 0xd2, 0x4f, 0x86]);
    let messages = answer.messages();
    assert_eq!(messages[0]["ext"], json!({"binary": {}}));
    let data = RawJson::parse(messages[0]["data"].to_string()).unwrap();
    let data: BinaryData = data.to().unwrap();
    assert_eq!((data.data, data.last), (reversed.data, false));
    assert_eq!(data.meta.unwrap(), json!([1]));
}

#[tokio::test(start_paused = true)]
async fn what_the_server_publishes_is_marked() {
    // 6.1
    let (app, client) = up().await;
    let message = Message::new("/bin", BinaryData::new(vec![0, 0, 0, 0])).unwrap();
    let session = app.session(&client).unwrap();
    session.deliver_message(None, message).await.unwrap();
    let data = json!({"data": "00000", "last": true});
    let expected = delivery("/bin", data).with("ext", json!({"binary": {}}));
    client
        .connect()
        .await
        .expect([expected, ok("/meta/connect")]);
}

#[tokio::test(start_paused = true)]
async fn what_takes_the_place_of_bytes_has_not_their_mark() {
    // 6.2
    let (app, client) = up().await;
    app.channel("/bin").configure(|channel| {
        channel.listener(|_: Option<&ServerSession>, message: &mut Message| {
            message.set_data("too many bytes").unwrap();
            cometd::Flow::Continue
        });
    });
    let data = json!({"data": "HelloWorld", "last": true});
    let answer = client.send(binary(&client, "/bin", data)).await;
    let replaced = &answer.messages()[0];
    assert_eq!(replaced["data"], "too many bytes");
    assert_eq!(replaced.pointer("/ext/binary"), None);
}

#[tokio::test(start_paused = true)]
async fn what_says_that_it_is_binary_and_is_not_is_refused() {
    // 6.4
    let (_app, client) = up().await;
    for data in [
        json!({"data": "H", "last": true}),
        json!({"data": "Hell~", "last": true}),
        json!({"data": [1, 2], "last": true}),
        json!({"last": true}),
        json!("HelloWorld"),
        Value::Null,
    ] {
        let refused = failed("/bin", "400:data is not Z85:data_invalid");
        let answer = client.send(binary(&client, "/bin", data)).await;
        answer.expect([refused]);
    }
    let plain = json!({"data": "H", "last": true});
    let expected = [delivery("/bin", plain.clone()), ok("/bin")];
    client.publish("/bin", plain).await.expect(expected);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_gets_no_bytes_is_not_called() {
    let (_app, client) = up().await;
    let answer = client
        .publish("/service/reverse", json!({"data": "~"}))
        .await;
    let reply = answer.only();
    let error = reply["error"].as_str().unwrap();
    assert!(
        error.starts_with("400:") && error.ends_with(":data_invalid"),
        "{error}"
    );
}
