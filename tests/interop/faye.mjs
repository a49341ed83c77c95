// The client of Faye, unmodified, against a running `demo`, over one transport.
//
//   node faye.mjs --url http://127.0.0.1:8080/cometd --transport long-polling|websocket [--client faye-1.2]
//
// --client is a name in package.json: `faye`, the newest and the default, or `faye-1.2`, which still sends keep-alives.
// Rule numbers are those of the behaviour specification.

import assert from "node:assert/strict";
import { once } from "node:events";
import { Proxy } from "./proxy.mjs";
import { Record } from "./record.mjs";
import { RUN, TIMEOUT, VANISHED, check, commandLine, main } from "./support.mjs";

const { url, transport, client: library } = commandLine({
  url: { type: "string" },
  transport: { type: "string" },
  client: { type: "string", default: "faye" },
});
const { default: Faye } = await import(library);

const ROOM = "/chat/demo";
const MEMBERS = "/members/demo";

/** How long Faye waits before it sends again what was lost, in seconds; its own default is 5. */
const RETRY = 1;

/** A channel that only this run and this check use. */
const channel = (name) => `/interop/${RUN}/${name}`;

/** Faye's client, over one transport, with a record of its messages. Faye keeps cookies per client. */
class Client extends Record {
  /** Emits Faye's `transport:down` and `transport:up`. */
  faye;

  constructor(address) {
    super();
    // Faye 1.2 counts its keep-alives by the timeout that it knows when it opens the WebSocket: before the advice.
    this.faye = new Faye.Client(address, { retry: RETRY, timeout: TIMEOUT / 1_000 });
    // Long polling cannot be disabled: the handshake always goes over HTTP (FAYE-1).
    if (transport === "long-polling") {
      this.faye.disable("websocket");
    }
    this.faye.addExtension({
      incoming: (message, pass) => pass(this.arrives(message)),
      outgoing: (message, pass) => pass(this.leaves(message)),
    });
  }

  /** The id of the session that the last connect was sent for. */
  get clientId() {
    return this.sent.findLast((it) => it.channel === "/meta/connect").clientId;
  }

  /** Connects, and waits for the second connect (to be held) to be sent. */
  async open() {
    this.faye.connect();
    await this.until("the second connect", () => this.sent.filter((it) => it.channel === "/meta/connect")[1]);
    return this;
  }

  /** Subscribes, which settles with the server's reply. */
  subscribe(to, callback = () => {}) {
    return this.faye.subscribe(to, callback).then(() => {}, asError);
  }

  /** Publishes, which settles with the server's reply. */
  publish(to, data) {
    return this.faye.publish(to, data).then(() => {}, asError);
  }
}

// Faye rejects with an object that is no Error.
function asError({ code, params, message }) {
  throw Object.assign(new Error(`${code}:${params}:${message}`), { code });
}

/** A check that gets a function to open sessions, which end with the check. */
function scenario(name, body) {
  return check(`${library} ${transport}: ${name}`, async () => {
    const clients = [];
    const open = (address = url) => {
      const client = new Client(address);
      clients.push(client);
      return client.open();
    };
    try {
      await body(open);
    } finally {
      await Promise.all(clients.map((it) => it.faye.disconnect()));
    }
  });
}

/** A scenario with a proxy between the first client and the server. */
function scenarioWithLoss(name, body) {
  return scenario(name, async (open) => {
    const proxy = await Proxy.start(url);
    const alice = await open(proxy.url);
    try {
      await body(alice, proxy, open);
    } finally {
      proxy.admit();
      await alice.faye.disconnect();
      await proxy.stop();
    }
  });
}

/** Enters the chat room, so that others see when the session ends. */
async function joined(client, name) {
  await client.subscribe(MEMBERS);
  await client.publish("/service/members", { user: name, room: ROOM });
  await client.delivery(MEMBERS, (names) => names.includes(name));
}

/** Waits until the room is told that a member is gone. */
function seesLeave(client, name, bound) {
  return client.delivery(ROOM, (data) => data.user === name && data.membership === "leave", bound);
}

