package orch.agent.rpc;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.MetadataUtils;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import orch.agent.link.ControllerLink;
import orch.agent.live.Conversation;
import orch.agent.logs.LogSink;
import orch.agent.v1.AgentServiceGrpc;
import orch.api.convert.LinkConvert;
import orch.api.model.AgentMessage;
import orch.api.model.ControllerMessage;
import orch.api.model.LinkHeader;
import orch.api.seam.Randomness;
import orch.api.seam.Timers;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The session over gRPC. Controllers are tried in turn; one that answers NOT_LEADER names the
 * leader, which is tried next at once. After a try that failed the wait is full jitter: anything
 * from 0 to a bound that doubles.
 *
 * <p>A try says which controller could not be reached before, or was left: a standby that knows no
 * other leader keeps it waiting until there is one, so agents arrive as soon as somebody leads,
 * without dialling much before.
 */
public final class GrpcControllerLink implements ControllerLink {
  private static final Logger log = LoggerFactory.getLogger(GrpcControllerLink.class);
  private static final Duration FIRST_WAIT = Duration.ofMillis(200);
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(5);

  /** Where there are several, one of them is likely to answer. */
  private static final Duration LONGEST_WAIT_OF_SEVERAL = Duration.ofSeconds(1);

  /** Agents that a standby sends on were all sent at once. */
  private static final Duration SPREAD = Duration.ofMillis(200);

  private static final int CONNECT_MILLIS = 3_000;

  /**
   * A controller answers a session with its headers at once. One that takes a connection and says
   * nothing for so long is frozen, or its host hangs. More than the patience of a standby, whose
   * first word before there were such headers was where the leader is.
   */
  static final Duration ANSWER = Duration.ofSeconds(4);

  private static final int MAX_MESSAGE = 16 << 20;
  private static final long KEEP_ALIVE_SECONDS = 10;
  private static final String NOT_LEADER = "NOT_LEADER";
  private static final String LEADER_ADDRESS = "leader";
  private static final Metadata.Key<String> UNREACHED =
      Metadata.Key.of(LinkConvert.UNREACHED_HEADER, Metadata.ASCII_STRING_MARSHALLER);

  private final List<String> addresses;
  private final Executor loop;
  private final Timers timers;
  private final Randomness randomness;

  private @Nullable Listener listener;
  private @Nullable Session session;
  private int next;
  private int failures;
  private @Nullable String leader;

  /** The last controller that did not answer, or was left, since the last session opened. */
  private @Nullable String unreached;

  private String lastProblem = "";
  private boolean closed;

  /**
   * @param addresses {@code host:port} of the controllers' gRPC listeners; at least one
   * @param loop of the agent
   */
  public GrpcControllerLink(
      List<String> addresses, Executor loop, Timers timers, Randomness randomness) {
    this.addresses = List.copyOf(addresses);
    this.loop = loop;
    this.timers = timers;
    this.randomness = randomness;
  }

  @Override
  public void start(Listener heard) {
    listener = heard;
    open();
  }

  @Override
  public void send(AgentMessage message) {
    Session open = session;
    if (open != null && open.opened) {
      open.send(message);
    }
  }

  @Override
  public boolean writable() {
    Session open = session;
    return open != null && open.opened && open.ready();
  }

  @Override
  public void reset(String why) {
    Session open = session;
    if (open != null) {
      unreached = open.address;
      open.end(Status.CANCELLED.withDescription(why));
    }
  }

  @Override
  public void close() {
    closed = true;
    Session open = session;
    session = null;
    if (open != null) {
      open.end(Status.CANCELLED.withDescription("the agent ends"));
    }
  }

  /** A stream for task output beside the open session, to the same controller. */
  public LogSink logSink(long stream) {
    Session open = session;
    return open == null ? GrpcLogSink.gone() : GrpcLogSink.open(open.channel, stream);
  }

  /** A stream for a command or an attachment beside the open session, to the same controller. */
  public Conversation conversation(long stream) {
    Session open = session;
    return open == null ? GrpcConversation.gone() : GrpcConversation.open(open.channel, stream);
  }

  /** Whether the controller that is dialled has answered at all; for tests. */
  boolean answered() {
    Session open = session;
    return open != null && open.answered();
  }

  private void open() {
    Listener heard = listener;
    if (closed || heard == null) {
      return;
    }
    String address = leader != null ? leader : addresses.get(next++ % addresses.size());
    leader = null;
    Session dialled = new Session(address, heard, unreached);
    session = dialled;
    dialled.start();
    timers.after(ANSWER, () -> giveUpUnlessAnswered(dialled));
  }

  private void giveUpUnlessAnswered(Session which) {
    if (which == session && !which.answered()) {
      which.end(Status.CANCELLED.withDescription("it does not answer"));
      ended(which, Status.UNAVAILABLE.withDescription("it does not answer"), null);
    }
  }

