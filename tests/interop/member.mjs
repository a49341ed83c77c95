// One chat member in a process of its own, for official.mjs to kill: joins the room, prints `joined`, and stays.
//
//   node member.mjs --url http://127.0.0.1:8080/cometd --transport long-polling|websocket --user NAME

import { Client, commandLine } from "./support.mjs";

const { url, transport, user } = commandLine({
  url: { type: "string" },
  transport: { type: "string" },
  user: { type: "string" },
});

const member = await new Client(url, transport).open();
await member.subscribe("/members/demo");
await member.publish("/service/members", { user, room: "/chat/demo" });
await member.delivery("/members/demo", (names) => names.includes(user));
console.log("joined");
