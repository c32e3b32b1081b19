package orch.ctl.command;

import java.nio.charset.StandardCharsets;
import java.util.Base64;

/** Answers of the controller. */
final class Answers {
  private Answers() {}

  /** Job 42 (web) with one task. */
  static String job(String state, String more) {
    return job(state, 1, more);
  }

  static String job(String state, int total, String more) {
    return "{\"name\":\"namespaces/default/jobs/42\",\"number\":\"42\",\"jobName\":\"web\","
        + "\"namespace\":\"default\",\"owner\":\"local:ann\",\"state\":\"JOB_STATE_"
        + state
        + "\",\"submitTime\":\"2026-11-24T07:59:00Z\",\"startTime\":\"2026-11-24T07:59:01Z\","
        + "\"tasks\":{\"total\":"
        + total
        + "}"
        + more
        + "}";
  }

  static String submitted() {
    return "{\"job\":" + job("QUEUED", "") + ",\"outcome\":\"SUBMIT_OUTCOME_CREATED\"}";
  }

  /** A message with one record of task {@code index}. */
  static String log(int index, String stream, String text, String more) {
    return "{\"records\":[" + record(index, stream, text, more) + "]}";
  }

  static String record(int index, String stream, String text, String more) {
    String data = Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.ISO_8859_1));
    return "{\"jobNumber\":\"42\",\"index\":"
        + index
        + ",\"attempt\":1,\"stream\":\"LOG_STREAM_"
        + stream
        + "\",\"data\":\""
        + data
        + "\""
        + more
        + "}";
  }

  /** A record of task 0 at a second of 08:00. */
  static String logAt(int second, String text) {
    return log(0, "STDOUT", text, ",\"time\":\"2026-11-24T08:00:0" + second + ".000000001Z\"");
  }
}
