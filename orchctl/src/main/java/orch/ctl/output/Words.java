package orch.ctl.output;

import java.util.List;
import java.util.Locale;
import orch.ctl.json.Json;
import orch.ctl.json.JsonObject;

/** Words and quantities of the API as people read them. */
public final class Words {
  private Words() {}

  /** {@code JOB_STATE_RUNNING} with the prefix {@code JOB_STATE_} is {@code running}. */
  public static String ofEnum(String value, String prefix) {
    String word = value.startsWith(prefix) ? value.substring(prefix.length()) : value;
    return word.toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  /** The state of a job. */
  public static String jobState(JsonObject job) {
    return ofEnum(job.text("state"), "JOB_STATE_");
  }

  /** Whether the job will never run again by itself. */
  public static boolean hasEnded(JsonObject job) {
    return switch (job.text("state")) {
      case "JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED" -> true;
      default -> false;
    };
  }

  /** {@code failed: exited with 3}; a reason that begins with the state stands alone. */
  public static String stateAndReason(String state, String reason) {
    if (reason.isEmpty() || reason.startsWith(state)) {
      return reason.isEmpty() ? state : reason;
    }
    return state + ": " + reason;
  }

  /** {@code 42 (web)}: number and name of a job. */
  public static String jobTitle(JsonObject job) {
    return job.text("jobName").isEmpty()
        ? job.text("number")
        : job.text("number") + " (" + job.text("jobName") + ")";
  }

  /** Whether the tasks of a job tell by sd_notify when they are ready. */
  public static boolean saysReadiness(JsonObject job) {
    JsonObject health = job.object("spec").object("health");
    return health.object("startup").has("notify") || health.object("readiness").has("notify");
  }

  /** {@code 7340/10000 done, 12 running, 3 failed}; of one task {@code 1}. */
  public static String progress(JsonObject tasks) {
    long total = tasks.number("total");
    if (total <= 1) {
      return Long.toString(total);
    }
    StringBuilder text = new StringBuilder(48);
    text.append(tasks.number("succeeded")).append('/').append(total).append(" done");
    for (String state :
        new String[] {
          "placed", "running", "ready", "stopping", "failed", "killed", "cancelled", "dropped"
        }) {
      long count = tasks.number(state);
      if (count > 0) {
        text.append(", ").append(count).append(' ').append(state);
      }
    }
    return text.toString();
  }

  /** {@code 500m}, {@code 2}. */
  public static String cpu(long millis) {
    return millis % 1000 == 0 ? Long.toString(millis / 1000) : millis + "m";
  }

  /** {@code 1.5 GiB}, {@code 640 KiB}, {@code 12 B}. */
  public static String bytes(long bytes) {
    String[] units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    int unit = 0;
    long scaled = Math.max(0, bytes);
    long rest = 0;
    while (scaled >= 1024 && unit < units.length - 1) {
      rest = scaled % 1024;
      scaled /= 1024;
      unit++;
    }
    long tenth = rest * 10 / 1024;
    return scaled < 10 && unit > 0 && tenth > 0
        ? scaled + "." + tenth + " " + units[unit]
        : scaled + " " + units[unit];
  }

  /** A command as a shell reads it. */
  public static String command(List<String> words) {
    StringBuilder text = new StringBuilder();
    for (String word : words) {
      if (text.length() > 0) {
        text.append(' ');
      }
      text.append(isShellWord(word) ? word : "'" + word.replace("'", "'\\''") + "'");
    }
    return text.toString();
  }

  private static boolean isShellWord(String word) {
    for (int i = 0; i < word.length(); i++) {
      char c = word.charAt(i);
      if (!Character.isLetterOrDigit(c) && "-_./:=@%+,{}".indexOf(c) < 0) {
        return false;
      }
    }
    return !word.isEmpty();
  }

  /** {@code a=b, c=d} of a map. */
  public static String pairs(JsonObject map) {
    StringBuilder text = new StringBuilder();
    for (var member : map.members().entrySet()) {
      if (text.length() > 0) {
        text.append(", ");
      }
      text.append(member.getKey());
      String value = valueOf(member.getValue());
      if (!value.isEmpty()) {
        text.append('=').append(value);
      }
    }
    return text.toString();
  }

  private static String valueOf(Json value) {
    String text = JsonObject.textOf(value);
    return text.isEmpty() && !(value instanceof Json.Text) ? Json.compact(value) : text;
  }

  /** {@code 1 task}, {@code 3 tasks}. */
  public static String count(long count, String thing) {
    return count + " " + thing + (count == 1 ? "" : "s");
  }
}