async function connections() {
  await scenario("the handshake goes over HTTP, and what follows over the transport", async (open) => {
    const alice = await open();
    const handshake = await alice.message("handshake reply", (it) => it.channel === "/meta/handshake");
    assert.equal(handshake.successful, true);
    assert.ok(handshake.supportedConnectionTypes.includes(transport)); // FAYE-7
    assert.ok(!handshake.supportedConnectionTypes.includes("eventsource")); // FAYE-10
    const connects = alice.sent.filter((it) => it.channel === "/meta/connect");
    assert.deepEqual(connects.map((it) => it.clientId), [handshake.clientId, handshake.clientId]);
    // Faye opens its socket beside the handshake: what it sends before that is open goes over HTTP, too.
    assert.ok([transport, "long-polling"].includes(connects[0].connectionType));
    assert.equal(connects[1].connectionType, transport);
  });

  await scenario("the first connect is answered at once, the next are held and renewed", async (open) => {
    const start = performance.now();
    const alice = await open();
    assert.ok(performance.now() - start < TIMEOUT * 0.75, "the first connect was held"); // FAYE-2, CN-4
    const replies = () => alice.received.filter((it) => it.channel === "/meta/connect");
    await alice.until("the reply to the first held connect", () => replies()[1], TIMEOUT + 8_000);
    const first = performance.now();
    await alice.until("the reply to the second held connect", () => replies()[2], TIMEOUT + 8_000);
    const held = performance.now() - first;
    assert.ok(held > TIMEOUT - 200 && held < TIMEOUT + 3_000, `held for ${Math.round(held)} ms`);
    assert.ok(replies().every((it) => it.successful));
  });

  await scenario("disconnect ends the session at once", async (open) => {
    const [alice, bob] = [await open(), await open()];
    const name = `faye-${RUN}`;
    await bob.subscribe(ROOM);
    await joined(alice, name);
    await alice.faye.disconnect();
    await seesLeave(bob, name, TIMEOUT);
  });
}

async function publications() {
  await scenario("a publication reaches a second client at once", async (open) => {
    const [alice, bob] = [await open(), await open()];
    const heard = [];
    await bob.subscribe(channel("news"), (data) => heard.push(data));
    const data = { text: "žluťoučký 日本語 𝄞", list: [1, 2.5, null, true], nested: { deep: [{}] } };
    const start = performance.now();
    await alice.publish(channel("news"), data);
    const delivery = await bob.delivery(channel("news"));
    assert.ok(performance.now() - start < TIMEOUT * 0.75, "the delivery did not wake the held connect");
    assert.deepEqual(heard, [data]);
    // Faye takes what is `successful` for a reply: FAYE-6.
    assert.deepEqual(Object.keys(delivery).sort(), ["channel", "data"]);
  });

  await scenario("wildcards: * is one segment, ** is one or more", async (open) => {
    const [alice, bob] = [await open(), await open()];
    const base = channel("wild");
    for (const pattern of ["one/*", "any/**", "end"]) {
      await bob.subscribe(`${base}/${pattern}`);
    }
    for (const branch of ["one", "any"]) {
      await alice.publish(`${base}/${branch}`, 0);
      await alice.publish(`${base}/${branch}/x`, 1);
      await alice.publish(`${base}/${branch}/x/y`, 2);
    }
    await alice.publish(`${base}/end`, "the marker: whatever came before it has been delivered");
    await bob.delivery(`${base}/end`);
    assert.deepEqual(
      bob.deliveries(base).map((it) => it.channel.slice(base.length)),
      ["/one/x", "/any/x", "/any/x/y", "/end"],
    );
  });

  await scenario("one's own publication comes once, and calls every subscription once", async (open) => {
    const alice = await open();
    const base = channel("once");
    const calls = [];
    for (const pattern of ["x", "*", "**"]) {
      await alice.subscribe(`${base}/${pattern}`, (data) => calls.push(`${pattern} ${data}`));
    }
    await alice.publish(`${base}/x`, "mine");
    await alice.publish(`${base}/end`, "marker");
    await alice.delivery(`${base}/end`);
    assert.deepEqual(
      alice.deliveries(base).map((it) => it.data),
      ["mine", "marker"],
    );
    assert.deepEqual(calls.filter((it) => it.endsWith("mine")).sort(), ["* mine", "** mine", "x mine"]);
  });

  await scenario("publications at one go arrive in order, and data of every kind as it was sent", async (open) => {
    const [alice, bob] = [await open(), await open()];
    await bob.subscribe(channel("values"));
    // Less than 2 KiB altogether: Faye sends what is more in several requests at the same time.
    const values = [0, "", false, null, [], {}, [[1], [[2]]], -1.5, "</script> & \"quotes\" \\ \u2028", { "ключ": 1 }];
    await Promise.all(values.map((data) => alice.publish(channel("values"), data)));
    await alice.publish(channel("values"), "marker");
    await bob.delivery(channel("values"), (data) => data === "marker");
    assert.deepEqual(bob.deliveries(channel("values")).map((it) => it.data), [...values, "marker"]);
  });

  await scenario("unsubscribe ends the deliveries", async (open) => {
    const [alice, bob] = [await open(), await open()];
    const subscription = bob.faye.subscribe(channel("first"), () => {});
    await subscription;
    await bob.subscribe(channel("second"));
    await alice.publish(channel("first"), "before");
    await bob.delivery(channel("first"));

    subscription.cancel();
    await bob.message("the reply to unsubscribe", (it) => it.channel === "/meta/unsubscribe" && it.successful);
    await alice.publish(channel("first"), "after");
    await alice.publish(channel("second"), "marker");
    await bob.delivery(channel("second"));
    assert.deepEqual(bob.deliveries(channel("first")).map((it) => it.data), ["before"]);
  });

  await scenario("/service/echo delivers the data back on its own channel", async (open) => {
    const alice = await open();
    const heard = [];
    await alice.subscribe("/service/echo", (data) => heard.push(data)); // SUB-7: accepted and without effect
    await alice.publish("/service/echo", { text: "Grüße" });
    await alice.delivery("/service/echo");
    assert.deepEqual(heard, [{ text: "Grüße" }]);
  });

  await scenario("what is not allowed is refused with 403", async (open) => {
    const alice = await open();
    await assert.rejects(alice.publish("/meta/foo", {}), { code: 403 }); // FAYE-8
    await assert.rejects(alice.subscribe("/meta/connect"), { code: 403 });
    await alice.publish(channel("refused"), {});
  });
}

