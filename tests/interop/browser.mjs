// The official CometD JavaScript client in Chromium, over every transport that a browser has, against a running `demo`.
//
//   node browser.mjs --url http://127.0.0.1:8080/cometd
//
// CHROMIUM names the browser (default /usr/bin/chromium). The page and the client's modules come from a reverse proxy
// on loopback, which forwards the rest, so the page and the server are of the same origin. Rule numbers are those of
// the behaviour specification.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { complaints, launch } from "./chromium.mjs";
import { Proxy } from "./proxy.mjs";
import { RUN, TIMEOUT, check, commandLine, main } from "./support.mjs";

const { url } = commandLine({ url: { type: "string" } });

/** `multiSessionInterval`, which the server under test leaves at its default: milliseconds. */
const MULTI_SESSION_INTERVAL = 2_000;

const HTML = '<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,"><title>tab</title>';
const CLIENT = new URL("./", import.meta.resolve("cometd"));

/** What the proxy serves itself: the page, an empty one, and their modules. */
function serve(path) {
  const [, module] = /^\/client\/(\w+\.js)$/.exec(path) ?? [];
  if (module) {
    return { type: "text/javascript", body: readFileSync(new URL(module, CLIENT)) };
  }
  switch (path) {
    case "/":
      return { type: "text/html", body: `${HTML}<script type="module" src="/tab.mjs"></script>` };
    case "/elsewhere":
      return { type: "text/html", body: HTML };
    case "/tab.mjs":
    case "/record.mjs":
      return { type: "text/javascript", body: readFileSync(new URL(`.${path}`, import.meta.url)) };
    default:
      return undefined;
  }
}

/** One profile of the browser, with a proxy and so an origin of its own; all that its tabs complain about is kept. */
class Profile {
  proxy;
  errors = [];
  #context;

  static async open(browser) {
    const profile = new Profile();
    profile.proxy = await Proxy.start(url, serve);
    profile.#context = await browser.newContext();
    return profile;
  }

  /** Opens a tab that is not connected yet. In functions that it evaluates, `tab` is the object of tab.mjs. */
  async tab() {
    const page = await this.#context.newPage();
    this.errors.push(complaints(page));
    await page.goto(new URL("/", this.proxy.url).href);
    return page;
  }

  async close() {
    await this.#context.close();
    await this.proxy.stop();
  }
}

const open = (page, transport) => page.evaluate((it) => tab.open(it), transport);

async function subscribed(page, channel) {
  const reply = await page.evaluate((it) => tab.subscribe(it), channel);
  assert.equal(reply.successful, true, `subscribe to ${channel}: ${reply.error}`);
}

async function published(page, channel, data) {
  const reply = await page.evaluate(([channel, data]) => tab.publish(channel, data), [channel, data]);
  assert.equal(reply.successful, true, `publish to ${channel}: ${reply.error}`);
}

/** Waits until this data was delivered on the channel, and returns the data of all deliveries on it. */
function delivered(page, channel, data) {
  return page.evaluate(
    async ([channel, data]) => {
      await tab.delivery(channel, (it) => it === data);
      return tab.deliveries(channel).map((it) => it.data);
    },
    [channel, data],
  );
}

/** What one person does in a tab, and another sees in theirs. The steps share the tabs, since tabs are slow to open. */
async function conversation(browser, transport) {
  const channel = (name) => `/interop/${RUN}/${transport}/${name}`;
  const step = (name, body) => check(`${transport}: ${name}`, body);
  const [hers, his] = [await Profile.open(browser), await Profile.open(browser)];
  const [alice, bob] = await Promise.all([hers.tab(), his.tab()]);

  await step("a session is opened over this transport, closed, and opened again", async () => {
    await Promise.all([open(alice, transport), open(bob, transport)]);
    await published(alice, "/service/echo", "ping");
    const { sent, received } = await alice.evaluate(() => tab);
    const handshake = received.find((it) => it.channel === "/meta/handshake");
    assert.deepEqual(handshake.advice, { reconnect: "retry", interval: 0, timeout: TIMEOUT });
    const connects = sent.filter((it) => it.channel === "/meta/connect");
    assert.ok(connects.every((it) => it.connectionType === transport && it.clientId === handshake.clientId));
    assert.equal(hers.proxy.upgrades, transport === "websocket" ? 1 : 0);

    assert.equal((await alice.evaluate(() => tab.disconnect())).successful, true);
    const reply = await open(alice, transport);
    assert.notEqual(reply.clientId, handshake.clientId);
    await published(alice, "/service/echo", "pong");
    await delivered(alice, "/service/echo", "pong");
  });

  await step("publications arrive in order, as they were sent", async () => {
    await subscribed(bob, channel("values"));
    // As much as fits the address of one callback-polling request.
    const values = [0, "", false, null, [], {}, "žluť 日本 𝄞", "</script> & \"\\ \u2028", "marker"];
    const replies = await alice.evaluate(([to, data]) => tab.publishBatch(to, data), [channel("values"), values]);
    assert.ok(replies.every((it) => it.successful));
    assert.deepEqual(await delivered(bob, channel("values"), "marker"), values);
  });

  await step("wildcards match, and unsubscribe ends the deliveries", async () => {
    await subscribed(bob, channel("any/**"));
    await subscribed(bob, channel("end"));
    await published(alice, channel("any/x/y"), "before");
    await delivered(bob, channel("any/x/y"), "before");
    assert.equal((await bob.evaluate((it) => tab.unsubscribe(it), channel("any/**"))).successful, true);
    await published(alice, channel("any/x/y"), "after");
    await published(alice, channel("end"), "marker");
    await delivered(bob, channel("end"), "marker");
    assert.deepEqual(await delivered(bob, channel("any/x/y"), "before"), ["before"]);
  });

  await step("a session outlives its page, and misses nothing", async () => {
    await subscribed(alice, channel("page"));
    const clientId = await alice.evaluate(() => tab.cometd.getClientId());
    const resumed = async () => {
      const reply = await open(alice, transport);
      assert.deepEqual(reply.ext, { reload: true });
      assert.equal(reply.clientId, clientId);
      // The client answers the handshake from what it has kept; the server is not asked, nor to subscribe again.
      const sent = await alice.evaluate(() => tab.sent.map((it) => it.channel));
      assert.ok(sent.every((it) => it === "/meta/connect"), String(sent));
    };

    await alice.reload();
    await resumed();
    await published(bob, channel("page"), "after a reload");
    assert.deepEqual(await delivered(alice, channel("page"), "after a reload"), ["after a reload"]);

    await alice.goto(new URL("/elsewhere", hers.proxy.url).href);
    await hers.proxy.settled();
    await published(bob, channel("page"), "meanwhile");
    await published(bob, channel("page"), "and more");
    await alice.goto(new URL("/", hers.proxy.url).href);
    await resumed();
    assert.deepEqual(await delivered(alice, channel("page"), "and more"), ["meanwhile", "and more"]);
  });

  await step("no tab complained on its console", () => {
    assert.deepEqual([...hers.errors, ...his.errors].flat(), []);
  });

  await Promise.all([hers.close(), his.close()]);
}