  private void ended(Session which, Status status, @Nullable String redirect) {
    if (which != session || closed) {
      return;
    }
    session = null;
    String why = which.address + ": " + status.getCode() + " " + status.getDescription();
    if (which.opened) {
      failures = 0;
      log.warn("the session with the controller broke off: {}", why);
      which.heard.closed(why);
    } else if (!why.equals(lastProblem)) {
      log.warn("no session with a controller yet: {}", why);
    }
    lastProblem = why;
    if (redirect != null) {
      leader = redirect;
      if (which.saidUnreached == null && !redirect.equals(which.address)) {
        open();
      } else {
        openWithin(SPREAD.toNanos());
      }
      return;
    }
    if (!which.opened && status.getCode() == Status.Code.UNAVAILABLE) {
      unreached = which.address;
    }
    failures++;
    Duration longest = addresses.size() > 1 ? LONGEST_WAIT_OF_SEVERAL : LONGEST_WAIT;
    openWithin(Math.min(longest.toNanos(), FIRST_WAIT.toNanos() << Math.min(failures - 1, 10)));
  }

  private void openWithin(long nanos) {
    long wait = Math.floorMod(randomness.nextLong(), nanos + 1);
    timers.after(Duration.ofNanos(wait), this::open);
  }

  /** One try at one controller. */
  private final class Session
      implements ClientResponseObserver<
          orch.agent.v1.AgentMessage, orch.agent.v1.ControllerMessage> {
    final String address;
    final Listener heard;
    final @Nullable String saidUnreached;
    final ManagedChannel channel;
    private volatile @Nullable ClientCallStreamObserver<orch.agent.v1.AgentMessage> requests;
    private final AtomicReference<@Nullable Metadata> answer = new AtomicReference<>();
    boolean opened;

    Session(String address, Listener heard, @Nullable String saidUnreached) {
      this.address = address;
      this.heard = heard;
      this.saidUnreached = saidUnreached;
      this.channel =
          NettyChannelBuilder.forTarget("dns:///" + address)
              .usePlaintext()
              .maxInboundMessageSize(MAX_MESSAGE)
              .keepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
              .keepAliveTimeout(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
              .withOption(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_MILLIS)
              .build();
    }

    void start() {
      Metadata headers = new Metadata();
      if (saidUnreached != null) {
        headers.put(UNREACHED, saidUnreached);
      }
      var stream =
          AgentServiceGrpc.newStub(channel)
              .withInterceptors(
                  MetadataUtils.newAttachHeadersInterceptor(headers),
                  MetadataUtils.newCaptureMetadataInterceptor(answer, new AtomicReference<>()))
              .session(this);
      stream.onNext(LinkConvert.toMessage(heard.hello()));
    }

    /** Its headers came: somebody is there, whatever he has to say. */
    boolean answered() {
      return answer.get() != null;
    }

    void send(AgentMessage message) {
      ClientCallStreamObserver<orch.agent.v1.AgentMessage> stream = requests;
      if (stream != null) {
        stream.onNext(LinkConvert.toMessage(message));
      }
    }

    boolean ready() {
      ClientCallStreamObserver<orch.agent.v1.AgentMessage> stream = requests;
      return stream != null && stream.isReady();
    }

    void end(Status status) {
      ClientCallStreamObserver<orch.agent.v1.AgentMessage> stream = requests;
      if (stream != null) {
        stream.cancel(status.getDescription(), null);
      }
      channel.shutdownNow();
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<orch.agent.v1.AgentMessage> stream) {
      requests = stream;
      stream.setOnReadyHandler(() ->
          loop.execute(() -> {
            if (this == session && opened) {
              heard.writable();
            }
          }));
    }

    @Override
    public void onNext(orch.agent.v1.ControllerMessage message) {
      LinkHeader header = LinkConvert.header(message);
      Optional<ControllerMessage> content = LinkConvert.fromMessage(message);
      loop.execute(() -> {
        if (this != session || closed) {
          return;
        }
        if (!opened) {
          opened = true;
          failures = 0;
          unreached = null;
          lastProblem = "";
          heard.opened();
        }
        content.ifPresent(known -> heard.received(header, known));
      });
    }

    @Override
    public void onError(Throwable problem) {
      Status status = Status.fromThrowable(problem);
      String redirect = leaderOf(problem);
      loop.execute(() -> ended(this, status, redirect));
      channel.shutdownNow();
    }

    @Override
    public void onCompleted() {
      loop.execute(
          () -> ended(this, Status.UNAVAILABLE.withDescription("the controller ended it"), null));
      channel.shutdownNow();
    }
  }

  /** The leader's address in the details of a NOT_LEADER error. */
  private static @Nullable String leaderOf(Throwable problem) {
    com.google.rpc.Status status = StatusProto.fromThrowable(problem);
    if (status == null) {
      return null;
    }
    for (Any detail : status.getDetailsList()) {
      try {
        if (detail.is(ErrorInfo.class)) {
          ErrorInfo info = detail.unpack(ErrorInfo.class);
          if (info.getReason().equals(NOT_LEADER)) {
            String address = info.getMetadataOrDefault(LEADER_ADDRESS, "");
            return address.isEmpty() ? null : address;
          }
        }
      } catch (InvalidProtocolBufferException e) {
        return null;
      }
    }
    return null;
  }
}
