// The official CometD JavaScript client, unmodified, against a running `demo`, over one transport.
//
//   node official.mjs --url http://127.0.0.1:8080/cometd --transport long-polling|websocket [--client cometd-3]
//
// --client is a name in package.json: `cometd`, the newest and the default, or an older one.
//
// Each check opens its own sessions and uses its own channels, so each can be read alone. Rule numbers are those of
// the behaviour specification.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Client, load } from "./client.mjs";
import { RUN, TIMEOUT, VANISHED, check, commandLine, main } from "./support.mjs";

const { url, transport, client: library } = commandLine({
  url: { type: "string" },
  transport: { type: "string" },
  client: { type: "string", default: "cometd" },
});
const CometD = await load(library);

const ROOM = "/chat/demo";
const MEMBERS = "/members/demo";

/** A channel that only this run and this check use. */
const channel = (name) => `/interop/${RUN}/${name}`;

/** A user name that only this run uses. */
const user = (name) => `${name}-${RUN}`;

/** A check that gets a function to open sessions, which end with the check. */
function scenario(name, body) {
  return check(`${library} ${transport}: ${name}`, async () => {
    const clients = [];
    const open = () => {
      const client = new Client(CometD, url, transport);
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

async function subscribed(client, ...channels) {
  for (const it of channels) {
    const { reply } = await client.subscribe(it);
    assert.equal(reply.successful, true, `subscribe to ${it}: ${reply.error}`);
  }
}

async function published(client, to, data, fields) {
  const reply = await client.publish(to, data, fields);
  assert.equal(reply.successful, true, `publish to ${to}: ${reply.error}`);
  return reply;
}

function lacks(message, ...fields) {
  for (const field of fields) {
    assert.ok(!(field in message), `unexpected ${field} in ${JSON.stringify(message)}`);
  }
}

/** Enters the room as the chat page does: subscribe, then say who is here; the list of names follows. */
async function joined(client, name) {
  await subscribed(client, ROOM, MEMBERS);
  await published(client, "/service/members", { user: name, room: ROOM });
  await client.delivery(MEMBERS, (names) => names.includes(name));
}

/** Waits for the two signs that a member is gone: the shorter list, and the announcement in the room. */
async function seesLeave(client, name, bound) {
  const announcement = { user: name, membership: "leave", chat: `${name} has left` };
  await Promise.all([
    // A list without the name counts only after one with it.
    client.until(
      `a list without ${name}`,
      () => {
        const lists = client.deliveries(MEMBERS).map((it) => it.data);
        return lists.some((it) => it.includes(name)) && !lists.at(-1).includes(name);
      },
      bound,
    ),
    client.delivery(ROOM, (data) => data.user === name && data.membership === "leave", bound),
  ]);
  assert.deepEqual((await client.delivery(ROOM, (data) => data.user === name && data.membership)).data, announcement);
}

/** A member in a process of its own, which can be killed or stopped without a word to the server. */
async function memberProcess(name) {
  const script = fileURLToPath(new URL("member.mjs", import.meta.url));
  const options = ["--url", url, "--transport", transport, "--client", library, "--user", name];
  const child = spawn(process.execPath, [script, ...options], { stdio: ["ignore", "pipe", "inherit"] });
  process.on("exit", () => child.kill("SIGKILL"));
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === "joined") {
      return child;
    }
  }
  throw new Error(`the process of ${name} ended before it had joined`);
}

async function handshakes() {
  await scenario("handshake opens a session and names the transports", async (open) => {
    const alice = await open();
    const reply = await alice.message("handshake reply", (it) => it.channel === "/meta/handshake");
    assert.match(reply.clientId, /^[A-Za-z0-9]{20,}$/);
    assert.equal(reply.version, "1.0");
    assert.ok(reply.supportedConnectionTypes.includes(transport), String(reply.supportedConnectionTypes));
    assert.deepEqual(reply.advice, { reconnect: "retry", interval: 0, timeout: TIMEOUT });
  });

  await scenario("disconnect ends the held connect, and the client can handshake again", async (open) => {
    const alice = await open();
    const before = alice.cometd.getClientId();
    // Over long polling the held connect has a TCP connection of its own; once an echo is back, it has arrived.
    await published(alice, "/service/echo", "ping");
    assert.equal((await alice.disconnect()).successful, true);
    const connect = await alice.message("the held connect's reply", (it) => it.advice?.reconnect === "none");
    assert.equal(connect.channel, "/meta/connect");
    assert.equal(connect.successful, true); // CN-16

    await alice.open();
    assert.notEqual(alice.cometd.getClientId(), before);
    await subscribed(alice, channel("again"));
    await published(alice, channel("again"), "back");
    await alice.delivery(channel("again"));
  });

  await scenario("a connect is held for the advised timeout, and renewed", async (open) => {
    const alice = await open();
    const connects = [];
    alice.cometd.addListener("/meta/connect", (reply) => connects.push({ at: performance.now(), reply }));
    // The first connect was answered before the listener came: these two are the first held ones.
    await alice.until("the reply to a held connect", () => connects[0], TIMEOUT + 8_000);
    await alice.until("the reply to the next held connect", () => connects[1], TIMEOUT + 8_000);
    for (const { reply } of connects) {
      assert.equal(reply.successful, true, reply.error);
      lacks(reply, "clientId", "advice"); // ADV-3
    }
    const held = connects[1].at - connects[0].at;
    assert.ok(held > TIMEOUT - 200 && held < TIMEOUT + 3_000, `held for ${Math.round(held)} ms`);
  });
}

async function publications() {
  await scenario("a publication reaches a second client at once", async (open) => {
    const [alice, bob] = [await open(), await open()];
    await subscribed(bob, channel("news"));
    const data = { text: "hi", list: [1, 2.5, null, true], nested: { deep: [{}] } };
    const start = performance.now();
    const reply = await published(alice, channel("news"), data, { ext: { trace: "t1" } });
    lacks(reply, "data", "clientId"); // MSG-2, MSG-7

    const delivery = await bob.delivery(channel("news"));
    assert.ok(performance.now() - start < TIMEOUT * 0.75, "the delivery did not wake the held connect");
    assert.deepEqual(delivery.data, data);
    assert.deepEqual(delivery.ext, { trace: "t1" }); // PUB-3
    lacks(delivery, "clientId", "id"); // PUB-2
  });

  await scenario("wildcards: * is one segment, ** is one or more", async (open) => {
    const [alice, bob] = [await open(), await open()];
    const base = channel("wild");
    await subscribed(bob, `${base}/one/*`, `${base}/any/**`, `${base}/end`);
    for (const branch of ["one", "any"]) {
      await published(alice, `${base}/${branch}`, 0);
      await published(alice, `${base}/${branch}/x`, 1);
      await published(alice, `${base}/${branch}/x/y`, 2);
    }
    await published(alice, `${base}/end`, "the marker: whatever came before it has been delivered");
    await bob.delivery(`${base}/end`);
    assert.deepEqual(
      bob.deliveries(base).map((it) => it.channel.slice(base.length)),
      ["/one/x", "/any/x", "/any/x/y", "/end"],
    );
  });

  await scenario("one's own publication comes once, however many subscriptions match", async (open) => {
    const alice = await open();
    const base = channel("once");
    await subscribed(alice, `${base}/x`, `${base}/*`, `${base}/**`);
    const reply = await published(alice, `${base}/x`, "mine");
    await published(alice, `${base}/end`, "marker");
    await alice.delivery(`${base}/end`);
    assert.deepEqual(
      alice.deliveries(base).map((it) => it.data),
      ["mine", "marker"],
    );
    // PUB-12: it comes with, and before, the reply to the publication.
    const order = alice.received.filter((it) => it.channel === `${base}/x`);
    assert.deepEqual([order[0].data, order[1].id], ["mine", reply.id]);
  });

  await scenario("a batch is answered and delivered in order", async (open) => {
    const [alice, bob] = [await open(), await open()];
    await subscribed(bob, channel("batch"));
    const numbers = Array.from({ length: 40 }, (_, n) => n);
    const replies = await alice.publishBatch(numbers.map((n) => [channel("batch"), n]));
    assert.ok(replies.every((it) => it.successful));
    const ids = alice.received.filter((it) => it.channel === channel("batch")).map((it) => it.id);
    assert.deepEqual(ids, replies.map((it) => it.id));
    await bob.delivery(channel("batch"), (data) => data === numbers.at(-1));
    assert.deepEqual(bob.deliveries(channel("batch")).map((it) => it.data), numbers);
  });

  await scenario("unsubscribe ends the deliveries", async (open) => {
    const [alice, bob] = [await open(), await open()];
    const subscription = await bob.subscribe(channel("first"));
    await subscribed(bob, channel("second"));
    await published(alice, channel("first"), "before");
    await bob.delivery(channel("first"));

    assert.equal((await bob.unsubscribe(subscription)).successful, true);
    await published(alice, channel("first"), "after");
    await published(alice, channel("second"), "marker");
    await bob.delivery(channel("second"));
    assert.deepEqual(bob.deliveries(channel("first")).map((it) => it.data), ["before"]);
  });

  await scenario("data of every kind arrives as it was sent", async (open) => {
    const [alice, bob] = [await open(), await open()];
    await subscribed(bob, channel("values"));
    const values = [
      0, "", false, null, [], {}, [[1], [[2]]], -1.5,
      "žluťoučký κόσμε 日本語 𝄞 👩‍🚀", "line\nbreak \u0000 \u2028 \u2029", "</script> & \"quotes\" \\",
      { "ключ": { "": "empty name" } },
    ];
    await alice.publishBatch(values.map((data) => [channel("values"), data]));
    await alice.publish(channel("values"), "marker");
    await bob.delivery(channel("values"), (data) => data === "marker");
    assert.deepEqual(bob.deliveries(channel("values")).map((it) => it.data), [...values, "marker"]);
  });

  await scenario("what is not allowed is refused with 403", async (open) => {
    const alice = await open();
    const publish = await alice.send({ id: "refused1", channel: "/meta/foo", data: {} });
    assert.equal(publish.successful, false);
    assert.equal(publish.error, "403:denied_by_security_policy:channel_create_denied"); // PROC-5

    const { reply } = await alice.subscribe("/meta/connect");
    assert.equal(reply.successful, false);
    assert.equal(reply.error, "403:denied_by_security_policy:subscribe_denied"); // SUB-6

    // Neither cost the session anything.
    await published(alice, channel("refused"), {});
  });
}

async function services() {
  await scenario("/service/echo delivers the data back to the sender only", async (open) => {
    const [alice, bob] = [await open(), await open()];
    await subscribed(bob, "/**", "/service/echo"); // SUB-7: accepted and without effect
    const data = { text: "Grüße", n: [0] };
    const reply = await published(alice, "/service/echo", data);
    assert.deepEqual((await alice.delivery("/service/echo")).data, data);
    // SVC-4: the delivery comes before the reply.
    const first = alice.received.find((it) => it.channel === "/service/echo");
    assert.ok("data" in first);
    lacks(reply, "data");

    await published(alice, channel("echo"), "marker");
    await bob.delivery(channel("echo"));
    assert.deepEqual(bob.deliveries("/service/"), []);
  });

  await scenario("the chat room takes the markup out", async (open) => {
    const [alice, bob] = [await open(), await open()];
    const name = user("markup");
    await subscribed(bob, ROOM);
    await published(alice, ROOM, { user: name, chat: "<b>bold</b>" });
    const { data } = await bob.delivery(ROOM, (it) => it.user === name);
    assert.ok(data.chat.startsWith("&lt;b") && !data.chat.includes("<"), data.chat);
  });

  await scenario("a private message reaches its peers and its sender, and nobody else", async (open) => {
    const [alice, bob, carol] = [await open(), await open(), await open()];
    const [sender, peer, other] = ["alice", "bob", "carol"].map(user);
    await joined(alice, sender);
    await joined(bob, peer);
    await joined(carol, other);
    await published(alice, "/service/privatechat", { room: ROOM, user: sender, chat: "psst", peer });
    await published(alice, ROOM, { user: sender, chat: "marker" });
    const said = { user: sender, chat: "psst", scope: "private" };
    for (const client of [alice, bob, carol]) {
      await client.delivery(ROOM, (it) => it.user === sender && it.chat === "marker");
      const heard = client.deliveries(ROOM).map((it) => it.data);
      const secrets = heard.filter((it) => it.scope === "private" && it.user === sender);
      assert.deepEqual(secrets, client === carol ? [] : [said]);
    }
  });

  await scenario("a member who disconnects leaves the room at once", async (open) => {
    const [alice, bob] = [await open(), await open()];
    await joined(alice, user("stays"));
    await joined(bob, user("leaves"));
    await alice.delivery(MEMBERS, (names) => names.includes(user("leaves")));
    await bob.disconnect();
    await seesLeave(alice, user("leaves"), TIMEOUT);
  });

  await scenario("a member who is killed, or falls silent, leaves the room in time", async (open) => {
    const alice = await open();
    await joined(alice, user("watches"));
    const [killed, silent] = await Promise.all([memberProcess(user("killed")), memberProcess(user("silent"))]);
    const names = [user("killed"), user("silent")];
    await alice.delivery(MEMBERS, (list) => names.every((it) => list.includes(it)));
    killed.kill("SIGKILL"); // its connections break
    silent.kill("SIGSTOP"); // its connections stay, and nothing comes over them
    await Promise.all(names.map((it) => seesLeave(alice, it, VANISHED)));
    silent.kill("SIGKILL");
  });
}

await main(async () => {
  await handshakes();
  await publications();
  await services();
});