/** A page with the acknowledge and timesync extensions, which is loaded again while messages are on their way. */
function extensions(browser, transport) {
  const channel = `/interop/${RUN}/${transport}/extensions`;
  return check(`${transport}: what a page did not hear before it was loaded again comes once, in order`, async () => {
    const [hers, his] = [await Profile.open(browser), await Profile.open(browser)];
    const [alice, bob] = await Promise.all([hers.tab(), his.tab()]);
    const extended = async () => {
      await alice.evaluate(async () => {
        const { AckExtension, TimeSyncExtension } = await import("/client/cometd.js");
        tab.timesync = new TimeSyncExtension();
        tab.cometd.registerExtension("ack", new AckExtension());
        tab.cometd.registerExtension("timesync", tab.timesync);
      });
      return open(alice, transport);
    };
    assert.equal((await extended()).ext.ack, true);
    await open(bob, transport);
    await subscribed(alice, channel);
    await published(bob, channel, 1);
    assert.deepEqual(await delivered(alice, channel, 1), [1]);
    const offset = await alice.evaluate(() => tab.timesync.getTimeOffset());
    assert.ok(Math.abs(offset) < 1_000, `${offset} ms between clocks of one machine`);

    // The connection is cut under what has just left; the page goes away, and comes back.
    await Promise.all([published(bob, channel, 2), hers.proxy.cut({ refuse: true })]);
    await alice.goto("about:blank");
    hers.proxy.admit();
    await published(bob, channel, 3);
    await alice.goto(new URL("/", hers.proxy.url).href);
    assert.equal((await extended()).ext.reload, true);
    const first = await alice.evaluate(() => tab.sent.find((it) => it.channel === "/meta/connect").ext.ack);
    assert.equal(first, 0); // extensions 2.16
    await published(bob, channel, 4);
    const heard = await delivered(alice, channel, 4);
    // What the page had heard and had not acknowledged before comes again: the new page does not know it.
    assert.deepEqual(heard.slice(-3), [2, 3, 4]);
    assert.deepEqual(heard, [1, 2, 3, 4].slice(-heard.length));
    await Promise.all([hers.close(), his.close()]);
  });
}

/** MULTI: one connect is held per browser, so the second tab asks now and then. */
function tabs(browser) {
  const channel = (name) => `/interop/${RUN}/tabs/${name}`;
  return check("long-polling: two tabs of one browser share its one held connect", async () => {
    const profile = await Profile.open(browser);
    const [first, second] = [await profile.tab(), await profile.tab()];
    await open(first, "long-polling");
    // Once an echo is back, the held connect has arrived.
    await published(first, "/service/echo", "ping");
    await open(second, "long-polling");
    const crowded = await second.evaluate(() =>
      tab.message("multiple-clients", (it) => it.channel === "/meta/connect" && it.advice?.["multiple-clients"]),
    );
    assert.equal(crowded.successful, true);
    assert.equal(crowded.advice.reconnect, "retry");
    assert.equal(crowded.advice.interval, MULTI_SESSION_INTERVAL); // MULTI-3

    await subscribed(first, channel("a"));
    await subscribed(second, channel("b"));
    await published(first, channel("b"), "to the second");
    await delivered(second, channel("b"), "to the second");
    await published(second, channel("a"), "to the first");
    await delivered(first, channel("a"), "to the first");

    // MULTI-6: the place of the first becomes free.
    await first.close();
    await second.evaluate(() => {
      const before = tab.received.length;
      const alone = (it) => it.channel === "/meta/connect" && it.successful && !it.advice?.["multiple-clients"];
      return tab.until("a held connect", () => tab.received.slice(before).find(alone));
    });
    await published(second, channel("b"), "alone");
    await delivered(second, channel("b"), "alone");
    assert.deepEqual(profile.errors.flat(), []);
    await profile.close();
  });
}

await main(async () => {
  const browser = await launch();
  await Promise.all([
    ...["websocket", "long-polling", "callback-polling"].map((it) => conversation(browser, it)),
    ...["websocket", "long-polling"].map((it) => extensions(browser, it)),
    tabs(browser),
  ]);
  await browser.close();
});
