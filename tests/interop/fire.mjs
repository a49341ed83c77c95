// The official client with its acknowledge extension, behind a proxy that loses requests and responses, against a
// running `demo`: every message reaches every session once and in order.
//
//   node fire.mjs --url http://127.0.0.1:8080/cometd --transport long-polling|websocket [--client cometd-8]
//     [--messages 1000] [--seed 1]

import assert from "node:assert/strict";
import { Client, load } from "./client.mjs";
import { Proxy } from "./proxy.mjs";
import { RUN, check, commandLine, main } from "./support.mjs";

const {
  url,
  transport,
  client: library,
  messages,
  seed,
} = commandLine({
  url: { type: "string" },
  transport: { type: "string" },
  client: { type: "string", default: "cometd" },
  messages: { type: "string", default: "1000" },
  seed: { type: "string", default: "1" },
});
const CometD = await load(library);
const { AckExtension } = await import(library);
const CHANNEL = `/interop/${RUN}/fire`;
const SUBSCRIBERS = 3;

/** How many messages are published at one go. */
const BATCH = 5;

/** Reproducible chance (mulberry32): numbers from 0 to 1. */
function dice(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

class Target extends Client {
  proxy;
  /** What the application has seen. */
  heard = [];

  static async open(chance) {
    const proxy = await Proxy.start(url);
    const target = new Target(CometD, proxy.url, transport);
    target.proxy = proxy;
    target.cometd.configure({ url: proxy.url, logLevel: "error", backoffIncrement: 10, maxBackoff: 50 });
    target.cometd.registerExtension("ack", new AckExtension());
    await target.open();
    const { reply } = await target.subscribe(CHANNEL, (message) => target.heard.push(message.data));
    assert.equal(reply.successful, true, reply.error);
    proxy.misbehave(chance);
    return target;
  }

  async close() {
    await this.disconnect();
    await this.proxy.stop();
  }
}

await main(() =>
  check(`${transport}: ${SUBSCRIBERS} sessions hear ${messages} messages once and in order, seed ${seed}`, async () => {
    const chance = dice(Number(seed));
    const targets = await Promise.all(Array.from({ length: SUBSCRIBERS }, () => Target.open(chance)));
    const publisher = await new Client(CometD, url, transport).open();
    const expected = Array.from({ length: Number(messages) }, (_, n) => n);
    for (let n = 0; n < expected.length; n += BATCH) {
      const replies = await publisher.publishBatch(expected.slice(n, n + BATCH).map((it) => [CHANNEL, it]));
      assert.ok(replies.every((it) => it.successful));
      if (chance() < 0.02) {
        await targets[Math.floor(chance() * SUBSCRIBERS)].proxy.cut();
      }
    }
    for (const { proxy } of targets) {
      proxy.misbehave();
    }
    await publisher.publish(CHANNEL, "marker");
    for (const target of targets) {
      await target.delivery(CHANNEL, (data) => data === "marker", 30_000);
      assert.deepEqual(target.heard, [...expected, "marker"]);
      assert.equal(target.sent.filter((it) => it.channel === "/meta/handshake").length, 1, "the session stayed alive");
    }
    const count = (messages) => messages.filter((it) => it.channel === "/meta/connect").length;
    const lost = targets.map((it) => count(it.sent) - count(it.received));
    assert.ok(lost.every((it) => it > 1), `${lost.join(", ")} connects were lost: too few to prove anything`);
    await Promise.all([...targets.map((it) => it.close()), publisher.disconnect()]);
  }),
);
