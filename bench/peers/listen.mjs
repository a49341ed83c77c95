// Runs an HTTP server on a free port of this machine, and says where.
export function listen(server, path) {
  // Connections are kept for as long as the generator wants them.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  server.headersTimeout = 0;
  server.listen({ host: '127.0.0.1', port: 0, backlog: 1024 }, () => {
    console.log(`listening on http://127.0.0.1:${server.address().port}${path}`);
  });
}
