// Faye with its defaults.
import { createServer } from 'node:http';
import faye from 'faye';
import { listen } from './listen.mjs';

const server = createServer();
new faye.NodeAdapter({ mount: '/bayeux', timeout: 30 }).attach(server);
listen(server, '/bayeux');
