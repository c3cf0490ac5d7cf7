// SPDX-License-Identifier: Apache-2.0
// From what was read of a cluster to causes: a pure function.
import { formatObject, listOf, textOf, type KubeObject } from '../client/object.ts';
import { conditionOf } from '../readiness/object-state.ts';
import { clean } from './clean.ts';
import { explainDenial } from './denial.ts';
import type { DiagnosisFinding, DiagnosisInput, DiagnosisOptions } from './finding.ts';
import { diagnosePod } from './pod.ts';

/** All findings; the same cause on several pods of one workload is told once, with the number of pods. The likeliest root comes first. */
export function diagnose(input: DiagnosisInput, options: DiagnosisOptions = {}): readonly DiagnosisFinding[] {
  const findings = input.objects.flatMap((object) => diagnoseObject(object, input, options));
  const causes = new Map<string, DiagnosisFinding[]>();
  for (const finding of findings) {
    const key = `${finding.code} ${finding.cause}`;
    causes.set(key, [...(causes.get(key) ?? []), finding]);
  }
  const told = [...causes.values()].flatMap(([first, ...others]) => (first === undefined ? [] : [others.length === 0 ? first : { ...first, object: `${first.object} and ${others.length} more` }]));
  // A Service without addresses is mostly a consequence: it is told only when nothing else is.
  const empty = (input.endpoints ?? []).filter(({ ready }) => ready === 0);
  return told.length > 0 ? told : empty.map(({ service }) => ({
    code: 'NO_ENDPOINTS', object: `Service ${service}`, cause: 'it has no address that takes traffic', evidence: [], mend: `Compare its selector with the labels of the pods, and its targetPort with their ports: kubectl get endpointslices --selector kubernetes.io/service-name=${service}`,
  }));
}

function diagnoseObject(object: KubeObject, input: DiagnosisInput, options: DiagnosisOptions): DiagnosisFinding[] {
  if (object.kind === 'Pod') return diagnosePod(object, input, options);
  if (object.kind === 'HTTPRoute') return diagnoseRoute(object, options);
  if (object.kind === 'Job') return diagnoseJob(object, options);
  if (object.kind === 'Deployment' || object.kind === 'ReplicaSet') return diagnoseOwner(object, input, options);
  return [];
}

function diagnoseOwner(object: KubeObject, input: DiagnosisInput, options: DiagnosisOptions): DiagnosisFinding[] {
  const refused = conditionOf(object, 'ReplicaFailure');
  const event = input.events.find((entry) => textOf(entry, 'reason') === 'FailedCreate' && textOf(entry, 'involvedObject', 'name') === object.metadata.name);
  const message = refused.status === 'True' ? refused.message : textOf(event, 'message');
  // The Deployment repeats what its ReplicaSet says.
  if (message === '' || (object.kind === 'ReplicaSet' && input.objects.some((owner) => owner.kind === 'Deployment' && conditionOf(owner, 'ReplicaFailure').message === message))) return [];
  return [{ object: formatObject(object), evidence: [clean(message, options.secrets)], ...explainDenial(message) }];
}

function diagnoseRoute(route: KubeObject, options: DiagnosisOptions): DiagnosisFinding[] {
  return listOf(route, 'status', 'parents').flatMap((parent) => listOf(parent, 'conditions').filter((condition) => condition['status'] === 'False' && /^(?:Accepted|ResolvedRefs)$/.test(textOf(condition, 'type'))).map((condition) => {
    const reason = textOf(condition, 'reason');
    const gateway = textOf(parent, 'parentRef', 'name');
    const accepted = condition['type'] === 'Accepted';
    return {
      code: accepted ? 'ROUTE_NOT_ACCEPTED' as const : 'ROUTE_REFERENCE_BROKEN' as const, object: formatObject(route), evidence: [clean(`${reason}: ${textOf(condition, 'message')}`, options.secrets)],
      cause: accepted ? `the gateway ${gateway} does not accept the route` : `the gateway ${gateway} cannot resolve what the route refers to`, mend: routeMends[reason] ?? 'The evidence is what the gateway says.',
    };
  }));
}

const routeMends: Readonly<Record<string, string>> = {
  NotAllowedByListeners: 'Allow the namespace in allowedRoutes of the listener of the gateway.', NoMatchingListenerHostname: 'Give the route a hostname that a listener of the gateway has.',
  NoMatchingParent: 'Correct sectionName or port in parentRefs.', RefNotPermitted: 'Add a ReferenceGrant in the namespace of the Service.', InvalidKind: 'backendRefs must name Services.',
  BackendNotFound: 'Create the Service, or correct its name in backendRefs.', UnsupportedProtocol: 'Set appProtocol of the port to one that the gateway speaks.', UnsupportedValue: 'Use only what the gateway supports.',
};

function diagnoseJob(job: KubeObject, options: DiagnosisOptions): DiagnosisFinding[] {
  const failed = conditionOf(job, 'Failed');
  if (failed.status !== 'True') return [];
  return [{ code: 'JOB_FAILED', object: formatObject(job), cause: `the job ${job.metadata.name} failed (${failed.reason})`, evidence: [clean(failed.message, options.secrets)], mend: `Its log: kubectl logs job/${job.metadata.name}${job.metadata.namespace === undefined ? '' : ` --namespace ${job.metadata.namespace}`}` }];
}
