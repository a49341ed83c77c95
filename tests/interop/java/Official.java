// The official CometD Java client, unmodified, against a running `demo`, over one transport.
//
//   mvn package                # once: puts the libraries into target/lib
//   java -cp 'target/lib/*' Official.java --url http://127.0.0.1:8080/cometd --transport long-polling|websocket
//
// Each check opens its own sessions and uses its own channels, so each can be read alone; they run at the same time.
// Rule numbers are those of the behaviour specification.

import jakarta.websocket.ContainerProvider;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.cometd.bayeux.Message;
import org.cometd.bayeux.client.ClientSession;
import org.cometd.bayeux.client.ClientSessionChannel;
import org.cometd.client.BayeuxClient;
import org.cometd.client.http.jetty.JettyHttpClientTransport;
import org.cometd.client.transport.ClientTransport;
import org.cometd.client.websocket.jakarta.WebSocketTransport;
import org.eclipse.jetty.client.HttpClient;

public final class Official {
    /** The timeout that the server under test was started with, in milliseconds (see README.md). */
    private static final long TIMEOUT = 2_000;

    /** Longest time for anything that is not a matter of the clock, and for the whole program, in milliseconds. */
    private static final long BOUND = 10_000;
    private static final long DEADLINE = 45_000;

    private static final String ROOM = "/chat/demo";

    /** Part of the names that a run uses, so that runs against one server do not meet. */
    private static final String RUN = Long.toString(System.currentTimeMillis(), 36);

    private static String url;
    private static String transport;

    private Official() {}

    public static void main(String[] arguments) throws Exception {
        Map<String, String> options = new HashMap<>();
        for (int i = 0; i + 1 < arguments.length; i += 2) {
            options.put(arguments[i], arguments[i + 1]);
        }
        url = options.get("--url");
        transport = options.get("--transport");
        if (url == null || !Set.of("long-polling", "websocket").contains(transport)) {
            System.err.println("usage: --url URL --transport long-polling|websocket");
            System.exit(2);
        }
        Map<String, Check> checks = Map.of(
            "handshake opens a session and names the transports", Official::handshake,
            "a connect is held for the advised timeout, and renewed", Official::hold,
            "a publication reaches a second client at once", Official::publish,
            "a batch is answered and delivered in order", Official::batch,
            "wildcards match, and unsubscribe ends the deliveries", Official::subscribe,
            "/service/echo delivers the data back to the sender only", Official::echo,
            "disconnect ends the session, and the client can handshake again", Official::disconnect,
            "after a short loss of the network the session goes on, and nothing is lost", Official::reconnect,
            "after a long loss of the network the client handshakes again", Official::handshakeAgain);
        AtomicInteger passed = new AtomicInteger();
        CountDownLatch running = new CountDownLatch(checks.size());
        var executor = Executors.newCachedThreadPool();
        checks.forEach((name, check) -> executor.execute(() -> {
            String title = "java " + transport + ": " + name;
            try (Peers peers = new Peers()) {
                check.run(peers);
                passed.incrementAndGet();
                System.out.println("ok " + title);
            } catch (Throwable failure) {
                System.out.println("not ok " + title + ": " + failure);
            }
            running.countDown();
        }));
        if (!running.await(DEADLINE, TimeUnit.MILLISECONDS)) {
            System.out.println("not ok: not done after " + DEADLINE + " ms");
        }
        int failed = checks.size() - passed.get();
        System.out.println(passed + " passed, " + failed + " failed");
        // Threads of clients that failed are not waited for.
        System.exit(failed == 0 ? 0 : 1);
    }

    private static void handshake(Peers peers) throws Exception {
        Peer alice = peers.open(url);
        Map<String, Object> reply = alice.await("the handshake reply", it -> on(it, "/meta/handshake"));
        require(((String) reply.get("clientId")).matches("[A-Za-z0-9]{20,}"), reply);
        List<?> types = list(reply.get("supportedConnectionTypes"));
        require(types.contains(transport), types);
        Map<?, ?> advice = (Map<?, ?>) reply.get("advice");
        require(Map.of("reconnect", "retry", "interval", 0L, "timeout", TIMEOUT).equals(advice), advice);
    }

