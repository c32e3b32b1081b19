package orch.ctl.command;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Base64;
import orch.ctl.http.CallException;
import orch.ctl.http.ErrorDetails;
import orch.ctl.http.WebSocket;
import orch.ctl.json.JsonObject;
import orch.ctl.output.RawTerminal;

/** A command or a task at the other end of a WebSocket, and the caller's streams at this one. */
final class Conversation implements AutoCloseable {
  private static final int PIECE = 32 * 1024;
  private static final byte CTRL_P = 16;
  private static final byte CTRL_Q = 17;

  private final Session session;
  private final WebSocket socket;
  private volatile boolean left;

  private Conversation(Session session, WebSocket socket) {
    this.session = session;
    this.socket = socket;
  }

  /** Opens it and says what it is about. */
  static Conversation open(Session session, String method, JsonObject start) throws CallException {
    Conversation conversation =
        new Conversation(session, session.newClient().converse("TaskService/" + method));
    conversation.socket.send(new JsonObject().put("start", start));
    return conversation;
  }

  /**
   * Sends standard input from now on, on a thread of its own.
   *
   * @param keys Ctrl-P Ctrl-Q leaves
   */
  void sendInput(boolean keys) {
    Thread thread =
        new Thread("input") {
          @Override
          public void run() {
            try {
              pump(session.world().input(), keys);
            } catch (CallException ended) {
              // Whoever reads the answers says why.
            }
          }
        };
    thread.setDaemon(true);
    thread.start();
  }

  /** Sends all of standard input, then its end. */
  void pump(InputStream input, boolean keys) throws CallException {
    byte[] buffer = new byte[PIECE];
    boolean after = false;
    while (true) {
      int count;
      try {
        count = input.read(buffer);
      } catch (IOException broken) {
        count = -1;
      }
      if (count < 0) {
        socket.send(new JsonObject().put("stdinEof", true));
        return;
      }
      for (int i = 0; keys && i < count; i++) {
        if (after && buffer[i] == CTRL_Q) {
          leave();
          return;
        }
        after = buffer[i] == CTRL_P;
      }
      byte[] piece = Arrays.copyOf(buffer, count);
      socket.send(new JsonObject().put("stdin", Base64.getEncoder().encodeToString(piece)));
    }
  }

  void endInput() throws CallException {
    socket.send(new JsonObject().put("stdinEof", true));
  }

  /** Tells the size of the terminal whenever it changes. */
  void followWindow() {
    session
        .world()
        .signals()
        .onWindowChange(() -> {
          try {
            resize();
          } catch (CallException ended) {
            // Whoever reads the answers says why.
          }
        });
  }

  static JsonObject window(int[] size) {
    return new JsonObject().put("rows", size[0]).put("columns", size[1]);
  }

  void signal(int number) {
    try {
      socket.send(new JsonObject().put("signal", number));
    } catch (CallException ended) {
      // Whoever reads the answers says why.
    }
  }

  /** Leaves orderly: what is at the other end may go on. */
  void leave() {
    left = true;
    socket.leave();
  }

  boolean hasLeft() {
    return left;
  }

  /** Waits until the task takes input. */
  void awaitAttached() throws CallException {
    for (JsonObject message = socket.next(); message != null; message = socket.next()) {
      if (message.has("error")) {
        throw ErrorDetails.exception(message.object("error"));
      }
      if (message.flag("attached")) {
        return;
      }
    }
  }

  /** Tells the size of the terminal now. */
  void resize() throws CallException {
    int[] size = RawTerminal.size();
    if (size[0] > 0) {
      socket.send(new JsonObject().put("resize", window(size)));
    }
  }

  /** Prints what comes until the end; the result, or an empty object when this side left. */
  JsonObject printToTheEnd() throws CallException {
    JsonObject result = new JsonObject();
    for (JsonObject message = socket.next(); message != null; message = socket.next()) {
      if (message.has("error")) {
        throw ErrorDetails.exception(message.object("error"));
      }
      if (message.has("result")) {
        result = message.object("result");
      }
      byte[] out = bytes(message.text("stdout"));
      if (out.length > 0) {
        session.console().write(out, 0, out.length);
        session.console().flush();
      }
      byte[] err = bytes(message.text("stderr"));
      if (err.length > 0) {
        session.console().writeError(err, 0, err.length);
      }
    }
    return result;
  }

  private static byte[] bytes(String base64) {
    return base64.isEmpty() ? new byte[0] : Base64.getDecoder().decode(base64);
  }

  /** The exit code of a result, with a word where the command was never executed. */
  int code(JsonObject result) {
    String failure = result.object("startFailure").text("message");
    if (!failure.isEmpty()) {
      session.console().note(failure);
    }
    return result.has("kind") ? (int) result.number("exitCode") : ExitCodes.ORCH_FAILED;
  }

  @Override
  public void close() {
    socket.close();
  }
}
