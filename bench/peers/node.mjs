// CometD's server for Node.js with its defaults, an echo and acknowledged messages.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import cometd from 'cometd-nodejs-server';
import { listen } from './listen.mjs';

const { AcknowledgedMessagesExtension } = createRequire(import.meta.url)('cometd-nodejs-server/ack-extension');

const bayeux = cometd.createCometDServer();
bayeux.addExtension(new AcknowledgedMessagesExtension());
const echo = bayeux.createServerChannel('/service/echo');
echo.persistent = true;
echo.addListener('message', (session, channel, message, callback) => {
  session.deliver(null, channel.name, message.data);
  callback();
});
listen(createServer(bayeux.handle), '/cometd');