    private static void hold(Peers peers) throws Exception {
        Peer alice = peers.open(url);
        Predicate<Map<String, Object>> held = it -> on(it, "/meta/connect") && !it.containsKey("advice");
        alice.awaitMany("two held connects", 2, held);
        List<Long> times = alice.times(held);
        long between = TimeUnit.NANOSECONDS.toMillis(times.get(1) - times.get(0));
        require(between > TIMEOUT - 200 && between < TIMEOUT + 3_000, "held for " + between + " ms");
        alice.all(held).forEach(it -> require(!it.containsKey("clientId"), it)); // MSG-2
    }

    private static void publish(Peers peers) throws Exception {
        Peer alice = peers.open(url);
        Peer bob = peers.open(url);
        bob.subscribe(channel("news"));
        long start = System.nanoTime();
        Map<String, Object> reply = alice.publish(channel("news"), Map.of("text", "žluťoučký 𝄞", "n", 1L));
        require(!reply.containsKey("data") && !reply.containsKey("clientId"), reply); // MSG-2, MSG-7
        Map<String, Object> delivery = bob.delivery(channel("news"));
        long took = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
        require(took < TIMEOUT * 3 / 4, "the delivery did not wake the held connect: " + took + " ms");
        require(Map.of("text", "žluťoučký 𝄞", "n", 1L).equals(delivery.get("data")), delivery);
        require(!delivery.containsKey("id") && !delivery.containsKey("clientId"), delivery); // PUB-2
    }

    private static void batch(Peers peers) throws Exception {
        Peer alice = peers.open(url);
        Peer bob = peers.open(url);
        bob.subscribe(channel("batch"));
        List<Object> numbers = IntStream.range(0, 40).<Object>mapToObj(Long::valueOf).toList();
        alice.client.batch(() -> numbers.forEach(it -> alice.client.getChannel(channel("batch")).publish(it)));
        List<Map<String, Object>> replies =
            alice.awaitMany("40 replies", 40, it -> on(it, channel("batch")) && it.containsKey("successful"));
        replies.forEach(it -> require(it.get("successful").equals(true), it));
        List<Integer> ids = replies.stream().map(it -> Integer.valueOf((String) it.get("id"))).toList();
        require(ids.equals(ids.stream().sorted().toList()), ids); // BAT-4
        bob.awaitMany("40 deliveries", 40, it -> isDelivery(it, channel("batch")));
        require(numbers.equals(bob.data(channel("batch"))), bob.data(channel("batch"))); // BAT-11
    }

    private static void subscribe(Peers peers) throws Exception {
        Peer alice = peers.open(url);
        Peer bob = peers.open(url);
        Runnable unsubscribe = bob.subscribe(channel("wild") + "/*");
        bob.subscribe(channel("end"));
        alice.publish(channel("wild"), "too wide");
        alice.publish(channel("wild") + "/x", "right");
        alice.publish(channel("wild") + "/x/y", "too deep");
        alice.publish(channel("end"), 1L);
        bob.delivery(channel("end"));
        unsubscribe.run();
        bob.await("the unsubscribe reply", it -> on(it, "/meta/unsubscribe") && it.get("successful").equals(true));
        alice.publish(channel("wild") + "/x", "too late");
        alice.publish(channel("end"), 2L);
        bob.awaitMany("the second marker", 2, it -> isDelivery(it, channel("end")));
        require(List.of("right").equals(bob.data(channel("wild"))), bob.data(channel("wild"))); // CH-8
    }

    private static void echo(Peers peers) throws Exception {
        Peer alice = peers.open(url);
        Peer bob = peers.open(url);
        bob.subscribe("/**");
        alice.publish("/service/echo", RUN);
        require(RUN.equals(alice.delivery("/service/echo").get("data")), alice.data("/service/echo"));
        alice.publish(channel("echo"), "marker");
        bob.delivery(channel("echo"));
        require(bob.data("/service/").isEmpty(), bob.data("/service/")); // CH-10
    }

    private static void disconnect(Peers peers) throws Exception {
        Peer alice = peers.open(url);
        String before = alice.client.getId();
        // By now the second connect is held.
        alice.subscribe(channel("before"));
        require(alice.client.disconnect(BOUND), "no reply to the disconnect");
        // Its answer may come after that of the disconnect, and would end a handshake that is under way.
        alice.await("the answer to the last connect", it -> on(it, "/meta/connect")
            && it.get("advice") instanceof Map<?, ?> advice && "none".equals(advice.get("reconnect")));
        alice.connect();
        require(!alice.client.getId().equals(before), "the session is the old one");
        alice.subscribe(channel("again"));
        alice.publish(channel("again"), "back");
        alice.delivery(channel("again"));
    }

