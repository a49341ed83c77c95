// The extensions of the official client, unmodified, against a running `demo`, over one transport; and remote calls.
//
//   node extensions.mjs --url http://127.0.0.1:8080/cometd --transport long-polling|websocket [--client cometd-8]
//
// Rule numbers are those of the behaviour specification of extensions.

import assert from "node:assert/strict";
import { Client, load } from "./client.mjs";
import { Proxy } from "./proxy.mjs";
import { RUN, check, commandLine, main } from "./support.mjs";

const { url, transport, client: library } = commandLine({
  url: { type: "string" },
  transport: { type: "string" },
  client: { type: "string", default: "cometd" },
});
const CometD = await load(library);
const { AckExtension, BinaryExtension, TimeStampExtension, TimeSyncExtension } = await import(library);

/** A channel that only this run and this check use. */
const channel = (name) => `/interop/${RUN}/${name}`;

/** A check that gets a function to open sessions with extensions, by name; they end with the check. */
function scenario(name, body) {
  return check(`${library} ${transport}: ${name}`, async () => {
    const clients = [];
    const open = (extensions = {}, address = url) => {
      const client = new Client(CometD, address, transport);
      for (const [name, extension] of Object.entries(extensions)) {
        client.cometd.registerExtension(name, extension);
      }
      clients.push(client);
      return client.open();
    };
    try {
      await body(open);
    } finally {
      await Promise.all(clients.map((it) => it.disconnect()));
    }
  });
}

async function subscribed(client, to, callback) {
  const { reply } = await client.subscribe(to, callback);
  assert.equal(reply.successful, true, `subscribe to ${to}: ${reply.error}`);
}

/** The bytes of a message as the application sees them. */
const bytesOf = (message) => [...new Uint8Array(message.data.data)];

const remoteCall = (client, target, data) =>
  new Promise((resolve) => client.cometd.remoteCall(target, data, resolve));

async function acknowledge() {
  await scenario("acknowledged messages come with connects, which are numbered", async (open) => {
    const [alice, bob] = [await open({ ack: new AckExtension() }), await open()];
    assert.deepEqual(alice.received[0].ext, { ack: true }); // 2.3
    assert.equal(bob.received[0].ext, undefined); // 2.4
    await subscribed(alice, channel("ack"));
    const numbers = [0, 1, 2, 3];
    for (const n of numbers) {
      await bob.publish(channel("ack"), n);
      await alice.delivery(channel("ack"), (data) => data === n);
    }
    assert.deepEqual(alice.deliveries(channel("ack")).map((it) => it.data), numbers);
    const batches = alice.received.filter((it) => it.channel === "/meta/connect").map((it) => it.ext.ack);
    assert.deepEqual(batches, batches.map((_, n) => n + 1)); // 2.6
    const acknowledged = alice.sent.filter((it) => it.channel === "/meta/connect").map((it) => it.ext.ack);
    assert.deepEqual(acknowledged, acknowledged.map((_, n) => n)); // 2.8
  });

  await scenario("what a cut connection takes along is sent again, and once", async (open) => {
    const proxy = await Proxy.start(url);
    const [alice, bob] = [await open({ ack: new AckExtension() }, proxy.url), await open()];
    const heard = [];
    await subscribed(alice, channel("cut"), (message) => heard.push(message.data));
    for (let n = 0; n < 5; n += 1) {
      await Promise.all([bob.publish(channel("cut"), n), proxy.cut()]);
      await alice.delivery(channel("cut"), (data) => data === n);
    }
    assert.deepEqual(heard, [0, 1, 2, 3, 4]);
    await alice.disconnect();
    await proxy.stop();
  });
}

