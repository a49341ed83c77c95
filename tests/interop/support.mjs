// What the scripts of this folder share: checks, the overall deadline, and a client whose wire can be read.

import { parseArgs } from "node:util";
import { CometD } from "cometd";
import { adapt } from "cometd-nodejs-client";

/** The options that the server under test was started with, in milliseconds (see README.md). */
export const TIMEOUT = 2_000;
export const MAX_INTERVAL = 3_000;

/**
 * How long a session that vanished may stay visible: its last connect is held for TIMEOUT, its expiry comes
 * MAX_INTERVAL later, a sweep pass may be a second late, and the rest is for a slow machine.
 */
export const VANISHED = TIMEOUT + MAX_INTERVAL + 1_000 + 4_000;

/** Upper bound for everything that the server should do at once. */
const AT_ONCE = 10_000;

/** Upper bound for a whole script. */
const DEADLINE = 60_000;

/** Part of the names that a run uses, so that runs against one server do not meet. */
export const RUN = Date.now().toString(36);

/** The command line as an object; options without a value in `options` are mandatory. */
export function commandLine(options) {
  const { values } = parseArgs({ options });
  for (const [name, { optional }] of Object.entries(options)) {
    if (!optional && values[name] === undefined) {
      console.error(`missing --${name}`);
      process.exit(2);
    }
  }
  return values;
}

let passed = 0;
let failed = 0;
let current = "start";

function fail(name, error) {
  failed += 1;
  // A failed assertion explains itself over several lines; a check is one line.
  console.log(`not ok ${name}: ${error.message.replace(/\s+/g, " ").trim()}`);
}

function finish() {
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(passed > 0 && failed === 0 ? 0 : 1);
}

/** Runs one check and prints its line. A failure does not keep the checks after it from running. */
export async function check(name, body) {
  current = name;
  try {
    await body();
    passed += 1;
    console.log(`ok ${name}`);
  } catch (error) {
    fail(name, error);
  }
}

/** Runs a script: its checks, the summary line and the exit code, all before the deadline. */
export async function main(checks) {
  setTimeout(() => {
    fail(current, new Error(`the script was not done after ${DEADLINE} ms`));
    finish();
  }, DEADLINE);
  // Only an ordinary exit ends the processes that a script has started.
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, () => process.exit(1));
  }
  try {
    await checks();
  } catch (error) {
    fail("the script itself", error);
  }
  finish();
}

// A browser gives each profile a cookie jar; the adapter for Node.js has one jar for all its clients, which a server
// rightly takes for several tabs of one browser and does not hold their connects. So each client brings its own jar
// as the `context` of its transport. The adapter passes the context only when it reads cookies, hence the map.
const jarOfRequest = new WeakMap();

adapt({
  cookies: {
    retrieveCookies(jar, request, callback) {
      jarOfRequest.set(request, jar);
      callback(null, [...jar.values()]);
    },
    storeCookie(request, header, callback) {
      const cookie = header.split(";")[0].trim();
      jarOfRequest.get(request).set(cookie.split("=")[0], cookie);
      callback();
    },
  },
});

/**
 * The official client, with promises for its callbacks and a record of what went over the wire.
 *
 * A promised reply always settles: the official client itself fails a message whose reply does not come in 10 s.
 */
export class Client {
  /** The client object of the CometD library. */
  cometd = new CometD();
  /** Every message from the server, in order of arrival, before the library acts on it. */
  received = [];
  /** Every message to the server. */
  sent = [];
  #watchers = new Set();

  constructor(url, transport) {
    for (const type of this.cometd.getTransportTypes()) {
      if (type !== transport) {
        this.cometd.unregisterTransport(type);
      }
    }
    this.cometd.findTransport(transport).context = new Map();
    this.cometd.configure({ url, logLevel: "warn" });
    this.cometd.registerExtension("record", {
      incoming: (message) => this.#record(this.received, message),
      outgoing: (message) => this.#record(this.sent, message),
    });
  }

  #record(messages, message) {
    messages.push(structuredClone(message));
    for (const watcher of [...this.#watchers]) {
      watcher();
    }
  }

  /** Waits until `find` returns something, asking again whenever a message goes over the wire. */
  until(what, find, bound = AT_ONCE) {
    return new Promise((resolve, reject) => {
      const done = (settle, value) => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        settle(value);
      };
      const look = () => {
        const found = find();
        if (found) {
          done(resolve, found);
        }
      };
      const timer = setTimeout(() => done(reject, new Error(`${what} did not come within ${bound} ms`)), bound);
      this.#watchers.add(look);
      look();
    });
  }

  /** The first recorded message that matches, now or later. */
  message(what, matches, bound) {
    return this.until(what, () => this.received.find(matches), bound);
  }

  /** The first delivery on a channel, now or later. */
  delivery(channel, matches = () => true, bound = AT_ONCE) {
    return this.message(`a delivery on ${channel}`, (it) => isDelivery(it, channel) && matches(it.data), bound);
  }

  /** All deliveries so far on channels that start with `prefix`. */
  deliveries(prefix) {
    return this.received.filter((it) => it.channel.startsWith(prefix) && isDelivery(it, it.channel));
  }

  handshake() {
    return new Promise((resolve) => this.cometd.handshake(resolve));
  }

  /** Handshakes, and waits for the first connect (answered at once) and for the second one (to be held) to be sent. */
  async open() {
    this.sent.length = 0;
    const reply = await this.handshake();
    if (!reply.successful) {
      throw new Error(`handshake failed: ${JSON.stringify(reply)}`);
    }
    await this.until("the second connect", () => this.sent.filter((it) => it.channel === "/meta/connect")[1]);
    return this;
  }

  /** Subscribes and returns the reply and the library's handle, which `unsubscribe` takes. */
  async subscribe(channel, callback = () => {}) {
    let subscription;
    const reply = await new Promise((resolve) => {
      subscription = this.cometd.subscribe(channel, callback, undefined, resolve);
    });
    return { reply, subscription };
  }

  unsubscribe({ subscription }) {
    return new Promise((resolve) => this.cometd.unsubscribe(subscription, resolve));
  }

  publish(channel, data, fields = {}) {
    return new Promise((resolve) => this.cometd.publish(channel, data, fields, resolve));
  }

  /** Publishes all in one envelope; the replies, in the order of the messages. */
  publishBatch(messages) {
    const replies = [];
    this.cometd.batch(() => {
      for (const [channel, data] of messages) {
        replies.push(this.publish(channel, data));
      }
    });
    return Promise.all(replies);
  }

  /** Sends a message as it is, also one that the library's own methods would refuse, and returns the reply. */
  send(message) {
    this.cometd.send(message);
    return this.message(`the reply to ${message.channel}`, (it) => it.id === message.id);
  }

  async disconnect() {
    if (!this.cometd.isDisconnected()) {
      return new Promise((resolve) => this.cometd.disconnect(resolve));
    }
  }
}

// A publish reply has no `data` and a delivery has it; that is how clients tell the two apart.
function isDelivery(message, channel) {
  return message.channel === channel && "data" in message;
}