    private static void reconnect(Peers peers) throws Exception {
        try (Proxy proxy = new Proxy(URI.create(url))) {
            Peer alice = peers.open(proxy.url());
            Peer bob = peers.open(url);
            alice.subscribe(channel("away"));
            String before = alice.client.getId();
            proxy.cut();
            for (long n = 0; n < 3; n++) {
                bob.publish(channel("away"), n);
            }
            proxy.mend();
            alice.awaitMany("what was published meanwhile", 3, it -> isDelivery(it, channel("away")));
            bob.publish(channel("away"), 3L);
            alice.awaitMany("what is published now", 4, it -> isDelivery(it, channel("away")));
            // CN-24, WS-18
            require(List.of(0L, 1L, 2L, 3L).equals(alice.data(channel("away"))), alice.data(channel("away")));
            require(before.equals(alice.client.getId()), "the session is another one");
        }
    }

    private static void handshakeAgain(Peers peers) throws Exception {
        try (Proxy proxy = new Proxy(URI.create(url))) {
            Peer alice = peers.open(proxy.url());
            Peer bob = peers.open(url);
            String before = alice.client.getId();
            String user = "java-" + transport + "-" + RUN;
            bob.subscribe(ROOM);
            alice.subscribe(ROOM);
            alice.publish("/service/members", Map.of("user", user, "room", ROOM));
            proxy.cut();
            // The session expires (SES-6), and the room is told.
            bob.await("the leave", it -> isDelivery(it, ROOM) && it.get("data") instanceof Map<?, ?> data
                && user.equals(data.get("user")) && "leave".equals(data.get("membership")));
            proxy.mend();
            alice.await("the refusal", it -> on(it, "/meta/connect") && "402::session_unknown".equals(it.get("error")));
            alice.awaitMany("another handshake", 2, it -> on(it, "/meta/handshake"));
            require(alice.client.waitFor(BOUND, BayeuxClient.State.CONNECTED), "not connected again");
            require(!before.equals(alice.client.getId()), "the session is the old one");
        }
    }

    /** A channel that only this run, this transport and this check use. */
    private static String channel(String name) {
        return "/interop/" + RUN + "/java/" + transport + "/" + name;
    }

    /** An array, which the library gives as one or as a list. */
    private static List<?> list(Object array) {
        return array instanceof List<?> list ? list : List.of((Object[]) array);
    }

    private static boolean on(Map<String, Object> message, String channel) {
        return channel.equals(message.get("channel"));
    }

    private static boolean isDelivery(Map<String, Object> message, String under) {
        return ((String) message.get("channel")).startsWith(under) && message.containsKey("data");
    }

    private static void require(boolean holds, Object found) {
        if (!holds) {
            throw new AssertionError(found);
        }
    }

    private interface Check {
        void run(Peers peers) throws Exception;
    }

    /** The clients of a check, which end with it. */
    private static final class Peers implements AutoCloseable {
        private final List<Peer> open = new ArrayList<>();

        Peer open(String url) throws Exception {
            Peer peer = new Peer(url);
            open.add(peer);
            peer.connect();
            return peer;
        }

        @Override
        public void close() throws Exception {
            for (Peer peer : open) {
                peer.close();
            }
        }
    }

    /** A client, and everything that it has received. */
    private static final class Peer implements ClientSession.Extension {
        final BayeuxClient client;
        private final HttpClient http = new HttpClient();
        private final List<Map<String, Object>> received = new ArrayList<>();
        private final List<Long> times = new ArrayList<>();

        Peer(String url) throws Exception {
            http.start();
            ClientTransport transport = Official.transport.equals("websocket")
                ? new WebSocketTransport(null, null, ContainerProvider.getWebSocketContainer())
                : new JettyHttpClientTransport(null, http);
            client = new BayeuxClient(url, transport);
            client.addExtension(this);
        }

        void connect() {
            client.handshake();
            require(client.waitFor(BOUND, BayeuxClient.State.CONNECTED), "not connected: " + client);
        }

        void close() throws Exception {
            client.disconnect(1_000);
            client.abort();
            http.stop();
        }

        @Override
        public boolean rcv(ClientSession session, Message.Mutable message) {
            return note(message);
        }

        @Override
        public boolean rcvMeta(ClientSession session, Message.Mutable message) {
            return note(message);
        }

        private synchronized boolean note(Message.Mutable message) {
            received.add(new HashMap<>(message));
            times.add(System.nanoTime());
            notifyAll();
            return true;
        }

