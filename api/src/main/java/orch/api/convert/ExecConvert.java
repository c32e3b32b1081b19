package orch.api.convert;

import java.util.TreeMap;
import orch.agent.v1.OpenAttach;
import orch.agent.v1.OpenExec;
import orch.api.model.ControllerMessage;

/** Orders for commands inside tasks, as protobuf and in the model. */
final class ExecConvert {
  private ExecConvert() {}

  static OpenExec toProto(ControllerMessage.OpenExec open) {
    return OpenExec.newBuilder()
        .setStream(open.stream())
        .setUid(AttemptConvert.toProto(open.uid()))
        .addAllCommand(open.command())
        .putAllEnv(open.env())
        .setTty(open.tty())
        .setRows(open.rows())
        .setColumns(open.columns())
        .build();
  }

  static ControllerMessage.OpenExec fromProto(OpenExec open) {
    return new ControllerMessage.OpenExec(
        open.getStream(),
        AttemptConvert.fromProto(open.getUid()),
        open.getCommandList(),
        new TreeMap<>(open.getEnvMap()),
        open.getTty(),
        open.getRows(),
        open.getColumns());
  }

  static OpenAttach toProto(ControllerMessage.OpenAttach open) {
    return OpenAttach.newBuilder()
        .setStream(open.stream())
        .setUid(AttemptConvert.toProto(open.uid()))
        .setStdin(open.stdin())
        .setTail(open.tail())
        .setNoOutput(open.noOutput())
        .build();
  }

  static ControllerMessage.OpenAttach fromProto(OpenAttach open) {
    return new ControllerMessage.OpenAttach(
        open.getStream(),
        AttemptConvert.fromProto(open.getUid()),
        open.getStdin(),
        open.getTail(),
        open.getNoOutput());
  }
}
