// SPDX-License-Identifier: Apache-2.0
// What is wrong with one pod.
import { fieldOf, formatObject, listOf, numberOf, textOf, type KubeObject } from '../client/object.ts';
import { conditionOf } from '../readiness/object-state.ts';
import { clean, cleanTail } from './clean.ts';
import { explainCrash } from './crash.ts';
import type { DiagnosisCode, DiagnosisFinding, DiagnosisInput, DiagnosisOptions } from './finding.ts';
import { explainPull } from './image-pull.ts';

/** Findings of a pod: at most one for each container, or one for the pod as a whole. */
export function diagnosePod(pod: KubeObject, input: DiagnosisInput, options: DiagnosisOptions): DiagnosisFinding[] {
  const say = (text: string): string => clean(text, options.secrets);
  const whole = (code: DiagnosisCode, rest: Omit<DiagnosisFinding, 'code' | 'object'>): DiagnosisFinding[] => [{ code, object: formatObject(pod), ...rest }];
  const scheduled = conditionOf(pod, 'PodScheduled');
  if (scheduled.status === 'False' && scheduled.reason === 'Unschedulable') return whole('UNSCHEDULABLE', { cause: 'no node can take the pod', evidence: [say(scheduled.message)], mend: scheduleMend(scheduled.message) });
  if (textOf(pod, 'status', 'reason') === 'Evicted') return whole('POD_EVICTED', { cause: 'the node evicted the pod', evidence: [say(textOf(pod, 'status', 'message'))], mend: 'Give the container requests for what it uses (memory, ephemeral-storage), so that it is put on a node with room.' });
  const events = eventsOf(pod, input.events);
  const containers = ['initContainerStatuses', 'containerStatuses'].flatMap((list) => listOf(pod, 'status', list)).flatMap((status) => diagnoseContainer({ pod, status, events, input, options }));
  if (containers.length > 0) return containers;
  const mount = events.find((event) => /^(?:FailedMount|FailedAttachVolume)$/.test(textOf(event, 'reason')));
  if (mount !== undefined && textOf(pod, 'status', 'phase') === 'Pending') return whole('VOLUME_NOT_MOUNTED', mountFinding(say(textOf(mount, 'message'))));
  return [];
}

interface Look {
  readonly pod: KubeObject;
  readonly status: unknown;
  readonly events: readonly KubeObject[];
  readonly input: DiagnosisInput;
  readonly options: DiagnosisOptions;
}

function diagnoseContainer({ pod, status, events, input, options }: Look): DiagnosisFinding[] {
  const name = textOf(status, 'name');
  const object = `${formatObject(pod)}, container ${name}`;
  const spec = ['initContainers', 'containers'].flatMap((list) => listOf(pod, 'spec', list)).find((container) => container['name'] === name);
  const reason = textOf(status, 'state', 'waiting', 'reason');
  const message = textOf(status, 'state', 'waiting', 'message');
  const say = (text: string): string => clean(text, options.secrets);
  const log = cleanTail(input.logs?.[`${pod.metadata.name}/${name}`] ?? '', options.secrets);
  const waiting = waitingRules[reason];
  if (waiting !== undefined) return [{ object, evidence: [say(message), ...log].filter(Boolean), ...waiting(say(message)) }];
  if (reason === 'ErrImagePull' || reason === 'ImagePullBackOff') {
    // The back-off does not repeat why; the last event of the pull does.
    const told = [message, ...events.filter((event) => /Failed to pull image|Error: /.test(textOf(event, 'message'))).map((event) => textOf(event, 'message'))].join('\n');
    return [{ object, ...explainPull(told, textOf(spec, 'image') || textOf(status, 'image'), options), evidence: told.split('\n').filter(Boolean).slice(0, 2).map(say) }];
  }
  const ended = fieldOf(status, 'state', 'terminated') ?? (reason === 'CrashLoopBackOff' || (numberOf(status, 'restartCount') ?? 0) > 0 ? fieldOf(status, 'lastState', 'terminated') : undefined);
  const isReady = fieldOf(status, 'ready') === true;
  if (ended !== undefined && !isReady && !(textOf(ended, 'reason') === 'Completed' && isInit(pod, name))) {
    const exitCode = numberOf(ended, 'exitCode') ?? 0;
    // A probe also fails because there is nothing any more that could answer: who ended by itself was not ended by the kubelet.
    const probe = events.find((event) => (exitCode > 128 ? /(?:Liveness|Startup) probe failed|failed (?:liveness|startup) probe/ : /failed (?:liveness|startup) probe/).test(textOf(event, 'message')));
    const crash = explainCrash({ exitCode, reason: textOf(ended, 'reason'), signal: numberOf(ended, 'signal') || undefined, memoryLimit: textOf(spec, 'resources', 'limits', 'memory'), probeEvent: textOf(probe, 'message') });
    return [{ object, ...crash, evidence: [`exit code ${exitCode}, ${numberOf(status, 'restartCount') ?? 0} restarts`, say(textOf(ended, 'message')), say(textOf(probe, 'message')), ...log].filter(Boolean) }];
  }
  const running = fieldOf(status, 'state', 'running') !== undefined;
  return running && !isReady && !isInit(pod, name) ? [notReady({ object, spec, log, event: say(textOf(events.find((entry) => textOf(entry, 'message').startsWith('Readiness probe')), 'message')) })] : [];
}