        /** Subscribes; running the result unsubscribes. */
        Runnable subscribe(String to) throws InterruptedException {
            ClientSessionChannel.MessageListener listener = (channel, message) -> {};
            ClientSessionChannel channel = client.getChannel(to);
            replied("subscribe", callback -> channel.subscribe(listener, callback));
            return () -> channel.unsubscribe(listener);
        }

        Map<String, Object> publish(String to, Object data) throws InterruptedException {
            return replied("publish", callback -> client.getChannel(to).publish(data, callback));
        }

        /** Sends, and waits for the reply, which is successful. */
        private Map<String, Object> replied(String what, Consumer<ClientSession.MessageListener> send)
            throws InterruptedException {
            CountDownLatch done = new CountDownLatch(1);
            Map<String, Object> reply = new ConcurrentHashMap<>();
            send.accept(message -> {
                reply.putAll(message);
                done.countDown();
            });
            require(done.await(BOUND, TimeUnit.MILLISECONDS), "no reply: " + what);
            require(Boolean.TRUE.equals(reply.get("successful")), reply);
            return reply;
        }

        Map<String, Object> delivery(String on) throws InterruptedException {
            return await("a delivery on " + on, it -> isDelivery(it, on));
        }

        Map<String, Object> await(String what, Predicate<Map<String, Object>> wanted) throws InterruptedException {
            return awaitMany(what, 1, wanted).get(0);
        }

        synchronized List<Map<String, Object>> awaitMany(String what, int number, Predicate<Map<String, Object>> wanted)
            throws InterruptedException {
            long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(BOUND);
            while (all(wanted).size() < number) {
                long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
                require(left > 0, what + " did not come: " + received);
                wait(left);
            }
            return all(wanted);
        }

        synchronized List<Map<String, Object>> all(Predicate<Map<String, Object>> wanted) {
            return received.stream().filter(wanted).toList();
        }

        synchronized List<Long> times(Predicate<Map<String, Object>> wanted) {
            Stream<Integer> places = IntStream.range(0, received.size()).boxed();
            return places.filter(it -> wanted.test(received.get(it))).map(times::get).toList();
        }

        /** The data of all deliveries on channels that begin like this. */
        List<Object> data(String under) {
            return all(it -> isDelivery(it, under)).stream().map(it -> it.get("data")).toList();
        }
    }

    /** A network that breaks: connections through it are cut, and refused until it is mended. */
    private static final class Proxy implements Closeable {
        private final URI server;
        private final ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        private final Map<Socket, Thread> clients = new ConcurrentHashMap<>();
        private volatile boolean isCut;

        Proxy(URI server) throws IOException {
            this.server = server;
            start(this::accept);
        }

        String url() {
            return "http://127.0.0.1:" + listener.getLocalPort() + server.getPath();
        }

        /** Cuts all connections. What is sent from now on cannot be lost on them: the server knows. */
        void cut() throws Exception {
            isCut = true;
            for (Map.Entry<Socket, Thread> it : clients.entrySet()) {
                it.getKey().close();
                it.getValue().join(BOUND);
            }
            clients.clear();
        }

        void mend() {
            isCut = false;
        }

        @Override
        public void close() throws IOException {
            listener.close();
            for (Socket client : clients.keySet()) {
                client.close();
            }
        }

        private void accept() throws IOException {
            while (true) {
                Socket client = listener.accept();
                if (isCut) {
                    client.close();
                    continue;
                }
                Socket upstream = new Socket(server.getHost(), server.getPort());
                start(() -> send(client, upstream));
                clients.put(client, start(() -> receive(upstream, client)));
            }
        }

        private static void send(Socket client, Socket upstream) throws IOException {
            try {
                client.getInputStream().transferTo(upstream.getOutputStream());
            } finally {
                upstream.shutdownOutput();
            }
        }

        /** Ends when the server has closed its end. */
        private static void receive(Socket upstream, Socket client) throws IOException {
            try (upstream; client) {
                InputStream input = upstream.getInputStream();
                try {
                    input.transferTo(client.getOutputStream());
                } catch (IOException cut) {
                    input.transferTo(OutputStream.nullOutputStream());
                }
            }
        }

        /** Runs beside the check until a socket is closed. */
        private static Thread start(Work work) {
            Thread thread = new Thread(() -> {
                try {
                    work.run();
                } catch (IOException closed) {
                    // That is how it ends.
                }
            });
            thread.setDaemon(true);
            thread.start();
            return thread;
        }

        private interface Work {
            void run() throws IOException;
        }
    }
}
