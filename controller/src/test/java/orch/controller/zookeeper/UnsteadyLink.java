package orch.controller.zookeeper;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;

/** A proxy before the server whose connections can be cut in the middle of everything. */
final class UnsteadyLink implements AutoCloseable {
  private final ServerSocket socket;
  private final int target;
  private final List<Socket> open = new ArrayList<>();

  UnsteadyLink(String address) throws IOException {
    target = Integer.parseInt(address.substring(address.indexOf(':') + 1));
    socket = new ServerSocket();
    socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    Thread.ofVirtual().start(this::accept);
  }

  String address() {
    return "127.0.0.1:" + socket.getLocalPort();
  }

  /** Ends every connection; bytes on the way may or may not arrive. */
  synchronized void cut() {
    for (Socket end : open) {
      try {
        end.setSoLinger(true, 0);
        end.close();
      } catch (IOException e) {
        // It is gone already.
      }
    }
    open.clear();
  }

  @Override
  public void close() throws IOException {
    socket.close();
    cut();
  }

  private void accept() {
    while (!socket.isClosed()) {
      try {
        Socket client = socket.accept();
        Socket server = new Socket(InetAddress.getLoopbackAddress(), target);
        synchronized (this) {
          open.add(client);
          open.add(server);
        }
        Thread.ofVirtual().start(() -> pump(client, server));
        Thread.ofVirtual().start(() -> pump(server, client));
      } catch (IOException e) {
        // Closed, or the server is away: the client tries again.
      }
    }
  }

  private static void pump(Socket from, Socket to) {
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      in.transferTo(out);
    } catch (IOException e) {
      // Cut.
    }
  }
}
