package orch.ctl.command;

import java.util.List;
import orch.ctl.http.Address;
import orch.ctl.http.CallException;
import orch.ctl.http.Caller;
import orch.ctl.http.ConnectClient;
import orch.ctl.json.Json;
import orch.ctl.json.JsonObject;
import orch.ctl.output.Console;
import orch.ctl.output.OutputFormat;
import orch.ctl.output.Yaml;
import org.jspecify.annotations.Nullable;

/** One command under way: its world, its settings, its client. */
final class Session {
  private final World world;
  private final Settings settings;
  private @Nullable ConnectClient client;

  Session(World world, Settings settings) {
    this.world = world;
    this.settings = settings;
  }

  World world() {
    return world;
  }

  Console console() {
    return world.console();
  }

  boolean coloured() {
    return world.console().terminal().colouredOutput();
  }

  long nowMillis() {
    return world.nowMillis();
  }

  String namespace() {
    return settings.namespace();
  }

  /** {@code namespaces/N}. */
  String parent() {
    return Names.namespace(settings.namespace());
  }

  /** A fresh request id. */
  String requestId() {
    return RequestIds.at(System.currentTimeMillis());
  }

  /** The client of this command; it connects at the first call. */
  ConnectClient client() {
    ConnectClient open = client;
    if (open == null) {
      open = newClient();
      client = open;
    }
    return open;
  }

  /** Another client, for another thread. */
  ConnectClient newClient() {
    Caller caller =
        new Caller(
            world.user(),
            settings.token(),
            world.variable("TRACEPARENT"),
            "orchctl/" + Version.TEXT);
    return new ConnectClient(
        settings.addresses(), caller, world.pause(), new Notes(world.console()));
  }

  JsonObject call(String method, JsonObject request) throws CallException {
    return client().call(method, request);
  }

  /**
   * Prints a document in a form that programs read.
   *
   * @param named the objects in it whose names {@code -o name} lists
   * @return false for the forms that people read, of which nothing was printed
   */
  boolean print(OutputFormat form, JsonObject document, List<JsonObject> named) {
    switch (form) {
      case JSON -> console().println(Json.pretty(document));
      case YAML -> console().print(Yaml.write(document));
      case NAME -> {
        for (JsonObject object : named) {
          console().println(object.text("name"));
        }
      }
      case TABLE, WIDE, SPEC -> {
        return false;
      }
    }
    return true;
  }

  void close() {
    if (client != null) {
      client.close();
    }
  }

  /** Tells of a controller that is away for a while. */
  private record Notes(Console console) implements ConnectClient.Listener {
    @Override
    public void lost(String why) {
      console.note(why + "; trying again");
    }

    @Override
    public void restored(Address address) {
      console.note("the controller at " + address + " answers again");
    }
  }
}
