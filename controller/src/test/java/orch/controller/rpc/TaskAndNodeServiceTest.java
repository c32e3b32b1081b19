package orch.controller.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthGrpc;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import orch.api.model.DesiredAttempt;
import orch.v1.AdoptNodeRequest;
import orch.v1.AttemptState;
import orch.v1.BatchCancelTasksRequest;
import orch.v1.BatchCancelTasksResponse;
import orch.v1.BatchGetTasksRequest;
import orch.v1.BatchGetTasksResponse;
import orch.v1.CancelTaskRequest;
import orch.v1.Cluster;
import orch.v1.CordonNodeRequest;
import orch.v1.DrainNodeRequest;
import orch.v1.ExplainTaskRequest;
import orch.v1.GetClusterRequest;
import orch.v1.GetNodeRequest;
import orch.v1.GetTaskRequest;
import orch.v1.GetVersionRequest;
import orch.v1.ListMembersRequest;
import orch.v1.ListNodesRequest;
import orch.v1.ListNodesResponse;
import orch.v1.ListTasksRequest;
import orch.v1.ListTasksResponse;
import orch.v1.MemberRole;
import orch.v1.Node;
import orch.v1.NodeState;
import orch.v1.ReleaseBrakeRequest;
import orch.v1.ReplaceNodeRequest;
import orch.v1.Task;
import orch.v1.TaskState;
import orch.v1.UncordonNodeRequest;
import orch.v1.UpdateNodeLabelsRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class TaskAndNodeServiceTest {
  private Bench bench;

  @BeforeEach
  void start() throws IOException {
    bench = new Bench();
  }

  @AfterEach
  void stop() {
    bench.close();
  }

  // ---- tasks

  @Test
  void taskShowsItsAttemptAndItsResult() {
    try (FakeAgent alpha = bench.agent("alpha").join()) {
      long job = bench.submit("web", 1).getNumber();
      DesiredAttempt attempt = alpha.wanted(0);
      alpha.running(attempt, job);
      alpha.exited(attempt, job, 3);
      Task task = task("web/tasks/0");
      while (task.getState() != TaskState.TASK_STATE_FAILED) {
        task = task("web/tasks/0");
      }
      assertEquals("web/0", task.getTask());
      assertEquals("namespaces/default/jobs/" + job + "/tasks/0", task.getName());
      assertEquals(AttemptState.ATTEMPT_STATE_FAILED, task.getAttempt().getState());
      assertEquals(task.getName() + "/attempts/1", task.getAttempt().getName());
      assertEquals(attempt.uid().toString(), task.getAttempt().getUid());
      assertEquals("alpha", task.getAttempt().getNode());
      assertEquals(3, task.getAttempt().getResult().getExitCode());
      assertEquals(attempt.fencingToken(), task.getAttempt().getFencingToken());
    }
  }

  @Test
  void taskIsFoundByItsShortNameToo() {
    long job = bench.submit("web", 2).getNumber();
    for (String name :
        List.of("web/1", job + "/1", "web/tasks/1", "namespaces/default/jobs/web/tasks/1")) {
      assertEquals(1, task(name).getIndex(), name);
    }
    assertEquals("TASK_NOT_FOUND", Bench.refused(() -> task("web/2")).reason());
    assertEquals("TASK_NOT_FOUND", Bench.refused(() -> task("db/0")).reason());
    assertEquals(List.of("name"), Bench.refused(() -> task("web")).fields());
  }

  @Test
  void pagesGoThroughTheTasksInOrder() {
    bench.submit("web", 25);
    List<Integer> indexes = new ArrayList<>();
    ListTasksRequest.Builder request =
        ListTasksRequest.newBuilder().setParent("web").setPageSize(10);
    do {
      ListTasksResponse page = bench.tasks().listTasks(request.build());
      page.getTasksList().forEach(task -> indexes.add(task.getIndex()));
      request.setPageToken(page.getNextPageToken());
    } while (!request.getPageToken().isEmpty());
    assertEquals(25, indexes.size());
    assertEquals(indexes.stream().sorted().toList(), indexes);
  }

  @Test
  void tasksOfAllLiveJobsAreListedJobByJob() {
    bench.submit("a", 2);
    bench.submit("gone", 2);
    bench.jobs().cancelJob(orch.v1.CancelJobRequest.newBuilder().setName("gone").build());
    bench.submit("b", 3);
    List<String> names = new ArrayList<>();
    ListTasksRequest.Builder request =
        ListTasksRequest.newBuilder().setParent("namespaces/-/jobs/-").setPageSize(2);
    int pages = 0;
    do {
      ListTasksResponse page = bench.tasks().listTasks(request.build());
      assertTrue(page.getTasksCount() <= 2);
      page.getTasksList().forEach(task -> names.add(task.getTask()));
      request.setPageToken(page.getNextPageToken());
      pages++;
    } while (!request.getPageToken().isEmpty() && pages < 20);
    assertEquals(List.of("b/0", "b/1", "b/2", "a/0", "a/1"), names);
  }

  @Test
  void tasksAreChosenByStateAndNode() {
    try (FakeAgent alpha = bench.agent("alpha").join()) {
      bench.submit(Bench.spec("web", 3).toBuilder().setParallelism(1).build());
      alpha.wanted(0);
      assertEquals(
          List.of(1, 2),
          list(ListTasksRequest.newBuilder().addStates(TaskState.TASK_STATE_WAITING)));
      assertEquals(List.of(0), list(ListTasksRequest.newBuilder().setNode("nodes/alpha")));
      assertEquals(List.of(), list(ListTasksRequest.newBuilder().setNode("beta")));
    }
  }

  @Test
  void batchesNameWhatIsMissing() {
    bench.submit("web", 2);
    BatchGetTasksResponse got =
        bench
            .tasks()
            .batchGetTasks(
                BatchGetTasksRequest.newBuilder().addNames("web/1").addNames("web/7").build());
    assertEquals(1, got.getTasks(0).getIndex());
    assertEquals(List.of("web/7"), got.getMissingList());
    BatchCancelTasksResponse cancelled =
        bench
            .tasks()
            .batchCancelTasks(
                BatchCancelTasksRequest.newBuilder()
                    .addNames("web/1")
                    .addNames("db/0")
                    .setReason("no need")
                    .build());
    assertEquals(TaskState.TASK_STATE_CANCELLED, cancelled.getTasks(0).getState());
    assertEquals(List.of("db/0"), cancelled.getMissingList());
  }

  @Test
  void cancelledTaskLeavesTheOthersAlone() {
    bench.submit("web", 2);
    Task task = bench.tasks().cancelTask(CancelTaskRequest.newBuilder().setName("web/0").build());
    assertEquals(TaskState.TASK_STATE_CANCELLED, task.getState());
    assertEquals(TaskState.TASK_STATE_WAITING, task("web/1").getState());
  }

  @Test
  void waitingTaskIsExplained() {
    bench.submit("web", 1);
    assertFalse(
        bench
            .tasks()
            .explainTask(ExplainTaskRequest.newBuilder().setName("web/0").build())
            .getSummary()
            .isEmpty());
  }

  // ---- nodes

  @Test
  void nodeIsCordonedUncordonedDrainedAndLabelled() {
    try (FakeAgent alpha = bench.agent("alpha").join()) {
      Node node =
          bench
              .nodes()
              .cordonNode(
                  CordonNodeRequest.newBuilder().setName("nodes/alpha").setReason("disk").build());
      assertEquals(NodeState.NODE_STATE_CORDONED, node.getState());
      assertTrue(node.getReason().contains("disk"), node.getReason());
      assertEquals(
          NodeState.NODE_STATE_READY,
          bench
              .nodes()
              .uncordonNode(UncordonNodeRequest.newBuilder().setName("alpha").build())
              .getState());
      Node labelled =
          bench
              .nodes()
              .updateNodeLabels(
                  UpdateNodeLabelsRequest.newBuilder()
                      .setName("alpha")
                      .putSet("rack", "a")
                      .build());
      assertEquals("a", labelled.getLabelsOrThrow("rack"));
      assertEquals(
          NodeState.NODE_STATE_DRAINING,
          bench
              .nodes()
              .drainNode(DrainNodeRequest.newBuilder().setName("alpha").build())
              .getState());
      assertEquals(
          List.of("deadline"),
          Bench.refused(() ->
                  bench
                      .nodes()
                      .drainNode(
                          DrainNodeRequest.newBuilder()
                              .setName(alpha.name)
                              .setDeadline(com.google.protobuf.Duration.newBuilder().setSeconds(-1))
                              .build()))
              .fields());
    }
  }

  @Test
  void nodesAreListedByNameStateAndLabel() {
    try (FakeAgent beta = bench.agent("beta").join();
        FakeAgent alpha = bench.agent("alpha").join();
        FakeAgent gamma = bench.agent("gamma").join()) {
      bench.nodes().cordonNode(CordonNodeRequest.newBuilder().setName(beta.name).build());
      bench
          .nodes()
          .updateNodeLabels(
              UpdateNodeLabelsRequest.newBuilder().setName(gamma.name).putSet("rack", "a").build());
      ListNodesResponse first =
          bench.nodes().listNodes(ListNodesRequest.newBuilder().setPageSize(2).build());
      assertEquals(List.of("nodes/" + alpha.name, "nodes/beta"), names(first));
      assertEquals(
          List.of("nodes/gamma"),
          names(
              bench
                  .nodes()
                  .listNodes(
                      ListNodesRequest.newBuilder()
                          .setPageToken(first.getNextPageToken())
                          .build())));
      assertEquals(
          List.of("nodes/beta"),
          names(
              bench
                  .nodes()
                  .listNodes(
                      ListNodesRequest.newBuilder()
                          .addStates(NodeState.NODE_STATE_CORDONED)
                          .build())));
      assertEquals(
          List.of("nodes/gamma"),
          names(
              bench
                  .nodes()
                  .listNodes(ListNodesRequest.newBuilder().putLabels("rack", "a").build())));
    }
  }

  @Test
  void unknownNodeIsNotFound() {
    assertEquals(
        "NODE_NOT_FOUND",
        Bench.refused(
                () -> bench.nodes().getNode(GetNodeRequest.newBuilder().setName("nope").build()))
            .reason());
    assertEquals(
        List.of("name"),
        Bench.refused(() -> bench.nodes().getNode(GetNodeRequest.getDefaultInstance())).fields());
    assertEquals(
        "NOTHING_TO_ADOPT",
        Bench.refused(
                () -> bench.nodes().adoptNode(AdoptNodeRequest.newBuilder().setName("x").build()))
            .reason());
    assertEquals(
        "NODE_NOT_FOUND",
        Bench.refused(() ->
                bench.nodes().replaceNode(ReplaceNodeRequest.newBuilder().setName("x").build()))
            .reason());
  }

  @Test
  void theBrakeIsReleasedOnlyWhenItIsOnAndByOneWhoHasVerified() {
    assertEquals(
        List.of("verified"),
        Bench.refused(() -> bench.cluster().releaseBrake(ReleaseBrakeRequest.getDefaultInstance()))
            .fields());
    assertEquals(
        "BRAKE_NOT_ON",
        Bench.refused(() ->
                bench
                    .cluster()
                    .releaseBrake(ReleaseBrakeRequest.newBuilder().setVerified(true).build()))
            .reason());
  }

  // ---- the cluster

  @Test
  void clusterShowsItsIdentityItsNodesAndItsJobs() {
    try (FakeAgent alpha = bench.agent("alpha").join()) {
      bench.submit("web", 2);
      alpha.wanted(0);
      Cluster cluster = bench.cluster().getCluster(GetClusterRequest.getDefaultInstance());
      assertEquals("cluster-1", cluster.getClusterId());
      assertEquals(1, cluster.getEpoch());
      assertTrue(cluster.getRevision() > 0);
      assertEquals(1, cluster.getNodesOrThrow("ready"));
      assertEquals(2, cluster.getTasks().getTotal());
      assertEquals(64_000, cluster.getCapacity().getCpuMillis());
    }
  }

  @Test
  void standbyStillTellsItsVersionAndWhoIsThere() {
    bench.controller.depose();
    assertEquals(
        "1.2.3", bench.cluster().getVersion(GetVersionRequest.getDefaultInstance()).getVersion());
    var members = bench.cluster().listMembers(ListMembersRequest.getDefaultInstance());
    assertEquals(2, members.getMembersCount());
    assertEquals(
        List.of("c2"),
        members.getMembersList().stream()
            .filter(member -> member.getRole() == MemberRole.MEMBER_ROLE_LEADER)
            .map(orch.v1.Member::getName)
            .toList());
  }

  @Test
  void healthServiceAnswers() {
    assertEquals(
        HealthCheckResponse.ServingStatus.SERVING,
        HealthGrpc.newBlockingStub(bench.channel())
            .check(HealthCheckRequest.getDefaultInstance())
            .getStatus());
  }

  private Task task(String name) {
    return bench.tasks().getTask(GetTaskRequest.newBuilder().setName(name).build());
  }

  private List<Integer> list(ListTasksRequest.Builder request) {
    return bench.tasks().listTasks(request.setParent("web").build()).getTasksList().stream()
        .map(Task::getIndex)
        .toList();
  }

  private static List<String> names(ListNodesResponse response) {
    return response.getNodesList().stream().map(Node::getName).toList();
  }
}