async function losses() {
  await scenarioWithLoss("a session outlives its connections, and misses nothing", async (alice, proxy, open) => {
    const bob = await open();
    await alice.subscribe(channel("lost"));
    const { clientId } = alice;
    const down = once(alice.faye, "transport:down");
    await proxy.cut();
    await down;
    await bob.publish(channel("lost"), "meanwhile");
    await alice.delivery(channel("lost"));
    await bob.publish(channel("lost"), "afterwards");
    await alice.delivery(channel("lost"), (data) => data === "afterwards");
    assert.equal(alice.clientId, clientId);
    assert.equal(alice.sent.filter((it) => it.channel === "/meta/handshake").length, 1);
    assert.deepEqual(alice.deliveries(channel("lost")).map((it) => it.data), ["meanwhile", "afterwards"]);
  });

  await scenarioWithLoss("a session that is gone is replaced, subscriptions included", async (alice, proxy, open) => {
    const bob = await open();
    const name = `away-${RUN}`;
    await bob.subscribe(ROOM);
    await joined(alice, name);
    await alice.subscribe(channel("gone"));
    const { clientId } = alice;
    await proxy.cut({ refuse: true });
    await seesLeave(bob, name, VANISHED);
    proxy.admit();

    const { advice } = await alice.message("the word that the session is gone", (it) => it.error?.startsWith("402"));
    assert.equal(advice.reconnect, "handshake"); // FAYE-9
    const subscribed = (it) => it.subscription === channel("gone") && it.successful;
    await alice.until("the second subscription", () => alice.received.filter(subscribed)[1]);
    await bob.publish(channel("gone"), "welcome back");
    await alice.delivery(channel("gone"));
    assert.notEqual(alice.clientId, clientId);
  });
}

/** FAYE-5: before version 1.3, Faye keeps a WebSocket open with empty arrays, twice in every advised timeout. */
function keepAlive() {
  return scenarioWithLoss("an empty array keeps the WebSocket open", async (alice, proxy, open) => {
    const bob = await open();
    await alice.subscribe(channel("alive"));
    const connects = () => alice.sent.filter((it) => it.channel === "/meta/connect").length;
    const before = connects();
    await alice.until("the renewal of two connects", () => connects() >= before + 2, 2 * TIMEOUT + 8_000);
    assert.ok(proxy.keepAlives >= 2, `${proxy.keepAlives} keep-alives were sent`);
    await bob.publish(channel("alive"), "still there");
    await alice.delivery(channel("alive"));
    assert.equal(proxy.upgrades, 1, "the WebSocket was opened again");
  });
}

await main(async () => {
  await connections();
  await publications();
  await losses();
  if (library === "faye-1.2" && transport === "websocket") {
    await keepAlive();
  }
});
