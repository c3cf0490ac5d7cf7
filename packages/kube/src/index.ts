// SPDX-License-Identifier: Apache-2.0
// Public names of kube: a client of the API, helm, the arms of a canary, readiness, diagnosis, routes, metrics, the lock, the judge, and the canary itself.
export { journalName, openJournal, type JournalPlace } from './canary/journal.ts';
export { recoverCanary, type CanaryRecovery, type RecoveryWorld } from './canary/recover.ts';
export type { CanaryRecord, CanaryStage } from './canary/record.ts';
export { runRolling, type RollingEnd } from './canary/rolling.ts';
export { runCanary, type CanaryEnd, type CanaryPlan } from './canary/run.ts';
export type { RunPlan, RunWorld } from './canary/undertaking.ts';
export type { TimelinePoint } from './canary/timeline.ts';
export { formatWeights, parseSteps, type CanaryStep } from './canary/weights.ts';
export type { ArmLoss, CanaryReleases, CanaryTraffic, CanaryWorld, Look, MainRelease } from './canary/world.ts';
export { connectCluster, type Cluster, type LogOptions, type PatchOperation, type RemoveOptions, type WriteOptions } from './client/cluster.ts';
export type { Discovery, Resource } from './client/discovery.ts';
export { readKubeconfig, type ClusterAccess, type CredentialPlugin } from './client/kubeconfig.ts';
export { entraApplication, tokenKubeconfig } from './client/kubelogin.ts';
export {
  fieldOf, formatObject, kinds, listOf, numberOf, refOf, textMapOf, textOf,
  type KubeObject, type ObjectKind, type ObjectList, type ObjectMeta, type ObjectQuery, type ObjectRef,
} from './client/object.ts';
export type { ServiceRequest } from './client/service-proxy.ts';
export type { KubeContext } from './client/transport.ts';
export type { WatchChange, WatchOptions } from './client/watch.ts';
export { argoRollout, readArgoRollout } from './delegate/argo-rollouts.ts';
export { flaggerCanary, flaggerInterval, isFlaggerSettled, isFlaggerSuspended, markFlagger, readFlagger, type FlaggerMark } from './delegate/flagger.ts';
export { followRollout, type FollowOptions } from './delegate/follow.ts';
export { findRolloutOwner, isArgoRollout, type RolloutOwner } from './delegate/owner.ts';
export type { RolloutProgress } from './delegate/progress.ts';
export { clean, cleanTail, secretValues } from './diagnosis/clean.ts';
export { diagnose, diagnoseFailure } from './diagnosis/diagnose.ts';
export type { DiagnosisCode, DiagnosisFinding, DiagnosisInput, DiagnosisOptions } from './diagnosis/finding.ts';
export { gatherDiagnosis, type GatherOptions } from './diagnosis/gather.ts';
export { checkChart, checkReleaseName, type ChartSource, type HelmTarget, type UpgradeOptions } from './helm/arguments.ts';
export { createHelm, type Helm } from './helm/helm.ts';
export { planRecovery, type OperationOwner, type Recovery, type RecoveryAudit } from './helm/recovery.ts';
export { isPending, listRevisions, readRelease, type ReleaseRecord, type ReleaseRevision, type ReleaseStatus } from './helm/release-record.ts';
export type { Line } from './judge/bet.ts';
export { boundaryProblem, chooseBoundaries, type Bucket } from './judge/boundary.ts';
export {
  noCounters, readCounters, warmUpSeconds,
  type CounterIncrement, type CounterReading, type CounterSample, type CounterState, type SeriesRole, type SourceState,
} from './judge/counter.ts';
export { historyRho, rhoWithoutHistory } from './judge/dispersion.ts';
export { forecast, type Forecast, type ForecastOptions, type TrafficStep, type Wait } from './judge/forecast.ts';
export { judgeSlot, judgeSlots, judgeState, startJudge, type JudgeState } from './judge/judge.ts';
export { explainJudgement, formatLine, formatOdds, formatShare, type JudgeReason, type JudgeVerdict, type Judgement, type MetricJudgement } from './judge/judgement.ts';
export { judgeDefaults, planJudge, type JudgePlan, type JudgeSettings, type MetricPlan, type MetricSettings } from './judge/settings.ts';
export { addCounts, type Arm, type ArmCounts, type ArmPair, type Slot, type SlotMetric } from './judge/slot.ts';
export { readJudgeState } from './judge/state-file.ts';
export { withLease, type Lease, type LeaseOptions } from './lease.ts';
export { lintManifest } from './lint/lint.ts';
export type { ChartFinding } from './lint/pod-template.ts';
export { bucketsOf, historyOf, type History } from './metrics/counters.ts';
export { createObserver, failureMetric, slowMetric, type ObserverOptions } from './metrics/observer.ts';
export { findPreset, ownPreset, presetNames, type Backend, type CounterPreset } from './metrics/preset.ts';
export { watchArms, type ArmTrouble, type ArmWatchOptions } from './readiness/arm-health.ts';
export { azureMonitorAudience, connectMetrics, isAzureMonitor, type MetricsServer, type MetricsServerOptions, type Series } from './metrics/prometheus.ts';
export { findFatalSign, noPulls, notePulls, type FatalSign, type PullHistory } from './readiness/fail-fast.ts';
export { conditionOf, countReadyEndpoints, stateOf, type ObjectState } from './readiness/object-state.ts';
export { requestTo, requireAnswer } from './readiness/service-probe.ts';
export { waitReady, type WaitOptions, type WaitResult } from './readiness/wait.ts';
export { findRoute, openSplit, resumeSplit, type TrafficSplit } from './route/route.ts';
export { allStable, routesTo, weightsFor, type RouteSplit, type SplitServices, type Weights } from './route/split.ts';
export { armLabels, armName, makeArm, type ArmOptions, type ArmWorkload } from './workload/arm.ts';
export { writeChart, wrapChart, type ChartFace } from './workload/chart.ts';
export type { LeftOut } from './workload/left-out.ts';
export { readManifest } from './workload/manifest.ts';
export { findSelectors } from './workload/selector.ts';
