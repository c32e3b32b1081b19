package orch.ctl.command;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import orch.ctl.http.FakeServer;
import orch.ctl.http.ManualPause;
import orch.ctl.http.Pause;
import orch.ctl.json.JsonObject;
import orch.ctl.output.Console;
import orch.ctl.output.Terminal;
import orch.ctl.output.Times;
import org.jspecify.annotations.Nullable;

/** orchctl as its caller sees it, before a controller that answers by a script. */
final class Fixture implements AutoCloseable {
  static final String NOW = "2026-11-24T08:00:00Z";

  final Map<String, String> environment = new TreeMap<>();
  final ByteArrayOutputStream out = new ByteArrayOutputStream();
  final ByteArrayOutputStream err = new ByteArrayOutputStream();
  final FakeSignals signals = new FakeSignals();
  final FakeServer server;
  Terminal terminal = Terminal.none();

  /** Notices come in tests that give them a pause that ends. */
  Pause notices = new EndlessPause();

  InputStream input = InputStream.nullInputStream();

  /** Takes the place of standard output where a test wants it to fail. */
  @Nullable OutputStream failingOut;

  private final Map<String, FakeServer.Script> scripts = new ConcurrentHashMap<>();

  /** Remembers who handles signals, and that the process was ended. */
  static final class FakeSignals implements Signals {
    final LinkedBlockingQueue<Integer> halts = new LinkedBlockingQueue<>();
    private final LinkedBlockingQueue<Handler> handlers = new LinkedBlockingQueue<>();

    @Override
    public void handle(Handler handler, boolean onTerminal) {
      handlers.add(handler);
    }

    @Override
    public void halt(int exitCode) {
      halts.add(exitCode);
    }

    Handler handler() throws InterruptedException {
      Handler handler = handlers.poll(10, TimeUnit.SECONDS);
      if (handler == null) {
        throw new IllegalStateException("nobody handles signals");
      }
      return handler;
    }
  }

  Fixture() throws IOException {
    server =
        new FakeServer((request, answer) -> {
          FakeServer.Script script = scripts.get(request.method());
          if (script == null) {
            answer.json(501, error("unimplemented", request.method() + " comes later"));
          } else {
            script.answer(request, answer);
          }
        });
    environment.put("ORCH_ADDRESS", server.address().toString());
    environment.put("HOME", "/nonexistent");
    environment.put("PATH", "/bin");
  }

  /** What stands on standard input. */
  void types(String text) {
    input = new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
  }

  /** Answers a method by a script. */
  Fixture on(String method, FakeServer.Script script) {
    scripts.put(method, script);
    return this;
  }

  /** Answers a unary method always so. */
  Fixture reply(String method, String json) {
    return on(method, (request, answer) -> answer.json(200, json));
  }

  /** Answers a stream always so. */
  Fixture stream(String method, String... messages) {
    return on(
        method,
        (request, answer) -> {
          for (String message : messages) {
            answer.message(message);
          }
          answer.end("{}");
        });
  }

  /** Refuses a method. */
  Fixture refuse(String method, int status, String code, String message) {
    return on(method, (request, answer) -> answer.json(status, error(code, message)));
  }

  static String error(String code, String message) {
    return "{\"code\":\"" + code + "\",\"message\":\"" + message + "\"}";
  }

  int orchctl(String... arguments) {
    OutputStream output = failingOut == null ? out : failingOut;
    World world =
        new World(
            environment,
            input,
            new Console(output, err, terminal),
            "/home/ann/my ${work.dir}",
            "ann",
            new ManualPause(),
            notices,
            signals,
            Times.parseMillis(NOW));
    return new Orchctl(world).run(List.of(arguments));
  }

  String out() {
    return out.toString(StandardCharsets.UTF_8);
  }

  String err() {
    return err.toString(StandardCharsets.UTF_8);
  }

  /** The only message that the method was called with. */
  JsonObject sent(String method) {
    List<JsonObject> messages = server.messages(method);
    if (messages.size() != 1) {
      throw new AssertionError(method + " was called " + messages.size() + " times");
    }
    return messages.get(0);
  }

  @Override
  public void close() throws IOException {
    server.close();
  }

  private static final class EndlessPause implements Pause {
    @Override
    public long nowMillis() {
      return 0;
    }

    @Override
    public void millis(long millis) throws InterruptedException {
      new CountDownLatch(1).await();
    }
  }
}
