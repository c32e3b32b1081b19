package orch.controller.rpc;

import com.google.rpc.Code;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.StatusRuntimeException;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Who calls, taken from the request's metadata.
 *
 * @param principal {@code local}, or {@code local:USER} where the client names its user in {@code
 *     orch-user}; on a port that is open to this machine only, it is believed
 * @param traceparent W3C header; empty: none
 * @param tracestate W3C header; empty: none
 */
record Caller(String principal, String traceparent, String tracestate) {
  static final String LOCAL = "local";
  static final Metadata.Key<String> USER = key("orch-user");
  static final Metadata.Key<String> TRACEPARENT = key("traceparent");
  static final Metadata.Key<String> TRACESTATE = key("tracestate");

  private static final Pattern LOGIN = Pattern.compile("[A-Za-z0-9_.@\\\\+-]{1,64}\\$?");
  private static final Context.Key<Caller> CURRENT =
      Context.keyWithDefault("orch-caller", new Caller(LOCAL, "", ""));

  /** Of the call that the present thread serves. */
  static Caller current() {
    return CURRENT.get();
  }

  /** Puts the caller into the context of each call. */
  static ServerInterceptor interceptor() {
    return new ServerInterceptor() {
      @Override
      public <Q, R> ServerCall.Listener<Q> interceptCall(
          ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
        Caller caller;
        try {
          caller = of(headers);
        } catch (StatusRuntimeException refused) {
          Metadata trailers = refused.getTrailers();
          call.close(refused.getStatus(), trailers == null ? new Metadata() : trailers);
          return new ServerCall.Listener<>() {};
        }
        return Contexts.interceptCall(
            Context.current().withValue(CURRENT, caller), call, headers, next);
      }
    };
  }

  private static Caller of(Metadata headers) {
    String user = headers.get(USER);
    String principal = LOCAL;
    if (user != null && !user.isEmpty()) {
      if (!LOGIN.matcher(user).matches()) {
        throw Errors.error(
            Code.INVALID_ARGUMENT,
            "INVALID_USER",
            "the header orch-user is no login name: letters, digits and _ . @ + - only");
      }
      principal = LOCAL + ":" + user;
    }
    return new Caller(
        principal, orEmpty(headers.get(TRACEPARENT)), orEmpty(headers.get(TRACESTATE)));
  }

  private static String orEmpty(@Nullable String value) {
    return value == null ? "" : value;
  }

  private static Metadata.Key<String> key(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }
}
