package orch.ctl.command;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import orch.ctl.http.ApiException;
import orch.ctl.http.Backoff;
import orch.ctl.http.CallException;
import orch.ctl.http.ConnectClient;
import orch.ctl.http.ConnectStream;
import orch.ctl.json.Json;
import orch.ctl.json.JsonArray;
import orch.ctl.json.JsonObject;
import orch.ctl.output.EventView;
import orch.ctl.output.OutputFormat;

/** {@code events} and {@code job events}. */
final class EventsCommand implements Command {
  private static final List<String> KINDS = List.of("cluster", "node", "job", "task");

  private final boolean ofJob;

  /**
   * @param ofJob of one job, the last when none is named; else of everything
   */
  EventsCommand(boolean ofJob) {
    this.ofJob = ofJob;
  }

  @Override
  public void syntax(Syntax syntax) {
    syntax
        .operand(
            "JOB|TASK", "0..1", ofJob ? "number, name or 'last' (the default)" : "only of these")
        .option("--node", "NODE", "only what has to do with this node")
        .option("--kind", "KIND,…", "cluster, node, job, task")
        .option("--type", "TYPE,…", "such as JOB_FAILED")
        .option("--limit", "N", "the newest so many (default 100; 0: all that are kept)")
        .flag("-f,--follow", "goes on with what happens")
        .forms()
        .example(ofJob ? "orchctl job events 42" : "orchctl events --kind node,cluster")
        .example(ofJob ? "orchctl job events web -f" : "orchctl events web/3 -f");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    OutputFormat form = arguments.form();
    long limit = Units.integer(arguments.option("--limit", "100"), 0, Integer.MAX_VALUE, "--limit");
    JsonObject filter = filter(session, arguments);
    JsonObject request = new JsonObject().put("filter", filter);
    boolean follow = arguments.has("--follow");
    String token = "";
    if (follow) {
      // Before the listing, so that nothing falls between the two.
      token =
          session
              .call(
                  "ClusterService/ListEvents",
                  new JsonObject().put("filter", filter).put("pageSize", 1))
              .text("resumeToken");
    }
    Pages pages = Pages.read(session, "ClusterService/ListEvents", request, "events", limit);
    List<JsonObject> events = pages.elements().reversed();
    if (!follow) {
      JsonArray all = new JsonArray();
      events.forEach(all::add);
      if (session.print(form, new JsonObject().put("events", all), events)) {
        return ExitCodes.DONE;
      }
      session
          .console()
          .print(EventView.table(events, form == OutputFormat.WIDE, session.coloured()));
      return ExitCodes.DONE;
    }
    boolean json = form == OutputFormat.JSON || form == OutputFormat.YAML;
    for (JsonObject event : events) {
      line(session, json, event);
    }
    follow(session, filter, json, token);
    return ExitCodes.DONE;
  }

  private JsonObject filter(Session session, Arguments arguments)
      throws CallException, UsageException {
    JsonObject filter = new JsonObject();
    String of = arguments.operand(0, ofJob ? "last" : "");
    if (!of.isEmpty()) {
      filter.put(
          "subject",
          Names.isTask(of)
              ? Names.task(session.namespace(), of).name()
              : Names.job(session.namespace(), of));
    }
    String node = arguments.option("--node", "");
    if (!node.isEmpty()) {
      filter.put("node", Names.node(node));
    }
    JsonArray kinds = new JsonArray();
    for (String kind : words(arguments.option("--kind", ""))) {
      if (!KINDS.contains(kind)) {
        throw new UsageException("there is no kind '" + kind + "'; there are " + KINDS);
      }
      kinds.add("EVENT_KIND_" + kind.toUpperCase(Locale.ROOT));
    }
    filter.put("kinds", kinds);
    JsonArray types = new JsonArray();
    words(arguments.option("--type", "")).forEach(type -> types.add(type.toUpperCase(Locale.ROOT)));
    return filter.put("types", types);
  }

  private static List<String> words(String text) {
    List<String> words = new ArrayList<>();
    for (String word : text.split(",", -1)) {
      if (!word.isBlank()) {
        words.add(word.strip());
      }
    }
    return words;
  }

  private static void line(Session session, boolean json, JsonObject event) {
    session.console().print(json ? Json.compact(event) + "\n" : EventView.line(event));
  }

  /** Until it is interrupted, over as many connections as it takes. */
  private static void follow(Session session, JsonObject filter, boolean json, String from)
      throws CallException {
    Backoff backoff = new Backoff(session.world().pause());
    String token = from;
    while (true) {
      JsonObject request = new JsonObject().put("filter", filter);
      if (!token.isEmpty()) {
        request.put("resumeToken", token);
      }
      try (ConnectStream stream = session.client().stream("ClusterService/WatchEvents", request)) {
        for (JsonObject message = stream.next(); message != null; message = stream.next()) {
          backoff.reset();
          token = message.text("resumeToken");
          if (message.has("event")) {
            line(session, json, message.object("event"));
          }
        }
        return;
      } catch (ApiException refused) {
        if (refused.code().equals("aborted")) {
          session.console().note("some events are not kept any more; going on with new ones");
          token = "";
        } else if (!LogFollower.mayPass(refused) || !backoff.await(ConnectClient.PATIENCE_MILLIS)) {
          throw refused;
        }
      } catch (CallException lost) {
        if (!backoff.await(ConnectClient.PATIENCE_MILLIS)) {
          throw lost;
        }
      }
    }
  }
}
