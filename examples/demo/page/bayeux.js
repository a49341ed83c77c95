/**
 * A small Bayeux client for browsers: WebSocket first, long polling when that does not work.
 *
 *     const bayeux = new Bayeux("/cometd");
 *     bayeux.addEventListener("state", ({ detail }) => console.log(detail.state, detail.transport));
 *     const unsubscribe = bayeux.subscribe("/news/*", (data, message) => console.log(message.channel, data));
 *     bayeux.connect();
 *     await bayeux.publish("/news/today", { text: "hello" });
 *
 * Events (the facts are in `event.detail`):
 * - `state`: `{state, transport, slow, reason}`. `state` is `connecting`, `connected`, `reconnecting` or `disconnected`;
 *   `transport` is `websocket` or `long-polling` while connected, else null; `slow` tells that the server lets another
 *   window of this browser hold the connection and this one polls now and then; `reason` says why a session ended.
 * - `session`: `{clientId}`, a handshake succeeded. The server knows nothing yet about this page, so this is the place to
 *   introduce it. Subscriptions have been renewed; what is published here travels with them.
 * - `refused`: `{channel, error}`, the server refused a subscription.
 */

/** How long a reply may take, in ms; a connect may take the advised timeout on top. */
const NETWORK_DELAY = 10_000;
/** The pause before the n-th attempt in a row is n steps, up to the maximum; both in ms. */
const BACKOFF_STEP = 1_000;
const BACKOFF_MAX = 30_000;
/** What holds where the server's advice is silent. */
const DEFAULT_ADVICE = { reconnect: "retry", interval: 0, timeout: 60_000 };

/** Why a message was not accepted: `reply` is the server's answer, or null when none came. */
export class BayeuxError extends Error {
  name = "BayeuxError";

  constructor(text, reply = null) {
    super(text);
    this.reply = reply;
    /** The error as on the wire, for example `403:denied:publish_denied`, or null. */
    this.error = reply?.error ?? null;
  }
}

export class Bayeux extends EventTarget {
  #url;
  #websocket;
  #run = null; // Identifies the loop in charge; a loop that finds another one here stops.
  #transport = null;
  #usePolling = false;
  #worked = new Set(); // Names of the transports that have brought a reply.
  #clientId = null;
  #advice = DEFAULT_ADVICE;
  #subscriptions = new Map(); // channel -> {callbacks, clientId of the session that was told}
  #pending = new Map(); // message id -> {resolve, reject, timer}
  #outbox = [];
  #batchDepth = 0;
  #lastId = 0;
  #detail = { state: "disconnected", transport: null, slow: false, reason: null };

