package bench;

import org.cometd.bayeux.Promise;
import org.cometd.bayeux.server.BayeuxServer;
import org.cometd.bayeux.server.LocalSession;
import org.cometd.bayeux.server.ServerChannel;
import org.cometd.bayeux.server.ServerMessage;
import org.cometd.bayeux.server.ServerSession;
import org.cometd.server.BayeuxServerImpl;
import org.cometd.server.JacksonJSONContextServer;
import org.cometd.server.ext.AcknowledgedMessagesExtension;
import org.cometd.server.http.JSONHttpTransport;
import org.cometd.server.http.jakarta.CometDServlet;
import org.cometd.server.websocket.jetty.JettyWebSocketTransport;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Context;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.websocket.server.WebSocketUpgradeHandler;

/** CometD with its defaults, an echo and acknowledged messages, on a free port of this machine. */
public final class Peer {
    private Peer() {
    }

    public static void main(String[] arguments) throws Exception {
        Server server = new Server();
        ServerConnector connector = new ServerConnector(server);
        connector.setHost("127.0.0.1");
        // As many sessions as are opened at the same time must find room, and stay.
        connector.setAcceptQueueSize(1024);
        connector.setIdleTimeout(300_000);
        server.addConnector(connector);

        ServletContextHandler context = new ServletContextHandler("/");
        server.setHandler(context);
        context.insertHandler(WebSocketUpgradeHandler.from(server, context));
        BayeuxServerImpl bayeux = new BayeuxServerImpl();
        bayeux.setOption("transports", JettyWebSocketTransport.class.getName() + "," + JSONHttpTransport.class.getName());
        bayeux.setOption("jsonContext", JacksonJSONContextServer.class.getName());
        bayeux.setOption("ws.cometdURLMapping", "/cometd/*");
        bayeux.setOption(Context.class.getName(), context.getContext());
        bayeux.addExtension(new AcknowledgedMessagesExtension());
        context.getServletContext().setAttribute(BayeuxServer.ATTRIBUTE, bayeux);
        ServletHolder holder = new ServletHolder(CometDServlet.class);
        holder.setInitOrder(1);
        holder.setAsyncSupported(true);
        context.addServlet(holder, "/cometd/*");
        server.start();

        echo(bayeux);
        System.out.printf("listening on http://%s:%d/cometd%n", connector.getHost(), connector.getLocalPort());
        server.join();
    }

    private static void echo(BayeuxServer bayeux) {
        LocalSession local = bayeux.newLocalSession("echo");
        local.handshake();
        ServerChannel channel = bayeux.createChannelIfAbsent("/service/echo").getReference();
        channel.setPersistent(true);
        channel.addListener(new ServerChannel.MessageListener() {
            @Override
            public void onMessage(ServerSession from, ServerChannel to, ServerMessage.Mutable message, Promise<Boolean> promise) {
                from.deliver(local, to.getId(), message.getData(), Promise.noop());
                promise.succeed(true);
            }
        });
    }
}
