package orch.benchmarks.http;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import orch.v1.Cluster;
import orch.v1.CordonNodeRequest;
import orch.v1.GetClusterRequest;
import orch.v1.GetJobRequest;
import orch.v1.Job;
import orch.v1.JobSpec;
import orch.v1.JobState;
import orch.v1.ListTasksRequest;
import orch.v1.ListTasksResponse;
import orch.v1.Node;
import orch.v1.SubmitJobRequest;
import orch.v1.SubmitJobResponse;
import orch.v1.Task;
import orch.v1.UncordonNodeRequest;

/** The few calls that a measurement needs, over the HTTP API. */
public final class ApiCalls implements AutoCloseable {
  private static final int PAGE = 1_000;

  private final HttpClient client = HttpClient.newHttpClient();
  private final String address;

  public ApiCalls(String address) {
    this.address = address;
  }

  /** Submits and returns once the job is durable. */
  public Job submit(JobSpec spec) throws IOException, InterruptedException {
    SubmitJobResponse.Builder response = SubmitJobResponse.newBuilder();
    call("JobService/SubmitJob", SubmitJobRequest.newBuilder().setSpec(spec).build(), response);
    return response.getJob();
  }

  /** Asks until the job has ended, every {@code pauseMillis}. */
  public Job awaitEnd(Job job, long pauseMillis) throws IOException, InterruptedException {
    while (true) {
      Job.Builder present = Job.newBuilder();
      call("JobService/GetJob", GetJobRequest.newBuilder().setName(job.getName()).build(), present);
      JobState state = present.getState();
      if (state == JobState.JOB_STATE_SUCCEEDED
          || state == JobState.JOB_STATE_FAILED
          || state == JobState.JOB_STATE_CANCELLED) {
        return present.build();
      }
      Thread.sleep(pauseMillis);
    }
  }

  /** Every task of a job with its newest attempt. */
  public List<Task> tasks(Job job) throws IOException, InterruptedException {
    List<Task> tasks = new ArrayList<>();
    String token = "";
    do {
      ListTasksResponse.Builder page = ListTasksResponse.newBuilder();
      call(
          "TaskService/ListTasks",
          ListTasksRequest.newBuilder()
              .setParent(job.getName())
              .setPageSize(PAGE)
              .setPageToken(token)
              .build(),
          page);
      tasks.addAll(page.getTasksList());
      token = page.getNextPageToken();
    } while (!token.isEmpty());
    return tasks;
  }

  /** Cordons a node, or ends that: one small entry of the log. */
  public void cordon(String node, boolean cordoned) throws IOException, InterruptedException {
    String name = "nodes/" + node;
    Message request =
        cordoned
            ? CordonNodeRequest.newBuilder().setName(name).setReason("benchmark").build()
            : UncordonNodeRequest.newBuilder().setName(name).build();
    call("NodeService/" + (cordoned ? "Cordon" : "Uncordon") + "Node", request, Node.newBuilder());
  }

  /** The newest revision, which is the number of the log's entries so far. */
  public long revision() throws IOException, InterruptedException {
    Cluster.Builder cluster = Cluster.newBuilder();
    call("ClusterService/GetCluster", GetClusterRequest.getDefaultInstance(), cluster);
    return cluster.getRevision();
  }

  @Override
  public void close() {
    client.close();
  }

  private void call(String method, Message request, Message.Builder response)
      throws IOException, InterruptedException {
    HttpResponse<String> answer =
        client.send(
            HttpRequest.newBuilder(URI.create(address + "/orch.v1." + method))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(JsonFormat.printer().print(request)))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    if (answer.statusCode() != 200) {
      throw new IOException(method + ": " + answer.statusCode() + " " + answer.body());
    }
    try {
      JsonFormat.parser().merge(answer.body(), response);
    } catch (InvalidProtocolBufferException e) {
      throw new IOException(
          method + " answered what is no " + response.getDescriptorForType().getName(), e);
    }
  }
}
