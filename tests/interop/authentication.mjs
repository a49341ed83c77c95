// The official CometD JavaScript client, unmodified, against a running `authentication`, over one transport.
//
//   node authentication.mjs --url http://127.0.0.1:8080/cometd --transport long-polling|websocket [--client cometd-3]
//
// --client is a name in package.json: `cometd`, the newest and the default, or an older one.

import assert from "node:assert/strict";
import { Client, load } from "./client.mjs";
import { check, commandLine, main } from "./support.mjs";

const { url, transport, client: library } = commandLine({
  url: { type: "string" },
  transport: { type: "string" },
  client: { type: "string", default: "cometd" },
});
const CometD = await load(library);

const ALICE = { user: "alice", password: "wonderland" };
const BOB = { user: "bob", password: "builder" };

const step = (name, body) => check(`${library} ${transport}: ${name}`, body);

/** A client that handshakes with a login, and the reply. */
async function handshake(login) {
  const client = new Client(CometD, url, transport);
  const ext = { "com.example.login": login };
  const reply = await new Promise((resolve) => client.cometd.handshake({ ext }, resolve));
  return { client, reply };
}

const call = (client, target, data) => new Promise((resolve) => client.cometd.remoteCall(target, data, resolve));

await main(async () => {
  await step("a login that is wrong is refused, and the client gives up", async () => {
    const { client, reply } = await handshake({ ...ALICE, password: "guess" });
    assert.equal(reply.successful, false);
    assert.equal(reply.error, "403::handshake_denied");
    assert.equal(client.cometd.isDisconnected(), true);
  });

  await step("who becomes somebody else is told which subscriptions end and why, and stays connected", async () => {
    const { client, reply } = await handshake(ALICE);
    assert.equal(reply.successful, true);
    const revoked = [];
    const unsuccessful = [];
    client.cometd.addListener("/meta/unsubscribe", (it) => revoked.push(it));
    client.cometd.addListener("/meta/unsuccessful", (it) => unsuccessful.push(it));
    for (const channel of ["/staff/rota", "/news"]) {
      assert.equal((await client.subscribe(channel)).reply.successful, true);
    }
    assert.equal((await call(client, "login", BOB)).successful, true);
    await client.message("the revocation", (it) => it.channel === "/meta/unsubscribe");
    const [{ subscription, successful, error }, ...others] = revoked;
    assert.deepEqual([subscription, successful, others], ["/staff/rota", true, []]);
    assert.equal(error, "403:denied_by_not_granting:subscribe_denied");

    const writer = await handshake(ALICE);
    await writer.client.publish("/news", "hello");
    const { data } = await client.delivery("/news");
    assert.deepEqual(data, { author: "alice", text: "hello" });
    assert.deepEqual(unsuccessful, []);
    const publish = await client.publish("/news", "me too");
    assert.equal(publish.error, "403:denied_by_not_granting:publish_denied");
    await Promise.all([client.disconnect(), writer.client.disconnect()]);
  });
});
