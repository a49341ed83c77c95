// A reverse proxy on loopback, between a client and the server under test: it can cut the client off, and serve a page.

import { once } from "node:events";
import { createServer, request as requestOf } from "node:http";
import { connect } from "node:net";

/** One proxy; each has a port, and so an origin, of its own. */
export class Proxy {
  /** How often a client has opened a WebSocket. */
  upgrades = 0;
  /** How often a client has sent an empty array over a WebSocket, as old Faye clients do to keep it open. */
  keepAlives = 0;
  #target;
  #serve;
  #server = createServer();
  #refuses = false;
  #chance;
  /** Connections from clients. */
  #near = new Set();
  /** Connections to the server. */
  #far = new Set();

  constructor(target, serve) {
    this.#target = target;
    this.#serve = serve;
  }

  /**
   * Starts a proxy in front of the server at that URL. `serve(path)` may answer a request itself, with a type and a
   * body; what it returns nothing for goes to the server.
   */
  static async start(url, serve = () => undefined) {
    const proxy = new Proxy(new URL(url), serve);
    proxy.#server.on("connection", (socket) => proxy.#admit(socket));
    proxy.#server.on("request", (request, response) => proxy.#request(request, response));
    proxy.#server.on("upgrade", (request, socket, head) => proxy.#upgrade(request, socket, head));
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  /** The address as a client sees it. */
  get url() {
    return new URL(this.#target.pathname, `http://127.0.0.1:${this.#server.address().port}`).href;
  }

  /** Breaks all connections; resolves when the server has noticed. With `refuse`, new ones are broken until `admit`. */
  cut({ refuse = false } = {}) {
    this.#refuses = refuse;
    for (const socket of this.#near) {
      socket.destroy();
    }
    return this.settled();
  }

  /** Lets clients in again. */
  admit() {
    this.#refuses = false;
  }

  /**
   * From now on, requests get lost, and responses, whole or in part. `chance` returns numbers from 0 to 1; without it,
   * the proxy mends its ways.
   */
  misbehave(chance) {
    this.#chance = chance;
  }

  /** What becomes of some bytes. */
  #fate(...harms) {
    const chosen = this.#chance ? Math.floor(this.#chance() * HARMLESS * harms.length) : harms.length;
    return harms[chosen] ?? "passed on";
  }

  /** Resolves when the server has closed every connection that a client is gone from; new ones are not waited for. */
  async settled() {
    await Promise.all([...this.#far].map((socket) => once(socket, "close")));
  }

  async stop() {
    await this.cut({ refuse: true });
    this.#server.close();
  }

  #admit(socket) {
    if (this.#refuses) {
      socket.destroy();
      return;
    }
    track(this.#near, socket);
  }

  #request(request, response) {
    const page = this.#serve(new URL(request.url, this.url).pathname);
    if (page) {
      response.writeHead(200, { "Content-Type": page.type, "Cache-Control": "no-store" }).end(page.body);
      return;
    }
    const fate = this.#fate("request lost", "response lost", "response cut");
    if (fate === "request lost") {
      request.socket.destroy();
      return;
    }
    // Every request has a connection of its own, so that its end is the end of that request and of nothing else.
    const { hostname, port } = this.#target;
    const headers = { ...request.headers, connection: "close" };
    const onward = requestOf({ hostname, port, path: request.url, method: request.method, headers, agent: false });
    onward.on("socket", (socket) => {
      track(this.#far, socket);
      // Only this half is closed: the server's half is the sign that it has noticed.
      response.on("close", () => socket.end());
    });
    onward.on("response", (answer) => {
      if (fate === "response lost") {
        answer.resume().on("end", () => response.destroy());
        return;
      }
      const { connection, ...kept } = answer.headers;
      response.writeHead(answer.statusCode, kept);
      if (fate === "response cut") {
        answer.once("data", (bytes) => response.write(firstHalf(bytes), () => response.destroy()));
        return;
      }
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  }

  #upgrade(request, near, head) {
    this.upgrades += 1;
    const far = connect({ host: this.#target.hostname, port: this.#target.port });
    track(this.#far, far);
    const headers = [];
    for (let at = 0; at < request.rawHeaders.length; at += 2) {
      headers.push(`${request.rawHeaders[at]}: ${request.rawHeaders[at + 1]}\r\n`);
    }
    far.write(`${request.method} ${request.url} HTTP/1.1\r\n${headers.join("")}\r\n`);
    far.write(head);
    near.on("data", (bytes) => {
      this.keepAlives += isKeepAlive(bytes) ? 1 : 0;
      if (this.#fate("request lost") === "request lost") {
        near.destroy();
      } else {
        far.write(bytes);
      }
    });
    near.on("close", () => far.end());
    far.on("data", (bytes) => {
      const fate = this.#fate("response lost", "response cut");
      if (fate === "passed on") {
        near.write(bytes);
      } else if (!near.destroyed) {
        near.write(fate === "response cut" ? firstHalf(bytes) : "", () => near.destroy());
      }
    });
    far.on("close", () => near.destroy());
  }
}

/** A proxy that misbehaves harms one in so many. */
const HARMLESS = 6;

function firstHalf(bytes) {
  return bytes.subarray(0, bytes.length / 2);
}

function track(sockets, socket) {
  sockets.add(socket);
  socket.on("close", () => sockets.delete(socket));
  // A broken connection is what this proxy is for; its `close` follows.
  socket.on("error", () => {});
}

// A text frame of two masked bytes: 2 bytes of head, 4 of mask, and the text.
function isKeepAlive(frame) {
  const [head, length, ...rest] = frame;
  return head === 0x81 && length === 0x82 && (rest[0] ^ rest[4]) === 0x5b && (rest[1] ^ rest[5]) === 0x5d;
}
