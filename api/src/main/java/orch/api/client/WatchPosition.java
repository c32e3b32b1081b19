package orch.api.client;

import java.util.function.BiFunction;
import java.util.function.Function;

/** A watch goes on after the newest message that it delivered. */
final class WatchPosition<Q, R> implements ResumingStream.Position<Q, R> {
  private final Q asked;
  private final BiFunction<Q, String, Q> withToken;
  private final Function<R, String> tokenOf;
  private String token = "";

  /**
   * @param withToken the request, resumed
   * @param tokenOf a message's token
   */
  WatchPosition(Q asked, BiFunction<Q, String, Q> withToken, Function<R, String> tokenOf) {
    this.asked = asked;
    this.withToken = withToken;
    this.tokenOf = tokenOf;
  }

  @Override
  public Q request() {
    return token.isEmpty() ? asked : withToken.apply(asked, token);
  }

  @Override
  public R received(R message) {
    token = tokenOf.apply(message);
    return message;
  }
}