async function times() {
  await scenario("the time of the server is known", async (open) => {
    const timesync = new TimeSyncExtension();
    const alice = await open({ timesync });
    const { timesync: answer } = alice.received[0].ext;
    assert.deepEqual(Object.keys(answer).sort(), ["a", "p", "tc", "ts"]); // 3.3
    // Server and client have the same clock.
    assert.ok(Math.abs(timesync.getTimeOffset()) < 1_000, `${timesync.getTimeOffset()} ms`);
    assert.ok(Math.abs(timesync.getServerTime() - Date.now()) < 1_000);
  });

  await scenario("a client that stamps its messages gets stamps, and others do not", async (open) => {
    const [alice, bob] = [await open({ timestamp: new TimeStampExtension() }), await open()];
    await subscribed(alice, channel("stamp"));
    await bob.publish(channel("stamp"), "x");
    await alice.delivery(channel("stamp"));
    for (const { timestamp } of alice.received) {
      assert.ok(Math.abs(Date.parse(timestamp) - Date.now()) < 60_000, timestamp);
    }
    assert.ok(bob.received.every((it) => it.timestamp === undefined));
  });
}

async function binary() {
  await scenario("bytes of every length arrive as they were sent", async (open) => {
    const extensions = () => ({ binary: new BinaryExtension() });
    const [alice, bob] = [await open(extensions()), await open(extensions())];
    const heard = [];
    await subscribed(bob, channel("bytes"), (message) => heard.push(message));
    const chunks = Array.from({ length: 10 }, (_, n) => Array.from({ length: n }, (_, at) => (255 - at * 37) & 255));
    for (const [n, chunk] of chunks.entries()) {
      const last = n === chunks.length - 1;
      const reply = await new Promise((resolve) => {
        alice.cometd.publishBinary(channel("bytes"), new Uint8Array(chunk), last, { n }, resolve);
      });
      assert.equal(reply.successful, true, reply.error);
    }
    await bob.until("the last chunk", () => heard.some((it) => it.data.last));
    assert.deepEqual(heard.map(bytesOf), chunks);
    assert.deepEqual(heard.map((it) => it.data.meta.n), chunks.map((_, n) => n));
  });

  await scenario("what is not binary is refused", async (open) => {
    const alice = await open();
    const reply = await alice.send({ channel: channel("bytes"), data: { data: "~" }, ext: { binary: {} }, id: "b1" });
    assert.equal(reply.successful, false);
    assert.equal(reply.error, "400:data is not Z85:data_invalid");
  });
}

async function calls() {
  await scenario("remote calls are answered", async (open) => {
    const alice = await open();
    const data = { text: "Grüße", list: [1, null] };
    const echo = await remoteCall(alice, "echo", data);
    assert.equal(echo.successful, true);
    assert.deepEqual(echo.data, data);

    const failure = await remoteCall(alice, "/fail", {});
    assert.equal(failure.successful, false);
    assert.deepEqual(Object.keys(failure.data), ["reason"]);

    const room = `room-${RUN}`;
    const line = { user: "alice", chat: "<hi>" };
    await alice.publish(`/chat/${room}`, line);
    const history = await remoteCall(alice, `rooms/${room}/history`, { length: 10 });
    assert.deepEqual(history.data, [{ user: "alice", chat: "&lt;hi&gt;" }]);
  });
}

async function together() {
  await scenario("all extensions work together", async (open) => {
    const extensions = () => ({
      ack: new AckExtension(),
      timesync: new TimeSyncExtension(),
      timestamp: new TimeStampExtension(),
      binary: new BinaryExtension(),
    });
    const [alice, bob] = [await open(extensions()), await open(extensions())];
    const heard = [];
    await subscribed(bob, channel("all"), (message) => heard.push(message));
    await new Promise((resolve) => {
      alice.cometd.publishBinary(channel("all"), new Uint8Array([1, 2, 3]), true, undefined, resolve);
    });
    await bob.until("the bytes", () => heard[0]);
    assert.deepEqual(bytesOf(heard[0]), [1, 2, 3]);
    assert.ok(heard[0].timestamp);
    assert.deepEqual((await remoteCall(alice, "echo", { n: 1 })).data, { n: 1 });
  });
}

await main(async () => {
  await acknowledge();
  await times();
  await binary();
  await calls();
  await together();
});
