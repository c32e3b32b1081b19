package orch.controller.convert;

import com.google.protobuf.InvalidProtocolBufferException;
import orch.api.convert.SpecConvert;
import orch.api.model.JobSpec;
import orch.api.model.NodeDescription;
import orch.controller.core.Answer;
import orch.controller.core.PartCodec;
import orch.controller.core.UnreadableStateException;

/** The large values of a checkpoint, as the messages that the log has for them. */
public final class StateCodec implements PartCodec {
  @Override
  public byte[] spec(JobSpec spec) {
    return RecordConvert.bytes(SpecConvert.toProto(spec));
  }

  @Override
  public JobSpec spec(byte[] bytes) {
    try {
      return ChangeReader.spec(orch.v1.JobSpec.parseFrom(bytes));
    } catch (InvalidProtocolBufferException e) {
      throw damaged("spec", e);
    }
  }

  @Override
  public byte[] description(NodeDescription description) {
    return RecordConvert.bytes(ChangeWriter.description(description));
  }

  @Override
  public NodeDescription description(byte[] bytes) {
    try {
      orch.log.v1.NodeDescription description = orch.log.v1.NodeDescription.parseFrom(bytes);
      KnownFields.requireAll(description);
      return ChangeReader.description(description);
    } catch (InvalidProtocolBufferException e) {
      throw damaged("description of a node", e);
    }
  }

  @Override
  public byte[] answer(Answer answer) {
    return RecordConvert.bytes(ChangeWriter.answer(answer));
  }

  @Override
  public Answer answer(byte[] bytes) {
    try {
      orch.log.v1.Answer answer = orch.log.v1.Answer.parseFrom(bytes);
      KnownFields.requireAll(answer);
      return ChangeReader.answer(answer);
    } catch (InvalidProtocolBufferException e) {
      throw damaged("answer to a request", e);
    }
  }

  private static UnreadableStateException damaged(String what, InvalidProtocolBufferException e) {
    return new UnreadableStateException(
        "the checkpoint has a damaged "
            + what
            + ": "
            + e.getMessage()
            + "; restore the cluster from a backup");
  }
}
