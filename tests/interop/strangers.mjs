// Pages of other origins in Chromium, friendly and hostile, against a running `demo`.
//
//   node strangers.mjs --url http://127.0.0.1:8080/cometd --friend 8081
//
// The server under test has to be started with `--option allowedOrigins=http://127.0.0.1:8081`, the origin that the
// port makes. CHROMIUM names the browser (default /usr/bin/chromium). All origins are of one host: cookies do not tell
// ports apart, so what the hostile pages send carries the cookie of the victim.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { complaints, launch } from "./chromium.mjs";
import { RUN, check, commandLine, main } from "./support.mjs";

const { url, friend } = commandLine({ url: { type: "string" }, friend: { type: "string" } });

const HTML = '<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,"><title>page</title>';
const CLIENT = new URL("./", import.meta.resolve("cometd"));
const TRANSPORTS = ["websocket", "long-polling", "callback-polling"];

/** A site that has nothing to do with the server: a page with the official client, and an empty one. */
async function site(port) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://site");
    const [, module] = /^\/client\/(\w+\.js)$/.exec(pathname) ?? [];
    const [, own] = /^\/(tab\.mjs|record\.mjs)$/.exec(pathname) ?? [];
    if (module || own) {
      const file = module ? new URL(module, CLIENT) : new URL(own, import.meta.url);
      response.writeHead(200, { "Content-Type": "text/javascript" }).end(readFileSync(file));
    } else {
      const script = pathname === "/" ? '<script type="module" src="/tab.mjs"></script>' : "";
      response.writeHead(200, { "Content-Type": "text/html" }).end(HTML + script);
    }
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return { server, origin: `http://127.0.0.1:${server.address().port}` };
}

/** A page of an origin that is allowed does everything that a page of the server does. */
async function friendly(browser, { origin }) {
  for (const transport of TRANSPORTS) {
    await check(`${transport}: the official client works from an origin that is allowed`, async () => {
      const context = await browser.newContext();
      const page = await context.newPage();
      const errors = complaints(page);
      await page.goto(`${origin}/`);
      const channel = `/interop/${RUN}/${transport}`;
      const data = await page.evaluate(
        async ([transport, url, channel]) => {
          await tab.open(transport, url);
          await tab.subscribe(channel);
          await tab.publish(channel, "hello");
          const { data } = await tab.delivery(channel);
          await tab.disconnect();
          return data;
        },
        [transport, url, channel],
      );
      assert.equal(data, "hello");
      assert.deepEqual(errors, []);
      await context.close();
    });
  }
}

/** What hostile pages try, in the page: each returns what it has got. */
const ATTACKS = {
  "reading the answer to a request": async ({ url, handshake }) => {
    const answer = await fetch(url, { method: "POST", credentials: "include", body: handshake }).catch(() => undefined);
    return answer?.text();
  },
  "a request whose answer nobody reads": async ({ url, publish }) => {
    await fetch(url, { method: "POST", mode: "no-cors", credentials: "include", body: publish }).catch(() => undefined);
  },
  "a form": async ({ url, publish }) => {
    const frame = document.createElement("iframe");
    frame.name = "target";
    document.body.append(frame);
    const form = document.body.appendChild(document.createElement("form"));
    Object.assign(form, { method: "post", action: url, target: "target" });
    const field = form.appendChild(document.createElement("input"));
    Object.assign(field, { name: "message", value: publish });
    const loaded = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
    form.submit();
    await loaded;
  },
  "a WebSocket": ({ url, handshake }) =>
    new Promise((resolve) => {
      const socket = new WebSocket(url.replace(/^http/, "ws"));
      socket.onopen = () => socket.send(handshake);
      socket.onmessage = ({ data }) => resolve(data);
      socket.onerror = () => resolve(undefined);
    }),
  "a script": ({ url, handshake }) => steal(url, handshake, undefined),
  "a script of a page that hides where it is from": ({ url, handshake }) => steal(url, handshake, "no-referrer"),
  "a frame without an origin": ({ url, handshake }) =>
    new Promise((resolve) => {
      addEventListener("message", ({ data }) => resolve(data ?? undefined), { once: true });
      const frame = document.createElement("iframe");
      frame.sandbox = "allow-scripts";
      const body = JSON.stringify(handshake);
      frame.srcdoc = `<script>
        fetch(${JSON.stringify(url)}, { method: "POST", credentials: "include", body: ${body} })
          .then((it) => it.text()).then((it) => parent.postMessage(it, "*"), () => parent.postMessage(null, "*"));
      </script>`;
      document.body.append(frame);
    }),
};

/** For the page: calls the server by a script element, and returns what the server calls back with. */
function steal(url, message, referrerPolicy) {
  return new Promise((resolve) => {
    window.loot = (data) => resolve(JSON.stringify(data));
    const script = document.createElement("script");
    script.src = `${url}?jsonp=loot&message=${encodeURIComponent(message)}`;
    if (referrerPolicy) {
      script.referrerPolicy = referrerPolicy;
    }
    script.onerror = () => resolve(undefined);
    document.head.append(script);
  });
}

/** The victim has a page of the server open, and visits a hostile page that even knows the id of the session. */
async function hostile(browser, { origin }) {
  const context = await browser.newContext();
  const channel = `/interop/${RUN}/secret`;
  const own = await context.newPage();
  await own.goto(new URL("/", url).href);
  const types = ["long-polling", "callback-polling"];
  const handshake = { channel: "/meta/handshake", version: "1.0", supportedConnectionTypes: types };
  // Two sessions: what is published in the name of the victim goes to the watcher.
  const [clientId, watcher] = await own.evaluate(async ([url, channel, handshake]) => {
    window.post = async (message) => (await fetch(url, { method: "POST", body: JSON.stringify([message]) })).json();
    const [[victim], [watcher]] = [await post(handshake), await post(handshake)];
    await post({ channel: "/meta/subscribe", clientId: watcher.clientId, subscription: channel });
    return [victim.clientId, watcher.clientId];
  }, [url, channel, handshake]);
  const loot = {
    url,
    handshake: JSON.stringify([handshake]),
    publish: JSON.stringify([{ channel, clientId, data: "forged" }]),
  };

  const page = await context.newPage();
  await page.goto(`${origin}/elsewhere`);
  await page.evaluate(`window.steal = ${steal}`);
  for (const [name, attack] of Object.entries(ATTACKS)) {
    await check(`a hostile page gets nothing by ${name}`, async () => {
      assert.equal(await page.evaluate(attack, loot), undefined);
    });
  }
  await check("nothing that hostile pages sent has been acted on", async () => {
    const messages = await own.evaluate(async ([clientId, channel]) => {
      const replies = await post({ channel, clientId, data: "marker" });
      return replies.filter((it) => it.data !== undefined).map((it) => it.data);
    }, [watcher, channel]);
    assert.deepEqual(messages, ["marker"]);
  });
  await context.close();
}

await main(async () => {
  const [browser, known, unknown] = [await launch(), await site(Number(friend)), await site(0)];
  await Promise.all([friendly(browser, known), hostile(browser, unknown)]);
  await browser.close();
});