  /** `url` may be relative to the page. With `{websocket: false}` only long polling is used. */
  constructor(url, { websocket = true } = {}) {
    super();
    this.#url = new URL(url, location.href);
    this.#websocket = websocket;
    addEventListener("pagehide", () => this.#leave());
  }

  /** Starts a session and keeps it up until `disconnect` or until the server ends it. */
  connect() {
    if (this.#run) return;
    this.#run = {};
    this.#advice = DEFAULT_ADVICE;
    this.#setState("connecting");
    this.#loop(this.#run);
  }

  /** Ends the session; resolves when the server knows, or cannot be told. */
  async disconnect() {
    const run = this.#run;
    if (this.#ready) await this.#request({ channel: "/meta/disconnect" }).catch(() => {});
    if (run && this.#run === run) this.#end(null);
  }

  /**
   * Calls `callback(data, message)` for what arrives on `channel`, which may end in `/*` (one more segment) or
   * `/**` (any number). Works before `connect`, and survives new sessions. Returns a function that undoes it.
   */
  subscribe(channel, callback) {
    const subscription = this.#subscriptions.get(channel) ?? { callbacks: new Set(), clientId: null };
    this.#subscriptions.set(channel, subscription);
    subscription.callbacks.add(callback);
    this.#renewSubscriptions();
    return () => {
      if (!subscription.callbacks.delete(callback) || subscription.callbacks.size > 0) return;
      this.#subscriptions.delete(channel);
      if (!this.#ready || subscription.clientId !== this.#clientId || isService(channel)) return;
      this.#request({ channel: "/meta/unsubscribe", subscription: channel }).catch(() => {});
    };
  }

  /** Sends `data`; resolves with the reply. Rejects with a `BayeuxError` when refused, lost, or not connected. */
  publish(channel, data) {
    return this.#ready ? this.#request({ channel, data }) : Promise.reject(new BayeuxError("not connected"));
  }

  /** Sends what `action` publishes and subscribes in one envelope, in that order. */
  batch(action) {
    this.#batchDepth += 1;
    try {
      return action();
    } finally {
      this.#batchDepth -= 1;
      this.#flush();
    }
  }

  get #ready() {
    return this.#clientId !== null && this.#transport !== null;
  }

  /** One connect after the other; every failure passes through here. */
  async #loop(run) {
    let failures = 0;
    let fresh = true; // After a handshake or an interruption the server must answer at once.
    while (this.#run === run) {
      let transport;
      let pause;
      let reason = "the server ended the session";
      try {
        transport = this.#attach();
        if (this.#clientId === null) await this.#handshake();
        if (fresh) this.#renewSubscriptions();
        await this.#connectOnce(fresh);
        failures = 0;
        fresh = false;
        pause = this.#advice.interval;
      } catch (error) {
        if (this.#run !== run) return;
        failures += 1;
        fresh = true;
        pause = this.#recover(transport, error, failures);
        reason = error.message;
      }
      if (this.#run !== run) return;
      if (this.#advice.reconnect === "none") return this.#end(reason);
      if (this.#advice.reconnect === "handshake") this.#clientId = null;
      if (!fresh) this.#setState("connected");
      else if (this.#detail.state === "connected") this.#setState("reconnecting");
      await new Promise((wake) => setTimeout(wake, pause));
    }
  }

  /** The transport in use, or a new one that is being opened. */
  #attach() {
    if (this.#transport) return this.#transport;
    const Transport = this.#websocket && !this.#usePolling ? Socket : LongPolling;
    const transport = new Transport(this.#url, {
      received: (messages) => this.#receive(transport, messages),
      failed: (messages, error) => messages.forEach(({ id }) => this.#settle(id, error)),
      lost: (error) => this.#lose(transport, error),
    });
    this.#transport = transport;
    return transport;
  }

  async #handshake() {
    const transport = this.#transport;
    const supportedConnectionTypes = this.#websocket ? ["websocket", "long-polling"] : ["long-polling"];
    const reply = await this.#request({ channel: "/meta/handshake", version: "1.0", supportedConnectionTypes });
    // The same envelope may have brought the end of the session.
    if (transport !== this.#transport) throw new BayeuxError("not connected");
    this.#clientId = reply.clientId;
    this.#advice = { ...DEFAULT_ADVICE, ...reply.advice };
    this.batch(() => {
      this.#renewSubscriptions();
      this.#emit("session", { clientId: reply.clientId });
    });
  }

  #connectOnce(fresh) {
    const message = { channel: "/meta/connect", connectionType: this.#transport?.name };
    if (fresh) message.advice = { timeout: 0 };
    // A server gives advice to who asks: this is how a slow window learns that it may poll normally again.
    else if (this.#advice["multiple-clients"]) message.advice = {};
    return this.#request(message, NETWORK_DELAY + (fresh ? 0 : this.#advice.timeout));
  }

  /** Puts things in order after a failed handshake or connect; returns how long to pause, in ms. */
  #recover(transport, error, failures) {
    let steps = failures;
    if (!error.reply) {
      this.#lose(transport, error);
      if (transport?.name === "websocket" && this.#usePolling) return 0;
    } else if (this.#clientId !== null && this.#advice.reconnect === "handshake") {
      steps -= 1; // The session is unknown: handshake at once, but do not spin if that does not help.
    }
    const backoff = Math.min(BACKOFF_STEP * steps, BACKOFF_MAX) * (0.5 + Math.random() / 2);
    return this.#advice.interval + backoff;
  }

  /** Tells the server about subscriptions that this session has not been told. */
  #renewSubscriptions() {
    if (!this.#ready) return;
    this.batch(() => {
      for (const [channel, subscription] of this.#subscriptions) {
        // The server records no subscription to a service channel; what it delivers there arrives anyway.
        if (subscription.clientId === this.#clientId || isService(channel)) continue;
        subscription.clientId = this.#clientId;
        this.#request({ channel: "/meta/subscribe", subscription: channel }).catch((error) => {
          if (error.reply) this.#emit("refused", { channel, error });
          else subscription.clientId = null;
        });
      }
    });
  }

  /** Sends one message; resolves with its successful reply. */
  #request(message, limit = NETWORK_DELAY) {
    const transport = this.#transport;
    if (transport === null) return Promise.reject(new BayeuxError("not connected"));
    const id = String((this.#lastId += 1));
    return new Promise((resolve, reject) => {
      const late = () => new BayeuxError(`no reply to ${message.channel} within ${limit} ms`);
      const timer = setTimeout(() => this.#lose(transport, late()), limit);
      this.#pending.set(id, { resolve, reject, timer });
      this.#outbox.push({ ...message, id, clientId: this.#clientId ?? undefined });
      this.#flush();
    });
  }

  #flush() {
    if (this.#batchDepth === 0 && this.#outbox.length > 0) this.#transport?.send(this.#outbox.splice(0));
  }

  #receive(transport, messages) {
    if (transport !== this.#transport) return;
    transport.answered = true;
    this.#worked.add(transport.name);
    for (const message of messages) {
      // What a service answers has both, `data` and `successful`; replies have no data.
      if ("data" in message) this.#deliver(message);
      else if (message.id !== undefined) this.#reply(message);
      else if (message.channel === "/meta/disconnect") this.#end("the server ended the session");
    }
  }

  #reply(message) {
    const heeded = message.channel === "/meta/connect" || message.channel === "/meta/handshake";
    if (heeded && message.advice) this.#advice = { ...DEFAULT_ADVICE, ...message.advice };
    const error = message.successful ? null : new BayeuxError(message.error ?? `${message.channel} failed`, message);
    this.#settle(message.id, error, message);
  }

  #deliver(message) {
    for (const channel of matching(message.channel)) {
      for (const callback of this.#subscriptions.get(channel)?.callbacks ?? []) {
        try {
          callback(message.data, message);
        } catch (error) {
          reportError(error); // The next subscriber must not suffer.
        }
      }
    }
  }

  #settle(id, error, reply) {
    const request = this.#pending.get(id);
    if (!request) return;
    this.#pending.delete(id);
    clearTimeout(request.timer);
    if (error) request.reject(error);
    else request.resolve(reply);
  }

  /** Drops a broken transport with all that waited for it, and chooses the next. */
  #lose(transport, error) {
    if (!transport || transport !== this.#transport) return;
    this.#transport = null;
    this.#outbox = [];
    transport.close();
    const polls = transport.name === "long-polling";
    // A socket that never answered may be blocked on the way: poll. When polling fails the server may be away: start
    // with a socket again, unless sockets have never worked here while polling has.
    this.#usePolling = polls ? this.#worked.has("long-polling") && !this.#worked.has("websocket") : !transport.answered;
    for (const id of [...this.#pending.keys()]) this.#settle(id, error);
  }

  #end(reason) {
    this.#run = null;
    this.#clientId = null;
    this.#lose(this.#transport, new BayeuxError("disconnected"));
    this.#setState("disconnected", reason);
  }

  /** The page goes away: a word to the server spares the others the wait for a timeout. */
  #leave() {
    if (this.#ready) this.#transport.farewell([{ id: "bye", channel: "/meta/disconnect", clientId: this.#clientId }]);
    if (this.#run) this.#end("the page was left");
  }

  #setState(state, reason = null) {
    const connected = state === "connected";
    const transport = connected ? (this.#transport?.name ?? this.#detail.transport) : null;
    const slow = connected && this.#advice["multiple-clients"] === true;
    const old = this.#detail;
    this.#detail = { state, transport, slow, reason };
    if (old.state !== state || old.transport !== transport || old.slow !== slow) this.#emit("state", this.#detail);
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** WebSocket: every frame is a JSON array of messages. What is sent before it is open waits. */
class Socket {
  name = "websocket";
  answered = false;
  #waiting = [];
  #socket;

  constructor(url, { received, lost }) {
    const address = new URL(url);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = (this.#socket = new WebSocket(address));
    socket.onopen = () => this.#waiting.splice(0).forEach((frame) => socket.send(frame));
    socket.onclose = ({ code }) => lost(new BayeuxError(`the WebSocket was closed (${code})`));
    socket.onmessage = ({ data }) => {
      const messages = parse(data);
      if (messages) received(messages);
      else lost(new BayeuxError("a frame was no array of messages"));
    };
  }

  send(messages) {
    const frame = JSON.stringify(messages);
    if (this.#socket.readyState === WebSocket.CONNECTING) this.#waiting.push(frame);
    else this.#socket.send(frame);
  }

  farewell(messages) {
    this.send(messages);
  }

  close() {
    this.#socket.onclose = this.#socket.onmessage = null;
    this.#socket.close();
  }
}

/** Long polling: one held connect, and beside it one request at a time so that messages stay in order. */
class LongPolling {
  name = "long-polling";
  answered = false;
  #url;
  #events;
  #abort = new AbortController();
  #queue = [];
  #busy = false;

  constructor(url, events) {
    this.#url = url;
    this.#events = events;
  }

  send(messages) {
    // A handshake must be alone in its request, and only a connect that is alone is held.
    if (["/meta/handshake", "/meta/connect"].includes(messages[0].channel)) return void this.#post(messages);
    this.#queue.push(...messages);
    this.#drain();
  }

  farewell(messages) {
    navigator.sendBeacon(this.#url, new Blob([JSON.stringify(messages)], { type: "application/json" }));
  }

  close() {
    this.#queue = [];
    this.#abort.abort();
  }

  async #drain() {
    if (this.#busy) return;
    this.#busy = true;
    while (this.#queue.length > 0) await this.#post(this.#queue.splice(0));
    this.#busy = false;
  }

  async #post(messages) {
    try {
      const response = await fetch(this.#url, {
        method: "POST",
        credentials: "same-origin",
        cache: "no-store",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(messages),
        signal: this.#abort.signal,
      });
      const replies = response.status === 200 ? parse(await response.text()) : null;
      if (replies) this.#events.received(replies);
      else this.#events.failed(messages, new BayeuxError(`the server answered HTTP ${response.status}`));
    } catch (error) {
      this.#events.lost(new BayeuxError(error.message));
    }
  }
}

/** The messages in a response or frame, or null if it holds none. */
function parse(text) {
  try {
    const messages = JSON.parse(text);
    const valid = Array.isArray(messages) && messages.length > 0 && messages.every((it) => typeof it?.channel === "string");
    return valid ? messages : null;
  } catch {
    return null;
  }
}

function isService(channel) {
  return channel.startsWith("/service/");
}

/** Every subscription that covers `channel`: `/a/b` is covered by `/a/b`, `/a/*`, `/a/**` and `/**`. */
function matching(channel) {
  const names = [channel];
  for (let end = channel.lastIndexOf("/"); end >= 0; end = end > 0 ? channel.lastIndexOf("/", end - 1) : -1) {
    const parent = channel.slice(0, end);
    if (names.length === 1) names.push(`${parent}/*`);
    names.push(`${parent}/**`);
  }
  return names;
}