const isInit = (pod: KubeObject, name: string): boolean => listOf(pod, 'spec', 'initContainers').some((container) => container['name'] === name);

type Rule = (message: string) => Pick<DiagnosisFinding, 'code' | 'cause' | 'mend'>;
const waitingRules: Readonly<Record<string, Rule | undefined>> = {
  InvalidImageName: () => ({ code: 'IMAGE_NAME_INVALID', cause: 'the image reference cannot be read', mend: 'It must be HOST/REPOSITORY@sha256:DIGEST; look at the values that the chart builds it from.' }),
  ErrImageNeverPull: () => ({ code: 'IMAGE_NOT_FOUND', cause: 'the image is not on the node, and imagePullPolicy is Never', mend: 'Use imagePullPolicy: IfNotPresent; with a digest it is exact.' }),
  CreateContainerConfigError: (message) => ({ code: 'CONFIG_MISSING', cause: `configuration that the container refers to is missing: ${message}`, mend: 'Create it, or correct its name or key in the chart; optional: true lets the container start without.' }),
  CreateContainerError: () => ({ code: 'CONTAINER_CREATE_FAILED', cause: 'the container cannot be created', mend: 'Mostly a command that is not in the image, or two mounts at one path: the evidence says which.' }),
  RunContainerError: () => ({ code: 'CONTAINER_START_FAILED', cause: 'the container cannot be started', mend: 'Compare command, working folder and security context with the image: the evidence says which.' }),
};

function notReady({ object, spec, log, event }: { readonly object: string; readonly spec: unknown; readonly log: readonly string[]; readonly event: string }): DiagnosisFinding {
  const probe = fieldOf(spec, 'readinessProbe');
  const asked = fieldOf(probe, 'httpGet') === undefined ? '' : ` (GET ${textOf(probe, 'httpGet', 'path') || '/'} on port ${String(fieldOf(probe, 'httpGet', 'port'))})`;
  return {
    code: 'NOT_READY', object, cause: event === '' ? 'it runs, but is not ready yet' : `its readiness probe fails${asked}`, evidence: [event, ...log].filter(Boolean),
    mend: event.includes('connection refused') ? 'Nothing listens there: compare the port of the probe with the one that the program listens on.' : 'Ask the same from inside: kubectl exec; and look at what the program waits for.',
  };
}

function mountFinding(message: string): Pick<DiagnosisFinding, 'cause' | 'evidence' | 'mend'> {
  const missing = /(configmap|secret) "([^"]+)" not found/.exec(message);
  return {
    cause: missing ? `the ${missing[1]} "${missing[2]}" that a volume is made from is missing` : 'a volume cannot be mounted', evidence: [message],
    mend: missing ? 'Create it, or correct its name in the chart.' : 'A disk that is attached elsewhere needs ReadWriteMany, or strategy Recreate; an identity that may not mount needs the role that the evidence names.',
  };
}

function scheduleMend(message: string): string {
  if (/Insufficient (\S+)/.test(message)) return `Lower resources.requests.${/Insufficient (\S+)/.exec(message)?.[1]?.replace(/[.,]$/, '')}, or add nodes (AKS: az aks nodepool scale, or the cluster autoscaler).`;
  if (/untolerated taint|had taint/.test(message)) return 'Add a toleration for the taint that the evidence names, or a node without it.';
  if (/volume node affinity|volume zone/.test(message)) return 'The disk is in another zone than the nodes with room: use a storage class with volumeBindingMode WaitForFirstConsumer, or zone-redundant disks.';
  if (/affinity|topology spread|didn't match/.test(message)) return 'Soften the affinity or spread rule (preferred, ScheduleAnyway), or add nodes that it allows.';
  return 'kubectl describe pod shows what each node lacks.';
}

function eventsOf(object: KubeObject, events: readonly KubeObject[]): KubeObject[] {
  const own = events.filter((event) => textOf(event, 'involvedObject', 'name') === object.metadata.name && textOf(event, 'involvedObject', 'kind') === object.kind);
  return own.sort((a, b) => (timeOf(a) < timeOf(b) ? 1 : -1));
}

const timeOf = (event: KubeObject): string => textOf(event, 'lastTimestamp') || textOf(event, 'eventTime') || (event.metadata.creationTimestamp ?? '');
