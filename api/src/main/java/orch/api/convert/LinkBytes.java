package orch.api.convert;

import com.google.protobuf.InvalidProtocolBufferException;
import java.util.Optional;
import orch.api.model.AgentMessage;
import orch.api.model.ControllerMessage;
import orch.api.model.LinkHeader;

/** Messages between agents and controllers as the bytes that they are on the wire. */
public final class LinkBytes {
  private LinkBytes() {}

  public static byte[] of(AgentMessage message) {
    return LinkConvert.toMessage(message).toByteArray();
  }

  /** Empty: of a kind that only newer peers know. */
  public static Optional<AgentMessage> agentMessage(byte[] bytes) {
    try {
      return LinkConvert.fromMessage(orch.agent.v1.AgentMessage.parseFrom(bytes));
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalArgumentException("no message of an agent", e);
    }
  }

  public static byte[] of(LinkHeader header, ControllerMessage message) {
    return LinkConvert.toMessage(header, message).toByteArray();
  }

  public static LinkHeader header(byte[] bytes) {
    return LinkConvert.header(parsed(bytes));
  }

  /** Empty: of a kind that only newer peers know. */
  public static Optional<ControllerMessage> controllerMessage(byte[] bytes) {
    return LinkConvert.fromMessage(parsed(bytes));
  }

  private static orch.agent.v1.ControllerMessage parsed(byte[] bytes) {
    try {
      return orch.agent.v1.ControllerMessage.parseFrom(bytes);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalArgumentException("no message of a controller", e);
    }
  }
}
