package orch.controller.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status.Code;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import orch.v1.BatchCancelJobsRequest;
import orch.v1.BatchCancelJobsResponse;
import orch.v1.BatchGetJobsRequest;
import orch.v1.BatchGetJobsResponse;
import orch.v1.CancelJobRequest;
import orch.v1.DeleteJobRequest;
import orch.v1.ExplainJobRequest;
import orch.v1.FormatSpecRequest;
import orch.v1.GetJobRequest;
import orch.v1.HoldJobRequest;
import orch.v1.Job;
import orch.v1.JobFilter;
import orch.v1.JobServiceGrpc;
import orch.v1.JobSpec;
import orch.v1.JobState;
import orch.v1.JobType;
import orch.v1.ListJobVersionsRequest;
import orch.v1.ListJobVersionsResponse;
import orch.v1.ListJobsRequest;
import orch.v1.ListJobsResponse;
import orch.v1.ParseSpecRequest;
import orch.v1.PlanJobRequest;
import orch.v1.PlanJobResponse;
import orch.v1.ReleaseJobRequest;
import orch.v1.ResumeJobRequest;
import orch.v1.ScaleJobRequest;
import orch.v1.SubmitJobRequest;
import orch.v1.SubmitJobResponse;
import orch.v1.SubmitOutcome;
import orch.v1.SuspendJobRequest;
import orch.v1.TriggerJobRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class JobServiceTest {
  private Bench bench;

  @BeforeEach
  void start() throws IOException {
    bench = new Bench();
  }

  @AfterEach
  void stop() {
    bench.close();
  }

  // ---- submit

  @Test
  void submitGivesTheJobWithItsNumberAndResourceName() {
    SubmitJobResponse answer =
        bench.jobs().submitJob(SubmitJobRequest.newBuilder().setSpec(Bench.spec("web", 3)).build());
    assertEquals(SubmitOutcome.SUBMIT_OUTCOME_CREATED, answer.getOutcome());
    Job job = answer.getJob();
    assertEquals("namespaces/default/jobs/" + job.getNumber(), job.getName());
    assertEquals("web", job.getJobName());
    assertEquals(JobState.JOB_STATE_QUEUED, job.getState());
    assertEquals(3, job.getTasks().getWaiting());
    assertTrue(job.getRevision() > 0);
    assertEquals(job.getNumber(), get("web").getNumber());
  }

  @Test
  void sameRequestIdGivesTheSameJob() {
    SubmitJobRequest request =
        SubmitJobRequest.newBuilder().setSpec(Bench.spec("", 1)).setRequestId(Ids.next()).build();
    long first = bench.jobs().submitJob(request).getJob().getNumber();
    assertEquals(first, bench.jobs().submitJob(request).getJob().getNumber());
    Bench.Refused other =
        Bench.refused(() -> bench.jobs().submitJob(request.toBuilder().setReplace(true).build()));
    assertFalse(other.reason().isEmpty());
  }

  @Test
  void everyProblemOfASpecIsNamedWithItsField() {
    JobSpec wrong = Bench.spec("No Name", 1).toBuilder().setPriority(1_000).build();
    Bench.Refused refused = Bench.refused(() -> bench.submit(wrong));
    assertEquals(Code.INVALID_ARGUMENT, refused.code());
    assertEquals("INVALID_SPEC", refused.reason());
    assertEquals(List.of("spec.name", "spec.priority"), refused.fields());
    assertEquals(0, list(JobFilter.getDefaultInstance()).size());
  }

  @Test
  void nameOfALiveBatchJobIsAConflict() {
    bench.submit("web", 1);
    Bench.Refused refused = Bench.refused(() -> bench.submit("web", 2));
    assertEquals(Code.ALREADY_EXISTS, refused.code());
    assertFalse(refused.message().isEmpty());
  }

  @Test
  void validateOnlyStoresNothing() {
    SubmitJobResponse answer =
        bench
            .jobs()
            .submitJob(
                SubmitJobRequest.newBuilder()
                    .setSpec(Bench.spec("web", 1))
                    .setValidateOnly(true)
                    .build());
    assertEquals(SubmitOutcome.SUBMIT_OUTCOME_CREATED, answer.getOutcome());
    assertEquals("web", answer.getJob().getJobName());
    assertEquals(List.of(), list(JobFilter.getDefaultInstance()));
  }

  @Test
  void callersUserAndTraceGoIntoTheJob() {
    var jobs =
        JobServiceGrpc.newBlockingStub(
            bench.as(
                "alice",
                Map.of("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")));
    Job job =
        jobs.submitJob(SubmitJobRequest.newBuilder().setSpec(Bench.spec("web", 1)).build())
            .getJob();
    assertEquals("local:alice", job.getOwner());
    assertEquals("0af7651916cd43dd8448eb211c80319c", job.getTraceId());
  }

  @Test
  void userThatIsNoLoginNameIsRefused() {
    var jobs = JobServiceGrpc.newBlockingStub(bench.as("alice; rm", Map.of()));
    Bench.Refused refused =
        Bench.refused(() -> jobs.listJobs(ListJobsRequest.getDefaultInstance()));
    assertEquals("INVALID_USER", refused.reason());
  }

  @Test
  void parseAndFormatGoThroughTheDialect() {
    JobSpec spec =
        bench
            .jobs()
            .parseSpec(ParseSpecRequest.newBuilder().setText("web:/bin/true").build())
            .getSpecs(0);
    assertEquals("web", spec.getName());
    assertEquals(
        "web:/bin/true",
        bench.jobs().formatSpec(FormatSpecRequest.newBuilder().setSpec(spec).build()).getText());
    assertEquals(
        List.of("text"),
        Bench.refused(() ->
                bench
                    .jobs()
                    .parseSpec(ParseSpecRequest.newBuilder().setText("x".repeat(1 << 21)).build()))
            .fields());
  }

  @Test
  void planShowsPlacementAndWhatKeepsTheRest() {
    bench.agent("alpha").join();
    PlanJobResponse plan =
        bench.jobs().planJob(PlanJobRequest.newBuilder().setSpec(Bench.spec("web", 3)).build());
    assertEquals(SubmitOutcome.SUBMIT_OUTCOME_CREATED, plan.getOutcome());
    assertEquals(Map.of("alpha", 3), plan.getPlacementsMap());
    assertEquals(List.of(), list(JobFilter.getDefaultInstance()));
  }

  @Test
  void planOfALiveServiceShowsWhatWouldChange() {
    JobSpec service = Bench.spec("web", 1).toBuilder().setType(JobType.JOB_TYPE_SERVICE).build();
    bench.submit(service);
    PlanJobResponse plan =
        bench
            .jobs()
            .planJob(
                PlanJobRequest.newBuilder()
                    .setSpec(service.toBuilder().setCount(4).putEnv("A", "b"))
                    .build());
    assertEquals(SubmitOutcome.SUBMIT_OUTCOME_UPDATED, plan.getOutcome());
    assertTrue(plan.getChangesList().contains("env: unset -> {\"A\":\"b\"}"), plan.toString());
    assertTrue(
        plan.getChangesList().stream().anyMatch(line -> line.startsWith("count: 1 -> 4")),
        plan.toString());
  }

  // ---- names

  @Test
  void jobIsFoundByNumberNameAndLast() {
    var alice = JobServiceGrpc.newBlockingStub(bench.as("alice", Map.of()));
    bench.submit("web", 1);
    long second =
        alice
            .submitJob(SubmitJobRequest.newBuilder().setSpec(Bench.spec("db", 1)).build())
            .getJob()
            .getNumber();
    bench.submit("cache", 1);
    for (String name :
        List.of(
            "namespaces/default/jobs/" + second,
            "namespaces/-/jobs/" + second,
            "namespaces/default/jobs/db",
            "namespaces/default/jobs/last",
            "last",
            "db",
            Long.toString(second))) {
      assertEquals(
          second, alice.getJob(GetJobRequest.newBuilder().setName(name).build()).getNumber(), name);
    }
  }

  @Test
  void jobThatIsNotThereIsNotFoundAndANameThatIsNoneIsInvalid() {
    long number = bench.submit("web", 1).getNumber();
    for (String name :
        List.of(
            "99", "db", "last2", "namespaces/other/jobs/" + number, "namespaces/other/jobs/web")) {
      Bench.Refused refused = Bench.refused(() -> get(name));
      assertEquals(Code.NOT_FOUND, refused.code(), name);
      assertEquals("JOB_NOT_FOUND", refused.reason());
    }
    for (String name : List.of("", "WEB", "0", "namespaces/default", "namespaces/-/jobs/web")) {
      Bench.Refused refused = Bench.refused(() -> get(name));
      assertEquals(Code.INVALID_ARGUMENT, refused.code(), name);
      assertEquals(List.of("name"), refused.fields());
    }
  }

  @Test
  void readWaitsForItsMinimumRevision() throws Exception {
    Job job = bench.submit("web", 1);
    CompletableFuture<Job> later =
        CompletableFuture.supplyAsync(() ->
            bench
                .jobs()
                .getJob(
                    GetJobRequest.newBuilder()
                        .setName("web")
                        .setMinRevision(job.getRevision() + 1)
                        .build()));
    bench.jobs().holdJob(HoldJobRequest.newBuilder().setName("web").build());
    assertEquals(JobState.JOB_STATE_HELD, later.get(10, TimeUnit.SECONDS).getState());
  }

  // ---- lists

  @Test
  void pagesGoThroughAllJobsNewestFirst() {
    for (int i = 0; i < 7; i++) {
      bench.submit("j" + i, 1);
    }
    List<String> names = new ArrayList<>();
    ListJobsRequest.Builder request = ListJobsRequest.newBuilder().setPageSize(3);
    int pages = 0;
    do {
      ListJobsResponse page = bench.jobs().listJobs(request.build());
      assertTrue(page.getJobsCount() <= 3);
      page.getJobsList().forEach(job -> names.add(job.getJobName()));
      request.setPageToken(page.getNextPageToken());
      pages++;
    } while (!request.getPageToken().isEmpty() && pages < 10);
    assertEquals(List.of("j6", "j5", "j4", "j3", "j2", "j1", "j0"), names);
  }

  @Test
  void pageTokenOfAnotherListingIsRefused() {
    bench.submit("a", 1);
    bench.submit("b", 1);
    String token =
        bench
            .jobs()
            .listJobs(ListJobsRequest.newBuilder().setPageSize(1).build())
            .getNextPageToken();
    for (ListJobsRequest.Builder request :
        List.of(
            ListJobsRequest.newBuilder().setOmitSpecs(true).setPageToken(token),
            ListJobsRequest.newBuilder().setPageToken("AAAA"),
            ListJobsRequest.newBuilder().setPageToken("!"))) {
      assertEquals(
          List.of("page_token"),
          Bench.refused(() -> bench.jobs().listJobs(request.build())).fields());
    }
    assertEquals(
        1,
        bench
            .jobs()
            .listJobs(ListJobsRequest.newBuilder().setPageToken(token).build())
            .getJobsCount());
  }

  @Test
  void filterSelectsByOwnerLabelStateNumberAndLife() {
    JobSpec labelled = Bench.spec("a", 1).toBuilder().putLabels("team", "x").build();
    long first = bench.submit(labelled).getNumber();
    var alice = JobServiceGrpc.newBlockingStub(bench.as("alice", Map.of()));
    alice.submitJob(SubmitJobRequest.newBuilder().setSpec(Bench.spec("b", 1)).build());
    bench.jobs().cancelJob(CancelJobRequest.newBuilder().setName("b").build());
    assertEquals(List.of("a"), list(JobFilter.newBuilder().putLabels("team", "").build()));
    assertEquals(List.of(), list(JobFilter.newBuilder().putLabels("team", "y").build()));
    assertEquals(List.of("b"), list(JobFilter.newBuilder().setOwner("local:alice").build()));
    assertEquals(List.of("a"), list(JobFilter.newBuilder().setOwner("me").build()));
    assertEquals(List.of("a"), list(JobFilter.newBuilder().setLive(true).build()));
    assertEquals(List.of("a"), list(JobFilter.newBuilder().addNumbers(first).build()));
    assertEquals(
        List.of("b"), list(JobFilter.newBuilder().addStates(JobState.JOB_STATE_CANCELLED).build()));
    assertEquals(
        List.of("filter.states"),
        Bench.refused(() ->
                list(JobFilter.newBuilder().addStates(JobState.JOB_STATE_UNSPECIFIED).build()))
            .fields());
  }

  @Test
  void specsAreLeftOutWhenNobodyWantsThem() {
    bench.submit("a", 1);
    Job job =
        bench.jobs().listJobs(ListJobsRequest.newBuilder().setOmitSpecs(true).build()).getJobs(0);
    assertFalse(job.hasSpec());
  }

  @Test
  void batchReadNamesWhatIsMissing() {
    bench.submit("a", 1);
    BatchGetJobsResponse answer =
        bench
            .jobs()
            .batchGetJobs(
                BatchGetJobsRequest.newBuilder()
                    .addNames("a")
                    .addNames("77")
                    .addNames("b")
                    .build());
    assertEquals("a", answer.getJobs(0).getJobName());
    assertEquals(List.of("77", "b"), answer.getMissingList());
  }

  // ---- changes

  @Test
  void cancelledJobSaysSoAndWhy() {
    bench.submit("a", 1);
    Job job =
        bench
            .jobs()
            .cancelJob(CancelJobRequest.newBuilder().setName("a").setReason("no need").build());
    assertEquals(JobState.JOB_STATE_CANCELLED, job.getState());
    assertTrue(job.getReason().contains("no need"), job.getReason());
    assertTrue(job.hasExitCode());
  }

  @Test
  void batchCancelEndsAllThatExist() {
    bench.submit("a", 1);
    bench.submit("b", 1);
    BatchCancelJobsResponse answer =
        bench
            .jobs()
            .batchCancelJobs(
                BatchCancelJobsRequest.newBuilder()
                    .addNames("a")
                    .addNames("nope")
                    .addNames("b")
                    .build());
    assertEquals(2, answer.getJobsCount());
    assertEquals(List.of("nope"), answer.getMissingList());
    assertEquals(List.of(), list(JobFilter.newBuilder().setLive(true).build()));
  }

  @Test
  void finishedJobCanBeDeletedAndALiveOneCannot() {
    bench.submit("a", 1);
    Bench.Refused live =
        Bench.refused(
            () -> bench.jobs().deleteJob(DeleteJobRequest.newBuilder().setName("a").build()));
    assertEquals(Code.FAILED_PRECONDITION, live.code());
    bench.jobs().cancelJob(CancelJobRequest.newBuilder().setName("a").build());
    bench.jobs().deleteJob(DeleteJobRequest.newBuilder().setName("a").build());
    assertEquals(Code.NOT_FOUND, Bench.refused(() -> get("a")).code());
  }

  @Test
  void heldJobIsReleased() {
    bench.submit("a", 1);
    assertEquals(
        JobState.JOB_STATE_HELD,
        bench.jobs().holdJob(HoldJobRequest.newBuilder().setName("a").build()).getState());
    assertEquals(
        JobState.JOB_STATE_QUEUED,
        bench.jobs().releaseJob(ReleaseJobRequest.newBuilder().setName("a").build()).getState());
  }

  @Test
  void suspendedJobIsResumed() {
    bench.submit("a", 1);
    Job job = bench.jobs().suspendJob(SuspendJobRequest.newBuilder().setName("a").build());
    assertTrue(job.getSuspended());
    assertTrue(job.getReason().startsWith("suspended by "), job.getReason());
    job = bench.jobs().resumeJob(ResumeJobRequest.newBuilder().setName("a").build());
    assertFalse(job.getSuspended());
    assertEquals("", job.getReason());
  }

  @Test
  void scaledServiceHasANewVersion() {
    bench.submit(Bench.spec("web", 1).toBuilder().setType(JobType.JOB_TYPE_SERVICE).build());
    Job job =
        bench.jobs().scaleJob(ScaleJobRequest.newBuilder().setName("web").setCount(3).build());
    assertEquals(2, job.getVersion());
    assertEquals(3, job.getTasks().getTotal());
    ListJobVersionsResponse versions =
        bench
            .jobs()
            .listJobVersions(
                ListJobVersionsRequest.newBuilder().setName("web").setPageSize(1).build());
    assertEquals(2, versions.getVersions(0).getVersion());
    ListJobVersionsResponse rest =
        bench
            .jobs()
            .listJobVersions(
                ListJobVersionsRequest.newBuilder()
                    .setName("web")
                    .setPageToken(versions.getNextPageToken())
                    .build());
    assertEquals(1, rest.getVersions(0).getVersion());
    assertEquals("", rest.getNextPageToken());
  }

  @Test
  void waitingJobIsExplained() {
    bench.submit("a", 1);
    assertFalse(
        bench
            .jobs()
            .explainJob(ExplainJobRequest.newBuilder().setName("a").build())
            .getSummary()
            .isEmpty());
    assertEquals(
        Code.NOT_FOUND,
        Bench.refused(
                () -> bench.jobs().explainJob(ExplainJobRequest.newBuilder().setName("b").build()))
            .code());
  }

  @Test
  void methodThatIsNotServedSaysWhatToUse() {
    Bench.Refused refused =
        Bench.refused(
            () -> bench.jobs().triggerJob(TriggerJobRequest.newBuilder().setName("a").build()));
    assertEquals(Code.UNIMPLEMENTED, refused.code());
    assertTrue(refused.message().contains("JobService.TriggerJob"), refused.message());
    assertTrue(refused.message().contains("submit"), refused.message());
  }

  private Job get(String name) {
    return bench.jobs().getJob(GetJobRequest.newBuilder().setName(name).build());
  }

  private List<String> list(JobFilter filter) {
    return bench
        .jobs()
        .listJobs(ListJobsRequest.newBuilder().setFilter(filter).build())
        .getJobsList()
        .stream()
        .map(Job::getJobName)
        .toList();
  }
}
